"""The compiled loops that count spikes in windows of presentations that do not overlap, units on the last axis.

Contains numba kernels; `nh_platform.windows.presentations.presentation_counts` checks the arguments and calls them.
Windows that overlap are `presentation_kernels`. Import this module inside a function: numba costs 0.9 s at import.

A loop over windows that looks for its spikes costs 12 million branches that no processor predicts (2000 units × 6000
presentations, 15 ns each). So each spike looks for its window, with no such branch, in the order in which spikes lie;
what is found is kept by blocks of windows, and counted one block after the other. Where windows leave much between
them, spikes that lie in none are passed by before that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from nh_platform.windows.counts.count_kernels import lower_bound
from nh_platform.windows.counts.event_kernels import ascend

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_CELLS = 1_000_000
"""Counts of a block of `separate_counts`, which stay in the cache: of eight times as many it took 1.7 times as long."""

_BLOCKS, _PLACES = 64, 65_536
"""Blocks that are found together, and spikes that are kept of each before they are counted: at most 16 MB."""

_PIECE = 2048
"""Spikes of a unit whose windows are found before their bins, so that both stay in the cache."""

_GAP_S = 60.0
"""Seconds between two windows that are passed by a search. Spikes in shorter gaps look for a window and find none."""


@njit(cache=True, nogil=True)
def _count_places(places: npt.NDArray[np.uint32], n: int, first: int, limit: int, out: npt.NDArray[Any]) -> np.int64:
    """Count the first ``n`` places, from ``first`` on, into ``out``; return how many counts ``limit`` kept out."""
    lost, start = np.int64(0), np.uint64(first)
    for j in range(np.uint64(n)):
        place = start + np.uint64(places[j])
        count = out[place]
        out[place] = count + (count < limit)
        lost += count >= limit
    return lost


@njit(cache=True, nogil=True)
def _pass_gaps(
    times: FloatArray, base: float, per_second: float, touched: npt.NDArray[np.uint8], near: FloatArray
) -> np.int64:
    """Write the ``times`` that lie in a cell that a window touches into ``near``, and return how many there are."""
    found = np.uint64(0)
    for i in range(np.uint64(len(times))):
        t = times[i]
        near[found] = t  # always, as in `_find_windows`
        found += np.uint64(touched[np.uint64((t - base) * per_second)])
    return np.int64(found)


@njit(cache=True, nogil=True)
def _find_windows(
    times: FloatArray,
    lows: FloatArray,
    highs: FloatArray,
    per_second: float,
    first_window: npt.NDArray[np.uint32],
    inside: FloatArray,
    window_of: npt.NDArray[np.uint32],
) -> np.uint64:
    """Write the ``times`` that lie in a window into ``inside``, which may be their own place, and its number beside."""
    base, n_cells = lows[0], np.float64(len(first_window) - 1)
    found = np.uint64(0)
    for i in range(np.uint64(len(times))):
        t = times[i]
        cell = (t - base) * per_second
        cell = cell if cell > 0.0 else 0.0
        cell = cell if cell < n_cells else n_cells
        w = np.uint64(first_window[np.uint64(cell)])
        w += np.uint64(t >= highs[w])
        # Written always, counted only if it lies in the window: the next spike overwrites it if not.
        inside[found] = t
        window_of[found] = w
        found += np.uint64(t >= lows[w])
    return found


@njit(cache=True, nogil=True)
def _find_places(
    times: FloatArray,
    spikes: tuple[int, int],
    unit: int,
    n_units: int,
    starts: FloatArray,
    lows: FloatArray,
    highs: FloatArray,
    relative: FloatArray,
    per_second: float,
    first_window: npt.NDArray[np.uint32],
    narrow_per_second: float,
    touched: npt.NDArray[np.uint8],
    first: int,
    together: int,
    inside: FloatArray,
    window_of: npt.NDArray[np.uint32],
    places: npt.NDArray[np.uint32],
    n_places: IntArray,
    limit: int,
    out: npt.NDArray[Any],
) -> np.int64:
    """Append the place of every one of the ``spikes`` of a unit that lies in a window to those of its block.

    A block is ``together`` windows, from window ``first`` on; places are counted from its first one. ``inside`` and
    ``window_of`` (`_PIECE`,) are room to work in. Blocks that are full are counted; returns the counts that were lost.
    The rest is as of `separate_counts`.
    """
    n_bins = len(relative) - 1
    bins_per_second = n_bins / (relative[n_bins] - relative[0])
    last_bin, one, bins, units = np.uint64(n_bins - 1), np.uint64(1), np.uint64(n_bins), np.uint64(n_units)
    lost = np.int64(0)
    for begin in range(spikes[0], spikes[1], _PIECE):
        piece = times[begin : min(begin + _PIECE, spikes[1])]
        if len(touched):
            near = inside[: _pass_gaps(piece, lows[0], narrow_per_second, touched, inside)]
            found = _find_windows(near, lows, highs, per_second, first_window, inside, window_of)
        else:
            found = _find_windows(piece, lows, highs, per_second, first_window, inside, window_of)
        j = np.uint64(0)
        while j < found:
            block = (np.uint64(window_of[j]) - np.uint64(first)) // np.uint64(together)
            origin = np.uint64(first) + block * np.uint64(together)
            stop, n = origin + np.uint64(together), np.uint64(n_places[block])
            if n + found - j > np.uint64(_PLACES):
                lost += _count_places(places[block], n, origin * bins * units, limit, out)
                n = np.uint64(0)
            while j < found and np.uint64(window_of[j]) < stop:
                t, w = inside[j], np.uint64(window_of[j])
                onset = starts[w]
                k = min(np.uint64((t - lows[w]) * bins_per_second), last_bin)
                while t < onset + relative[k]:
                    k -= one
                while t >= onset + relative[k + one]:
                    k += one
                places[block, n] = ((w - origin) * bins + k) * units + np.uint64(unit)
                n += one
                j += one
            n_places[block] = n
    return lost


@njit(cache=True, nogil=True)
def separate_counts(
    times: FloatArray,
    offsets: IntArray,
    starts: FloatArray,
    lows: FloatArray,
    highs: FloatArray,
    relative: FloatArray,
    per_second: float,
    first_window: npt.NDArray[np.uint32],
    narrow_per_second: float,
    touched: npt.NDArray[np.uint8],
    limit: int,
    out: npt.NDArray[Any],
) -> np.int64:
    """Count each unit's spikes in the bins of windows that do not overlap.

    Parameters
    ----------
    times, offsets
        (n_spikes,) float64; (n_units + 1,) int64.
    starts, lows, highs
        (n_windows + 1,) onset, first edge and end in seconds of windows that do not overlap, ascending; the last is
        infinite.
    relative
        (n_bins + 1,) edges in seconds from the onset, ascending.
    per_second, first_window
        Cells of equal width from ``lows[0]`` on, so many per second, and (n_cells + 1,) the number of windows that end
        before each cell; no cell holds the end of two windows.
    narrow_per_second, touched
        Narrower cells from ``lows[0]`` on, so many per second, and (n_narrow_cells,) whether a window touches each
        (0 or 1); none where spikes are not to be passed by.
    limit
        Largest count that ``out`` holds.
    out
        (n_windows * n_bins * n_units,) unsigned integer, zeroed; less than 2**32 for a window.

    Returns
    -------
    int
        Counts that ``limit`` kept out, where there are some those up to the first ones alone; -1, with counts that mean
        nothing, where times do not ascend within every unit or one is NaN.
    """
    n_bins, n_units, n_windows = len(relative) - 1, len(offsets) - 1, len(starts) - 1
    together = max(_CELLS // (n_bins * n_units), 1)
    inside, window_of = np.empty(_PIECE, dtype=np.float64), np.empty(_PIECE, dtype=np.uint32)
    n_blocks = min(_BLOCKS, (n_windows - 1) // together + 1)
    places, n_places = np.empty((n_blocks, _PLACES), dtype=np.uint32), np.zeros(n_blocks, dtype=np.int64)
    cursors, ends = offsets[:-1].copy(), offsets[:-1].copy()
    stop = 0
    while stop < n_windows:
        first = stop
        stop += 1
        while stop < min(first + n_blocks * together, n_windows) and lows[stop] - highs[stop - 1] < _GAP_S:
            stop += 1
        reach = highs[stop - 1] if stop < n_windows else np.inf
        lost = np.int64(0)
        n_places[:] = 0
        for unit in range(n_units):
            ends[unit] = ascend(times, ends[unit], offsets[unit + 1], reach)
            if ends[unit] < 0:
                return np.int64(-1)
            low = lower_bound(times, cursors[unit], ends[unit], lows[first])
            cursors[unit] = lower_bound(times, low, ends[unit], highs[stop - 1])
            spikes = (low, cursors[unit])
            lost += _find_places(
                times, spikes, unit, n_units, starts, lows, highs, relative, per_second, first_window,
                narrow_per_second, touched, first, together, inside, window_of, places, n_places, limit, out,
            )  # fmt: skip
        for block in range(n_blocks):
            place = (first + block * together) * n_bins * n_units
            lost += _count_places(places[block], n_places[block], place, limit, out)
        if lost:
            return lost
    return np.int64(0)
