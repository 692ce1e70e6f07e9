"""Compiled loops over a block's units for metrics from amplitudes: spread, histograms, cut-offs.

Each kernel fills one row of its output per marked unit. Loops over the spikes of one unit that others share stand in
`pair_kernels`. Importing this module imports numba: do so inside functions.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from nh_platform.qc.metrics.kernels.pair_kernels import edge_histogram
from nh_platform.qc.metrics.unit_blocks import Flags, Floats, Integers


@njit(cache=True, nogil=True)
def logarithms(x: Floats, logs: Floats) -> None:
    """Fill ``logs`` with the logarithms to base 10 of ``x``, by the C library's function.

    Not `numpy.log10`: it takes another kernel where the processor has AVX-512, and its last bit differs.
    """
    for i in range(x.size):
        logs[i] = math.log10(x[i]) if x[i] > 0 else (-np.inf if x[i] == 0 else np.nan)


@njit(cache=True, nogil=True)
def spread(x: Floats, offsets: Integers, marked: Flags, values: Floats) -> None:
    """Fill (n_units, 1): sample standard deviation (ddof 1); NaN stays for one value."""
    for unit in range(marked.size):
        part = x[offsets[unit] : offsets[unit + 1]]
        n = part.size
        if not marked[unit] or n < 2:
            continue
        # Relative to the first value, so that equal values have exactly no spread.
        first = part[0]
        shift = 0.0
        for i in range(n):
            shift += part[i] - first
        mean = first + shift / n
        # Four sums, because one would wait for each addition in turn.
        a = b = c = d = 0.0
        for i in range(0, n - 3, 4):
            a += (part[i] - mean) ** 2
            b += (part[i + 1] - mean) ** 2
            c += (part[i + 2] - mean) ** 2
            d += (part[i + 3] - mean) ** 2
        for i in range(n - n % 4, n):
            a += (part[i] - mean) ** 2
        values[unit, 0] = np.sqrt((a + b + c + d) / (n - 1))


@njit(cache=True, nogil=True)
def histograms_from_zero(
    amplitudes: Floats, offsets: Integers, marked: Flags, largest: Floats, n_edges: int, counts: Integers
) -> None:
    """Fill (n_units, n_edges - 1): counts on `numpy.linspace(0, largest, n_edges)`; zeros where no bins can be made."""
    for unit in range(marked.size):
        step = largest[unit] / (n_edges - 1)
        if not marked[unit] or not step > 1e-300:
            continue
        edges = np.arange(n_edges) * step
        edges[-1] = largest[unit]
        edge_histogram(amplitudes[offsets[unit] : offsets[unit + 1]], edges, counts[unit])


@njit(cache=True, nogil=True)
def even_edges(low: float, high: float, edges: Floats) -> bool:
    """Fill (n_bins + 1,) edges from ``low`` to ``high`` as numpy.histogram makes them; return whether all differ."""
    n = edges.size - 1
    if low == high:
        low, high = low - 0.5, high + 0.5  # as numpy.histogram widens an empty range
    # Loops rather than array expressions: those took 3.6 s to compile.
    step = (high - low) / n
    for k in range(n):
        edges[k] = k * step + low  # the arithmetic of numpy.linspace
    edges[n] = high
    distinct = True
    for k in range(n):
        distinct = distinct and edges[k] < edges[k + 1]
    return distinct


@njit(cache=True, nogil=True)
def smooth(density: Floats, weights: Floats, smoothed: Floats) -> None:
    """Correlate with symmetric ``weights``, reflecting at both ends, in the order of additions of scipy.ndimage.

    The order matters: 3 of 700 units have ties in the comparison that follows, and another order breaks them
    differently. A test holds this equal to `scipy.ndimage.correlate1d`, bit by bit.
    """
    n = density.size
    radius = weights.size // 2
    for i in range(n):
        total = density[i] * weights[radius]
        for k in range(radius, 0, -1):
            left = i - k
            right = i + k
            if left < 0:
                left = -left - 1
            if right >= n:
                right = 2 * n - 1 - right
            total += (density[left] + density[right]) * weights[radius - k]
        smoothed[i] = total


@njit(cache=True, nogil=True)
def smoothed_histogram(
    amplitudes: Floats, low: float, high: float, n_bins: int, weights: Floats
) -> tuple[Floats, Integers, Floats, int]:
    """Return the histogram of a unit's amplitudes, its smoothed density, and the bin where that ends as it begins.

    Parameters
    ----------
    amplitudes
        (n,) of one unit, V.
    low, high, n_bins
        Range and number of the bins; an empty range is widened by 0.5 to each side, as numpy.histogram does.
    weights
        (2 radius + 1,) weights of the smoothing, its radius at most ``n_bins``.

    Returns
    -------
    tuple
        Edges (n_bins + 1,), counts (n_bins,), density (n_bins,) in 1/V, and the first bin from the peak on in which the
        density is nearest to that of the lowest bin; -1, and empty arrays, where the amplitudes are too close together
        for the bins (numpy refuses the histogram then).
    """
    edges = np.empty(n_bins + 1)
    if not even_edges(low, high, edges):
        return np.empty(0), np.empty(0, np.int64), np.empty(0), -1
    counts = np.zeros(n_bins, np.int64)
    edge_histogram(amplitudes, edges, counts)
    density = np.empty(n_bins)
    for k in range(n_bins):
        density[k] = counts[k] / (edges[k + 1] - edges[k]) / amplitudes.size
    smoothed = np.empty(n_bins)
    smooth(density, weights, smoothed)
    peak = 0
    for k in range(n_bins):
        if smoothed[k] > smoothed[peak]:
            peak = k
    cut = peak
    for k in range(peak, n_bins):
        if abs(smoothed[k] - smoothed[0]) < abs(smoothed[cut] - smoothed[0]):
            cut = k
    return edges, counts, smoothed, cut


@njit(cache=True, nogil=True)
def missing_shares(
    amplitudes: Floats,
    offsets: Integers,
    marked: Flags,
    smallest: Floats,
    largest: Floats,
    n_bins: Integers,
    weights: Floats,
    values: Floats,
) -> None:
    """Fill (n_units, 2): area above the bin as high as the first one, over the whole area, and as an integral.

    Parameters
    ----------
    amplitudes, offsets, marked, smallest, largest
        The block, and the units to do.
    n_bins
        (n_units,) bins of the histogram from the smallest to the largest amplitude.
    weights
        As of `smoothed_histogram`.
    values
        Output; NaN stays where there is no histogram.
    """
    for unit in range(marked.size):
        if not marked[unit]:
            continue
        n = n_bins[unit]
        part = amplitudes[offsets[unit] : offsets[unit + 1]]
        edges, _, smoothed, cut = smoothed_histogram(part, smallest[unit], largest[unit], n, weights)
        if cut < 0:
            continue
        total = 0.0
        above = 0.0
        for k in range(n):
            total += smoothed[k]
            if k >= cut:
                above += smoothed[k]
        values[unit, 0] = above / total
        values[unit, 1] = above * ((edges[n - 1] - edges[0]) / (n - 1))


@njit(cache=True, nogil=True)
def smoothed_histograms(
    amplitudes: Floats,
    offsets: Integers,
    marked: Flags,
    smallest: Floats,
    largest: Floats,
    weights: Floats,
    counts: Integers,
    smoothed: Floats,
    cuts: Integers,
) -> None:
    """Fill what `smoothed_histogram` returns of each marked unit, in as many bins as ``counts`` has.

    Parameters
    ----------
    amplitudes, offsets, marked, smallest, largest, weights
        As of `missing_shares`.
    counts, smoothed, cuts
        (n_units, n_bins), (n_units, n_bins) and (n_units,) output; a unit without a histogram is left as it is.
    """
    for unit in range(marked.size):
        if not marked[unit]:
            continue
        part = amplitudes[offsets[unit] : offsets[unit + 1]]
        _, own_counts, own, cut = smoothed_histogram(part, smallest[unit], largest[unit], counts.shape[1], weights)
        if cut >= 0:
            for k in range(own.size):  # a slice takes 1.5 s to compile
                counts[unit, k] = own_counts[k]
                smoothed[unit, k] = own[k]
            cuts[unit] = cut
