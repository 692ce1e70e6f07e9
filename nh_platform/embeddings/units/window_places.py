"""Where a reference window lies in a session.

Contains the search for its intervals among the session's events, and what is said where the session has less of it, or
nothing. Add here how another kind of window is found. Names and the stored file are `reference_windows`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.embeddings.units.reference_windows import (
    FIRST_BLOCK,
    GRATINGS,
    PRE_TASK,
    SPONTANEOUS,
    TASK,
    ReferenceWindow,
    UsedWindow,
    checked_window,
)
from nh_platform.session import Events, Spikes
from nh_platform.session.recorded_time import RecordedTime
from nh_platform.session.tables.events import TRIAL_TABLES
from nh_platform.windows.intervals import merged_pairs
from nh_platform.windows.splits.audited_record import WHOLE_SESSION
from nh_platform.windows.valid_time import InvalidTimes

FloatArray = npt.NDArray[np.float64]

GRATING_STIMULI = ("drifting_gratings", "drifting_gratings_75_repeats")
"""Stimuli of a whole sweep of 2 s at full contrast: of the first type of Visual Coding sessions, and of the second."""

PASSIVE_SPONTANEOUS = "spontaneousActivity"
"""Name of the spontaneous part of IBL's passive protocol."""

NEARLY_S = 1.0
"""A window that lacks less than this of what was asked for lacks nothing: the recorded time ends with a spike."""


def used_window(spikes: Spikes, window: ReferenceWindow | str, events: Events | None = None) -> UsedWindow:
    """Return where a window lies in a session.

    Parameters
    ----------
    spikes
        Spikes, for the recorded time.
    window
        The window, or its id.
    events
        Events of the session, for windows that these limit.

    Returns
    -------
    UsedWindow
        With a note where the session has less of it than was asked for, or nothing: its units are silent then.

    Raises
    ------
    ConfigError
        As `checked_window`.
    """
    window, recorded = checked_window(window), spikes.recorded_time
    if window.id == WHOLE_SESSION:
        return UsedWindow(window.id, recorded.start, recorded.stop)
    if not recorded.stop > recorded.start:
        return _nothing(window, "the session has no recorded time")
    if window.kind in _FINDERS:
        found = _FINDERS[window.kind]({} if events is None else events.tables, recorded)
        if isinstance(found, str):
            return _nothing(window, found)
        parts = _within(found, recorded)
    else:
        stop = math.inf if window.stop_s is None else recorded.start + window.stop_s
        parts = _within([(recorded.start + window.start_s, stop)], recorded)
    if not len(parts):
        return _nothing(window, f"none of it lies in the recorded time, {recorded.start:.3f} to {recorded.stop:.3f} s")
    if window.length_s is not None:
        parts = _first_seconds(parts, window.length_s)
    several = tuple((float(start), float(stop)) for start, stop in parts) if len(parts) > 1 else ()
    used = UsedWindow(window.id, float(parts[0, 0]), float(parts[-1, 1]), several)
    if window.length_s is not None and used.available_s < window.length_s - NEARLY_S:
        text = f"{used.available_s:.1f} of its {window.length_s:g} s were there; units are described by these"
        return replace(used, notes=(_note(window, text),))
    return used


def only_within(invalid: InvalidTimes, used: UsedWindow) -> InvalidTimes:
    """Return invalid times in which what lies between the parts of a window is invalid for the spikes of all probes."""
    parts = used.stretches
    between = list(zip(parts[:-1, 1], parts[1:, 0]))
    return replace(invalid, recording=merged_pairs([*invalid.recording, *between])) if between else invalid


def grating_presentations(events: Events | None) -> pd.DataFrame:
    """Return the valid sweeps of drifting gratings, blanks left out, with ``orientation`` in degrees."""
    return _sweeps({} if events is None else events.tables)


def _nothing(window: ReferenceWindow, why: str) -> UsedWindow:
    text = f"{why}; the features of its units are undefined"
    return UsedWindow(window.id, math.nan, math.nan, notes=(_note(window, text),))


def _note(window: ReferenceWindow, text: str) -> str:
    return f"reference window {window.id}: {text}"


def _within(pairs: Iterable[tuple[float, float]], recorded: RecordedTime) -> FloatArray:
    """Return intervals in order, joined where they touch, as far as they lie in the recorded time."""
    end = float(np.nextafter(recorded.stop, np.inf))  # intervals have no end, and the last spike lies on this one
    clipped = [(max(start, recorded.start), stop if stop <= recorded.stop + NEARLY_S else end) for start, stop in pairs]
    return merged_pairs([(start, stop) for start, stop in clipped if stop > start])


def _first_seconds(parts: FloatArray, length_s: float) -> FloatArray:
    """Return the first seconds of intervals, joined in time."""
    before = np.concatenate([[0.0], np.cumsum(parts[:, 1] - parts[:, 0])])[:-1]
    kept = parts[before < length_s].copy()
    kept[-1, 1] = min(kept[-1, 1], kept[-1, 0] + length_s - before[len(kept) - 1])
    return kept


def _trials(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
    """Return the trials in order of time; None where the session has none."""
    for name in TRIAL_TABLES:
        if name in tables and tables[name]["start_time"].notna().any():
            return tables[name].dropna(subset="start_time").sort_values("start_time", kind="stable")
    return None


_NO_TRIALS = "the session has no trials"
Found = list[tuple[float, float]] | str
"""Intervals in seconds, or why there are none."""


def _pre_task(tables: Mapping[str, pd.DataFrame], recorded: RecordedTime) -> Found:
    trials = _trials(tables)
    if trials is None:
        return _NO_TRIALS
    first = float(trials["start_time"].iloc[0])
    if first <= recorded.start:
        return f"the first trial starts at {first:.3f} s, the recording at {recorded.start:.3f} s"
    return [(recorded.start, first)]


def _first_block(tables: Mapping[str, pd.DataFrame], recorded: RecordedTime) -> Found:
    trials = _trials(tables)
    if trials is None:
        return _NO_TRIALS
    if "probabilityLeft" not in trials or trials["probabilityLeft"].isna().all():
        return "the session's trials state no block (probabilityLeft)"
    trials = trials[trials["probabilityLeft"].notna()]
    probability = trials["probabilityLeft"].to_numpy()
    other = np.flatnonzero(probability != probability[0])
    block = trials.iloc[: other[0]] if len(other) else trials
    # The last trial of the block may not state its end: the next one's begin is the latest that it can be.
    stop = block["stop_time"].max()
    if np.isnan(stop):
        stop = trials["start_time"].iloc[other[0]] if len(other) else math.inf
    return [(float(block["start_time"].iloc[0]), float(stop))]


def _task(tables: Mapping[str, pd.DataFrame], recorded: RecordedTime) -> Found:
    trials = _trials(tables)
    return _NO_TRIALS if trials is None else [(float(trials["start_time"].iloc[0]), math.inf)]


def _spontaneous(tables: Mapping[str, pd.DataFrame], recorded: RecordedTime) -> Found:
    found: list[tuple[float, float]] = []
    if (shown := tables.get("presentations")) is not None:
        found += _pairs(shown[shown["stimulus_name"].eq("spontaneous") & shown["valid"]])
    if (passive := tables.get("passive_periods")) is not None:
        found += _pairs(passive[passive["name"] == PASSIVE_SPONTANEOUS])
    return found or "the session has no period of spontaneous activity"


def _gratings(tables: Mapping[str, pd.DataFrame], recorded: RecordedTime) -> Found:
    return _pairs(_sweeps(tables)) or "no drifting grating was shown"


def _sweeps(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    table = tables.get("presentations")
    if table is None or "orientation" not in table:
        return pd.DataFrame({"start_time": [], "stop_time": [], "orientation": []}, dtype=np.float64)
    shown = table["stimulus_name"].isin(GRATING_STIMULI) & table["valid"] & table["orientation"].notna()
    return table[shown & table["stop_time"].gt(table["start_time"])]


def _pairs(table: pd.DataFrame) -> list[tuple[float, float]]:
    table = table[table["stop_time"] > table["start_time"]]
    return list(zip(table["start_time"].tolist(), table["stop_time"].tolist()))


_FINDERS: dict[str, Callable[[Mapping[str, pd.DataFrame], RecordedTime], Found]] = {
    PRE_TASK: _pre_task,
    FIRST_BLOCK: _first_block,
    TASK: _task,
    SPONTANEOUS: _spontaneous,
    GRATINGS: _gratings,
}
