"""Compiled loops over a block's units for metrics from times and depths.

Each kernel fills one row of its output per marked unit with counts or sums; the formulas stay in `time_metrics`.
Loops over the spikes of one unit that others share stand in `pair_kernels`. Importing this module imports numba: do so
inside functions.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from nh_platform.qc.metrics.kernels.pair_kernels import bin_occupancy, lag_counts, pairs_between
from nh_platform.qc.metrics.unit_blocks import Flags, Floats, Integers


@njit(cache=True, nogil=True)
def presence(
    times: Floats, offsets: Integers, marked: Flags, tmin: Floats, width: float, n_bins: Integers, values: Floats
) -> None:
    """Fill (n_units, 2): share of non-empty bins, and population standard deviation of the counts."""
    for unit in range(marked.size):
        if marked[unit]:
            train = times[offsets[unit] : offsets[unit + 1]]
            occupied, deviation = bin_occupancy(train, tmin[unit], width, n_bins[unit])
            values[unit, 0] = occupied / n_bins[unit]
            values[unit, 1] = np.sqrt(deviation / n_bins[unit])


@njit(cache=True, nogil=True)
def occupied_between_edges(
    times: Floats, offsets: Integers, marked: Flags, tmin: Floats, tmax: Floats, n_edges: int, values: Floats
) -> None:
    """Fill (n_units, 1): non-empty bins of `numpy.linspace(tmin, tmax, n_edges)`, the last one with its upper edge."""
    for unit in range(marked.size):
        if marked[unit]:
            train = times[offsets[unit] : offsets[unit + 1]]
            step = (tmax[unit] - tmin[unit]) / (n_edges - 1)
            occupied = 0
            before = 0
            for k in range(1, n_edges - 1):
                until = np.searchsorted(train, k * step + tmin[unit])
                occupied += until > before
                before = until
            values[unit, 0] = occupied + (train.size > before)


@njit(cache=True, nogil=True)
def short_intervals(
    times: Floats, offsets: Integers, marked: Flags, refractory_s: float, min_isi_s: float, values: Floats
) -> None:
    """Fill (n_units, 3): spikes left without duplicates, their short intervals, and short intervals of all spikes.

    A spike is a duplicate when it follows the spike before it, duplicate or not, by ``min_isi_s`` or less. An interval
    is short below ``refractory_s``.
    """
    for unit in range(marked.size):
        if not marked[unit]:
            continue
        train = times[offsets[unit] : offsets[unit + 1]]
        n_duplicates = 0
        n_short = 0
        for i in range(train.size - 1):
            interval = train[i + 1] - train[i]
            n_duplicates += interval <= min_isi_s
            n_short += interval < refractory_s
        n_left_short = n_short
        if n_duplicates > 0:
            n_left_short = 0
            kept = 0
            for i in range(1, train.size):
                if train[i] - train[i - 1] > min_isi_s:
                    n_left_short += train[i] - train[kept] < refractory_s
                    kept = i
        values[unit, 0] = train.size - n_duplicates
        values[unit, 1] = n_left_short
        values[unit, 2] = n_short


@njit(cache=True, nogil=True)
def lags(
    times: Floats,
    offsets: Integers,
    marked: Flags,
    sampling_rate_hz: float,
    shortest: int,
    longest: int,
    samples: Integers,
    counts: Integers,
    pairs: Integers,
) -> None:
    """Count pairs of spikes by lag, in samples truncated towards zero as phylib and slidingRP do.

    Parameters
    ----------
    times, offsets, marked
        The block, and the units to do.
    sampling_rate_hz
        Samples per second.
    shortest, longest
        Lags, samples, of the pairs counted in ``pairs``.
    samples
        (n_spikes,) work space.
    counts
        (n_units, n_lags) zeros; receives the pairs at each lag.
    pairs
        (n_units,) receives the pairs with a lag in ``[shortest, longest)``.
    """
    for unit in range(marked.size):
        if marked[unit]:
            part = samples[offsets[unit] : offsets[unit + 1]]
            for i in range(part.size):
                part[i] = int(times[offsets[unit] + i] * sampling_rate_hz)
            lag_counts(part, counts[unit])
            pairs[unit] = pairs_between(part, shortest, longest)


@njit(cache=True, nogil=True)
def interval_counts(
    times: Floats,
    offsets: Integers,
    marked: Flags,
    edges: Floats,
    sampling_rate_hz: float,
    bin_samples: int,
    samples: Integers,
    interval_histogram: Integers,
    autocorrelogram: Integers,
) -> None:
    """Count the intervals and the lags of all pairs of each marked unit, in one pass over its spikes.

    Parameters
    ----------
    times, offsets, marked
        The block, and the units to do.
    edges
        (n_bins + 1,) increasing edges of the intervals, s; bin k holds ``edges[k] <= interval < edges[k + 1]``.
    sampling_rate_hz, bin_samples
        Lags are differences of times rounded to samples, in bins of ``bin_samples``.
    samples
        (n_spikes,) work space.
    interval_histogram
        (n_units, n_bins) zeros, counted into.
    autocorrelogram
        (n_units, n_lag_bins) zeros, counted into; longer lags are not counted.
    """
    n_bins = edges.size - 1
    longest = autocorrelogram.shape[1] * bin_samples
    for unit in range(marked.size):
        if not marked[unit]:
            continue
        begin, end = offsets[unit], offsets[unit + 1]
        for i in range(begin, end):
            samples[i] = int(np.rint(times[i] * sampling_rate_hz))
        # Backwards from each spike: the spikes before it have their samples, and the first pair is its interval.
        for i in range(begin + 1, end):
            place = np.searchsorted(edges, times[i] - times[i - 1], side="right") - 1
            if 0 <= place < n_bins:
                interval_histogram[unit, place] += 1
            j = i - 1
            while j >= begin and samples[i] - samples[j] < longest:
                autocorrelogram[unit, (samples[i] - samples[j]) // bin_samples] += 1
                j -= 1


@njit(cache=True, nogil=True)
def irregularity(times: Floats, offsets: Integers, marked: Flags, refractoriness_s: float, values: Floats) -> None:
    """Fill (n_units, 4): CV, CV2, LV and LvR of the inter-spike intervals; NaN stays where they are not defined."""
    for unit in range(marked.size):
        if not marked[unit]:
            continue
        train = times[offsets[unit] : offsets[unit + 1]]
        n = train.size - 1
        if n < 1:
            continue
        mean = (train[n] - train[0]) / n
        deviation = 0.0
        cv2 = 0.0
        lv = 0.0
        lvr = 0.0
        n_pairs = 0
        before = 0.0
        for i in range(n):
            interval = train[i + 1] - train[i]
            deviation += (interval - mean) ** 2
            total = before + interval
            if i > 0 and total > 0:
                relative = abs(before - interval) / total
                cv2 += relative
                # 1 - 4 I J / (I + J)^2 is ((I - J) / (I + J))^2 without its cancellation.
                lv += relative * relative
                lvr += relative * relative * (1 + 4 * refractoriness_s / total)
                n_pairs += 1
            before = interval
        if mean > 0:
            values[unit, 0] = np.sqrt(deviation / n) / mean
        if n_pairs > 0:
            values[unit, 1] = 2 * cv2 / n_pairs
            values[unit, 2] = 3 * lv / n_pairs
            values[unit, 3] = 3 * lvr / n_pairs


@njit(cache=True, nogil=True)
def path_length(positions: Floats, offsets: Integers, marked: Flags, values: Floats) -> None:
    """Fill (n_units, 1): summed distance of successive positions."""
    for unit in range(marked.size):
        if marked[unit]:
            length = 0.0
            for i in range(offsets[unit] + 1, offsets[unit + 1]):
                length += abs(positions[i] - positions[i - 1])
            values[unit, 0] = length
