"""Compiled loops that count spikes in bins, on spikes grouped by unit.

Contains numba kernels and nothing else; `binning` and `nh_platform.windows.psth` check the arguments and call them.
Add a loop here only when numpy cannot do it in one pass over the spikes. Import this module inside a function: numba
costs 0.9 s at import, and definitions must load in less than 2 s.

Every kernel takes ``times`` (n_spikes,) float64, ascending within each unit, and ``offsets`` (n_units + 1,) int64.
Bins are half-open between float64 edges that the caller computed from integers. The bin of a spike is guessed by a
multiplication and then corrected against the edges themselves, so that ``edge[k] <= t < edge[k + 1]`` holds exactly:
``floor(t / 0.02)`` alone puts a spike at 0.58 s into bin 28, because 0.58 / 0.02 is 28.999999999999996, and does so at
34,513 of the first 300,000 edges.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SATURATED = 255
"""Largest count that uint8 holds; larger ones are stored as this and the true maximum is recorded."""

_CHUNK = 64
"""Spikes whose bins are guessed together. Where times are on a grid of 1/30000 s, one in 600 is on an edge of 20 ms: of
longer chunks most would hold one."""


@njit(cache=True, nogil=True)
def lower_bound(times: FloatArray, low: int, high: int, value: float) -> int:
    """Return the first index in ``[low, high)`` whose time is not below ``value``, galloping upwards from ``low``."""
    step = 1
    while low + step <= high and times[low + step - 1] < value:
        low += step
        step *= 2
    high = min(high, low + step - 1)
    while low < high:
        middle = (low + high) // 2
        if times[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def bin_of(t: float, base: float, edges: FloatArray, per_second: float) -> int:
    """Return ``k`` with ``base + edges[k] <= t < base + edges[k + 1]``, for a ``t`` between the outer edges."""
    k = min(int((t - (base + edges[0])) * per_second), len(edges) - 2)
    while t < base + edges[k]:
        k -= 1
    while t >= base + edges[k + 1]:
        k += 1
    return k


@njit(cache=True, nogil=True)
def run_end(times: FloatArray, i: int, end: int, stop: float) -> int:
    """Return the first index from ``i`` up to ``end`` whose time is not below ``stop``."""
    while i < end and times[i] < stop:
        i += 1
    return i


@njit(cache=True, nogil=True)
def saturated(
    times: FloatArray, first: int, end: int, event: float, relative: FloatArray, row: npt.NDArray[np.uint8]
) -> int:
    """Count again into ``row`` (n_bins,), of which a count is above 255, and return the largest before saturation."""
    row[:] = 0
    n_bins, largest, i = len(relative) - 1, 0, first
    per_second = n_bins / (relative[n_bins] - relative[0])
    while i < end and times[i] < event + relative[n_bins]:
        k = bin_of(times[i], event, relative, per_second)
        start = i
        i = run_end(times, i, end, event + relative[k + 1])
        row[k] = min(i - start, SATURATED)
        largest = max(largest, i - start)
    return largest


@njit(cache=True, nogil=True)
def grid_counts(
    times: FloatArray, offsets: IntArray, edges: FloatArray, out: npt.NDArray[np.uint8], largest: IntArray
) -> None:
    """Count each unit's spikes between evenly spaced ``edges`` (n_bins + 1,) into the zeroed ``out`` (n_units, n_bins).

    ``largest`` (n_units,) is raised to the largest count before saturation. Spikes outside the edges do not count.

    An index is unsigned, because a signed one costs a test for a negative one, and spikes are looked at `_CHUNK` at a
    time: unless one of them is so close to an edge that the guess may be wrong, no edge is read.
    """
    n_bins = len(edges) - 1
    if n_bins < 1:
        return
    first_edge, last_edge, one = edges[0], edges[n_bins], np.uint64(1)
    per_second = n_bins / (last_edge - first_edge)
    # The guess and the edges are off by a few roundings of numbers as large as the outer edges.
    slack = per_second * max(abs(first_edge), abs(last_edge)) * 2.0**-49
    bins = np.empty(_CHUNK, dtype=np.int32)
    for unit in range(len(offsets) - 1):
        begin = lower_bound(times, offsets[unit], offsets[unit + 1], first_edge)
        end = begin + np.searchsorted(times[begin : offsets[unit + 1]], last_edge)
        row, most, i = out[unit], np.int64(0), begin
        while i < end:
            n, low, n_close = np.uint64(min(_CHUNK, end - i)), np.uint64(i), 0
            for j in range(n):
                exact = (times[low + j] - first_edge) * per_second
                k = np.int32(exact)
                bins[j] = k
                n_close += int(abs(exact - k - 0.5) >= 0.5 - slack)
            if n_close:
                for j in range(n):
                    t, b = times[low + j], np.uint64(min(bins[j], n_bins - 1))
                    bins[j] = b - np.uint64(t < edges[b]) + np.uint64(t >= edges[b + one])
            for j in range(n):
                b = np.uint64(np.uint32(bins[j]))
                count = np.int64(row[b]) + 1
                row[b] = np.uint8(count)
                most = max(most, count)
            i += np.int64(n)
        if most > SATURATED:
            most = saturated(times, begin, end, 0.0, edges, row)
        largest[unit] = max(largest[unit], most)


@njit(cache=True, nogil=True)
def event_moments(
    times: FloatArray,
    offsets: IntArray,
    events: FloatArray,
    relative: FloatArray,
    total: IntArray,
    squares: IntArray,
) -> None:
    """Add counts and squared counts of all events to the zeroed ``total`` and ``squares`` (n_units, n_bins).

    The bins of `event_counts`, without its tensor and without saturation: what a PSTH needs.
    """
    n_bins = len(relative) - 1
    if n_bins < 1:
        return
    per_second = n_bins / (relative[n_bins] - relative[0])
    for unit in range(len(offsets) - 1):
        end = offsets[unit + 1]
        low = offsets[unit]
        for w in range(len(events)):
            event = events[w]
            if w > 0 and event < events[w - 1]:
                low = offsets[unit]
            low = lower_bound(times, low, end, event + relative[0])
            i = low
            while i < end and times[i] < event + relative[n_bins]:
                k = bin_of(times[i], event, relative, per_second)
                start = i
                i = run_end(times, i, end, event + relative[k + 1])
                total[unit, k] += i - start
                squares[unit, k] += (i - start) ** 2
