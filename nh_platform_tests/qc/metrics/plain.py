"""Every metric written out once more with plain numpy and scipy, slowly and one unit at a time.

What the compiled code is compared with. Add the plain form of every new metric here; nothing is imported from
`nh_platform.qc`, so a mistake is not made twice.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.ndimage import gaussian_filter1d

from nh_platform_tests.qc.metrics import plain_spikeinterface

Floats = npt.NDArray[np.float64]


def all_lags(samples: npt.NDArray[np.int64], longest: int) -> npt.NDArray[np.int64]:
    """Return the lags of all pairs up to ``longest`` samples, shifting the train against itself."""
    lags = [np.array([], np.int64)]
    for shift in range(1, len(samples)):
        lag = samples[shift:] - samples[:-shift]
        if lag.min() > longest:
            break
        lags.append(lag[lag <= longest])
    return np.concatenate(lags)


def sliding(t: Floats) -> dict[str, float]:
    """Return the sliding refractory columns from the whole matrix of confidences."""
    lags = all_lags((t * 30000).astype(np.int64), 60000)
    rate = np.sum((lags >= 30000) & (lags < 60000)) / len(t)
    level = np.arange(0.5, 35, 0.5)
    edges = np.arange(0, 0.01, 1 / 30000)
    period = edges + (edges[1] - edges[0]) / 2
    seen = np.cumsum(np.bincount(lags[lags < 300], minlength=300))
    expected = rate * (level[:, None] / 100) * (period + 0.5 / 30000) * 2 * len(t)
    matrix = 100 * (1 - stats.poisson.cdf(seen, expected))
    late = period > 0.0005
    reached = np.flatnonzero((matrix[:, late] >= 90).any(axis=1))
    smallest = level[reached[0]] if len(reached) else np.nan
    below = int(np.sum(lags <= 60))
    return {
        "ibl.slidingRP_viol@2022-10": float(smallest <= 10),
        "ibl.slidingRP_viol_forced@2022-10": float(below == 0 and rate > 0.5 and len(reached) == 0),
        "ibl.max_confidence@2022-10": matrix[level == 10][0, late].max(),
        "ibl.min_contamination@2022-10": smallest,
        "ibl.rp_min_val@2022-10": period[late][matrix[reached[0], late].argmax()] if len(reached) else np.nan,
        "ibl.n_spikes_below2@2022-10": below,
    }


def sliding_2022_03(t: Floats) -> float:
    if t[-1] == t[0]:
        return 0.0
    lags = all_lags((t * 20000).astype(np.int64), 20004)
    seen = np.cumsum(np.bincount(lags // 5, minlength=4001))
    rate = np.sum(lags >= 10000) / len(t) / 0.25 * 1000 / 2000
    for period in (5, 6, 7, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 36, 40):
        expected = 0.1 * rate * (period * 0.00025 + 1e-6) * 2 * rate * (t[-1] - t[0])
        most = stats.poisson.ppf(0.1, expected)
        if most >= 1 and seen[period] <= most:
            return 1.0
    return 0.0


def noise_cutoff(a: Floats) -> float:
    if len(a) < 2 or a.max() <= 0:
        return np.nan
    n = np.histogram(a, np.linspace(0, a.max(), 100))[0]
    p = n.argmax()
    upper = n[int(np.ceil(0.5 * np.sum(n[p:-1] > 0) + p)) :]
    upper = upper[upper > 0]
    return (n[n > 0][1] - upper.mean()) / upper.std() if len(upper) and upper.std() > 0 else np.nan


def noise_cutoff_2022_03(a: Floats) -> float:
    if len(a) < 2 or a.max() <= 0:
        return np.nan
    n = np.histogram(a, np.linspace(0, a.max(), 100))[0]
    steps = np.flatnonzero(n[1:] != n[:-1])
    if len(steps) < 2:
        return np.nan
    p = n.argmax()
    upper = n[steps[steps > np.ceil(0.6 * (steps[-1] - p) + p)]]
    return (n[steps[1]] - upper.mean()) / upper.std() if len(upper) and upper.std() > 0 else np.nan


def missing(a: Floats, bins: int, sigma: float) -> tuple[float, float]:
    """Return the missing share from the smoothed histogram: over its own sum, and as an integral."""
    try:
        height, edges = np.histogram(a, bins, density=True)
    except ValueError:  # numpy: too many bins for the range of the data
        return np.nan, np.nan
    pdf = gaussian_filter1d(height, sigma)
    p = pdf.argmax()
    cut = p + np.abs(pdf[p:] - pdf[0]).argmin()
    return min(0.5, pdf[cut:].sum() / pdf.sum()), min(0.5, pdf[cut:].sum() * np.diff(edges[:-1]).mean())


def violation_ratio(t: Floats, total_s: float, min_isi: float) -> tuple[float, int, int]:
    kept = t[np.concatenate([[True], np.diff(t) > min_isi])]
    v = int(np.sum(np.diff(kept) < 0.0015))
    return v / (2 * len(kept) * (0.0015 - min_isi)) / (len(kept) / total_s), len(kept), v


def irregularity(t: Floats) -> tuple[float, float, float, float]:
    isi = np.diff(t)
    cv = isi.std() / isi.mean() if len(isi) and isi.mean() > 0 else np.nan
    first, second = isi[:-1], isi[1:]
    used = first + second > 0
    first, second = first[used], second[used]
    if len(first) == 0:
        return cv, np.nan, np.nan, np.nan
    cv2 = np.mean(2 * np.abs(second - first) / (first + second))
    lv = 3 * np.mean((first - second) ** 2 / (first + second) ** 2)
    lvr = 3 * np.mean((1 - 4 * first * second / (first + second) ** 2) * (1 + 4 * 0.005 / (first + second)))
    return cv, cv2, lv, lvr


def unit_metrics(t: Floats, a: Floats, d: Floats, tmin: float, tmax: float) -> dict[str, float]:
    """Return every metric of one unit with at least one spike, with usable input and a recording of some length."""
    total = tmax - tmin
    ten = np.bincount(((t - tmin) // 10).astype(int), minlength=len(np.arange(tmin, tmax + 5, 10)))
    hundred = np.histogram(t, np.linspace(tmin, tmax, 100))[0]
    contamination, _, _ = violation_ratio(t, total, 1e-4)
    isi_violations, kept, v = violation_ratio(t, total, 0.0)
    root = 1 - v * total / (kept**2 * 0.0015)
    c = (t[-1] - t[0]) * np.sum(np.diff(t) < 0.0015) / (2 * 0.0015 * len(t) ** 2)
    cv, cv2, lv, lvr = irregularity(t)
    return {
        "ibl.spike_count@2022-10": len(t),
        "ibl.firing_rate@2022-10": len(t) / total,
        "ibl.presence_ratio@2022-10": np.mean(ten > 0),
        "ibl.presence_ratio_std@2022-10": ten.std(),
        "ibl.amp_min@2022-10": a.min(),
        "ibl.amp_max@2022-10": a.max(),
        "ibl.amp_median@2022-10": 10 ** (np.median(20 * np.log10(a)) / 20),
        "ibl.amp_std_dB@2022-10": (20 * np.log10(a)).std(ddof=1) if len(a) > 1 else np.nan,
        "ibl.contamination@2022-10": contamination,
        "ibl.contamination_alt@2022-10": np.abs(np.roots([-1, 1, c])).min(),
        **sliding(t),
        "ibl.noise_cutoff@2022-10": noise_cutoff(a),
        "ibl.noise_cutoff@2022-03": noise_cutoff_2022_03(a),
        "ibl.slidingRP_viol@2022-03": sliding_2022_03(t),
        "ibl.missed_spikes_est@2022-10": missing(a, len(a) // 10, 4)[0] if len(a) > 500 else np.nan,
        "ibl.drift@2022-10": np.abs(np.diff(d)).sum() / total * 3600,
        "allen.firing_rate@2019": len(t) / total,
        "allen.isi_violations@2019": isi_violations,
        "allen.isi_violations_corrected@2023": 1 - np.sqrt(root) if root >= 0 else np.nan,
        "allen.presence_ratio@2019": np.sum(hundred > 0) / 100,
        "allen.amplitude_cutoff@2019": missing(a, 500, 3)[1],
        "nh.cv@1": cv,
        "nh.cv2@1": cv2,
        "nh.lv@1": lv,
        "nh.lvr@1": lvr,
        **plain_spikeinterface.unit_metrics(t, a, d, tmin, tmax),
    }
