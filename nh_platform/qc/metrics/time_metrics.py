"""Metrics from spike times and depths: counts, presence, refractory violations, irregularity, drift.

Each function computes the metrics that share their work, for a block of units, and `GROUPS` says which. Add a metric
from times here. Amplitudes have a module of their own; definitions in words stand in `definitions`, loops over
spikes in `kernels.time_kernels`.
"""

from __future__ import annotations

import numpy as np

from nh_platform.qc.metrics.definitions.lookup import definitions_of
from nh_platform.qc.metrics.metric_group import MetricGroup, Values
from nh_platform.qc.metrics.unit_blocks import Flags, Floats, UnitBlock

PRESENCE_WINDOW_S = 10.0
# ibllib 4.1.0 brainbox/metrics/single_units.py METRICS_PARAMS: refractory_period, min_isi; ecephys isi_threshold.
REFRACTORY_PERIOD_S = 0.0015
IBL_MIN_ISI_S = 0.0001
ALLEN_MIN_ISI_S = 0.0
ALLEN_PRESENCE_EDGES = 100
LVR_REFRACTORINESS_S = 0.005
FORCED_RATE_HZ = 0.5
PASS_CONTAMINATION_PERCENT = 10.0
SECONDS_PER_HOUR = 3600


def rates(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill the mean rate (Hz) over the probe's recording, IBL's and Allen's, which agree."""
    rate = np.where(block.duration_s > 0, block.counts / block.duration_s, np.nan)
    values[marked] = rate[marked, None]


def presence(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill IBL's presence ratio and the standard deviation of counts over 10 s bins (brainbox bincount2D)."""
    from nh_platform.qc.metrics.kernels.time_kernels import presence as kernel

    marked = marked & ~np.isnan(block.tmin)
    # Length of np.arange(tmin, tmax + window / 2, window), the bins of bincount2D.
    n_bins = np.ceil((block.tmax + PRESENCE_WINDOW_S / 2 - block.tmin) / PRESENCE_WINDOW_S)
    n_bins = np.where(marked, n_bins, 1).astype(np.int64)
    kernel(block.times, block.offsets, marked, block.tmin, PRESENCE_WINDOW_S, n_bins, values)


def allen_presence(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill the Allen presence ratio: non-empty of 99 bins, over 100."""
    from nh_platform.qc.metrics.kernels.time_kernels import occupied_between_edges

    marked = marked & ~np.isnan(block.tmin)
    occupied_between_edges(block.times, block.offsets, marked, block.tmin, block.tmax, ALLEN_PRESENCE_EDGES, values)
    values /= ALLEN_PRESENCE_EDGES


def _short_intervals(block: UnitBlock, marked: Flags, min_isi_s: float) -> tuple[Floats, Floats, Floats]:
    from nh_platform.qc.metrics.kernels.time_kernels import short_intervals

    counted = np.full((len(marked), 3), np.nan)
    short_intervals(block.times, block.offsets, marked, REFRACTORY_PERIOD_S, min_isi_s, counted)
    n_left, n_violations, n_short = counted.T
    return n_left, n_violations, n_short


def _violation_ratio(block: UnitBlock, n: Floats, n_violations: Floats, min_isi_s: float) -> Floats:
    violation_rate = n_violations / (2 * n * (REFRACTORY_PERIOD_S - min_isi_s))
    return violation_rate / (n / block.duration_s)


def contamination(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill IBL's contamination and contamination_alt."""
    n_left, n_violations, n_short = _short_intervals(block, marked, IBL_MIN_ISI_S)
    values[:, 0] = _violation_ratio(block, n_left, n_violations, IBL_MIN_ISI_S)
    c = _span_s(block, marked) * n_short / (2 * REFRACTORY_PERIOD_S * block.counts**2)
    # The smaller root without the cancellation of (sqrt(1 + 4c) - 1) / 2 at small c.
    values[:, 1] = 2 * c / (1 + np.sqrt(1 + 4 * c))


def isi_violations(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill the Allen isi_violations of 2019 and its corrected form of 2023."""
    n_left, n_violations, _ = _short_intervals(block, marked, ALLEN_MIN_ISI_S)
    values[:, 0] = _violation_ratio(block, n_left, n_violations, ALLEN_MIN_ISI_S)
    root = 1 - n_violations * block.duration_s / (n_left**2 * (REFRACTORY_PERIOD_S - ALLEN_MIN_ISI_S))
    values[:, 1] = 1 - np.sqrt(root)


def sliding_refractory(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill the six sliding refractory-period columns (slidingRP 1.1.1 as brainbox calls it)."""
    from nh_platform.qc.metrics.kernels import sliding_rp as statistic
    from nh_platform.qc.metrics.kernels.time_kernels import lags

    lag_pairs = np.zeros((len(marked), len(statistic.RP_S)), np.int64)
    second_pairs = np.zeros(len(marked), np.int64)
    rate = statistic.SAMPLING_RATE_HZ
    lags(block.times, block.offsets, marked, rate, 30000, 60000, block.integers, lag_pairs, second_pairs)
    rate_hz = second_pairs / block.counts
    found = np.full((len(marked), 3), np.nan)
    statistic.sliding_rp(
        statistic.pdtr_address(),
        lag_pairs,
        rate_hz,
        block.counts,
        marked,
        statistic.RP_S,
        statistic.RP_EDGE_S,
        statistic.LEVELS,
        statistic.FIRST_RP,
        statistic.LEVEL_10_PERCENT,
        found,
    )
    level = found[marked, 1].astype(np.int64)
    below_2ms = lag_pairs[marked, : statistic.N_BELOW_2MS].sum(axis=1)
    contaminated = np.where(level >= 0, statistic.CONTAMINATION_PERCENT[level], np.nan)
    values[marked, 0] = contaminated <= PASS_CONTAMINATION_PERCENT
    # `level < 0`, not `not passed`: upstream's `is False` is never true of the np.bool_ that a found level gives.
    values[marked, 1] = (below_2ms == 0) & (rate_hz[marked] > FORCED_RATE_HZ) & (level < 0)
    values[marked, 2] = found[marked, 0]
    values[marked, 3] = contaminated
    values[marked, 4] = found[marked, 2]
    values[marked, 5] = below_2ms


def sliding_refractory_2022_03(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill the refractory test of before October 2022 (brainbox slidingRP_viol, 0.25 ms bins at 20 kHz)."""
    from scipy.special import pdtr

    from nh_platform.qc.metrics.kernels.time_kernels import lags

    lag_pairs = np.zeros((len(marked), 41 * 5), np.int64)
    half_second_pairs = np.zeros(len(marked), np.int64)
    # Upstream sums bins 2000 to 4000 and divides by 2000 bins: lags from 0.5 s to 1.00025 s count as half a second.
    lags(block.times, block.offsets, marked, 20000.0, 10000, 20005, block.integers, lag_pairs, half_second_pairs)
    rate_hz = half_second_pairs / block.counts / 0.25 * 1000 / 2000
    tested = [5, 6, 7, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 36, 40]
    observed = np.cumsum(lag_pairs.reshape(-1, 41, 5).sum(axis=2), axis=1)[:, tested]
    rp_s = (np.arange(0, 10.25, 0.25) / 1000 + 1e-6)[tested]
    span_s = _span_s(block, marked)
    acceptable = (rate_hz * 0.1)[:, None] * (rp_s * 2 * rate_hz[:, None] * span_s[:, None])
    # V <= m for the 10 % quantile m, where m = 0 never passes, in terms of the cdf.
    below = np.where(observed > 0, pdtr(np.maximum(observed - 1.0, 0.0), acceptable), 0.0)
    passed = np.any((pdtr(0.0, acceptable) < 0.1) & (below < 0.1), axis=1)
    values[marked, 0] = (passed & (span_s > 0))[marked]


def irregularity(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill CV, CV2, LV and LvR of the inter-spike intervals."""
    from nh_platform.qc.metrics.kernels.time_kernels import irregularity as kernel

    kernel(block.times, block.offsets, marked, LVR_REFRACTORINESS_S, values)


def drift(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill IBL's drift, the summed depth difference of successive spikes (µm/h)."""
    from nh_platform.qc.metrics.kernels.time_kernels import path_length

    path_length(block.depths, block.offsets, marked & (block.duration_s > 0), values)
    values[:, 0] = values[:, 0] / block.duration_s * SECONDS_PER_HOUR


def _span_s(block: UnitBlock, marked: Flags) -> Floats:
    """Return (n_units,) time from the unit's own first to its last spike, s; 0 where it is not marked."""
    span_s = np.zeros(len(marked))
    begin, end = block.offsets[:-1][marked], block.offsets[1:][marked]
    span_s[marked] = block.times[end - 1] - block.times[begin]
    return span_s


GROUPS: tuple[MetricGroup, ...] = (
    MetricGroup(definitions_of("ibl.firing_rate@2022-10", "allen.firing_rate@2019"), rates, empty=True),
    MetricGroup(definitions_of("ibl.presence_ratio@2022-10", "ibl.presence_ratio_std@2022-10"), presence, empty=True),
    MetricGroup(definitions_of("allen.presence_ratio@2019"), allen_presence, empty=True),
    MetricGroup(definitions_of("ibl.contamination@2022-10", "ibl.contamination_alt@2022-10"), contamination),
    MetricGroup(definitions_of("allen.isi_violations@2019", "allen.isi_violations_corrected@2023"), isi_violations),
    MetricGroup(
        definitions_of(
            "ibl.slidingRP_viol@2022-10",
            "ibl.slidingRP_viol_forced@2022-10",
            "ibl.max_confidence@2022-10",
            "ibl.min_contamination@2022-10",
            "ibl.rp_min_val@2022-10",
            "ibl.n_spikes_below2@2022-10",
        ),
        sliding_refractory,
    ),
    MetricGroup(definitions_of("ibl.slidingRP_viol@2022-03"), sliding_refractory_2022_03),
    MetricGroup(definitions_of("nh.cv@1", "nh.cv2@1", "nh.lv@1", "nh.lvr@1"), irregularity),
    MetricGroup(definitions_of("ibl.drift@2022-10"), drift),
)
