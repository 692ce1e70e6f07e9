"""The quality metrics that a release states, computed from the simulated spikes in plain numpy and scipy.

Contains the definitions of brainbox (ibllib 4.1.0) with slidingRP 1.1.1, and those of the Allen Institute's
ecephys_spike_sorting. They are a second, slow and readable implementation, against which the platform's own kernels are
compared; so nothing of `nh_platform.qc` is used here. Metrics that need waveforms or principal components are drawn in
`nh_platform.simulation.allen.nwb_units`.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# brainbox.metrics.single_units.METRICS_PARAMS, ibllib 4.1.0
PRESENCE_BIN_S = 10.0
REFRACTORY_S = 0.0015
MIN_ISI_S = 0.0001
NOISE_CUTOFF_BINS = 100
NOISE_CUTOFF_QUANTILE = 0.25
NOISE_CUTOFF_MAX = 5.0
MISSED_SPIKES_MIN = 500
MISSED_SPIKES_PER_BIN = 10
MISSED_SPIKES_SIGMA_BINS = 4
AMP_MEDIAN_MIN_V = 50e-6
CONFIDENCE_MIN_PERCENT = 90.0
# slidingRP 1.1.1 as brainbox calls it
SLIDING_RATE_HZ = 30_000
SLIDING_BINS = 300
SLIDING_FIRST_BIN = 15  # refractory periods of 0.5 ms and less are not considered
SLIDING_BELOW_2MS_BINS = 61
SLIDING_LEVELS_PERCENT = np.arange(0.5, 35.0, 0.5)
SLIDING_LEVEL_PERCENT = 10.0
# ecephys_spike_sorting, quality_metrics
ALLEN_PRESENCE_EDGES = 100
ALLEN_AMPLITUDE_BINS = 500
ALLEN_AMPLITUDE_SIGMA_BINS = 3
ALLEN_DRIFT_INTERVAL_S = 100.0
ALLEN_DRIFT_MIN_SPIKES = 10

IBL_COLUMNS = (
    "cluster_id", "amp_max", "amp_min", "amp_median", "amp_std_dB", "contamination", "contamination_alt", "drift",
    "missed_spikes_est", "noise_cutoff", "presence_ratio", "presence_ratio_std", "slidingRP_viol", "spike_count",
    "slidingRP_viol_forced", "max_confidence", "min_contamination", "n_spikes_below2", "firing_rate", "label",
    "bitwise_fail",
)  # fmt: skip
"""Columns of ``clusters.metrics.pqt`` of a current sort, in their order."""


def ibl_metrics(times: Floats, offsets: Ints, amplitudes: Floats, depths: Floats) -> pd.DataFrame:
    """Compute ``clusters.metrics`` of one probe as brainbox does.

    Parameters
    ----------
    times
        (n_spikes,) float64, seconds, grouped by cluster and sorted within each.
    offsets
        (n_clusters + 1,) int64; spikes of cluster ``i`` are ``offsets[i]:offsets[i + 1]``.
    amplitudes, depths
        (n_spikes,) float64, volts and µm.

    Returns
    -------
    pandas.DataFrame
        `IBL_COLUMNS`; float64 but for ``cluster_id`` (int64) and ``bitwise_fail`` (uint8). A cluster without spikes is
        NaN, with ``spike_count`` and ``label`` 0.
    """
    n_clusters = len(offsets) - 1
    first, last = float(times.min()), float(times.max())
    duration_s = last - first
    counts = presence_counts(times, offsets, first, last)
    rows = []
    for cluster in range(n_clusters):
        spikes = slice(offsets[cluster], offsets[cluster + 1])
        t, a = times[spikes], amplitudes[spikes]
        row: dict[str, float] = dict.fromkeys(IBL_COLUMNS, np.nan)
        row |= {"cluster_id": cluster, "spike_count": len(t), "label": 0.0, "bitwise_fail": 7}
        if len(t):
            row |= sliding_refractory(t)
            row |= _amplitude_metrics(a)
            row["contamination"] = contamination(t, duration_s, MIN_ISI_S)
            row["contamination_alt"] = contamination_alt(t)
            row["drift"] = float(np.abs(np.diff(depths[spikes])).sum() / duration_s * 3600)
            row["presence_ratio"] = float((counts[cluster] > 0).mean())
            row["presence_ratio_std"] = float(counts[cluster].std())
            row["firing_rate"] = len(t) / duration_s
            passed = (
                row["max_confidence"] >= CONFIDENCE_MIN_PERCENT,
                row["noise_cutoff"] < NOISE_CUTOFF_MAX,
                row["amp_median"] > AMP_MEDIAN_MIN_V,
            )
            row["label"] = sum(passed) / 3
            row["bitwise_fail"] = sum(bit * (not ok) for bit, ok in zip((1, 2, 4), passed))
        rows.append(row)
    table = pd.DataFrame(rows, columns=list(IBL_COLUMNS)).astype(np.float64)
    return table.astype({"cluster_id": np.int64, "bitwise_fail": np.uint8})


def presence_counts(times: Floats, offsets: Ints, first: float, last: float) -> Ints:
    """Return (n_clusters, n_bins) spike counts in bins of 10 s from the session's first spike on.

    The edges are ``np.arange(first, last + 5, 10)``: the last bin may be partial (iblutil ``bincount2D``).
    """
    n_bins = len(np.arange(first, last + PRESENCE_BIN_S / 2, PRESENCE_BIN_S))
    index = np.floor((times - first) / PRESENCE_BIN_S).astype(np.int64)
    n_clusters = len(offsets) - 1
    cluster = np.repeat(np.arange(n_clusters), np.diff(offsets))
    # A spike in the half bin that `arange` cuts off counts nowhere.
    inside = index < n_bins
    flat = np.bincount(cluster[inside] * n_bins + index[inside], minlength=n_clusters * n_bins)
    return flat.reshape(n_clusters, n_bins)


def _amplitude_metrics(amplitudes: Floats) -> dict[str, float]:
    decibel = 20 * np.log10(amplitudes)
    return {
        "amp_max": float(amplitudes.max()),
        "amp_min": float(amplitudes.min()),
        "amp_median": float(10 ** (np.median(decibel) / 20)),
        "amp_std_dB": float(decibel.std(ddof=1)) if len(decibel) > 1 else np.nan,
        "noise_cutoff": noise_cutoff(amplitudes),
        "missed_spikes_est": missed_spikes(amplitudes),
    }


def noise_cutoff(amplitudes: Floats) -> float:
    """Return by how many standard deviations the low end of the amplitude histogram exceeds its high end."""
    if len(amplitudes) < 2:
        return np.nan
    counts, _ = np.histogram(amplitudes, np.linspace(0, amplitudes.max(), NOISE_CUTOFF_BINS))
    peak = int(counts.argmax())
    length = int((counts[peak:-1] > 0).sum())
    start = int(np.ceil(2 * NOISE_CUTOFF_QUANTILE * length + peak))
    high = counts[start:][counts[start:] > 0]
    filled = counts[counts > 0]
    if len(high) == 0 or len(filled) < 2 or high.std() == 0:
        return np.nan
    return float((filled[1] - high.mean()) / high.std())


def missed_spikes(amplitudes: Floats) -> float:
    """Return the share of spikes that a symmetric amplitude distribution would have below the lowest amplitude."""
    if len(amplitudes) <= MISSED_SPIKES_MIN:
        return np.nan
    density, _ = np.histogram(amplitudes, len(amplitudes) // MISSED_SPIKES_PER_BIN, density=True)
    pdf, cut = _mirrored_cut(density, MISSED_SPIKES_SIGMA_BINS)
    return min(float(pdf[cut:].sum() / pdf.sum()), 0.5)


def _mirrored_cut(density: Floats, sigma_bins: float) -> tuple[Floats, int]:
    from scipy.ndimage import gaussian_filter1d

    pdf = gaussian_filter1d(density, sigma_bins)
    peak = int(pdf.argmax())
    return pdf, peak + int(np.abs(pdf[peak:] - pdf[0]).argmin())


def contamination(times: Floats, duration_s: float, min_isi_s: float) -> float:
    """Return the rate of refractory violations relative to the firing rate; may exceed 1 (Hill et al. 2011, linear).

    Spikes that follow the preceding one by ``min_isi_s`` or less are dropped once, as duplicates. brainbox uses
    0.1 ms, ecephys_spike_sorting 0 (exact duplicates).
    """
    kept = times[np.concatenate([[True], np.diff(times) > min_isi_s])]
    violations = int((np.diff(kept) < REFRACTORY_S).sum())
    return violations / (2 * len(kept) * (REFRACTORY_S - min_isi_s)) / (len(kept) / duration_s)


def contamination_alt(times: Floats) -> float:
    """Return brainbox's other estimate: ``(sqrt(1 + 4c) - 1) / 2``, ``c = T v / (2 rp N²)`` over the unit's span T."""
    violations = int((np.diff(times) < REFRACTORY_S).sum())
    c = (times[-1] - times[0]) * violations / (2 * REFRACTORY_S * len(times) ** 2)
    return float((np.sqrt(1 + 4 * c) - 1) / 2)


def sliding_refractory(times: Floats) -> dict[str, float]:
    """Return the five sliding refractory period columns of one cluster (slidingRP 1.1.1).

    All pairs of spikes count, in bins of one sample; the seconds are truncated to samples, as brainbox does. The
    expected number of pairs at a contamination uses the rate of pairs 1-2 s apart.
    """
    from scipy.special import gammaincinv, pdtr

    samples = np.trunc(times * SLIDING_RATE_HZ).astype(np.int64)
    n_spikes = len(samples)
    pairs = _pairs_by_lag(samples, SLIDING_BINS)
    second = np.searchsorted(samples, samples + 2 * SLIDING_RATE_HZ)
    rate_hz = (second - np.searchsorted(samples, samples + SLIDING_RATE_HZ)).sum() / n_spikes
    observed = np.cumsum(pairs)[SLIDING_FIRST_BIN:]
    period_s = (np.arange(SLIDING_BINS) + 1.0)[SLIDING_FIRST_BIN:] / SLIDING_RATE_HZ
    expected_per_percent = rate_hz / 100 * period_s * 2 * n_spikes
    confidence = 100 * (1 - pdtr(observed, expected_per_percent * SLIDING_LEVEL_PERCENT)) if rate_hz else np.zeros(1)
    # confidence(level) >= 90 % where the expected count reaches the 90 % quantile of a gamma of shape observed + 1.
    needed = gammaincinv(observed + 1.0, CONFIDENCE_MIN_PERCENT / 100)
    lowest = (needed / expected_per_percent).min() if rate_hz else np.inf
    levels = SLIDING_LEVELS_PERCENT[lowest <= SLIDING_LEVELS_PERCENT]
    min_contamination = float(levels[0]) if len(levels) else np.nan
    below = int(pairs[:SLIDING_BELOW_2MS_BINS].sum())
    passed = min_contamination <= SLIDING_LEVEL_PERCENT
    # slidingRP 1.1.1 applies the force only where no level reaches the confidence (`np.False_ is False` is False);
    # a unit that passes by itself is not forced.
    forced = np.isnan(min_contamination) and below == 0 and rate_hz > 0.5
    return {
        "slidingRP_viol": float(passed),
        "slidingRP_viol_forced": float(forced),
        "max_confidence": float(np.max(confidence)),
        "min_contamination": min_contamination,
        "n_spikes_below2": float(below),
    }


def _pairs_by_lag(samples: Ints, n_lags: int) -> Ints:
    """Return (n_lags,) counts of spike pairs by distance in samples."""
    counts = np.zeros(n_lags, dtype=np.int64)
    for shift in range(1, len(samples)):
        lags = samples[shift:] - samples[:-shift]
        near = lags[lags < n_lags]
        if len(near) == 0:
            break
        counts += np.bincount(near, minlength=n_lags)
    return counts


def allen_metrics(times: Floats, offsets: Ints, amplitudes: Floats, depths: Floats) -> pd.DataFrame:
    """Compute the metrics of ecephys_spike_sorting that need spike times, amplitudes and depths only.

    Parameters
    ----------
    times, offsets, amplitudes, depths
        As in `ibl_metrics`, for one probe; ``first`` and ``last`` are its first and last spike.

    Returns
    -------
    pandas.DataFrame
        ``firing_rate`` (Hz), ``isi_violations``, ``presence_ratio`` (0.99 at best), ``amplitude_cutoff``,
        ``max_drift`` and ``cumulative_drift`` (µm), float64; NaN for a unit without spikes.
    """
    first, last = float(times.min()), float(times.max())
    rows = []
    for unit in range(len(offsets) - 1):
        spikes = slice(offsets[unit], offsets[unit + 1])
        t, a, d = times[spikes], amplitudes[spikes], depths[spikes]
        if len(t) == 0:
            rows.append([np.nan] * 6)
            continue
        occupied, _ = np.histogram(t, np.linspace(first, last, ALLEN_PRESENCE_EDGES))
        presence = (occupied > 0).sum() / ALLEN_PRESENCE_EDGES
        rows.append(
            [
                len(t) / (last - first),
                contamination(t, last - first, 0.0),
                presence,
                allen_amplitude_cutoff(a),
                *_allen_drift(t, d, first, last),
            ]
        )
    columns = ["firing_rate", "isi_violations", "presence_ratio", "amplitude_cutoff", "max_drift", "cumulative_drift"]
    return pd.DataFrame(rows, columns=columns, dtype=np.float64)


def allen_amplitude_cutoff(amplitudes: Floats) -> float:
    """Return the share of spikes missing below the threshold, by mirroring the amplitude histogram; at most 0.5."""
    density, edges = np.histogram(amplitudes, ALLEN_AMPLITUDE_BINS, density=True)
    pdf, cut = _mirrored_cut(density, ALLEN_AMPLITUDE_SIGMA_BINS)
    return min(float(pdf[cut:].sum() * np.diff(edges[:-1]).mean()), 0.5)


def _allen_drift(times: Floats, depths: Floats, first: float, last: float) -> tuple[float, float]:
    """Median depth per 100 s: its range and its summed steps, rounded to 0.01 µm; 0 where too few spikes."""
    edges = np.arange(first, last + ALLEN_DRIFT_INTERVAL_S, ALLEN_DRIFT_INTERVAL_S)
    bounds = np.searchsorted(times, edges)
    medians = [
        np.median(depths[start:stop]) for start, stop in pairwise(bounds) if stop - start >= ALLEN_DRIFT_MIN_SPIKES
    ]
    if len(medians) < 2:
        return 0.0, 0.0
    return round(float(np.ptp(medians)), 2), round(float(np.abs(np.diff(medians)).sum()), 2)
