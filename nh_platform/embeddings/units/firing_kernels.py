"""Compiled loops over the spikes of each unit: intervals, bursts, counts in bins, pairs by lag, sums of counts.

Contains numba kernels and nothing else; the formulas stay in `unit_features` and `autocorrelograms`. Add a loop here
when a feature needs one more pass. Import this module inside a function: numba costs 0.9 s at import.

Sums run in the order of the spikes, so that they are the same on every processor.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from nh_platform.qc.metrics.kernels.order_kernels import select_pair

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
CountArray = npt.NDArray[np.unsignedinteger]

N_STATISTICS = 13
"""Numbers of a train that `train_statistics` fills."""


@njit(cache=True, nogil=True)
def train_statistics(
    times: FloatArray,
    starts: FloatArray,
    edges: FloatArray,
    first_bins: IntArray,
    short_s: FloatArray,
    refractoriness_s: float,
    isi: FloatArray,
    histogram: IntArray,
    found: FloatArray,
) -> None:
    """Fill what the inter-spike intervals of one train say.

    Parameters
    ----------
    times
        (n_spikes,) ascending, seconds.
    starts
        (n_stretches,) begin of each stretch of valid time, ascending; no interval bridges two of them.
    edges
        (n_bins - 1,) inner edges of the histogram of intervals, seconds.
    first_bins
        For every whole ms, the first bin that an interval of it can lie in; the last one is for all that are longer.
    short_s
        (3,) limits of the short intervals: refractory, in a burst of the wide kind, in one of the narrow kind.
    refractoriness_s
        R of LvR.
    isi
        (n_spikes,) work space; receives the intervals.
    histogram
        (n_bins,) zeros; receives the intervals of each bin.
    found
        (`N_STATISTICS`,) receives: intervals; their sum; the sum of their squared differences from the mean; the two
        middle ones; pairs of neighbours; the pairs' sums of contrast, of its square, and of LvR's terms; intervals
        below each of ``short_s``; spikes beside an interval below the last of them.
    """
    n_isi = 0
    total = 0.0
    n_short = np.zeros(3, dtype=np.int64)
    n_pairs = 0
    contrast_sum = 0.0
    square_sum = 0.0
    corrected_sum = 0.0
    n_burst = 0
    stretch = -1
    before = -1.0
    joined = False  # whether the interval before is within the stretch
    bursting = False
    n_stretches = starts.size
    last = first_bins.size - 1
    for i in range(times.size):
        here = times[i]
        is_first = i == 0
        while stretch + 1 < n_stretches and here >= starts[stretch + 1]:
            stretch += 1
            is_first = True
        if is_first:
            joined = False
            bursting = False
            continue
        interval = here - times[i - 1]
        isi[n_isi] = interval
        n_isi += 1
        total += interval
        n_short[0] += interval < short_s[0]
        n_short[1] += interval < short_s[1]
        if interval < short_s[2]:
            n_short[2] += 1
            n_burst += 1 if bursting else 2
            bursting = True
        else:
            bursting = False
        k = first_bins[min(int(1000 * interval), last)]
        while k < edges.size and edges[k] <= interval:
            k += 1
        histogram[k] += 1
        if joined and interval + before > 0:
            inverse = 1 / (interval + before)
            contrast = abs(interval - before) * inverse
            square = contrast * contrast
            n_pairs += 1
            contrast_sum += contrast
            square_sum += square
            # 1 - 4ab / (a + b)² is ((a - b) / (a + b))², which does not cancel for nearly equal intervals.
            corrected_sum += square * (1 + 4 * refractoriness_s * inverse)
        before = interval
        joined = True
    found[0] = n_isi
    found[1] = total
    deviation = 0.0
    if n_isi > 0:
        mean = total / n_isi
        for k in range(n_isi):
            deviation += (isi[k] - mean) ** 2
        found[3], found[4] = middle_two(isi[:n_isi], edges, histogram)
    found[2] = deviation
    found[5] = n_pairs
    found[6] = contrast_sum
    found[7] = square_sum
    found[8] = corrected_sum
    found[9] = n_short[0]
    found[10] = n_short[1]
    found[11] = n_short[2]
    found[12] = n_burst


@njit(cache=True, nogil=True)
def middle_two(values: FloatArray, edges: FloatArray, histogram: IntArray) -> tuple[float, float]:
    """Return the two values in the middle of the order, which are one where their number is odd.

    They are selected from the bins that hold them: ``histogram`` has the values by bin between the inner ``edges``.
    """
    n = values.size
    first, last = (n - 1) // 2, n // 2
    low_bin, high_bin, below, seen = -1, -1, 0, 0
    for k in range(histogram.size):
        if low_bin < 0 and seen + histogram[k] > first:
            low_bin, below = k, seen
        if seen + histogram[k] > last:
            high_bin = k
            break
        seen += histogram[k]
    least = -np.inf if low_bin == 0 else edges[low_bin - 1]
    most = np.inf if high_bin == histogram.size - 1 else edges[high_bin]
    n_kept = 0
    for k in range(low_bin, high_bin + 1):
        n_kept += histogram[k]
    kept = np.empty(n_kept, dtype=np.float64)
    n_kept = 0
    for value in values:
        if least <= value < most:
            kept[n_kept] = value
            n_kept += 1
    return select_pair(kept, 0, n_kept, first - below, last - below)


@njit(cache=True, nogil=True)
def bin_sums(times: FloatArray, starts: FloatArray, n_bins: IntArray, width: float) -> tuple[int, int]:
    """Return the sum and the sum of squares of the counts in the whole bins of each stretch."""
    total = 0
    squares = 0
    first = 0
    for stretch in range(starts.size):
        start = starts[stretch]
        first += np.searchsorted(times[first:], start)
        stop = start + width * n_bins[stretch]
        current = 0
        count = 0
        while first < times.size and times[first] < stop:
            at = times[first]
            k = int((at - start) / width)
            # The quotient may round across an edge.
            if at < start + width * k:
                k -= 1
            elif at >= start + width * (k + 1):
                k += 1
            if k != current:
                total += count
                squares += count * count
                current, count = k, 0
            count += 1
            first += 1
        total += count
        squares += count * count
    return total, squares


@njit(cache=True, nogil=True)
def pairs_by_lag(times: FloatArray, starts: FloatArray, bins_per_s: float, counts: IntArray) -> None:
    """Count the pairs of spikes of one stretch by their lag, in bins of ``1 / bins_per_s`` seconds from 0.

    A lag up to a ns below an edge is taken for one at the edge, as times are decimal fractions.

    Parameters
    ----------
    times, starts
        As of `train_statistics`.
    counts
        (n_bins,) zeros; receives the pairs.
    """
    stretch = -1
    first = 0
    n_bins = counts.size
    longest = n_bins / bins_per_s
    nearly = 1e-9 * bins_per_s
    while first < times.size:
        # Spikes first:end lie in one stretch.
        while stretch + 1 < starts.size and times[first] >= starts[stretch + 1]:
            stretch += 1
        end = times.size
        if stretch + 1 < starts.size:
            end = first + np.searchsorted(times[first:], starts[stretch + 1])
        for i in range(first, end):
            here = times[i]
            for j in range(i + 1, end):
                lag = times[j] - here
                if lag >= longest:
                    break
                k = int(lag * bins_per_s + nearly)
                if k < n_bins:
                    counts[k] += 1
        first = end


@njit(cache=True, nogil=True)
def total_counts(counts: CountArray, total: IntArray) -> None:
    """Add up the counts (n_units, n_bins) of all units in each bin."""
    for unit in range(counts.shape[0]):
        for k in range(counts.shape[1]):
            total[k] += counts[unit, k]


@njit(cache=True, nogil=True)
def count_sums(counts: CountArray, total: IntArray) -> tuple[np.int64, np.int64, np.int64]:
    """Return of the counts of one unit: their sum, that of their squares, and that of their products with ``total``."""
    own = np.int64(0)
    squares = np.int64(0)
    products = np.int64(0)
    for k in range(counts.size):
        count = np.int64(counts[k])
        own += count
        squares += count * count
        products += count * total[k]
    return own, squares, products
