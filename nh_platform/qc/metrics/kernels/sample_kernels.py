"""Compiled loops over a block's units that count in samples and bins of time, as SpikeInterface does.

Each kernel reads sample numbers, ascending within a unit. Formulas stay in `nh_platform.qc.metrics.spikeinterface`.
Importing this module imports numba: do so inside functions.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from nh_platform.qc.metrics.unit_blocks import Flags, Floats, Integers


@njit(cache=True, nogil=True)
def sample_numbers(
    times: Floats, offsets: Integers, marked: Flags, tmin: Floats, sampling_rate_hz: float, samples: Integers
) -> None:
    """Fill (n_spikes,) the nearest sample of each spike, counted from ``tmin`` (s) of its unit."""
    for unit in range(marked.size):
        if marked[unit]:
            for i in range(offsets[unit], offsets[unit + 1]):
                samples[i] = int(np.rint((times[i] - tmin[unit]) * sampling_rate_hz))


@njit(cache=True, nogil=True)
def occupied_bins(
    samples: Integers,
    offsets: Integers,
    marked: Flags,
    width: int,
    n_bins: Integers,
    counts: Floats,
    n_occupied: Integers,
) -> None:
    """Count the spikes of every bin that has one.

    Parameters
    ----------
    samples, offsets, marked
        The block, and the units to do.
    width
        Samples of a bin; a spike is in bin ``sample // width``, one on the upper edge of the last bin in that.
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
        last = n_bins[unit] * width
        place = begin - 1
        before = -1
        for i in range(begin, end):
            if samples[i] > last:
                break
            k = min(samples[i] // width, n_bins[unit] - 1)
            if k != before:
                place += 1
                counts[place] = 0.0
                before = k
            counts[place] += 1.0
        n_occupied[unit] = place + 1 - begin


@njit(cache=True, nogil=True)
def short_intervals(
    samples: Integers, offsets: Integers, marked: Flags, sampling_rate_hz: float, shortest_s: float, n_short: Integers
) -> None:
    """Fill (n_units,) successive intervals below ``shortest_s``, as differences of seconds: rounding decides 1.5 ms."""
    for unit in range(marked.size):
        if marked[unit]:
            n = 0
            for i in range(offsets[unit] + 1, offsets[unit + 1]):
                n += samples[i] / sampling_rate_hz - samples[i - 1] / sampling_rate_hz < shortest_s
            n_short[unit] = n


@njit(cache=True, nogil=True)
def pairs_within(samples: Integers, offsets: Integers, marked: Flags, longest: int, pairs: Integers) -> None:
    """Fill (n_units,) pairs of spikes at most ``longest`` samples apart."""
    for unit in range(marked.size):
        if marked[unit]:
            n = 0
            first = offsets[unit]
            for i in range(offsets[unit], offsets[unit + 1]):
                while samples[i] - samples[first] > longest:
                    first += 1
                n += i - first
            pairs[unit] = n


@njit(cache=True, nogil=True)
def lag_bins(samples: Integers, offsets: Integers, marked: Flags, width: int, counts: Integers) -> None:
    """Add (n_units, n_bins) pairs of spikes by lag in bins of ``width`` samples, each pair of lag 0 twice.

    Twice, because upstream's correlogram runs over ordered pairs and puts both orders of equal samples into the bin
    that begins at 0.
    """
    longest = counts.shape[1] * width
    for unit in range(marked.size):
        if not marked[unit]:
            continue
        begin, end = offsets[unit], offsets[unit + 1]
        for i in range(begin + 1, end):
            j = i - 1
            while j >= begin and samples[i] - samples[j] < longest:
                lag = samples[i] - samples[j]
                counts[unit, lag // width] += 2 if lag == 0 else 1
                j -= 1


@njit(cache=True, nogil=True)
def binned_deviations(
    samples: Integers,
    amplitudes: Floats,
    offsets: Integers,
    marked: Flags,
    width: Integers,
    starts: Integers,
    deviations: Floats,
    means: Floats,
) -> None:
    """Fill the population standard deviation of the amplitudes in every bin of time, and the mean of all of a unit.

    Parameters
    ----------
    samples, amplitudes, offsets, marked
        The block, and the units to do.
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
        means[unit] = np.mean(amplitudes[begin:end])
        i = begin
        for k in range(starts[unit + 1] - starts[unit]):
            first = i
            while i < end and samples[i] < (k + 1) * width[unit]:
                i += 1
            if i > first:
                deviations[starts[unit] + k] = np.std(amplitudes[first:i])


@njit(cache=True, nogil=True)
def binned_medians(
    samples: Integers,
    depths: Floats,
    offsets: Integers,
    marked: Flags,
    width: int,
    n_bins: Integers,
    fewest: int,
    medians: Floats,
    n_known: Integers,
    reference: Floats,
) -> None:
    """Fill the median depth of every bin of time with enough spikes, and that of all spikes of a unit.

    Parameters
    ----------
    samples, depths, offsets, marked
        The block, and the units to do.
    width, n_bins
        Samples of a bin, and (n_units,) whole bins; later spikes are in none.
    fewest
        Spikes that a bin needs.
    medians
        (n_spikes,) output, µm: the medians of a unit's bins that have enough, in order of time, from its offset on.
    n_known
        (n_units,) output: how many of them.
    reference
        (n_units,) output, µm.
    """
    for unit in range(marked.size):
        if not marked[unit]:
            continue
        begin, end = offsets[unit], offsets[unit + 1]
        if begin == end:
            continue
        reference[unit] = np.median(depths[begin:end])
        i = begin
        while i < end and samples[i] < n_bins[unit] * width:
            first = i
            until = (samples[i] // width + 1) * width
            while i < end and samples[i] < until:
                i += 1
            if i - first >= fewest:
                medians[begin + n_known[unit]] = np.median(depths[first:i])
                n_known[unit] += 1
