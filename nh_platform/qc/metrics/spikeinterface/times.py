"""SpikeInterface's metrics from spike times: counts, presence, range of the rate, refractory violations.

Add a metric of SpikeInterface from times here. Those from amplitudes and depths have modules of their own.
"""

from __future__ import annotations

import numpy as np

from nh_platform.qc.metrics.definitions.lookup import definitions_of
from nh_platform.qc.metrics.metric_group import MetricGroup, Values
from nh_platform.qc.metrics.order_statistics import between, quantile_ranks, values_at
from nh_platform.qc.metrics.spikeinterface.recording_samples import (
    SAMPLING_RATE_HZ,
    n_samples,
    n_whole_bins,
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
_NORMAL_QUANTILE = 1.2815515655446004
"""Of `CONFIDENCE`."""
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
    n_bins = n_whole_bins(block, PRESENCE_BIN)
    marked = marked & (n_bins > 0)
    n_occupied = _filled_bins(block, marked, PRESENCE_BIN, n_bins)
    values[marked, 0] = n_occupied[marked] / n_bins[marked]


def firing_range(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill the range between percentiles of the rate (Hz) over 5 s bins.

    Bins without a spike are not listed: times with an error in the clock have millions of those.
    """
    width = RATE_BIN_S * int(SAMPLING_RATE_HZ)
    n_bins = n_whole_bins(block, width)
    marked = marked & (n_bins > 0)
    n_occupied = _filled_bins(block, marked, width, n_bins)
    n_empty = n_bins - n_occupied
    percentiles = [quantile_ranks(n_bins, percent / 100) for percent in RATE_PERCENTILES]
    ranks = np.stack([places for places, _ in percentiles], axis=1) - n_empty[:, None, None]
    begins = block.offsets[:-1]
    # A filled bin in place of an empty one, which has no place of its own in the order.
    filled = values_at(block.scratch, begins, begins + n_occupied, marked & (n_occupied > 0), np.maximum(ranks, 0))
    rates = np.where(ranks < 0, 0.0, filled / RATE_BIN_S)
    low, high = (between(rates[:, k], share) for k, (_, share) in enumerate(percentiles))
    values[marked, 0] = (high - low)[marked]


def _filled_bins(block: UnitBlock, marked: Flags, width: int, n_bins: Integers) -> Integers:
    """Return (n_units,) bins with a spike; `UnitBlock.scratch` holds how many in each, from a unit's offset on."""
    from nh_platform.qc.metrics.kernels.sample_kernels import occupied_bins

    n_occupied = np.zeros(len(marked), np.int64)
    occupied_bins(
        block.times, block.offsets, marked, block.tmin, SAMPLING_RATE_HZ, width, n_bins, block.scratch, n_occupied
    )
    return n_occupied


def _near_pairs(block: UnitBlock) -> tuple[Integers, Integers]:
    """Return (n_units, 296) pairs of spikes by their lag in samples, and (n_units,) intervals under 1.5 ms."""
    from nh_platform.qc.metrics.kernels.sample_kernels import near_pairs

    lags = np.zeros((len(block.tmin), (len(RP_EDGES_S) - 1) * SLIDING_BIN), np.int64)
    n_short = np.zeros(len(block.tmin), np.int64)
    near_pairs(
        block.times,
        block.offsets,
        block.usable(("times",)),
        block.tmin,
        SAMPLING_RATE_HZ,
        ISI_THRESHOLD_S,
        block.integers,
        lags,
        n_short,
    )
    return lags, n_short


def isi_violations(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill the ratio and the number of intervals under 1.5 ms."""
    _, n_short = block.once(_near_pairs)
    rate_hz = block.counts / (n_samples(block) / SAMPLING_RATE_HZ)
    ratio = n_short / (2 * block.counts * ISI_THRESHOLD_S) / rate_hz
    values[marked, 0], values[marked, 1] = ratio[marked], n_short[marked]


def rp_violations(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill contamination after Llobet et al. and the number of pairs within 1 ms."""
    lags, _ = block.once(_near_pairs)
    pairs = lags[:, : REFRACTORY_SAMPLES + 1].sum(axis=1)
    root = 1 - pairs * n_samples(block) / (block.counts.astype(np.float64) ** 2 * REFRACTORY_SAMPLES)
    contamination = np.where(root < 0, 1.0, 1 - np.sqrt(np.maximum(root, 0)))
    several = marked & (block.counts > 1)
    values[several, 0] = contamination[several]
    values[marked, 1] = pairs[marked]


def sliding_rp(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill the smallest contamination that the sliding refractory test supports."""
    values[:, 0] = smallest_level(sliding_pairs(block, marked), block.counts, n_samples(block), marked)


def smallest_level(pairs: Integers, n_spikes: Integers, samples: Floats, marked: Flags) -> Floats:
    """Return the first level of `CONTAMINATION` that reaches the confidence at any refractory period, NaN where none.

    The confidence grows with the level, so the levels are halved, from one that a formula guesses: three of the 70 are
    tested as a rule, each of which takes 35 Poisson cdfs.

    Parameters
    ----------
    pairs, n_spikes, samples
        As of `sliding_confidence`.
    marked
        (n_units,) units to do.
    """
    below, reached = np.full(len(marked), -1), np.full(len(marked), len(CONTAMINATION))
    guess = _probable_level(pairs, n_spikes, samples)
    steps = 0
    while len(units := np.flatnonzero(marked & (reached - below > 1))):
        level = (below[units] + reached[units]) // 2
        if steps < 2:  # the guess, and the level below it
            level = np.clip(guess[units] - steps, below[units] + 1, reached[units] - 1)
        confidence = sliding_confidence(pairs[units], n_spikes[units], samples[units], CONTAMINATION[level][:, None])
        is_reached = np.any(confidence[:, 0] > CONFIDENCE, axis=1)
        reached[units[is_reached]] = level[is_reached]
        below[units[~is_reached]] = level[~is_reached]
        steps += 1
    found = marked & (reached < len(CONTAMINATION))
    return np.where(found, np.append(CONTAMINATION, np.nan)[reached], np.nan)


def _probable_level(pairs: Integers, n_spikes: Integers, samples: Floats) -> Integers:
    """Return (n_units,) index of the level that the sliding test probably finds.

    By the expected count at which k violations leave a confidence of 90 %, half the quantile of chi-square for
    2 (k + 1), after Wilson, Hilferty 1931, PNAS 17:684.
    """
    k = np.cumsum(pairs, axis=1)[:, _LATE] + 1.0
    enough = k * (1 - 1 / (9 * k) + _NORMAL_QUANTILE / (3 * np.sqrt(k))) ** 3
    # The share s of foreign spikes makes n s (n (1 - s) + (n s - 1) / 2) pairs, about n^2 s (1 - s / 2).
    halved = (enough / TESTED_PERIODS_S).min(axis=1) * samples / SAMPLING_RATE_HZ / n_spikes.astype(np.float64) ** 2
    share = 1 - np.sqrt(np.maximum(1 - halved, 0))
    return np.searchsorted(CONTAMINATION, np.nan_to_num(share))


def sliding_pairs(block: UnitBlock, marked: Flags) -> Integers:
    """Return (n_units, 37) pairs of spikes by lag in the bins of `RP_EDGES_S`; zeros for units that are not marked.

    Each pair of lag 0 counts twice: upstream's correlogram runs over ordered pairs and puts both orders of equal
    samples into the bin that begins at 0.
    """
    lags, _ = block.once(_near_pairs)
    seen = lags.reshape(len(lags), -1, SLIDING_BIN).sum(axis=2)
    seen[:, 0] += lags[:, 0]
    seen[~marked] = 0
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
        Contamination, 0-1: (n_levels,) the same of all units, or (n_units, n_levels).

    Returns
    -------
    ndarray
        (n_units, n_levels, n_periods) 0-1, for the periods `TESTED_PERIODS_S`.
    """
    from scipy.special import pdtr

    violations = np.cumsum(pairs, axis=1)[:, None, _LATE]
    n = n_spikes.astype(np.float64)
    duration_s = (n / (n / (samples / SAMPLING_RATE_HZ)))[:, None, None]
    n_c = n[:, None, None] * levels[..., None]
    n_b = n[:, None, None] * (1 - levels)[..., None]
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
