"""Compiled loops over the spikes of one unit: bin occupancy, lags of pairs, histograms on given edges.

Contains what numpy cannot do in one pass. Every kernel takes contiguous float64 or int64 arrays that the caller owns,
so each compiles once (7 CPU s for all of this package, cached on disk), and releases the GIL, so units run in
threads. Add a loop here only after numpy was measured. Importing this module imports numba: do so inside functions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def bin_occupancy(t: Floats, start: float, width: float, n_bins: int) -> tuple[int, float]:
    """Count the non-empty bins of sorted times and the summed squared deviation of their counts.

    Parameters
    ----------
    t
        (n,) sorted times, s, none before ``start``.
    start, width
        Start of the first bin and width of a bin, s; a time is in bin ``floor((t - start) / width)``.
    n_bins
        Number of bins that the mean count refers to.

    Returns
    -------
    tuple
        Number of bins with a spike, and the sum over all bins of (count - n / n_bins)^2.
    """
    n = t.size
    mean = n / n_bins
    occupied = 0
    deviation = 0.0
    i = 0
    while i < n:
        k = np.floor((t[i] - start) / width)
        # Below this the quotient is under k + 1 whatever the rounding, so the division (11.5 M of them in a session)
        # is only made near an edge.
        safe = start + (k + 1.0) * width
        safe -= 1e-9 * max(abs(safe), width)
        count = 0
        while i < n and (t[i] < safe or np.floor((t[i] - start) / width) == k):
            count += 1
            i += 1
        occupied += 1
        deviation += (count - mean) ** 2
    return occupied, deviation + (n_bins - occupied) * mean * mean


@njit(cache=True, nogil=True)
def lag_counts(samples: Integers, counts: Integers) -> None:
    """Add every pair of spikes with a lag under ``len(counts)`` samples to its lag's count.

    Parameters
    ----------
    samples
        (n,) sorted sample numbers.
    counts
        (n_lags,) counts, added to in place; the lag of a spike with itself is not a pair, lag 0 of two spikes is.
    """
    n = samples.size
    longest = counts.size
    for i in range(n - 1):
        first = samples[i]
        j = i + 1
        lag = samples[j] - first
        while lag < longest:
            counts[lag] += 1
            j += 1
            if j == n:
                break
            lag = samples[j] - first


@njit(cache=True, nogil=True)
def pairs_between(samples: Integers, shortest: int, longest: int) -> int:
    """Return the number of pairs of spikes with a lag in ``[shortest, longest)`` samples.

    Parameters
    ----------
    samples
        (n,) sorted sample numbers.
    shortest, longest
        Lags, samples, at least 1.
    """
    n = samples.size
    pairs = 0
    near = 0
    far = 0
    for i in range(n):
        near_end = samples[i] + shortest
        far_end = samples[i] + longest
        if far + 4 < n:
            # Four comparisons at once and no branch on their result: `while` alone guesses wrong at about every spike
            # and takes twice as long (0.157 s against 0.071 s for 10.6 M spikes).
            step = 0
            for k in range(4):
                step += samples[near + k] < near_end
            near += step
            step = 0
            for k in range(4):
                step += samples[far + k] < far_end
            far += step
        while near < n and samples[near] < near_end:
            near += 1
        while far < n and samples[far] < far_end:
            far += 1
        pairs += far - near
    return pairs


@njit(cache=True, nogil=True)
def edge_histogram(values: Floats, edges: Floats, counts: Integers) -> None:
    """Add ``values`` to the histogram on equidistant ``edges`` as `numpy.histogram` counts them.

    Parameters
    ----------
    values
        (n,) finite values.
    edges
        (n_bins + 1,) strictly increasing and equidistant up to rounding, as `numpy.linspace` makes them.
    counts
        (n_bins,) counts, added to in place. Bin k holds ``edges[k] <= value < edges[k + 1]``, the last one its upper
        edge too. Values outside are not counted.
    """
    n_bins = counts.size
    low = edges[0]
    high = edges[n_bins]
    scale = n_bins / (high - low)
    for value in values:
        if value < low or value > high:
            continue
        k = min(int((value - low) * scale), n_bins - 1)
        # The product is within rounding of the bin; the edges themselves decide, as in numpy.
        while value < edges[k]:
            k -= 1
        while k < n_bins - 1 and value >= edges[k + 1]:
            k += 1
        counts[k] += 1


@njit(cache=True, nogil=True)
def gather_middle(values: Floats, smallest: float, largest: float, gathered: Floats) -> tuple[int, int]:
    """Copy the values near the median, so that only they need sorting (a third of the time of `numpy.partition`).

    Parameters
    ----------
    values
        (n,) finite values, n at least 1.
    smallest, largest
        Their range.
    gathered
        (n,) receives the values of the histogram bins from the lower to the upper middle value.

    Returns
    -------
    tuple
        Number of values below those gathered, and number gathered.
    """
    n = values.size
    n_bins = 1024
    scale = n_bins / (largest - smallest) if largest > smallest else np.inf
    if not np.isfinite(scale):
        scale = 0.0
    counts = np.zeros(n_bins, np.int64)
    for value in values:
        counts[min(int((value - smallest) * scale), n_bins - 1)] += 1
    first = 0
    n_below = 0
    while n_below + counts[first] <= (n - 1) // 2:
        n_below += counts[first]
        first += 1
    last = first
    n_until = n_below + counts[first]
    while n_until <= n // 2:
        last += 1
        n_until += counts[last]
    m = 0
    for value in values:
        k = min(int((value - smallest) * scale), n_bins - 1)
        gathered[m] = value
        m += first <= k <= last
        if m == n:
            break
    return n_below, m
