"""Invalid times: what they spoil of each probe, which windows they overlap, and which bins are masked.

Contains the rules of overlap and the mask tables. Add here what an invalid interval does to windows. Where windows lie
is `nh_platform.windows.window_index`; spikes and durations outside the intervals are `nh_platform.windows.valid_time`.

Overlap is half-open: an invalid interval ``[s, e)`` overlaps a window or bin ``[a, b)`` where ``s < b`` and ``e > a``;
touching is no overlap. Intervals of scope ``all_probes`` and ``stimulus`` make the window invalid and leave the counts
alone. Intervals of a probe leave the window valid, name the probe in ``invalid_probes``, and its units are 0 in the
bins that overlap, which the mask table lists: AllenSDK only warns there. Other scopes (``optotagging``) spoil nothing.
Spikes outside of windows are spoilt by the intervals of ``all_probes`` and of their own probe alone: where the stimulus
is wrong, the recording is still good.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import BadUpstreamData, Behavior
from nh_platform.session.tables.events import INVALID_TIMES
from nh_platform.session.tables.windows import WINDOW_MASKS

FloatArray = npt.NDArray[np.float64]

SESSION_SCOPES = ("all_probes", "stimulus")
"""Scopes of invalid intervals that make a whole window invalid."""

RECORDING_SCOPES = ("all_probes",)
"""Those of them that spoil the spikes as well."""


@dataclass(frozen=True)
class InvalidTimes:
    """Invalid intervals of a session, merged where they touch, each (n, 2) start and stop in seconds.

    Parameters
    ----------
    session
        Intervals that make a window invalid.
    recording
        Those of them that spoil the spikes of every probe.
    probes
        Intervals that spoil one probe, by probe name in sorted order.
    """

    session: FloatArray
    recording: FloatArray
    probes: dict[str, FloatArray]

    def of_windows(self, probe: str) -> FloatArray:
        """Return the merged intervals (n, 2) that spoil a window of units of ``probe``: its own and the session's."""
        return _merged_pairs([*self.probes.get(probe, ()), *self.session])

    def of_spikes(self, probe: str) -> FloatArray:
        """Return the merged intervals (n, 2) whose spikes on ``probe`` are not to be used."""
        return _merged_pairs([*self.probes.get(probe, ()), *self.recording])


def invalid_times(behavior: Behavior, probes: Sequence[str]) -> InvalidTimes:
    """Sort the invalid intervals of a session by what they spoil.

    Raises
    ------
    BadUpstreamData
        If an interval ends before it starts or has no end.
    """
    table = behavior.events.get("invalid_times", INVALID_TIMES.empty())
    bad = table[~(table["stop_time"] >= table["start_time"])]
    if len(bad):
        raise BadUpstreamData(
            f"session {behavior.session.session_id}, invalid_times",
            f"interval {bad['start_time'].iloc[0]} to {bad['stop_time'].iloc[0]} s ends before it starts",
            "Check the invalid intervals upstream.",
        )
    by_probe = {probe: _merged(table[table["scope"] == probe]) for probe in sorted(set(probes))}
    return InvalidTimes(
        session=_merged(table[table["scope"].isin(SESSION_SCOPES)]),
        recording=_merged(table[table["scope"].isin(RECORDING_SCOPES)]),
        probes={probe: intervals for probe, intervals in by_probe.items() if len(intervals)},
    )


def overlapping(starts: FloatArray, stops: FloatArray, intervals: FloatArray) -> npt.NDArray[np.bool_]:
    """Return (n_windows,) whether any of the merged ``intervals`` (n, 2) overlaps ``[starts, stops)``."""
    if len(intervals) == 0:
        return np.zeros(len(starts), dtype=bool)
    last = np.searchsorted(intervals[:, 0], stops, side="left") - 1
    return (last >= 0) & (intervals[last, 1] > starts)


def valid_windows(
    times: FloatArray, start: float, stop: float, probes: Sequence[str], invalid: InvalidTimes
) -> npt.NDArray[np.bool_]:
    """Return (n_events, n_probes) whether no interval of the probe or session overlaps the window around an event.

    Parameters
    ----------
    times
        (n_events,) seconds; the window of one without a time (NaN) is valid, and holds nothing.
    start, stop
        Window relative to the event in seconds.
    probes
        Probe of each column, repeated as they come: one per probe, or one per unit.
    invalid
        Invalid intervals of the session.
    """
    spoiled = {p: overlapping(times + start, times + stop, invalid.of_windows(p)) for p in dict.fromkeys(probes)}
    valid = np.ones((len(times), len(probes)), dtype=bool)
    for column, probe in enumerate(probes):
        valid[:, column] = ~spoiled[probe]
    return valid


def valid_bins(edges: FloatArray, invalid: InvalidTimes) -> npt.NDArray[np.bool_]:
    """Return (n_bins,) whether all probes recorded well in the bin between consecutive ``edges`` (s)."""
    valid = np.ones(max(len(edges) - 1, 0), dtype=bool)
    for intervals in (invalid.recording, *invalid.probes.values()):
        for first, end in masked_ranges(edges, intervals):
            valid[first:end] = False
    return valid


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


def grid_masks(grid: str, edges: FloatArray, invalid: InvalidTimes) -> pd.DataFrame:
    """Return the masked bins (schema `WINDOW_MASKS`) of the session grid with these ``edges``."""
    return _mask_table(
        [
            (grid, -1, probe, first, end)
            for probe, intervals in invalid.probes.items()
            for first, end in masked_ranges(edges, intervals)
        ]
    )


def event_masks(preset_id: str, times: FloatArray, edges: FloatArray, invalid: InvalidTimes) -> pd.DataFrame:
    """Return the masked bins (schema `WINDOW_MASKS`) of windows with ``edges`` around events at ``times`` (s)."""
    rows = []
    for probe, intervals in invalid.probes.items():
        touched = overlapping(times + edges[0], times + edges[-1], intervals)
        for window in np.flatnonzero(touched):
            for first, end in masked_ranges(times[window] + edges, intervals):
                rows.append((preset_id, int(window), probe, first, end))
    return _mask_table(sorted(rows))


def _merged(table: pd.DataFrame) -> FloatArray:
    """Return the intervals of ``table`` in order of time, joined where they overlap or touch."""
    return _merged_pairs(zip(table["start_time"], table["stop_time"]))


def _merged_pairs(pairs: Iterable[Sequence[float]]) -> FloatArray:
    merged: list[list[float]] = []
    for start, stop in sorted((float(start), float(stop)) for start, stop in pairs):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], stop)
        else:
            merged.append([start, stop])
    return np.array(merged, dtype=np.float64).reshape(-1, 2)


def _mask_table(rows: list[tuple[str, int, str, int, int]]) -> pd.DataFrame:
    if not rows:
        return WINDOW_MASKS.empty()
    return WINDOW_MASKS.conform(pd.DataFrame(rows, columns=WINDOW_MASKS.names))
