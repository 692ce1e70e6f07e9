"""The compiled loops that count spikes in bins of their own for every presentation, units on the last axis.

Contains numba kernels; `nh_platform.windows.presentations.presentation_counts` checks the arguments and calls it. Add a
loop here only for counts whose edges differ from presentation to presentation; equal windows are
`nh_platform.windows.counts.count_kernels`, those that do not overlap `separate_kernels`. Import this module inside a
function: numba costs 0.9 s at import.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from nh_platform.windows.counts.count_kernels import lower_bound

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

BLOCK = 20
"""Presentations whose part of the output is filled for all units before the next: 20 × 25 bins × 2000 units are 1 MB,
which stays in the cache. All 6000 at once cost 0.68 s instead of 0.19 s."""

LINEAR = 8
"""Spikes looked at one by one before galloping: at 3 Hz a presentation every 1.5 s is 5 spikes away."""


@njit(cache=True, nogil=True)
def presentation_counts(
    times: FloatArray,
    offsets: IntArray,
    starts: FloatArray,
    stops: FloatArray,
    relative: FloatArray,
    limit: int,
    out: npt.NDArray[Any],
) -> int:
    """Count each unit's spikes in the bins ``[start + relative[k], start + relative[k + 1])`` of every presentation.

    Parameters
    ----------
    times, offsets
        (n_spikes,) float64 ascending within each unit; (n_units + 1,) int64.
    starts, stops
        (n_presentations,) seconds, starts ascending; spikes from the stop on do not count.
    relative
        (n_bins + 1,) edges in seconds from the start, ascending.
    limit
        Largest count that ``out`` holds.
    out
        (n_presentations, n_bins, n_units) unsigned integer, zeroed.

    Returns
    -------
    int
        Counts that ``limit`` kept out.
    """
    n_presentations, n_bins = len(starts), len(relative) - 1
    per_second = n_bins / (relative[n_bins] - relative[0])
    # A matrix of all edges would cost two loads from memory per spike: 0.28 s instead of 0.18 s.
    lows = starts + relative[0]
    highs = np.minimum(starts + relative[n_bins], stops)
    # The next window may begin before this one ends; only then the cursor goes back.
    back = np.zeros(n_presentations, dtype=np.bool_)
    for w in range(n_presentations - 1):
        back[w] = lows[w + 1] < highs[w]
    # Unsigned indices need no test for a negative one.
    last_bin, one = np.uint64(n_bins - 1), np.uint64(1)
    cursors = offsets[:-1].copy()
    lost = 0
    for first in range(0, n_presentations, BLOCK):
        stop_block = min(first + BLOCK, n_presentations)
        for unit in range(len(offsets) - 1):
            end = offsets[unit + 1]
            i = cursors[unit]
            for w in range(first, stop_block):
                low = lows[w]
                near = min(i + LINEAR, end)
                while i < near and times[i] < low:
                    i += 1
                if i == near and i < end and times[i] < low:
                    i = lower_bound(times, i, end, low)
                start, high, at_zero = i, highs[w], starts[w]
                while i < end:
                    t = times[i]
                    if not t < high:
                        break
                    k = min(np.uint64((t - low) * per_second), last_bin)
                    while t < at_zero + relative[k]:
                        k -= one
                    while t >= at_zero + relative[k + one]:
                        k += one
                    count = out[np.uint64(w), k, np.uint64(unit)]
                    out[np.uint64(w), k, np.uint64(unit)] = count + (count < limit)
                    lost += count >= limit
                    i += 1
                if back[w]:
                    i = start
            cursors[unit] = i
    return lost


@njit(cache=True, nogil=True)
def add_right_edges(times: FloatArray, offsets: IntArray, domain: FloatArray, limit: int, out: npt.NDArray[Any]) -> int:
    """Add to ``out`` the spikes that lie exactly on the right edge of a bin, which makes every bin ``[a, b]``.

    ``domain`` (n_presentations, n_bins + 1) has the edges in seconds, ascending within a row, rows ascending by their
    first edge; a bin without width, left by clipping, gets the spikes at its edge. Others as in `presentation_counts`.
    """
    n_presentations, n_bins = domain.shape[0], domain.shape[1] - 1
    lost = 0
    for unit in range(len(offsets) - 1):
        i, end = offsets[unit], offsets[unit + 1]
        for w in range(n_presentations):
            i = lower_bound(times, i, end, domain[w, 0])
            at = i
            for k in range(n_bins):
                edge = domain[w, k + 1]
                while at < end and times[at] < edge:
                    at += 1
                on = at
                while on < end and times[on] == edge:
                    fits = out[w, k, unit] < limit
                    out[w, k, unit] += fits
                    lost += not fits
                    on += 1
    return lost
