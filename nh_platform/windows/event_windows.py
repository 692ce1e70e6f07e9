"""Windows around events: which events get one, and where each begins and ends.

Add here what decides where windows around events lie. Continuous windows and the whole of a session are
`session_windows`; rows of the index are made by `window_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.qc.rules.session_rules import trial_mask
from nh_platform.session import Events, Note, SchemaError
from nh_platform.session.recorded_time import RecordedTime
from nh_platform.session.tables.events import TRIALS
from nh_platform.sources.events import EventTimes
from nh_platform.windows.counts.binning import US_PER_S
from nh_platform.windows.presentations.showings import Showings, whole_movies
from nh_platform.windows.presets.preset_fields import DAY_US
from nh_platform.windows.presets.preset_model import AlignedPreset
from nh_platform.windows.window_rows import index_rows

MAX_BINS = 24 * 3600 * 50
"""Most bins of a window around an event: a day of 20 ms, some twenty times a recording. An end that is wrong in the
file (1e9 s) is no window, and would take all memory."""


def aligned_windows(
    preset: AlignedPreset, events: Events, stated: Mapping[str, EventTimes], recorded: RecordedTime
) -> tuple[pd.DataFrame, list[Note]]:
    """Return the index rows of the windows around the events of ``preset``, in the order of the events, and notes.

    Parameters
    ----------
    preset
        The preset.
    events
        Trials, presentations and invalid times of the session.
    stated
        Where the session's source states its events (`SourceEntry.events`).
    recorded
        The recorded time of the session.
    """
    chosen, label, notes = _chosen_events(preset, events, stated)
    span = f"the recorded time, {recorded.start:.3f} to {recorded.stop:.3f} s"
    n_bins, n_beyond, why = _bins_of_events(preset, chosen, recorded, span)
    if n_beyond:
        text = f"{n_beyond} of {len(chosen)} events are not within {span}: their lengths do not count"
        notes.append(Note(preset.id, text))
    if why:
        notes += [Note(preset.id, f"no windows: {text}") for text in why]
        chosen, n_bins = chosen[n_bins > 0], n_bins[n_bins > 0]
        label = label if len(chosen) else "none"
    if preset.every_us is not None:
        chosen = _follow_each_other(preset, chosen)
        n_bins = np.full(len(chosen), preset.n_bins, dtype=np.int64)
    times = chosen["time"].to_numpy(dtype=np.float64)
    start, stop = times + preset.start_us / US_PER_S, times + _stop_us(preset, n_bins) / US_PER_S
    inside = (start >= recorded.start) & (stop <= recorded.stop)
    if recorded.stop >= recorded.start and not inside.all():
        text = f"{int((~inside).sum())} of {len(chosen)} windows reach beyond {span}; not valid"
        notes.append(Note(preset.id, text))
    index = index_rows(
        preset.id,
        start=start,
        stop=stop,
        n_bins=n_bins,
        alignment=label,
        event_id=chosen.index.to_numpy(),
        event_time=times,
        valid=chosen["valid"].to_numpy(dtype=bool) & inside,
    )
    return index, notes


def _bins_of_events(
    preset: AlignedPreset, events: pd.DataFrame, recorded: RecordedTime, span: str
) -> tuple[npt.NDArray[np.int64], int, list[str]]:
    """Return the bins of each event's window, 0 where it gets none; events whose length cannot count; why none do."""
    within = _within(events, recorded)
    n_bins, beyond, reasons = np.zeros(len(events), dtype=np.int64), 0, []
    kinds = events["kind"].to_numpy(dtype=object)
    for kind in dict.fromkeys(kinds) or [""]:
        same = kinds == kind
        n_bins[same], why = _aligned_bins(preset, events[same], within[same], span)
        if why:
            reasons.append(f"{preset.stop_by} {kind}: {why}" if preset.stop_by else why)
        elif preset.stop_us is None:
            beyond += int((same & ~within).sum())
    return n_bins, beyond, reasons


def _stop_us(preset: AlignedPreset, n_bins: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return (n_windows,) the stop of each window in µs from its event."""
    if preset.stop_us is not None:
        return np.full(len(n_bins), preset.stop_us, dtype=np.int64)
    return preset.start_us + n_bins * (preset.bin_us or 0)


def _follow_each_other(preset: AlignedPreset, chosen: pd.DataFrame) -> pd.DataFrame:
    """Return each event once per window that fits between it and its end, at the time of that window."""
    every, stop = preset.every_us or 1, preset.stop_us or 0
    length_us = np.round(chosen["length"].to_numpy(dtype=np.float64) * US_PER_S)
    # Of a length that is not known there is no window; one that is wrong by days would be too many.
    length_us = np.where(np.isfinite(length_us), np.minimum(length_us, DAY_US), -1.0)
    number = np.maximum((length_us - stop) // every + 1, 0).astype(np.int64)
    repeated = chosen.loc[chosen.index.repeat(number)]
    place = np.arange(len(repeated)) - np.repeat(np.cumsum(number) - number, number)
    return repeated.assign(time=repeated["time"].to_numpy() + place * every / US_PER_S)


def _chosen_events(
    preset: AlignedPreset, events: Events, stated: Mapping[str, EventTimes]
) -> tuple[pd.DataFrame, str, list[Note]]:
    """Return time, length (s) and validity of the events that get a window, by row; their label; and notes."""
    where = preset.times(stated)
    if where is None:
        known = ", ".join(sorted(stated)) or "none"
        return _no_events(preset, f"{events.session.source} states no event {preset.event!r}; it states {known}")
    table = events.tables.get(where.table)
    if table is None or table.empty:
        return _no_events(preset, f"the session has no {where.table}")
    if preset.mask is not None and where.table != TRIALS.name:
        return _no_events(preset, f"its mask is of IBL's trials, and the event is one of {where.table}")
    needed = (
        where.column,
        preset.stop_column,
        preset.stop_by,
        *(name for one in where.filters for name in (one.column, one.minus)),
    )
    for name in needed:
        if name is not None and name not in table:  # stimulus parameters are other columns in other sessions
            columns = ", ".join(map(str, table.columns))
            return _no_events(preset, f"{where.table} has no column {name!r}; it has {columns}")
    notes: list[Note] = []
    if where.whole_movies:
        showings = whole_movies(table)
        table, notes = showings.table, _movie_notes(preset, showings)
    wanted = np.ones(len(table), dtype=bool)
    for condition in where.filters:
        wanted &= condition.met_by(table)
    try:
        if preset.mask is not None:
            wanted &= trial_mask(table, preset.mask)
    except SchemaError as error:
        return _no_events(preset, f"its mask of trials cannot be applied: {error.found}")
    if not wanted.all():
        left_out = int((~wanted).sum())
        notes.append(Note(preset.id, f"{left_out} of {len(table)} {where.table} are left out by its filters"))
    times = _numbers(table[where.column])
    timeless = wanted & ~np.isfinite(times)
    if timeless.any():
        text = f"{int(timeless.sum())} of {int(wanted.sum())} {where.table} have no {where.column}: no window"
        notes.append(Note(preset.id, text))
    ends = times if preset.stop_column is None else _numbers(table[preset.stop_column])
    valid = table["valid"].to_numpy(dtype=bool) if "valid" in table else True
    kind = "" if preset.stop_by is None else table[preset.stop_by].astype(str)
    found = pd.DataFrame({"time": times, "length": ends - times, "valid": valid, "kind": kind}, index=table.index)
    return found[wanted & ~timeless], where.label, notes


def _movie_notes(preset: AlignedPreset, showings: Showings) -> list[Note]:
    texts = {
        f"{showings.n_frames} frames are {showings.n_movies} showings of movies: one window each": showings.n_frames,
        f"{showings.n_parts} parts of movies do not begin with their first frame: no window": showings.n_parts,
        f"{showings.n_cut} showings of movies end before the last frame: not valid": showings.n_cut,
    }
    return [Note(preset.id, text) for text, count in texts.items() if count]


def _no_events(preset: AlignedPreset, why: str) -> tuple[pd.DataFrame, str, list[Note]]:
    nothing = pd.DataFrame({"time": [], "length": [], "valid": [], "kind": []}, dtype=np.float64)
    return nothing, "none", [Note(preset.id, f"no windows: {why}")]


def _numbers(values: pd.Series) -> npt.NDArray[np.float64]:
    """Return values as numbers; what is none is NaN."""
    return pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)


def _within(events: pd.DataFrame, recorded: RecordedTime) -> npt.NDArray[np.bool_]:
    """Return which events neither begin before nor end behind the recorded time; all of them without spikes."""
    start, length = events["time"].to_numpy(dtype=np.float64), events["length"].to_numpy(dtype=np.float64)
    return ~((start < recorded.start) | (start + length > recorded.stop))


def _aligned_bins(
    preset: AlignedPreset, events: pd.DataFrame, within: npt.NDArray[np.bool_], span: str
) -> tuple[int, str]:
    """Return the bins of a window, and why there is none; no bins without a reason where there are no events.

    Where the preset ends with the ``events``, the lengths (s) of those count that are ``within`` the recorded time, in
    words ``span``, and valid; those that are not finite and positive are no lengths. The window of any other event is
    cut to the same bins: one end that is wrong by an hour would give each of 299 trials 170,000 of them.
    """
    if preset.bin_us is None or preset.stop_us is not None:
        n_bins = preset.n_bins
    elif events.empty:
        return 0, ""
    elif not within.any():
        return 0, f"no event is within {span}"
    else:
        valid = within & events["valid"].to_numpy(dtype=bool)
        lengths = events["length"].to_numpy(dtype=np.float64)[valid if valid.any() else within]
        stated = lengths[np.isfinite(lengths) & (lengths > 0)]
        if len(stated) == 0:
            return 0, f"no event has a {preset.stop_column} after its start"
        # Rounded to µs first: the difference of two times at 5000 s is off by 1e-12 s, which is no further bin.
        n_bins = -((preset.start_us - round(float(stated.max()) * US_PER_S)) // preset.bin_us)
        if n_bins <= 0:
            return 0, f"the longest event, {stated.max():.6g} s, ends before start_us, {preset.start_us}"
    if n_bins > MAX_BINS:
        return 0, f"a window would have {n_bins} bins, and at most {MAX_BINS} (a day of 20 ms) can be counted"
    return n_bins, ""
