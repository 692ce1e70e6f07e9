"""Metrics from spike times: counts, presence, refractory violations, irregularity.

Each function computes the metrics that share their work, for one unit, and `FAMILIES` says which. Add a metric from
times here. Amplitudes and depths have a module of their own; definitions in words stand in `ibl`, `allen`, `nh`.
"""

from __future__ import annotations

import math

import numpy as np

from nh_platform.qc.metrics.family import NAN, Family
from nh_platform.qc.metrics.unit_spikes import UnitSpikes

PRESENCE_WINDOW_S = 10.0
# ibllib 4.1.0 brainbox/metrics/single_units.py METRICS_PARAMS: refractory_period, min_isi; ecephys isi_threshold.
REFRACTORY_PERIOD_S = 0.0015
IBL_MIN_ISI_S = 0.0001
ALLEN_MIN_ISI_S = 0.0
ALLEN_PRESENCE_EDGES = 100
LVR_REFRACTORINESS_S = 0.005
FORCED_RATE_HZ = 0.5
PASS_CONTAMINATION_PERCENT = 10.0


def rates(unit: UnitSpikes) -> tuple[float, ...]:
    """Return the mean rate (Hz) over the probe's recording, IBL's and Allen's, which agree."""
    rate = unit.n / unit.probe.duration_s if unit.probe.duration_s > 0 else NAN
    return rate, rate


def presence(unit: UnitSpikes) -> tuple[float, ...]:
    """Return IBL's presence ratio and the standard deviation of counts over 10 s bins (brainbox bincount2D)."""
    from nh_platform.qc.metrics.kernels import bin_occupancy

    tmin, tmax = unit.probe.tmin, unit.probe.tmax
    if math.isnan(tmin):
        return NAN, NAN
    # Length of np.arange(tmin, tmax + window / 2, window), the bins of bincount2D.
    n_bins = math.ceil((tmax + PRESENCE_WINDOW_S / 2 - tmin) / PRESENCE_WINDOW_S)
    occupied, deviation = bin_occupancy(unit.times, tmin, PRESENCE_WINDOW_S, n_bins)
    return occupied / n_bins, math.sqrt(deviation / n_bins)


def allen_presence(unit: UnitSpikes) -> tuple[float, ...]:
    """Return the Allen presence ratio: non-empty of 99 bins, over 100."""
    if math.isnan(unit.probe.tmin):
        return (NAN,)
    edges = np.linspace(unit.probe.tmin, unit.probe.tmax, ALLEN_PRESENCE_EDGES)
    before = unit.times.searchsorted(edges)
    before[-1] = unit.n
    return (float(np.count_nonzero(np.diff(before))) / ALLEN_PRESENCE_EDGES,)


def violations(unit: UnitSpikes, min_isi_s: float) -> tuple[int, int]:
    """Return how many spikes are left without duplicates, and how many of their intervals are under 1.5 ms.

    A spike is a duplicate when it follows the spike before it, duplicate or not, by ``min_isi_s`` or less.
    """
    intervals = unit.intervals
    if len(intervals) == 0 or intervals.min() > min_isi_s:
        return unit.n, int(np.count_nonzero(intervals < REFRACTORY_PERIOD_S))
    duplicates = np.flatnonzero(intervals <= min_isi_s)
    left = np.diff(np.delete(unit.times, duplicates + 1))
    return unit.n - len(duplicates), int(np.count_nonzero(left < REFRACTORY_PERIOD_S))


def _violation_ratio(unit: UnitSpikes, n: int, n_violations: int, min_isi_s: float) -> float:
    if unit.probe.duration_s == 0:
        return 0.0
    violation_rate = n_violations / (2 * n * (REFRACTORY_PERIOD_S - min_isi_s))
    return violation_rate / (n / unit.probe.duration_s)


def contamination(unit: UnitSpikes) -> tuple[float, ...]:
    """Return IBL's contamination and contamination_alt."""
    ratio = _violation_ratio(unit, *violations(unit, IBL_MIN_ISI_S), IBL_MIN_ISI_S)
    n_violations = int(np.count_nonzero(unit.intervals < REFRACTORY_PERIOD_S))
    span = float(unit.times[-1] - unit.times[0])
    c = span * n_violations / (2 * REFRACTORY_PERIOD_S * unit.n**2)
    # The smaller root without the cancellation of (sqrt(1 + 4c) - 1) / 2 at small c.
    return ratio, 2 * c / (1 + math.sqrt(1 + 4 * c))


def isi_violations(unit: UnitSpikes) -> tuple[float, ...]:
    """Return the Allen isi_violations of 2019 and its corrected form of 2023."""
    n, n_violations = violations(unit, ALLEN_MIN_ISI_S)
    root = 1 - n_violations * unit.probe.duration_s / (n**2 * (REFRACTORY_PERIOD_S - ALLEN_MIN_ISI_S))
    corrected = 1 - math.sqrt(root) if root >= 0 else NAN
    return _violation_ratio(unit, n, n_violations, ALLEN_MIN_ISI_S), corrected


def sliding_refractory(unit: UnitSpikes) -> tuple[float, ...]:
    """Return the six sliding refractory-period columns (slidingRP 1.1.1 as brainbox calls it)."""
    from nh_platform.qc.metrics import sliding_rp as statistic
    from nh_platform.qc.metrics.kernels import lag_counts, pairs_between

    samples = unit.samples(statistic.SAMPLING_RATE_HZ)
    pairs = np.zeros(len(statistic.RP_S), np.int64)
    lag_counts(samples, pairs)
    rate_hz = pairs_between(samples, 30000, 60000) / unit.n
    confidence, level, rp_s = statistic.sliding_rp(
        statistic.pdtr_address(),
        pairs,
        rate_hz,
        unit.n,
        statistic.RP_S,
        statistic.RP_EDGE_S,
        statistic.LEVELS,
        statistic.FIRST_RP,
        statistic.LEVEL_10_PERCENT,
    )
    below_2ms = int(pairs[: statistic.N_BELOW_2MS].sum())
    contaminated = statistic.CONTAMINATION_PERCENT[level] if level >= 0 else NAN
    # `level < 0`, not `not passed`: upstream's `is False` is never true of the np.bool_ that a found level gives.
    forced = below_2ms == 0 and rate_hz > FORCED_RATE_HZ and level < 0
    return contaminated <= PASS_CONTAMINATION_PERCENT, forced, confidence, contaminated, rp_s, below_2ms


def sliding_refractory_2022_03(unit: UnitSpikes) -> tuple[float, ...]:
    """Return the refractory test of before October 2022 (brainbox slidingRP_viol, 0.25 ms bins at 20 kHz)."""
    from scipy.special import pdtr

    from nh_platform.qc.metrics.kernels import lag_counts, pairs_between

    span = float(unit.times[-1] - unit.times[0])
    if span == 0:
        return (0.0,)
    samples = unit.samples(20000.0)
    lags = np.zeros(41 * 5, np.int64)
    lag_counts(samples, lags)
    observed = np.cumsum(lags.reshape(41, 5).sum(axis=1))
    # Upstream sums bins 2000 to 4000 and divides by 2000 bins: lags from 0.5 s to 1.00025 s count as half a second.
    rate_hz = pairs_between(samples, 10000, 20005) / unit.n / 0.25 * 1000 / 2000
    tested = [5, 6, 7, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 36, 40]
    rp_s = (np.arange(0, 10.25, 0.25) / 1000 + 1e-6)[tested]
    acceptable = rate_hz * 0.1 * (rp_s * 2 * rate_hz * span)
    # V <= m for the 10 % quantile m, where m = 0 never passes, in terms of the cdf.
    below = np.where(observed[tested] > 0, pdtr(np.maximum(observed[tested] - 1.0, 0.0), acceptable), 0.0)
    return (float(np.any((pdtr(0.0, acceptable) < 0.1) & (below < 0.1))),)


def irregularity(unit: UnitSpikes) -> tuple[float, ...]:
    """Return CV, CV2, LV and LvR of the inter-spike intervals."""
    intervals = unit.intervals
    mean = float(intervals.mean()) if len(intervals) else 0.0
    cv = float(intervals.std()) / mean if mean > 0 else NAN
    before, after = intervals[:-1], intervals[1:]
    total = np.add(before, after, out=unit.scratch[1, : len(before)])
    if len(total) and total.min() <= 0:
        kept = total > 0
        before, after, total = before[kept], after[kept], total[kept]
    if len(total) == 0:
        return cv, NAN, NAN, NAN
    relative = np.subtract(before, after, out=unit.scratch[2, : len(total)])
    np.abs(relative, out=relative)
    relative /= total
    cv2 = 2 * float(relative.mean())
    squared = np.square(relative, out=relative)
    lv = 3 * float(squared.mean())
    # 1 - 4 I J / (I + J)^2 is ((I - J) / (I + J))^2 without its cancellation.
    factor = np.divide(4 * LVR_REFRACTORINESS_S, total, out=total)
    factor += 1
    factor *= squared
    return cv, cv2, lv, 3 * float(factor.mean())


FAMILIES: tuple[Family, ...] = (
    Family(("ibl.firing_rate@2022-10", "allen.firing_rate@2019"), rates, ("times",), empty=True),
    Family(("ibl.presence_ratio@2022-10", "ibl.presence_ratio_std@2022-10"), presence, ("times",), empty=True),
    Family(("allen.presence_ratio@2019",), allen_presence, ("times",), empty=True),
    Family(("ibl.contamination@2022-10", "ibl.contamination_alt@2022-10"), contamination, ("times",)),
    Family(("allen.isi_violations@2019", "allen.isi_violations_corrected@2023"), isi_violations, ("times",)),
    Family(
        (
            "ibl.slidingRP_viol@2022-10",
            "ibl.slidingRP_viol_forced@2022-10",
            "ibl.max_confidence@2022-10",
            "ibl.min_contamination@2022-10",
            "ibl.rp_min_val@2022-10",
            "ibl.n_spikes_below2@2022-10",
        ),
        sliding_refractory,
        ("times",),
    ),
    Family(("ibl.slidingRP_viol@2022-03",), sliding_refractory_2022_03, ("times",)),
    Family(("nh.cv@1", "nh.cv2@1", "nh.lv@1", "nh.lvr@1"), irregularity, ("times",)),
)
