"""Arrays per unit that describe when it fires: the autocorrelogram and the histogram of log intervals.

Add a per-unit array of spike times here. Single numbers per unit are metrics and belong to the `families_*` modules.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nh_platform.session import Spikes

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def autocorrelogram(
    spikes: Spikes, bin_s: float = 0.001, window_s: float = 0.1, sampling_rate_hz: float = 30000.0
) -> tuple[Counts, Floats]:
    """Count pairs of spikes of each unit by their lag.

    Times are rounded to samples first, so that a lag of exactly one bin at the sampling rate always falls in the
    second bin; floats would put it on either side of the edge.

    Parameters
    ----------
    spikes
        Spikes grouped by unit; non-finite times are left out, unsorted ones sorted.
    bin_s, window_s
        Bin width and longest lag, s; both are rounded to whole samples and whole bins.
    sampling_rate_hz
        Sampling rate of the probe, Hz.

    Returns
    -------
    tuple
        (n_units, n_bins) int64 counts of pairs with a lag in ``[k·bin, (k + 1)·bin)``, all pairs and not only
        neighbours, positive lags only; and (n_bins + 1,) float64 edges, s.

    Raises
    ------
    ValueError
        If the bin is shorter than a sample or the window shorter than the bin.
    """
    from nh_platform.qc.metrics.kernels import lag_counts

    bin_samples = round(bin_s * sampling_rate_hz)
    n_bins = round(window_s / bin_s)
    if bin_samples < 1 or n_bins < 1:
        raise ValueError(f"bin {bin_s} s and window {window_s} s give no bin at {sampling_rate_hz} Hz; use longer ones")
    counts = np.zeros((spikes.n_units, n_bins), np.int64)
    fine = np.empty(n_bins * bin_samples, np.int64)
    for unit in range(spikes.n_units):
        fine[:] = 0
        lag_counts(np.rint(_sorted_finite(spikes.of_unit(unit)) * sampling_rate_hz).astype(np.int64), fine)
        counts[unit] = fine.reshape(n_bins, bin_samples).sum(axis=1)
    return counts, np.arange(n_bins + 1) * bin_samples / sampling_rate_hz


def log_isi_histogram(
    spikes: Spikes, shortest_s: float = 1e-4, longest_s: float = 100.0, bins_per_decade: int = 10
) -> tuple[Counts, Floats]:
    """Count the inter-spike intervals of each unit in bins of equal width on a logarithmic scale.

    Parameters
    ----------
    spikes
        Spikes grouped by unit; non-finite times are left out, unsorted ones sorted.
    shortest_s, longest_s
        First and last edge, s; intervals outside are not counted.
    bins_per_decade
        Bins per factor of ten.

    Returns
    -------
    tuple
        (n_units, n_bins) int64 counts of intervals in ``[edge_k, edge_(k + 1))``, and (n_bins + 1,) float64 edges, s.

    Raises
    ------
    ValueError
        If the edges are not positive and increasing.
    """
    if not 0 < shortest_s < longest_s or bins_per_decade < 1:
        raise ValueError(f"edges from {shortest_s} to {longest_s} s must be positive and increasing")
    n_bins = max(round(np.log10(longest_s / shortest_s) * bins_per_decade), 1)
    edges = shortest_s * (longest_s / shortest_s) ** (np.arange(n_bins + 1) / n_bins)
    counts = np.zeros((spikes.n_units, n_bins), np.int64)
    for unit in range(spikes.n_units):
        bins = edges.searchsorted(np.diff(_sorted_finite(spikes.of_unit(unit))), side="right")
        counts[unit] = np.bincount(bins, minlength=n_bins + 2)[1 : n_bins + 1]
    return counts, edges


def _sorted_finite(times: npt.NDArray[np.floating]) -> Floats:
    finite = np.asarray(times, np.float64)
    return np.sort(finite[np.isfinite(finite)])
