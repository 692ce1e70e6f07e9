"""Compiled loops over a block's units that evaluate a bin of time after the other: spread and median of what is in it.

Which spikes are in a bin is said by `nh_platform.qc.metrics.kernels.sample_kernels`. Formulas stay in
`nh_platform.qc.metrics.spikeinterface`. Importing this module imports numba: do so inside functions.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from nh_platform.qc.metrics.kernels.order_kernels import select_pair
from nh_platform.qc.metrics.kernels.sample_kernels import first_at, sample_of
from nh_platform.qc.metrics.unit_blocks import Flags, Floats, Integers


@njit(cache=True, nogil=True)
def binned_deviations(
    times: Floats,
    amplitudes: Floats,
    offsets: Integers,
    marked: Flags,
    tmin: Floats,
    sampling_rate_hz: float,
    width: Integers,
    starts: Integers,
    deviations: Floats,
    means: Floats,
) -> None:
    """Fill the population standard deviation of the amplitudes in every bin of time, and the mean of all of a unit.

    Parameters
    ----------
    times, amplitudes, offsets, marked, tmin
        The block, and the units to do.
    sampling_rate_hz
        Samples per second.
    width
        (n_units,) samples of a bin.
    starts
        (n_units + 1,) place of a unit's first bin in ``deviations``.
    deviations
        Output, V; NaN stays where a bin has no spike.
    means
        (n_units,) output, V.
    """
    for unit in range(marked.size):
        if not marked[unit]:
            continue
        begin, end = offsets[unit], offsets[unit + 1]
        start = tmin[unit]
        everything = 0.0
        i = begin
        for k in range(starts[unit + 1] - starts[unit]):
            first = i
            i = first_at(times, first, end, start, sampling_rate_hz, (k + 1) * width[unit])
            total = 0.0
            # The sum of all goes along: the processor has time for it between the additions of the bin's.
            for j in range(first, i):
                total += amplitudes[j]
                everything += amplitudes[j]
            if i > first:
                mean = total / (i - first)
                squares = 0.0
                for j in range(first, i):
                    squares += (amplitudes[j] - mean) * (amplitudes[j] - mean)
                deviations[starts[unit] + k] = np.sqrt(squares / (i - first))
        for j in range(i, end):
            everything += amplitudes[j]
        means[unit] = everything / (end - begin)


@njit(cache=True, nogil=True)
def median_within(values: Floats, begin: int, end: int, low: float, high: float, work: Floats) -> tuple[float, int]:
    """Return the median of ``values[begin:end]``, at least one, for which it is taken to lie in ``low`` to ``high``.

    Returns
    -------
    tuple
        The median, and how many values it was selected from: all where it lies elsewhere.
    """
    first, last = begin + (end - begin - 1) // 2, begin + (end - begin) // 2
    n_below = 0
    m = begin
    for i in range(begin, end):
        value = values[i]
        work[m] = value
        m += (value >= low) & (value <= high)
        n_below += value < low
    if first - n_below < begin or last - n_below >= m:
        n_below = 0
        m = end
        for i in range(begin, end):
            work[i] = values[i]
    below, above = select_pair(work, begin, m, first - n_below, last - n_below)
    return below if first == last else (below + above) / 2, m - begin


@njit(cache=True, nogil=True)
def binned_medians(
    times: Floats,
    depths: Floats,
    offsets: Integers,
    marked: Flags,
    tmin: Floats,
    sampling_rate_hz: float,
    width: int,
    n_bins: Integers,
    fewest: int,
    work: Floats,
    starts: Integers,
    medians: Floats,
    n_known: Integers,
    reference: Floats,
) -> None:
    """Fill the median depth of every bin of time with enough spikes, and that of all spikes of a unit.

    Parameters
    ----------
    times, depths, offsets, marked, tmin
        The block, and the units to do.
    sampling_rate_hz
        Samples per second.
    width, n_bins
        Samples of a bin, and (n_units,) whole bins; later spikes are in none.
    fewest
        Spikes that a bin needs.
    work
        (n_spikes,) work space.
    starts
        (n_units,) place of a unit's first bin in ``medians``.
    medians
        Output, µm: the medians of a unit's bins that have enough, in order of time.
    n_known
        (n_units,) output: how many of them.
    reference
        (n_units,) output, µm; NaN stays where no bin has enough.
    """
    for unit in range(marked.size):
        if not marked[unit]:
            continue
        begin, end = offsets[unit], offsets[unit + 1]
        start = tmin[unit]
        place = starts[unit]
        low, high = np.inf, -np.inf
        middle = reach = np.inf
        i = begin
        while i < end:
            k = int(sample_of(times[i], start, sampling_rate_hz)) // width
            if k >= n_bins[unit]:
                break
            following = first_at(times, i, end, start, sampling_rate_hz, (k + 1) * width)
            n = following - i
            if n >= fewest:
                # Looked for beside that of the bin before; few are selected from where the unit has not moved.
                middle, n_near = median_within(depths, i, following, middle - reach, middle + reach, work)
                if n_near < n:
                    reach *= 4 * np.sqrt(n) / n_near
                else:
                    reach = 0.0
                    for j in range(i, following):
                        reach += abs(depths[j] - middle) / n
                medians[place] = middle
                place += 1
                low, high = min(low, middle), max(high, middle)
            i = following
        n_known[unit] = place - starts[unit]
        if place > starts[unit]:
            reference[unit], _ = median_within(depths, begin, end, low, high, work)
