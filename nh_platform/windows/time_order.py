"""Spikes of all units in the order of time, and the compiled loops that read windows of them.

Contains the order itself and the reading of one window: its spikes, and its counts. Add here what reads a stretch of
time-ordered spikes. Spikes grouped by unit are counted by `nh_platform.windows.counts.count_kernels`. Import this
module inside a function: numba costs 0.9 s at import.

Bins are those of `nh_platform.windows.counts.binning`: half-open between float64 edges, ``base + edge[k] <= t < base +
edge[k + 1]``. A window's spikes come in the order of time, so its bins are passed once and no spike is searched for.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from nh_platform.session import BadUpstreamData, Spikes
from nh_platform.windows.counts.binning import check_sorted
from nh_platform.windows.counts.count_kernels import SATURATED, FloatArray, IntArray, lower_bound

LARGEST_SPAN = 10_000_000
"""Seconds between the first and the last spike that are indexed; 115 days, and 80 MB of index."""

_FEW = 32
"""Spikes of a bucket up to which insertion is faster than a merge."""


def ordered_spikes(spikes: Spikes) -> tuple[FloatArray, npt.NDArray[np.unsignedinteger], int, IntArray]:
    """Return the spikes of a session in the order of time.

    Spikes of one time come in the order of the units, so that the result depends on nothing but the spikes.

    Parameters
    ----------
    spikes
        Spikes, ascending within each unit.

    Returns
    -------
    times
        (n_spikes,) float64 seconds, ascending, bit-exact as in ``spikes``.
    unit_row
        (n_spikes,) uint16, or uint32 above 65,535 units: row of the unit of each spike.
    start_second
        Whole second at or before the first spike; 0 without spikes.
    second_offsets
        (n_seconds + 1,) int64; the first spike at or after ``start_second + k``. The last one is the number of spikes.

    Raises
    ------
    BadUpstreamData
        If times of a unit do not ascend, one is not finite, or they lie more than `LARGEST_SPAN` seconds apart.
    """
    check_sorted(spikes)
    n_spikes = len(spikes.times)
    few = spikes.n_units <= 65_536
    rows: npt.NDArray[np.unsignedinteger] = np.empty(n_spikes, np.uint16) if few else np.empty(n_spikes, np.uint32)
    times: FloatArray = np.empty(n_spikes, dtype=np.float64)
    if not len(times):
        return times, rows, 0, np.zeros(1, dtype=np.int64)
    given = np.ascontiguousarray(spikes.times, dtype=np.float64)
    first, last = float(given.min()), float(given.max())
    if not (np.isfinite(first) and np.isfinite(last) and last - first <= LARGEST_SPAN):
        raise BadUpstreamData(
            "spikes",
            f"they lie from {first} to {last} s, and at most {LARGEST_SPAN} s can be indexed",
            "Check the upstream spike times.",
        )
    starts = np.zeros(len(times) + 1, dtype=np.int64)
    scale = (len(times) - 1) / (last - first) if last > first else 0.0
    _scatter(given, spikes.offsets, first, scale if np.isfinite(scale) else 0.0, starts, times, rows)
    del starts
    start_second = int(np.floor(first))
    seconds = start_second + np.arange(int(np.floor(last)) - start_second + 2, dtype=np.float64)
    return times, rows, start_second, np.searchsorted(times, seconds).astype(np.int64)


@njit(cache=True, nogil=True)
def _scatter(
    given: FloatArray,
    offsets: IntArray,
    first: float,
    scale: float,
    starts: IntArray,
    times: FloatArray,
    rows: npt.NDArray[np.unsignedinteger],
) -> None:
    """Put spikes grouped by unit into the order of time: into about one bucket a spike, then each bucket in order.

    Spikes are put into the buckets unit by unit, and what is sorted within a bucket keeps that order at equal times.
    """
    n_buckets = len(starts) - 1
    for t in given:
        starts[min(int((t - first) * scale), n_buckets - 1) + 1] += 1
    for k in range(n_buckets):
        starts[k + 1] += starts[k]
    for unit in range(len(offsets) - 1):
        for i in range(offsets[unit], offsets[unit + 1]):
            k = min(int((given[i] - first) * scale), n_buckets - 1)
            times[starts[k]] = given[i]
            rows[starts[k]] = unit
            starts[k] += 1  # in the end, where the bucket ends
    low = 0
    for k in range(n_buckets):
        high = starts[k]
        if high - low > _FEW:
            order = np.argsort(times[low:high], kind="mergesort")
            times[low:high] = times[low:high].copy()[order]
            rows[low:high] = rows[low:high].copy()[order]
        else:
            for i in range(low + 1, high):
                t, row, j = times[i], rows[i], i
                while j > low and times[j - 1] > t:
                    times[j], rows[j] = times[j - 1], rows[j - 1]
                    j -= 1
                times[j], rows[j] = t, row
        low = high


@njit(cache=True, nogil=True)
def first_spike_at(times: FloatArray, start_second: int, second_offsets: IntArray, value: float) -> int:
    """Return the first spike whose time is not below ``value``, for any finite ``value``."""
    last = len(second_offsets) - 1
    if last < 1 or value <= start_second:
        return 0
    if value >= start_second + last:
        return len(times)
    k = int(np.floor(value)) - start_second  # a difference of floats may round up to the next second
    return lower_bound(times, second_offsets[k], second_offsets[k + 1], value)


@njit(cache=True, nogil=True)
def count_window(
    times: FloatArray,
    rows: npt.NDArray[np.unsignedinteger],
    first: int,
    base: float,
    edges: FloatArray,
    place: IntArray,
    out: npt.NDArray[np.uint8],
) -> int:
    """Count the spikes of one window into the zeroed ``out`` (n_chosen, n_bins), and return its largest count.

    ``first`` is the first spike at or after ``base + edges[0]``; ``place`` (n_units,) is the row of ``out`` of a unit,
    negative where it is not wanted. Counts above 255 are stored as that; the one returned is the true one only up to
    there, then 256.
    """
    k, n_bins, largest = 0, len(edges) - 1, 0
    if n_bins < 1:
        return 0
    above, end = base + edges[1], base + edges[n_bins]
    for i in range(first, len(times)):
        t = times[i]
        if t >= end:
            break
        while t >= above:
            k += 1
            above = base + edges[k + 1]
        row = place[rows[i]]
        if row >= 0:
            if out[row, k] == SATURATED:
                largest = SATURATED + 1
            else:
                out[row, k] += 1
                largest = max(largest, int(out[row, k]))
    return largest


@njit(cache=True, nogil=True)
def take_window(
    times: FloatArray,
    rows: npt.NDArray[np.unsignedinteger],
    first: int,
    stop: int,
    origin: float,
    place: IntArray,
    out_times: FloatArray,
    out_units: IntArray,
) -> int:
    """Write times from ``origin`` and places of the wanted spikes ``first`` to ``stop``; return how many they are."""
    n = 0
    for i in range(first, stop):
        row = place[rows[i]]
        if row >= 0:
            out_times[n] = times[i] - origin
            out_units[n] = row
            n += 1
    return n
