"""Compiled loops over the spikes of units for figures: images over time, rates, quantiles over time.

Each kernel fills the rows of its output for the marked units of a block. Add a loop here when numpy cannot do it in one
pass; loops of metrics are `nh_platform.qc.metrics.kernels`. Importing this module imports numba: do so inside
functions.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from nh_platform.qc.metrics.unit_blocks import Flags, Floats, Integers

N_RANK_BINS = 1024
"""Bins between the smallest and the largest value from which a quantile is read."""


@njit(cache=True, nogil=True)
def count_over_time(
    times: Floats,
    values: Floats,
    offsets: Integers,
    marked: Flags,
    start: float,
    stop: float,
    lows: Floats,
    highs: Floats,
    image: Integers,
) -> None:
    """Count the spikes of each marked unit by value and by time.

    Parameters
    ----------
    times, values, offsets, marked
        The block, and the units to do; times in s.
    start, stop
        Range of the columns, s, its end included; spikes outside are not counted.
    lows, highs
        (n_units,) range of the rows; a spike beyond it counts in the row at that edge.
    image
        (n_units, n_rows, n_columns) zeros, counted into; row 0 holds the lowest values.
    """
    n_rows, n_columns = image.shape[1], image.shape[2]
    per_s = n_columns / (stop - start) if stop > start else 0.0
    for unit in range(marked.size):
        if not marked[unit]:
            continue
        span = highs[unit] - lows[unit]
        per_value = n_rows / span if span > 0 else 0.0
        for i in range(offsets[unit], offsets[unit + 1]):
            if times[i] < start or times[i] > stop:
                continue
            column = min(int((times[i] - start) * per_s), n_columns - 1)
            row = min(max(int(np.floor((values[i] - lows[unit]) * per_value)), 0), n_rows - 1)
            image[unit, row, column] += 1


@njit(cache=True, nogil=True)
def count_per_column(
    times: Floats, offsets: Integers, marked: Flags, start: float, stop: float, counts: Integers
) -> None:
    """Count the spikes of each marked unit in equal bins of time; as `count_over_time` with one row."""
    n_columns = counts.shape[1]
    per_s = n_columns / (stop - start) if stop > start else 0.0
    for unit in range(marked.size):
        if marked[unit]:
            for i in range(offsets[unit], offsets[unit + 1]):
                if start <= times[i] <= stop:
                    counts[unit, min(int((times[i] - start) * per_s), n_columns - 1)] += 1


@njit(cache=True, nogil=True)
def quantiles_over_time(
    times: Floats,
    values: Floats,
    offsets: Integers,
    marked: Flags,
    start: float,
    stop: float,
    shares: Floats,
    quantiles: Floats,
) -> None:
    """Fill the quantiles of a value in equal bins of time, interpolated as numpy does; NaN stays where no spike is.

    Parameters
    ----------
    times, values, offsets, marked
        The block, times ascending within each unit.
    start, stop
        Range of the columns, s, its end included.
    shares
        (n_shares,) from 0 to 1.
    quantiles
        (n_units, n_shares, n_columns) output.
    """
    n_columns = quantiles.shape[2]
    per_s = n_columns / (stop - start) if stop > start else 0.0
    for unit in range(marked.size):
        if not marked[unit]:
            continue
        i, end = offsets[unit], offsets[unit + 1]
        while i < end and times[i] < start:
            i += 1
        while i < end and times[i] <= stop:
            column = min(int((times[i] - start) * per_s), n_columns - 1)
            first = i
            while i < end and times[i] <= stop and min(int((times[i] - start) * per_s), n_columns - 1) == column:
                i += 1
            part = np.sort(values[first:i])
            for k in range(shares.size):
                place = shares[k] * (part.size - 1)
                below = int(place)
                above = min(below + 1, part.size - 1)
                quantiles[unit, k, column] = part[below] + (part[above] - part[below]) * (place - below)


@njit(cache=True, nogil=True)
def upper_bounds(
    values: Floats, offsets: Integers, marked: Flags, smallest: Floats, largest: Floats, share: float, bounds: Floats
) -> None:
    """Fill (n_units,): a value that at least ``share`` of the unit's are below or at, to 1/1024 of their range."""
    counts = np.zeros(N_RANK_BINS, np.int64)
    for unit in range(marked.size):
        if not marked[unit]:
            continue
        low, high = smallest[unit], largest[unit]
        n = offsets[unit + 1] - offsets[unit]
        if not high > low:
            bounds[unit] = high
            continue
        scale = N_RANK_BINS / (high - low)
        counts[:] = 0
        for i in range(offsets[unit], offsets[unit + 1]):
            counts[min(int((values[i] - low) * scale), N_RANK_BINS - 1)] += 1
        below = 0
        k = 0
        while below + counts[k] < share * n:
            below += counts[k]
            k += 1
        bounds[unit] = low + (k + 1) / scale
