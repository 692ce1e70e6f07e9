"""Compiled loops that count spikes around events, on spikes grouped by unit.

Contains numba kernels and nothing else; `nh_platform.windows.counts.binning` checks the arguments and calls
`event_counts`. Bins and spikes are those of `nh_platform.windows.counts.count_kernels`, which counts a whole session.
Import this module inside a function: numba costs 0.9 s at import.

Spikes are read unit by unit, and counts are written event by event: between the two lie the places of the spikes of
`_SECTION` events among the counts. So counts are written while the page that holds them, which the system has just
cleared, is in the cache, and no branch depends on how many spikes a window has. Counted as they were found, the 2.7
million spikes in windows around 700 events took 18 ms of 34; now it is 11 of 26.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from nh_platform.windows.counts.count_kernels import SATURATED, FloatArray, IntArray, lower_bound, saturated

_BLOCK, _BLOCKS = 16, 8
"""Spikes that are passed at once on the way to a window, and how often before a search. It is halved four times."""

_RUN = np.uint64(16)
"""Spikes of a window whose bins are guessed at once: two vectors. 8 took a quarter longer, 32 a fifth."""

_UNITS = 8
"""Units whose windows are looked for in turn: a search waits for the one before it in the same unit, not for others."""

_SECTION, _PLACES = 256, 2048
"""Events that are counted together, and bins of spikes that are kept of each before they are counted: at most 2 MB."""

_CHECKED = np.uint64(512)
"""Spikes that are seen to ascend at once: 4 kB, which lie in the cache when windows are looked for among them."""


@njit(cache=True, nogil=True)
def ascend(times: FloatArray, first: int, end: int, reach: float) -> np.int64:
    """Return up to where times are seen to ascend from ``first`` on: ``end``, or one not below ``reach``; else -1.

    A time that is NaN does not ascend. An infinite ``reach`` is beyond every time.
    """
    c, stop, one = np.uint64(first), np.uint64(end), np.uint64(1)
    while c < stop and (reach == np.inf or not times[c] >= reach):
        last = min(c + _CHECKED, stop - one)
        n = np.uint64(0)
        for i in range(c, last):
            n += np.uint64(times[i] <= times[i + one])
        if n != last - c:
            return np.int64(-1)
        c = last
        if c + one == stop:
            if times[c] != times[c]:
                return np.int64(-1)
            c = stop
    return np.int64(c)


@njit(cache=True, nogil=True)
def _count_again(
    times: FloatArray, offsets: IntArray, event: float, relative: FloatArray, base: int, row: npt.NDArray[np.uint8]
) -> int:
    """Count an event again of which a count is above 255, as `saturated` for each unit."""
    n_bins, largest = len(relative) - 1, 0
    for unit in range(len(offsets) - 1):
        end = offsets[unit + 1]
        low = lower_bound(times, offsets[unit], end, event + relative[0])
        first = base + unit * n_bins
        largest = max(largest, saturated(times, low, end, event, relative, row[first : first + n_bins]))
    return largest


@njit(cache=True, nogil=True)
def _count_places(places: npt.NDArray[np.int32], n: int, base: int, row: npt.NDArray[np.uint8]) -> np.int64:
    """Count the first ``n`` places, from ``base`` on, into ``row``; return the largest count, at most 256.

    A count that reaches 256 begins again at 0.
    """
    most, start = np.int64(0), np.uint64(base)
    for j in range(np.uint64(n)):
        place = start + np.uint64(places[j])
        count = np.int64(row[place]) + 1
        row[place] = np.uint8(count)
        most = max(most, count)
    return most


@njit(cache=True, nogil=True)
def _find_places(
    times: FloatArray,
    ends: IntArray,
    lows: IntArray,
    units: tuple[int, int],
    events: FloatArray,
    rows: IntArray,
    relative: FloatArray,
    base: int,
    places: npt.NDArray[np.int32],
    n_places: IntArray,
    most: IntArray,
    out: npt.NDArray[np.uint8],
) -> None:
    """Append the place ``unit * n_bins + bin`` of each spike of some ``units`` in the windows around a few events.

    ``events`` (n,) ascend, ``rows`` (n,) are theirs in ``out``, ``places`` (n, `_PLACES`) what is kept of each, and
    ``n_places`` (n,) how much of it is filled. Full ones are counted, and ``most`` (n,) raised. ``lows`` (n_units,) are
    where the last window of a unit began, ``ends`` (n_units,) up to where its spikes are looked at.

    The loop over events and units takes no view of an array and hands none to a function: numba counts the references
    of each by an atomic operation, which waits for what is being written.
    """
    n_bins, one = len(relative) - 1, np.uint64(1)
    per_second = n_bins / (relative[n_bins] - relative[0])
    last_bin = np.int32(n_bins - 1)
    reach = max(abs(relative[0]), abs(relative[n_bins]))
    block, half, quarter, eighth = np.uint64(_BLOCK), np.uint64(8), np.uint64(4), np.uint64(2)
    for w in range(np.uint64(0), np.uint64(len(events))):
        event, n = events[w], np.uint64(n_places[w])
        start, stop = event + relative[0], event + relative[n_bins]
        # The guess and the edges are off by a few roundings of numbers as large as the event and its outer edges.
        inner = 0.5 - per_second * (abs(event) + reach) * 2.0**-49
        for unit in range(np.uint64(units[0]), np.uint64(units[1])):
            low, end, n_blocks = np.uint64(lows[unit]), np.uint64(ends[unit]), 0
            while n_blocks < _BLOCKS and low + block <= end and times[low + block - one] < start:
                low += block
                n_blocks += 1
            if n_blocks < _BLOCKS and low + block <= end:  # the window begins in this block: no branch is guessed
                low += half * np.uint64(times[low + half - one] < start)
                low += quarter * np.uint64(times[low + quarter - one] < start)
                low += eighth * np.uint64(times[low + eighth - one] < start)
                low += np.uint64(times[low] < start)
            else:
                low = np.uint64(lower_bound(times, np.int64(low), np.int64(end), start))
            lows[unit] = low
            first_place = np.int32(np.int64(unit) * n_bins)
            inside = _RUN
            while inside == _RUN:
                if n + _RUN > np.uint64(_PLACES):
                    most[w] = max(most[w], _count_places(places[w], n, base, out[rows[w]]))
                    n = np.uint64(0)
                n_inside, n_close = np.int64(0), np.int64(0)
                if low + _RUN <= end:
                    for j in range(_RUN):
                        t = times[low + j]
                        exact = (t - start) * per_second
                        k = np.int32(exact)
                        n_inside += np.int64(t < stop)
                        n_close += np.int64(abs(exact - k - 0.5) >= inner)
                        # A place outside of the row is of times that do not ascend, which have no counts.
                        places[w, n + j] = first_place + min(max(k, np.int32(0)), last_bin)
                else:
                    while low + np.uint64(n_inside) < end and times[low + np.uint64(n_inside)] < stop:
                        n_inside += 1
                    n_close = n_inside
                inside = np.uint64(n_inside)
                if n_close:
                    for j in range(inside):
                        t = times[low + j]
                        k = min(np.int32((t - start) * per_second), last_bin)
                        k -= np.int32(t < event + relative[k])
                        k += np.int32(t >= event + relative[k + 1])
                        places[w, n + j] = first_place + min(max(k, np.int32(0)), last_bin)
                n += inside
                low += inside
        n_places[w] = n


@njit(cache=True, nogil=True)
def event_counts(
    times: FloatArray,
    offsets: IntArray,
    events: FloatArray,
    rows: IntArray,
    relative: FloatArray,
    base: int,
    out: npt.NDArray[np.uint8],
    check: bool,
) -> np.int64:
    """Count each unit's spikes around each event into the zeroed ``out`` (n_events, n_units * n_bins).

    Edge ``j`` of an event at ``e`` is ``e + relative[j]``; edges are evenly spaced. Spikes outside the edges do not
    count. ``events`` (n_events,) ascend, and ``rows`` (n_events,) are theirs in ``out``. The first unit's counts begin
    at column ``base`` of ``out``, which may hold those of other units; an event has less than 2**31 of those given.

    Returns the largest count before saturation; -1, with counts that mean nothing, where ``check`` finds times that do
    not ascend.
    """
    n_bins, n_units, n_events = len(relative) - 1, len(offsets) - 1, len(events)
    lows, ends = offsets[:-1].copy(), offsets[1:].copy()
    if check:
        ends[:] = lows
    n_places, most = np.zeros(_SECTION, dtype=np.int64), np.zeros(_SECTION, dtype=np.int64)
    places = np.empty((min(_SECTION, n_events), _PLACES), dtype=np.int32)
    largest = np.int64(0)
    for first in range(0, max(n_events, 1), _SECTION):
        stop = min(first + _SECTION, n_events)
        reach = np.inf
        if stop < n_events:
            reach = events[stop - 1] + relative[n_bins]
        n_places[:] = 0
        most[:] = 0
        for first_unit in range(0, n_units, _UNITS):
            units = (first_unit, min(first_unit + _UNITS, n_units))
            if check:
                for unit in range(units[0], units[1]):
                    ends[unit] = ascend(times, ends[unit], offsets[unit + 1], reach)
                    if ends[unit] < 0:
                        return np.int64(-1)
            if n_bins > 0 and n_events > 0:
                here, into = events[first:stop], rows[first:stop]
                _find_places(times, ends, lows, units, here, into, relative, base, places, n_places, most, out)
        for w in range(stop - first):
            row = out[rows[first + w]]
            most[w] = max(most[w], _count_places(places[w], n_places[w], base, row))
            if most[w] > SATURATED:
                most[w] = _count_again(times, offsets, events[first + w], relative, base, row)
            largest = max(largest, most[w])
    return largest
