"""SpikeInterface's metrics written out once more with plain numpy and scipy, one unit at a time.

What the compiled code is compared with where SpikeInterface itself is not at hand (`test_spikeinterface_parity` has
it). Nothing is imported from `nh_platform.qc`.
"""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.ndimage import gaussian_filter1d

Floats = npt.NDArray[np.float64]
RATE = 30000


def unit_metrics(t: Floats, a: Floats, d: Floats, tmin: float, tmax: float) -> dict[str, float]:
    """Return every metric of one unit with at least one spike, with usable input."""
    samples = np.rint((t - tmin) * RATE).astype(np.int64)
    total = int(np.rint((tmax - tmin) * RATE)) + 1
    n, seconds = len(t), total / RATE
    lags = _lags(samples, 300)
    close = int(np.sum(lags <= 30))
    root = 1 - close * total / (n**2 * 30)
    short = int(np.sum(np.diff(samples / RATE) < 0.0015))
    minutes, fives = _counts(samples, total, 60), _counts(samples, total, 5)
    cutoff = noise(a)
    cv = variation(samples, a, total)
    moved = drift(samples, d, total)
    found = {
        "num_spikes": n,
        "firing_rate": n / seconds,
        "presence_ratio": np.mean(minutes > 0) if len(minutes) else np.nan,
        "firing_range": np.percentile(fives / 5, 95) - np.percentile(fives / 5, 5) if len(fives) else np.nan,
        "isi_violations_ratio": short / (2 * n * 0.0015) / (n / seconds),
        "isi_violations_count": short,
        "rp_contamination": (1.0 if root < 0 else 1 - np.sqrt(root)) if n > 1 else np.nan,
        "rp_violations": close,
        "sliding_rp_violation": sliding(lags, n, seconds),
        "amplitude_median": np.median(a),
        "amplitude_cutoff": missing(a),
        "noise_cutoff": cutoff[0],
        "noise_ratio": cutoff[1],
        "amplitude_cv_median": np.median(cv) if len(cv) >= 10 else np.nan,
        "amplitude_cv_range": np.percentile(cv, 95) - np.percentile(cv, 5) if len(cv) >= 10 else np.nan,
        "drift_ptp": moved.max() - moved.min() if len(moved) else np.nan,
        "drift_std": moved.std() if len(moved) else np.nan,
        "drift_mad": np.median(np.abs(moved - np.median(moved))) if len(moved) else np.nan,
    }
    return {f"spikeinterface.{name}@0.105": value for name, value in found.items()}


def _lags(samples: npt.NDArray[np.int64], longest: int) -> npt.NDArray[np.int64]:
    lags = [np.array([], np.int64)]
    for shift in range(1, len(samples)):
        lag = samples[shift:] - samples[:-shift]
        if lag.min() > longest:
            break
        lags.append(lag[lag <= longest])
    return np.concatenate(lags)


def _counts(samples: npt.NDArray[np.int64], total: int, seconds: int) -> npt.NDArray[np.int64]:
    n_bins = total // (seconds * RATE)
    return np.histogram(samples, np.arange(n_bins + 1) * seconds * RATE)[0] if n_bins else np.array([], np.int64)


def sliding(lags: npt.NDArray[np.int64], n: int, seconds: float) -> float:
    seen = np.bincount(lags[lags < 37 * 8] // 8, minlength=37)
    seen[0] += np.sum(lags == 0)
    edges = np.arange(1, 38) * 8 / RATE
    for share in np.arange(0.5, 35.5, 0.5) / 100:
        foreign, own = share * n, (1 - share) * n
        expected = 2 * edges / seconds * foreign * (own + (foreign - 1) / 2)
        if np.any((1 - stats.poisson.cdf(np.cumsum(seen), expected))[2:] > 0.9):
            return float(share)
    return np.nan


def missing(a: Floats) -> float:
    if len(a) < 500:
        return np.nan
    try:
        pdf = gaussian_filter1d(np.histogram(a, 100)[0], 3, mode="nearest")
    except ValueError:  # numpy: too many bins for the range of the data
        return np.nan
    missed = pdf[np.flatnonzero(pdf >= pdf[0])[-1] + 1 :].sum()
    return min(0.5, missed / (len(a) + missed))


def noise(a: Floats) -> tuple[float, float]:
    try:
        n, edges = np.histogram(a, 100)
    except ValueError:
        return np.nan, np.nan
    low = n[edges[1:] <= np.quantile(a, 0.1)]
    high = n[edges[:-1] >= np.quantile(a, 0.75)]
    if len(low) == 0:
        return np.nan, np.nan
    usable = len(high) > 1 and high.std() > 0
    return (low.mean() - high.mean()) / high.std() if usable else np.nan, low.mean() / n.max()


def variation(samples: npt.NDArray[np.int64], a: Floats, total: int) -> Floats:
    width = int(50 / (len(a) / (total / RATE)) * RATE)
    edges = np.searchsorted(samples, np.arange(0, total + 1, width)) if width else []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a bin without a spike is NaN
        return np.array([np.std(a[i:j]) / abs(a.mean()) for i, j in pairwise(edges)])


def drift(samples: npt.NDArray[np.int64], d: Floats, total: int) -> Floats:
    """Return how far each minute with enough spikes lies from all of them; nothing where too few minutes have."""
    n_bins = total // (60 * RATE)
    if n_bins < 2:
        return np.array([])
    edges = np.searchsorted(samples, np.arange(n_bins + 1) * 60 * RATE)
    known = [np.median(d[i:j]) for i, j in pairwise(edges) if j - i >= 100]
    return np.array(known) - np.median(d) if n_bins - len(known) <= n_bins / 2 else np.array([])
