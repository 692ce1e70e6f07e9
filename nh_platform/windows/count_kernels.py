"""Compiled loops that count spikes in bins, on spikes grouped by unit.

Contains numba kernels and nothing else; `nh_platform.windows.binning` and `.psth` check the arguments and call them.
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
def event_counts(
    times: FloatArray,
    offsets: IntArray,
    events: FloatArray,
    relative: FloatArray,
    out: npt.NDArray[np.uint8],
    largest: IntArray,
) -> None:
    """Count each unit's spikes around each event into the zeroed ``out`` (n_events, n_units, n_bins).

    Edge ``j`` of an event at ``e`` is ``e + relative[j]``; one event at 0 and edges on the session clock count a whole
    session. ``largest`` (n_units,) is raised to the largest count before saturation. Spikes outside the edges do not
    count. Events may be in any order; ascending ones are fastest.
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
                out[w, unit, k] = min(i - start, SATURATED)
                largest[unit] = max(largest[unit], i - start)


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
