"""SpikeInterface's metrics from spike times: counts, presence, range of the rate, refractory violations.

Add a metric of SpikeInterface from times here. Those from amplitudes and depths have modules of their own.
"""

from __future__ import annotations

import numpy as np

from nh_platform.qc.metrics.definitions.lookup import definitions_of
from nh_platform.qc.metrics.metric_group import MetricGroup, Values
from nh_platform.qc.metrics.spikeinterface.recording_samples import (
    SAMPLING_RATE_HZ,
    n_samples,
    n_whole_bins,
    sample_numbers,
)
from nh_platform.qc.metrics.unit_blocks import Flags, Floats, Integers, UnitBlock

# spikeinterface/metrics/quality/misc_metrics.py 0.105.3, metric_params of the registered metrics.
PRESENCE_BIN = 60 * 30000
RATE_BIN_S = 5
RATE_PERCENTILES = (5.0, 95.0)
ISI_THRESHOLD_S = 1.5 / 1000
REFRACTORY_SAMPLES = 30
SLIDING_BIN = 8
"""Samples: upstream rounds 0.25 ms at 30 kHz, 7.5 samples, to the even number."""
SHORTEST_RP_S = 0.5 / 1000
CONFIDENCE = 0.9
CONTAMINATION: Floats = np.arange(0.5, 35.5, 0.5) / 100
"""(70,) contamination levels tested."""
# The edges in the order of operations of upstream's _make_bins and slidingRP_violations: the last bits of the expected
# count decide the last bits of the confidence. int(10 ms / bin) of them, 37, are whole.
RP_EDGES_S: Floats = np.arange(0, 38 * SLIDING_BIN, SLIDING_BIN) * 1e3 / SAMPLING_RATE_HZ / 1000
"""(38,) edges of the lag bins, s."""
_LATE = (RP_EDGES_S[:-1] + RP_EDGES_S[1:]) / 2 > SHORTEST_RP_S
TESTED_PERIODS_S: Floats = RP_EDGES_S[1:][_LATE]
"""(35,) refractory periods of the sliding test, s: those above 0.5 ms."""


def counts(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill the number of spikes."""
    values[:, 0] = block.counts


def rates(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill the mean rate (Hz) over the recording."""
    values[marked, 0] = (block.counts / (n_samples(block) / SAMPLING_RATE_HZ))[marked]


def presence(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill the share of 60 s bins with a spike."""
    from nh_platform.qc.metrics.kernels.sample_kernels import occupied_bins

    n_bins = n_whole_bins(block, PRESENCE_BIN)
    marked = marked & (n_bins > 0)
    n_occupied = np.zeros(len(marked), np.int64)
    samples = sample_numbers(block, marked)
    occupied_bins(samples, block.offsets, marked, PRESENCE_BIN, n_bins, block.scratch, n_occupied)
    values[marked, 0] = n_occupied[marked] / n_bins[marked]


def firing_range(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill the range between percentiles of the rate (Hz) over 5 s bins."""
    from nh_platform.qc.metrics.kernels.sample_kernels import occupied_bins

    width = RATE_BIN_S * int(SAMPLING_RATE_HZ)
    n_bins = n_whole_bins(block, width)
    marked = marked & (n_bins > 0)
    n_occupied = np.zeros(len(marked), np.int64)
    samples = sample_numbers(block, marked)
    occupied_bins(samples, block.offsets, marked, width, n_bins, block.scratch, n_occupied)
    for unit in np.flatnonzero(marked):
        begin = block.offsets[unit]
        filled = block.scratch[begin : begin + n_occupied[unit]]
        low, high = (_percentile_with_zeros(filled, int(n_bins[unit]), percent) for percent in RATE_PERCENTILES)
        values[unit, 0] = high - low


def _percentile_with_zeros(filled: Floats, n_bins: int, percent: float) -> float:
    """Return a percentile of the rates (Hz) of ``n_bins`` bins, of which all but those of ``filled`` have no spike.

    As `numpy.percentile` interpolates, without the bins that hold nothing: times with an error in the clock have
    millions of those.
    """
    ordered = np.sort(filled) / RATE_BIN_S
    n_empty = n_bins - len(ordered)
    place = percent / 100 * (n_bins - 1)
    below = int(np.floor(place))
    first, second = (
        0.0 if rank < n_empty else float(ordered[rank - n_empty]) for rank in (below, min(below + 1, n_bins - 1))
    )
    share = place - below
    return second - (second - first) * (1 - share) if share >= 0.5 else first + (second - first) * share


def isi_violations(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill the ratio and the number of intervals under 1.5 ms."""
    from nh_platform.qc.metrics.kernels.sample_kernels import short_intervals

    n_short = np.zeros(len(marked), np.int64)
    samples = sample_numbers(block, marked)
    short_intervals(samples, block.offsets, marked, SAMPLING_RATE_HZ, ISI_THRESHOLD_S, n_short)
    rate_hz = block.counts / (n_samples(block) / SAMPLING_RATE_HZ)
    ratio = n_short / (2 * block.counts * ISI_THRESHOLD_S) / rate_hz
    values[marked, 0], values[marked, 1] = ratio[marked], n_short[marked]


def rp_violations(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill contamination after Llobet et al. and the number of pairs within 1 ms."""
    from nh_platform.qc.metrics.kernels.sample_kernels import pairs_within

    pairs = np.zeros(len(marked), np.int64)
    pairs_within(sample_numbers(block, marked), block.offsets, marked, REFRACTORY_SAMPLES, pairs)
    root = 1 - pairs * n_samples(block) / (block.counts.astype(np.float64) ** 2 * REFRACTORY_SAMPLES)
    contamination = np.where(root < 0, 1.0, 1 - np.sqrt(np.maximum(root, 0)))
    several = marked & (block.counts > 1)
    values[several, 0] = contamination[several]
    values[marked, 1] = pairs[marked]


def sliding_rp(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill the smallest contamination that the sliding refractory test supports."""
    confidence = sliding_confidence(sliding_pairs(block, marked), block.counts, n_samples(block), CONTAMINATION)
    reached = np.any(confidence > CONFIDENCE, axis=2)
    found = marked & reached.any(axis=1)
    values[found, 0] = CONTAMINATION[reached.argmax(axis=1)][found]


def sliding_pairs(block: UnitBlock, marked: Flags) -> Integers:
    """Return (n_units, 37) pairs of spikes by lag in the bins of `RP_EDGES_S`; zeros for units that are not marked."""
    from nh_platform.qc.metrics.kernels.sample_kernels import lag_bins

    seen = np.zeros((len(marked), len(RP_EDGES_S) - 1), np.int64)
    lag_bins(sample_numbers(block, marked), block.offsets, marked, SLIDING_BIN, seen)
    return seen


def sliding_confidence(pairs: Integers, n_spikes: Integers, samples: Floats, levels: Floats) -> Floats:
    """Return the confidence that a unit is contaminated by less than each level, for every tested refractory period.

    Parameters
    ----------
    pairs
        (n_units, 37) as of `sliding_pairs`.
    n_spikes, samples
        (n_units,) spikes, and samples of the recording.
    levels
        (n_levels,) contamination, 0-1.

    Returns
    -------
    ndarray
        (n_units, n_levels, n_periods) 0-1, for the periods `TESTED_PERIODS_S`.
    """
    from scipy.special import pdtr

    violations = np.cumsum(pairs, axis=1)[:, None, _LATE]
    n = n_spikes.astype(np.float64)
    duration_s = (n / (n / (samples / SAMPLING_RATE_HZ)))[:, None, None]
    n_c = n[:, None, None] * levels[:, None]
    n_b = n[:, None, None] * (1 - levels)[:, None]
    expected = 2 * TESTED_PERIODS_S / duration_s * n_c * (n_b + (n_c - 1) / 2)
    return np.asarray(1 - pdtr(violations.astype(np.float64), expected), dtype=np.float64)


def _group(compute, *names: str, empty: bool = False) -> MetricGroup:  # type: ignore[no-untyped-def]
    return MetricGroup(definitions_of(*(f"spikeinterface.{name}@0.105" for name in names)), compute, empty=empty)


GROUPS: tuple[MetricGroup, ...] = (
    _group(counts, "num_spikes", empty=True),
    _group(rates, "firing_rate"),
    _group(presence, "presence_ratio"),
    _group(firing_range, "firing_range"),
    _group(isi_violations, "isi_violations_ratio", "isi_violations_count"),
    _group(rp_violations, "rp_contamination", "rp_violations"),
    _group(sliding_rp, "sliding_rp_violation"),
)
