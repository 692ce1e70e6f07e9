"""Compiled loops over a block's units that count in samples and bins of time, as SpikeInterface does.

A spike is at the sample nearest to its time, counted from ``tmin`` (s) of its unit. Formulas stay in
`nh_platform.qc.metrics.spikeinterface`. Importing this module imports numba: do so inside functions.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from nh_platform.qc.metrics.unit_blocks import Flags, Floats, Integers


@njit(cache=True, nogil=True)
def sample_of(time: float, tmin: float, sampling_rate_hz: float) -> float:
    """Return the nearest sample of a spike, a whole number."""
    return np.rint((time - tmin) * sampling_rate_hz)


@njit(cache=True, nogil=True)
def first_at(times: Floats, begin: int, end: int, tmin: float, sampling_rate_hz: float, sample: int) -> int:
    """Return the first spike of ``begin:end`` that is at ``sample`` or after it, ``end`` where none is."""
    low = begin
    step = 8
    # In growing steps, then by halves, and the last few without a branch: 18 spikes are a few steps, and thousands too.
    while low + step <= end and sample_of(times[low + step - 1], tmin, sampling_rate_hz) < sample:
        low += step
        step = max(8, (low - begin) // 4)
    high = min(low + step, end)
    while high - low > 8:
        middle = (low + high) // 2
        if sample_of(times[middle], tmin, sampling_rate_hz) < sample:
            low = middle + 1
        else:
            high = middle
    before = 0
    for i in range(low, high):
        before += sample_of(times[i], tmin, sampling_rate_hz) < sample
    return low + before


@njit(cache=True, nogil=True)
def occupied_bins(
    times: Floats,
    offsets: Integers,
    marked: Flags,
    tmin: Floats,
    sampling_rate_hz: float,
    width: int,
    n_bins: Integers,
    counts: Floats,
    n_occupied: Integers,
) -> None:
    """Count the spikes of every bin that has one.

    Parameters
    ----------
    times, offsets, marked, tmin
        The block, and the units to do.
    sampling_rate_hz, width
        Samples per second, and those of a bin; a spike is in bin ``sample // width``, one on the upper edge of the last
        bin in that.
    n_bins
        (n_units,) whole bins; spikes after them are not counted.
    counts
        (n_spikes,) output: the counts of a unit's bins, in order of time, from its offset on.
    n_occupied
        (n_units,) output: how many of them.
    """
    for unit in range(marked.size):
        if not marked[unit]:
            continue
        begin, end = offsets[unit], offsets[unit + 1]
        start = tmin[unit]
        last = n_bins[unit] - 1
        place = begin
        i = begin
        while i < end:
            sample = int(sample_of(times[i], start, sampling_rate_hz))
            if sample > n_bins[unit] * width:
                break
            k = min(sample // width, last)
            following = first_at(times, i, end, start, sampling_rate_hz, (k + 1) * width + (k == last))
            counts[place] = following - i
            place += 1
            i = following
        n_occupied[unit] = place - begin


@njit(cache=True, nogil=True)
def near_pairs(
    times: Floats,
    offsets: Integers,
    marked: Flags,
    tmin: Floats,
    sampling_rate_hz: float,
    shortest_s: float,
    samples: Integers,
    lags: Integers,
    n_short: Integers,
) -> None:
    """Count the pairs of spikes at each lag, and the successive ones that are closer than ``shortest_s``.

    Parameters
    ----------
    times, offsets, marked, tmin
        The block, and the units to do.
    sampling_rate_hz
        Samples per second.
    shortest_s
        Intervals below it are short, as differences of seconds of whole samples: rounding decides 1.5 ms. It is less
        than the lags counted.
    samples
        (n_spikes,) work space.
    lags
        (n_units, n_lags) zeros, counted into; longer lags are not counted.
    n_short
        (n_units,) output.
    """
    n_lags = lags.shape[1]
    for unit in range(marked.size):
        if not marked[unit]:
            continue
        begin, end = offsets[unit], offsets[unit + 1]
        start = tmin[unit]
        n = 0
        for i in range(begin, end):
            sample = int(sample_of(times[i], start, sampling_rate_hz))
            samples[i] = sample
            # Backwards from each spike: the spikes before it have their samples, and the first pair is its interval.
            j = i - 1
            while j >= begin and sample - samples[j] < n_lags:
                lags[unit, sample - samples[j]] += 1
                if j == i - 1:
                    n += sample / sampling_rate_hz - samples[j] / sampling_rate_hz < shortest_s
                j -= 1
        n_short[unit] = n
