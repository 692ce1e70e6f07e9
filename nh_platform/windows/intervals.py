"""Intervals of time: which join, which overlap a window or a bin, which times lie in them, what they leave.

Contains the arithmetic on starts and stops alone. Add here what holds of any intervals. Which intervals of a session
are invalid, and what that does to its windows and spikes, is `nh_platform.windows.valid_time`.

An interval ``[s, e)`` overlaps a window or bin ``[a, b)`` where ``s < b`` and ``e > a``; touching is no overlap. A time
at the start of an interval is in it, one at its end is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def merged_pairs(pairs: Iterable[Sequence[float]]) -> FloatArray:
    """Return intervals (start, stop) as (n, 2) in order of time, joined where they overlap or touch."""
    merged: list[list[float]] = []
    for start, stop in sorted((float(start), float(stop)) for start, stop in pairs):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], stop)
        else:
            merged.append([start, stop])
    return np.array(merged, dtype=np.float64).reshape(-1, 2)


def overlapping(starts: FloatArray, stops: FloatArray, intervals: FloatArray) -> BoolArray:
    """Return (n_windows,) whether any of the merged ``intervals`` (n, 2) overlaps ``[starts, stops)``."""
    if len(intervals) == 0:
        return np.zeros(len(starts), dtype=bool)
    last = np.searchsorted(intervals[:, 0], stops, side="left") - 1
    return (last >= 0) & (intervals[last, 1] > starts)


def masked_ranges(edges: FloatArray, intervals: FloatArray) -> list[tuple[int, int]]:
    """Return first and end (excluded) of the runs of bins between ``edges`` that the merged ``intervals`` overlap."""
    runs: list[tuple[int, int]] = []
    n_bins = len(edges) - 1
    for start, stop in intervals:
        first = max(int(np.searchsorted(edges, start, side="right")) - 1, 0)
        end = min(int(np.searchsorted(edges, stop, side="left")), n_bins)
        if first >= end:
            continue
        if runs and first <= runs[-1][1]:  # two short intervals may lie in one bin
            first, end = runs[-1][0], max(end, runs.pop()[1])
        runs.append((first, end))
    return runs


def within(times: FloatArray, intervals: FloatArray) -> BoolArray:
    """Return (n_times,) whether each time (s) lies in one of the merged ``intervals`` (n, 2), ends excluded."""
    if len(intervals) == 0:
        return np.zeros(len(times), dtype=bool)
    last = np.searchsorted(intervals[:, 0], times, side="right") - 1
    return (last >= 0) & (times < intervals[last, 1])


def valid_stretches(start: float, stop: float, intervals: FloatArray) -> FloatArray:
    """Return what the merged ``intervals`` (n, 2) leave of ``start`` to ``stop`` (s), (n, 2); none for NaN limits."""
    if not stop >= start:
        return np.zeros((0, 2))
    begins = np.concatenate([[start], intervals[:, 1]]).clip(start, stop)
    ends = np.concatenate([intervals[:, 0], [stop]]).clip(start, stop)
    return np.column_stack([begins, ends])[ends > begins]


def duration_s(stretches: FloatArray) -> float:
    """Return the seconds that stretches (n, 2) last together."""
    return float((stretches[:, 1] - stretches[:, 0]).sum())
