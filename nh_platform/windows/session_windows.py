"""All windows of one session: their index, the masked bins, and plans of the counts.

Contains `build_windows` and what it returns. For each preset it finds the windows first, then what is invalid in them.
Add here what decides where windows lie. The rules of invalid times are `nh_platform.windows.valid_time`, counting is
`nh_platform.windows.binning`, files are `nh_platform.windows.window_files`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Events, Note, Spikes
from nh_platform.session.recorded_time import RecordedTime
from nh_platform.session.tables.windows import WINDOW_INDEX, WINDOW_MASKS
from nh_platform.sources.events import EventFilter, EventTimes
from nh_platform.windows.binning import US_PER_S, CountPlan, bins_of_spikes, check_sorted
from nh_platform.windows.presentations.showings import Showings, whole_movies
from nh_platform.windows.presets.preset_model import AlignedPreset, ContinuousPreset, Preset
from nh_platform.windows.valid_time import invalid_times, masked_bins, validity

MAX_BINS = 24 * 3600 * 50
"""Most bins of a window around an event: a day of 20 ms, some twenty times a recording. An end that is wrong in the
file (1e9 s) is no window, and would take all memory."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Windows:
    """The windows of one session, before their spikes are counted.

    Parameters
    ----------
    presets
        Presets that the windows were made with.
    unit_ids
        (n_units,) ids, the unit axis of all counts.
    grids
        Session grids by bin width in µs, for the continuous presets.
    aligned
        Windows around events by preset id.
    index
        Schema `WINDOW_INDEX`, every preset.
    masks
        Schema `WINDOW_MASKS`.
    notes
        What was left out.
    """

    presets: tuple[Preset, ...]
    unit_ids: tuple[str, ...]
    grids: dict[int, CountPlan]
    aligned: dict[str, CountPlan]
    index: pd.DataFrame
    masks: pd.DataFrame
    notes: tuple[Note, ...]


def build_windows(
    spikes: Spikes,
    units: pd.DataFrame,
    events: Events,
    presets: Sequence[Preset],
    stated: Mapping[str, EventTimes],
) -> Windows:
    """Return the windows of one session; a preset that the session has nothing for has none, and a note says why.

    Parameters
    ----------
    spikes
        Spikes, ascending within each unit.
    units
        Units in the order of ``spikes.offsets``, with ``unit_id`` and ``probe``.
    events
        Trials, presentations and invalid times of the session.
    presets
        Presets to make windows of.
    stated
        Where the session's source states its events (`SourceEntry.events`).

    Returns
    -------
    Windows
        With no units, no spikes or no events the tables and counts are empty and typed, and notes say so.

    Raises
    ------
    BadUpstreamData
        If spikes are unsorted or NaN.
    """
    if len(units) != spikes.n_units:
        raise ValueError(f"{len(units)} units but spikes of {spikes.n_units}")
    continuous = [preset for preset in presets if isinstance(preset, ContinuousPreset)]
    check_sorted(spikes)
    spans = {bin_us: bins_of_spikes(spikes, bin_us) for bin_us in sorted({preset.bin_us for preset in continuous})}
    plans: dict[str, CountPlan] = {}
    tables: list[pd.DataFrame] = []
    notes = [] if len(units) else [Note("units", "the session has none: its windows hold no counts")]
    for bin_us, span in spans.items():
        same = [preset for preset in continuous if preset.bin_us == bin_us]
        plans[f"grid_{bin_us}us"], rows = _continuous_windows(same, spikes, *span)
        tables += rows
        why = "the spikes do not span one" if len(spikes.times) else "there are no spikes"
        notes += [note for one, table in zip(same, rows) for note in _continuous_notes(one, table, why)]
    for preset in presets:
        if isinstance(preset, AlignedPreset):
            plans[preset.id], table, left_out = _aligned_windows(preset, events, stated, spikes)
            tables.append(table)
            notes += left_out

    filled = [table for table in tables if len(table)]
    index = pd.concat(filled, ignore_index=True) if filled else WINDOW_INDEX.empty()
    probes = units["probe"].to_numpy(dtype=object)
    units_of = {probe: np.flatnonzero(probes == probe) for probe in sorted(set(probes))}
    invalid = invalid_times(events, list(units_of))
    valid, invalid_probes = validity(index["start"].to_numpy(), index["stop"].to_numpy(), invalid)
    masks = []
    for name, plan in plans.items():
        masked = masked_bins(plan.events, plan.edges, invalid)
        masks += [(name, -1 if plan.is_grid else window, *run) for window, *run in masked]
        plans[name] = replace(plan, masks=[(window, units_of[probe], low, high) for window, probe, low, high in masked])
    return Windows(
        presets=tuple(presets),
        unit_ids=tuple(str(unit) for unit in units["unit_id"]),
        grids={plan.bin_us: plan for plan in plans.values() if plan.is_grid},
        aligned={name: plan for name, plan in plans.items() if not plan.is_grid},
        index=WINDOW_INDEX.conform(index.assign(valid=index["valid"] & valid, invalid_probes=invalid_probes)),
        masks=WINDOW_MASKS.conform(pd.DataFrame(masks, columns=WINDOW_MASKS.names)),
        notes=tuple(notes),
    )


def _continuous_windows(
    presets: Sequence[ContinuousPreset], spikes: Spikes, first_bin: int, end_bin: int
) -> tuple[CountPlan, list[pd.DataFrame]]:
    """Return the session grid of presets of one bin width, and the index rows of the windows of each.

    Windows start at multiples of the step on the session clock, the first one at or before the begin of the recorded
    time (at its whole second for 1 s windows), where it is valid if it begins with the bin of that; none ends after the
    bin of its end. The grid holds every window and every spike of the recorded time. Without spikes there is nothing.
    """
    bin_us = presets[0].bin_us
    starts = []
    for preset in presets:
        step = preset.step // bin_us
        starts.append(np.arange(first_bin // step * step, end_bin - preset.n_bins + 1, step, dtype=np.int64))
    grid_start = min([first_bin, *(int(bins[0]) for bins in starts if len(bins))])
    tables = [
        _index_rows(
            preset.id,
            start=bins * bin_us / US_PER_S,
            stop=(bins + preset.n_bins) * bin_us / US_PER_S,
            start_bin=bins - grid_start,
            n_bins=preset.n_bins,
            valid=bins >= first_bin,
        )
        for preset, bins in zip(presets, starts)
    ]
    return CountPlan(bin_us, grid_start * bin_us, end_bin - grid_start, np.zeros(1), spikes, is_grid=True), tables


def _continuous_notes(preset: ContinuousPreset, table: pd.DataFrame, why_none: str) -> list[Note]:
    if table.empty:
        return [Note(preset.id, f"no windows: {why_none}")]
    early = table.loc[~table["valid"], "start"]
    return [Note(preset.id, f"the window at {start:g} s begins before the recording; not valid") for start in early]


def _aligned_windows(
    preset: AlignedPreset, events: Events, stated: Mapping[str, EventTimes], spikes: Spikes
) -> tuple[CountPlan, pd.DataFrame, list[Note]]:
    """Return the windows around the events of ``preset``, their index rows in the order of the events, and notes."""
    chosen, label, notes = _chosen_events(preset, events, stated)
    recorded = spikes.recorded_time
    span = f"the recorded time, {recorded.start:.3f} to {recorded.stop:.3f} s"
    within = _within(chosen, recorded)
    n_bins, why = _aligned_bins(preset, chosen, within, span)
    if preset.stop_us is None and not (why or within.all()):
        text = f"{int((~within).sum())} of {len(chosen)} events are not within {span}: their lengths do not count"
        notes.append(Note(preset.id, text))
    if why:
        chosen, label, also = _no_events(preset, why)
        notes += also
    plan = CountPlan(preset.bin_us, preset.start_us, n_bins, chosen["time"].to_numpy(), spikes)
    start, stop = plan.events + plan.edges[0], plan.events + plan.edges[-1]
    inside = (start >= recorded.start) & (stop <= recorded.stop)
    if len(spikes.times) and not inside.all():
        text = f"{int((~inside).sum())} of {len(chosen)} windows reach beyond {span}; not valid"
        notes.append(Note(preset.id, text))
    index = _index_rows(
        preset.id,
        start=start,
        stop=stop,
        n_bins=n_bins,
        alignment=label,
        event_id=chosen.index.to_numpy(),
        event_time=plan.events,
        valid=chosen["valid"].to_numpy(dtype=bool) & inside,
    )
    return plan, index, notes


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
    needed = (where.column, preset.stop_column, *(name for one in where.filters for name in (one.column, one.minus)))
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
        wanted &= _meets(condition, table)
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
    found = pd.DataFrame({"time": times, "length": ends - times, "valid": valid}, index=table.index)
    return found[wanted & ~timeless], where.label, notes


def _movie_notes(preset: AlignedPreset, showings: Showings) -> list[Note]:
    texts = {
        f"{showings.n_frames} frames are {showings.n_movies} showings of movies: one window each": showings.n_frames,
        f"{showings.n_parts} parts of movies do not begin with their first frame: no window": showings.n_parts,
        f"{showings.n_cut} showings of movies end before the last frame: not valid": showings.n_cut,
    }
    return [Note(preset.id, text) for text, count in texts.items() if count]


def _no_events(preset: AlignedPreset, why: str) -> tuple[pd.DataFrame, str, list[Note]]:
    nothing = pd.DataFrame({"time": [], "length": [], "valid": []}, dtype=np.float64)
    return nothing, "none", [Note(preset.id, f"no windows: {why}")]


def _index_rows(preset_id: str, *, start: FloatArray, **columns: Any) -> pd.DataFrame:
    """Return index rows without what is invalid; columns that are not stated are those of continuous windows."""
    stated = {"alignment": "none", "event_id": -1, "event_time": np.nan, "start_bin": -1, "valid": True, **columns}
    return pd.DataFrame({"window_id": np.arange(len(start)), "preset": preset_id, "start": start, **stated})


def _numbers(values: pd.Series) -> FloatArray:
    """Return values as numbers; what is none is NaN."""
    return pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)


def _meets(condition: EventFilter, table: pd.DataFrame) -> npt.NDArray[np.bool_]:
    values = table[condition.column]
    if condition.minus is not None:
        values = pd.Series(_numbers(values) - _numbers(table[condition.minus]))
    met = np.ones(len(table), dtype=bool)
    if condition.include is not None:
        met &= values.isin(condition.include).to_numpy()
    if condition.exclude is not None:
        met &= ~values.isin(condition.exclude).to_numpy()
    if condition.minimum is not None:
        met &= _numbers(values) >= condition.minimum
    if condition.maximum is not None:
        met &= _numbers(values) <= condition.maximum
    return met


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
    if preset.stop_us is not None:
        n_bins = (preset.stop_us - preset.start_us) // preset.bin_us
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
