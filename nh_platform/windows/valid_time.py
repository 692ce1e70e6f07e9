"""Valid time: the invalid intervals of a session, the windows and bins that they overlap, the spikes that remain.

Contains the invalid intervals of a session and what is valid beside them. Add here what an invalid interval does to
windows, bins or spikes. Where windows lie is `nh_platform.windows.session_windows`; what overlaps and what lies in an
interval, both half-open, is `nh_platform.windows.intervals`.

Intervals of scope ``all_probes`` and ``stimulus`` make the window that they overlap invalid and leave the counts alone.
Intervals of a probe leave the window valid, name the probe in ``invalid_probes``, and its units are 0 in the bins that
overlap, which the mask table lists: AllenSDK only warns there. Other scopes (``optotagging``) have no effect. Spikes
outside of windows are invalid in the intervals of ``all_probes`` and of their own probe alone: where the stimulus is
wrong, the recording is still good.

The recording of every probe is taken to last for the recorded time of the session but for its pauses, which
`nh_platform.windows.unrecorded_time` adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Events, Spikes
from nh_platform.session.tables.events import INVALID_TIMES
from nh_platform.windows.intervals import (
    BoolArray,
    FloatArray,
    duration_s,
    masked_ranges,
    merged_pairs,
    overlapping,
    valid_stretches,
    within,
)

SESSION_SCOPES = ("all_probes", "stimulus")
"""Scopes of invalid intervals that make a whole window invalid."""

RECORDING_SCOPES = ("all_probes",)
"""Those of them in which the spikes are invalid as well."""


@dataclass(frozen=True)
class InvalidTimes:
    """Invalid intervals of a session, merged where they touch, each (n, 2) start and stop in seconds.

    Parameters
    ----------
    session
        Intervals that make a window invalid.
    recording
        Those of them in which the spikes of every probe are invalid.
    probes
        Intervals in which one probe is invalid, by probe name in sorted order.
    """

    session: FloatArray
    recording: FloatArray
    probes: dict[str, FloatArray]

    def of_windows(self, probe: str) -> FloatArray:
        """Return the merged intervals (n, 2) in which windows of ``probe`` are invalid: its own and the session's."""
        return merged_pairs([*self.probes.get(probe, ()), *self.session])

    def of_spikes(self, probe: str) -> FloatArray:
        """Return the merged intervals (n, 2) in which the spikes of ``probe`` are invalid."""
        return merged_pairs([*self.probes.get(probe, ()), *self.recording])


NOTHING_INVALID = InvalidTimes(np.zeros((0, 2)), np.zeros((0, 2)), {})
"""The invalid times of a session that is valid throughout."""


@dataclass(frozen=True)
class ValidSpikes:
    """The spikes of a session outside the invalid intervals of their probe.

    Parameters
    ----------
    spikes
        Spikes of all units, in the order of the units table; intervals between two of them may bridge a gap.
    stretches
        (n, 2) start and stop in seconds of the valid time of each probe, by probe name in the order of the units.
    duration_s
        Valid seconds of each probe: what a rate is to be divided by.
    left_out
        Spikes of each probe that are left out.
    """

    spikes: Spikes
    stretches: dict[str, FloatArray]
    duration_s: dict[str, float]
    left_out: dict[str, int]


def invalid_times(events: Events, probes: Sequence[str]) -> InvalidTimes:
    """Return the invalid intervals of a session, sorted by what is invalid in them.

    An interval that ends before it starts, or has no start or end, marks nothing: which time upstream meant is not
    known, and one row must not decide over the session. Sources note it where they read it; in a review it is an error
    of the file (`nh_platform.qc.reviews.review_files`).
    """
    table = events.tables.get("invalid_times", INVALID_TIMES.empty())
    table = table[table["stop_time"] >= table["start_time"]]
    by_probe = {probe: _merged(table[table["scope"] == probe]) for probe in sorted(set(probes))}
    return InvalidTimes(
        session=_merged(table[table["scope"].isin(SESSION_SCOPES)]),
        recording=_merged(table[table["scope"].isin(RECORDING_SCOPES)]),
        probes={probe: intervals for probe, intervals in by_probe.items() if len(intervals)},
    )


def with_invalid(tables: Mapping[str, pd.DataFrame], marked: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return event tables with further intervals (schema `INVALID_TIMES`) among the invalid ones."""
    if marked.empty:
        return dict(tables)
    stated = tables.get(INVALID_TIMES.name, marked[:0])
    both = pd.concat([stated, marked], ignore_index=True) if len(stated) else marked
    return {**tables, INVALID_TIMES.name: both}


def masked_bins(times: FloatArray, edges: FloatArray, invalid: InvalidTimes) -> list[tuple[int, str, int, int]]:
    """Return the runs of bins in which a probe is invalid, for windows with ``edges`` (s) around ``times`` (s).

    Returns
    -------
    list
        Number of the window, probe, first bin and first bin after the run, in ascending order.
    """
    masked = []
    for probe, intervals in invalid.probes.items():
        for window in np.flatnonzero(overlapping(times + edges[0], times + edges[-1], intervals)).tolist():
            masked += [(window, probe, *run) for run in masked_ranges(times[window] + edges, intervals)]
    return sorted(masked)


def validity(starts: FloatArray, stops: FloatArray, invalid: InvalidTimes) -> tuple[BoolArray, npt.NDArray[np.object_]]:
    """Return whether each window ``[starts, stops)`` (s) is valid, and its invalid probes, comma-joined.

    Returns
    -------
    tuple
        (n_windows,) bool, False where an interval of the session overlaps; and (n_windows,) text.
    """
    probes = np.full(len(starts), "", dtype=object)
    for probe, intervals in invalid.probes.items():
        hit = overlapping(starts, stops, intervals)
        probes[hit] = [f"{before},{probe}" if before else probe for before in probes[hit]]
    return ~overlapping(starts, stops, invalid.session), probes


def valid_windows(
    times: FloatArray, start: float, stop: float, probes: Sequence[str], invalid: InvalidTimes
) -> BoolArray:
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
    overlaps = {p: overlapping(times + start, times + stop, invalid.of_windows(p)) for p in dict.fromkeys(probes)}
    valid = np.ones((len(times), len(probes)), dtype=bool)
    for column, probe in enumerate(probes):
        valid[:, column] = ~overlaps[probe]
    return valid


def valid_bins(edges: FloatArray, invalid: InvalidTimes) -> BoolArray:
    """Return (n_bins,) whether all probes recorded well in the bin between consecutive ``edges`` (s)."""
    valid = np.ones(max(len(edges) - 1, 0), dtype=bool)
    for intervals in (invalid.recording, *invalid.probes.values()):
        for first, end in masked_ranges(edges, intervals):
            valid[first:end] = False
    return valid


def stretches_by_probe(
    start: float, stop: float, probes: Sequence[str], invalid: InvalidTimes
) -> dict[str, FloatArray]:
    """Return the (n, 2) stretches (s) of ``start`` to ``stop`` in which the spikes of each probe are valid."""
    return {probe: valid_stretches(start, stop, invalid.of_spikes(probe)) for probe in probes}


def valid_spikes(
    spikes: Spikes,
    probe_of_unit: Sequence[str],
    invalid: InvalidTimes,
    start: float | None = None,
    stop: float | None = None,
) -> ValidSpikes:
    """Return the spikes outside the invalid intervals of their probe and of all probes.

    Parameters
    ----------
    spikes
        Spikes of all units.
    probe_of_unit
        (n_units,) name of each unit's probe.
    invalid
        Invalid intervals of the session.
    start, stop
        Stretch to take, in seconds, without its end; the recorded time, its end included, where None.

    Returns
    -------
    ValidSpikes
        With no invalid time its spikes are ``spikes`` itself; a session without spikes has durations of 0 s.

    Examples
    --------
    >>> nothing = np.full(3, np.nan, dtype=np.float32)
    >>> one_unit = Spikes(np.array([0.0, 1.0, 4.0]), np.array([0, 3]), nothing, nothing)
    >>> noise = InvalidTimes(np.zeros((0, 2)), np.zeros((0, 2)), {"probe00": np.array([[0.5, 2.0]])})
    >>> kept = valid_spikes(one_unit, ["probe00"], noise)
    >>> kept.spikes.times.tolist(), kept.duration_s
    ([0.0, 4.0], {'probe00': 2.5})
    """
    recorded = spikes.recorded_time
    probes = list(dict.fromkeys(probe_of_unit))
    intervals = {probe: invalid.of_spikes(probe) for probe in probes}
    limits = recorded.start if start is None else start, recorded.stop if stop is None else stop
    stretches = stretches_by_probe(*limits, probes, invalid)
    left_out = dict.fromkeys(probes, 0)
    kept = np.ones(len(spikes.times), dtype=bool)
    if start is not None or recorded.n_before:
        kept &= spikes.times >= limits[0]
    if stop is not None:
        kept &= spikes.times < stop
    elif recorded.n_after:
        kept &= spikes.times <= recorded.stop
    for unit, probe in enumerate(probe_of_unit):
        if len(intervals[probe]):
            part = slice(int(spikes.offsets[unit]), int(spikes.offsets[unit + 1]))
            invalid_here = within(spikes.times[part], intervals[probe])
            left_out[probe] += int((invalid_here & kept[part]).sum())
            kept[part] &= ~invalid_here
    return ValidSpikes(
        spikes=spikes.where(kept),
        stretches=stretches,
        duration_s={probe: duration_s(stretches[probe]) for probe in probes},
        left_out=left_out,
    )


def _merged(table: pd.DataFrame) -> FloatArray:
    """Return the intervals of ``table`` in order of time, joined where they overlap or touch."""
    return merged_pairs(zip(table["start_time"], table["stop_time"]))
