"""All windows of one session: their index, the masked bins, and plans of the counts.

Contains `build_windows` and what it returns. For each preset it finds the windows first, then what is invalid in them.
Add here what decides where windows lie. The rules of invalid times are `nh_platform.windows.valid_time`, counting is
`nh_platform.windows.counts.binning`, files are `nh_platform.windows.window_files`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nh_platform.session import Events, Note, Spikes
from nh_platform.session.display import counted
from nh_platform.session.tables.windows import WINDOW_INDEX, WINDOW_MASKS
from nh_platform.sources.events import EventTimes
from nh_platform.windows.counts.binning import US_PER_S, CountPlan, bins_of_spikes, check_sorted
from nh_platform.windows.event_windows import aligned_windows
from nh_platform.windows.presets.preset_model import AlignedPreset, ContinuousPreset, Preset
from nh_platform.windows.unrecorded_time import with_pauses
from nh_platform.windows.valid_time import invalid_times, validity
from nh_platform.windows.window_rows import count_masks, grid_masks, index_rows, planned_counts, window_masks

NO_BINS_US = 1
"""Unit in which windows without bins are laid out, µs."""


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
    dense
        Counts around events by id of the preset, for those presets that store them.
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
    dense: dict[str, CountPlan]
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
    grids: dict[str, CountPlan] = {}
    tables: list[pd.DataFrame] = []
    notes = [] if len(units) else [Note("units", "the session has none: its windows hold no counts")]
    for bin_us in sorted({preset.bin_us or NO_BINS_US for preset in continuous}):
        same = [preset for preset in continuous if (preset.bin_us or NO_BINS_US) == bin_us]
        grid, rows = _continuous_windows(same, spikes, bin_us)
        if any(preset.bin_us for preset in same):
            grids[f"grid_{bin_us}us"] = grid
        tables += rows
        why = "the spikes do not span one" if len(spikes.times) else "there are no spikes"
        notes += [note for one, table in zip(same, rows) for note in _continuous_notes(one, table, why)]
    aligned = {preset.id: preset for preset in presets if isinstance(preset, AlignedPreset)}
    for preset in aligned.values():
        table, left_out = aligned_windows(preset, events, stated, spikes.recorded_time)
        tables.append(table)
        notes += left_out

    filled = [table for table in tables if len(table)]
    index = pd.concat(filled, ignore_index=True) if filled else WINDOW_INDEX.empty()
    probes = units["probe"].to_numpy(dtype=object)
    units_of = {probe: np.flatnonzero(probes == probe) for probe in sorted(set(probes))}
    invalid = with_pauses(invalid_times(events, list(units_of)), spikes.recorded_time)
    notes += _pause_notes(spikes.recorded_time.pauses)
    valid, invalid_probes = validity(index["start"].to_numpy(), index["stop"].to_numpy(), invalid)
    rows = [row for name, grid in grids.items() for row in grid_masks(name, grid, invalid)]
    of_preset = {name: index[index["preset"] == name] for name in aligned}
    for name, preset in aligned.items():
        rows += window_masks(of_preset[name], preset.start_us, preset.bin_us, invalid)
    masks = WINDOW_MASKS.conform(pd.DataFrame(rows, columns=WINDOW_MASKS.names))
    return Windows(
        presets=tuple(presets),
        unit_ids=tuple(str(unit) for unit in units["unit_id"]),
        grids={
            grid.bin_us: replace(grid, masks=count_masks(masks[masks["grid"] == name], [-1], units_of))
            for name, grid in grids.items()
        },
        dense={
            name: planned_counts(
                of_preset[name], preset.start_us, preset.bin_us, spikes, masks, units_of, preset.n_bins
            )
            for name, preset in aligned.items()
            if preset.dense and preset.bin_us is not None
        },
        index=WINDOW_INDEX.conform(index.assign(valid=index["valid"] & valid, invalid_probes=invalid_probes)),
        masks=masks,
        notes=tuple(notes),
    )


def _continuous_windows(
    presets: Sequence[ContinuousPreset], spikes: Spikes, bin_us: int
) -> tuple[CountPlan, list[pd.DataFrame]]:
    """Return the session grid of presets of one bin width in µs, and the index rows of the windows of each.

    Windows start at multiples of the step on the session clock, the first one at or before the begin of the recorded
    time (at its whole second for 1 s windows), where it is valid if it begins with the bin of that; none ends after the
    bin of its end. The grid holds every window and every spike of the recorded time. Without spikes there is nothing.
    """
    first_bin, end_bin = bins_of_spikes(spikes, bin_us)
    starts = []
    for preset in presets:
        step, length = preset.step // bin_us, preset.length_us // bin_us
        starts.append(np.arange(first_bin // step * step, end_bin - length + 1, step, dtype=np.int64))
    grid_start = min([first_bin, *(int(bins[0]) for bins in starts if len(bins))])
    tables = [
        index_rows(
            preset.id,
            start=bins * bin_us / US_PER_S,
            stop=(bins * bin_us + preset.length_us) / US_PER_S,
            start_bin=bins - grid_start if preset.bin_us else -1,
            n_bins=preset.n_bins,
            valid=bins >= first_bin,
        )
        for preset, bins in zip(presets, starts)
    ]
    return CountPlan(bin_us, grid_start * bin_us, end_bin - grid_start, np.zeros(1), spikes, is_grid=True), tables


def _pause_notes(pauses: Sequence[tuple[float, float]]) -> list[Note]:
    if not pauses:
        return []
    start, stop = max(pauses, key=lambda pause: pause[1] - pause[0])
    many = counted(len(pauses), "pause")
    text = f"no unit fires in {many} of the recording, the longest from {start:.3f} to {stop:.3f} s; windows there are"
    return [Note("recorded time", f"{text} not valid")]


def _continuous_notes(preset: ContinuousPreset, table: pd.DataFrame, why_none: str) -> list[Note]:
    if table.empty:
        return [Note(preset.id, f"no windows: {why_none}")]
    early = table.loc[~table["valid"], "start"]
    return [Note(preset.id, f"the window at {start:g} s begins before the recording; not valid") for start in early]
