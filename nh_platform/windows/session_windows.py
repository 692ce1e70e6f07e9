"""All windows of one session: the index, the masks, and counts that are made block by block when asked for.

Contains `build_windows` and what it returns. Add here what concerns all presets of a session together. Files are the
matter of `nh_platform.windows.window_files`.

Nothing is counted before `blocks` or `count` is called: 60,000 presentations of 1000 units in 50 bins are 3 GB, which
the codec writes in blocks of some MB.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Behavior, Note, Spikes
from nh_platform.session.tables.windows import WINDOW_INDEX, WINDOW_MASKS
from nh_platform.sources.events import EventTimes
from nh_platform.windows.binning import (
    EventCounts,
    Grid,
    bin_edges,
    bin_of_time,
    check_sorted,
    count_events,
    count_grid,
)
from nh_platform.windows.invalid_masks import event_masks, grid_masks, invalid_times
from nh_platform.windows.presets.preset_model import AlignedPreset, ContinuousPreset, Preset
from nh_platform.windows.window_index import aligned_rows, continuous_rows, continuous_starts, select_events

UnitsOfProbe = dict[str, npt.NDArray[np.intp]]


@dataclass(frozen=True)
class GridPlan:
    """A session grid that can be counted.

    Parameters
    ----------
    name
        ``grid_<bin_us>us``.
    bin_us, start_bin, n_bins
        Width of a bin in µs, number of the first bin on the session clock, number of bins.
    spikes, units_of_probe, masks
        What is counted; the rows of each probe's units; the masked bins of this grid.
    """

    name: str
    bin_us: int
    start_bin: int
    n_bins: int
    spikes: Spikes
    units_of_probe: UnitsOfProbe
    masks: pd.DataFrame

    @property
    def shape(self) -> tuple[int, int]:
        """(n_units, n_bins)."""
        return self.spikes.n_units, self.n_bins

    def blocks(self, size: int) -> Iterator[tuple[int, Grid]]:
        """Yield the first column and the masked counts of every ``size`` bins."""
        for first in range(0, self.n_bins, size):
            end = min(first + size, self.n_bins)
            grid = count_grid(self.spikes, self.bin_us, self.start_bin + first, end - first)
            for mask in self.masks.itertuples():
                low, high = max(mask.start_bin, first), min(mask.stop_bin, end)
                if low < high:
                    grid.counts[self.units_of_probe[mask.probe], low - first : high - first] = 0
            yield first, grid

    def count(self) -> Grid:
        """Return the masked counts of the whole session."""
        for _, grid in self.blocks(max(self.n_bins, 1)):
            return grid
        return Grid(self.bin_us, self.start_bin, np.zeros(self.shape, dtype=np.uint8), 0)


@dataclass(frozen=True)
class AlignedPlan:
    """The windows of an aligned preset that can be counted.

    Parameters
    ----------
    preset_id
        The preset.
    bin_us, start_us, n_bins
        Width of a bin and start relative to the event in µs, number of bins of a window.
    events
        (n_windows,) event times in seconds.
    spikes, units_of_probe, masks
        What is counted; the rows of each probe's units; the masked bins of this preset.
    """

    preset_id: str
    bin_us: int
    start_us: int
    n_bins: int
    events: npt.NDArray[np.float64]
    spikes: Spikes
    units_of_probe: UnitsOfProbe
    masks: pd.DataFrame

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n_windows, n_units, n_bins)."""
        return len(self.events), self.spikes.n_units, self.n_bins

    def blocks(self, size: int) -> Iterator[tuple[int, EventCounts]]:
        """Yield the first window and the masked counts of every ``size`` windows."""
        for first in range(0, len(self.events), size):
            end = min(first + size, len(self.events))
            block = count_events(self.spikes, self.events[first:end], self.start_us, self.n_bins, self.bin_us)
            inside = self.masks[(self.masks["window_id"] >= first) & (self.masks["window_id"] < end)]
            for mask in inside.itertuples():
                rows = self.units_of_probe[mask.probe]
                block.counts[mask.window_id - first, rows, mask.start_bin : mask.stop_bin] = 0
            yield first, block

    def count(self) -> EventCounts:
        """Return the masked counts of every window."""
        for _, block in self.blocks(max(len(self.events), 1)):
            return block
        return EventCounts(self.bin_us, self.start_us, np.zeros(self.shape, dtype=np.uint8), 0)


@dataclass(frozen=True)
class Windows:
    """What `windows` holds for one session.

    Parameters
    ----------
    presets
        Presets that were laid out.
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
    grids: dict[int, GridPlan]
    aligned: dict[str, AlignedPlan]
    index: pd.DataFrame
    masks: pd.DataFrame
    notes: tuple[Note, ...]


def build_windows(
    spikes: Spikes,
    units: pd.DataFrame,
    behavior: Behavior,
    presets: Sequence[Preset],
    events: Mapping[str, EventTimes],
) -> Windows:
    """Lay out the windows of one session; a preset that does not suit it has none, and a note says why.

    Parameters
    ----------
    spikes
        Spikes, ascending within each unit.
    units
        Units in the order of ``spikes.offsets``, with ``unit_id`` and ``probe``.
    behavior
        Events and invalid times of the session.
    presets
        Presets to lay out.
    events
        Events of the session's source (`SourceEntry.events`).

    Returns
    -------
    Windows
        With no units, no spikes or no events the tables and counts are empty and typed, and notes say so.

    Raises
    ------
    BadUpstreamData
        If spikes are unsorted or NaN, or an invalid interval ends before it starts.
    """
    if len(units) != spikes.n_units:
        raise ValueError(f"{len(units)} units but spikes of {spikes.n_units}")
    check_sorted(spikes)
    probes = units["probe"].to_numpy(dtype=object)
    rows = {probe: np.flatnonzero(probes == probe) for probe in sorted(set(probes))}
    invalid = invalid_times(behavior, list(rows))
    notes = [] if len(units) else [Note("units", "the session has none: its windows hold no counts")]
    index = [WINDOW_INDEX.empty()]
    masks = [WINDOW_MASKS.empty()]

    first, last = spikes.time_range
    grids: dict[int, GridPlan] = {}
    continuous = [preset for preset in presets if isinstance(preset, ContinuousPreset)]
    for bin_us in sorted({preset.bin_us for preset in continuous}):
        same = [preset for preset in continuous if preset.bin_us == bin_us]
        starts = {preset.id: continuous_starts(preset, first, last) for preset in same}
        start_bin, end_bin = _grid_span(bin_us, first, last, list(starts.values()))
        name = f"grid_{bin_us}us"
        mask = grid_masks(name, bin_edges(start_bin * bin_us, end_bin - start_bin, bin_us), invalid)
        grids[bin_us] = GridPlan(name, bin_us, start_bin, end_bin - start_bin, spikes, rows, mask)
        masks.append(mask)
        span = "there are no spikes" if np.isnan(first) else "the spikes do not span one"
        notes += [Note(preset.id, f"no windows: {span}") for preset in same if not len(starts[preset.id])]
        index += [continuous_rows(preset, starts[preset.id], start_bin, invalid) for preset in same]

    aligned: dict[str, AlignedPlan] = {}
    for preset in presets:
        if not isinstance(preset, AlignedPreset):
            continue
        selected, left_out = select_events(preset, behavior, events)
        notes += left_out
        edges = bin_edges(preset.start_us, selected.n_bins, preset.bin_us)
        mask = event_masks(preset.id, selected.times, edges, invalid)
        masks.append(mask)
        table = aligned_rows(preset, selected, invalid)
        index.append(table)
        outside = int(((table["start"] < first) | (table["stop"] > last)).sum())
        if outside:
            notes.append(Note(preset.id, f"{outside} of {len(table)} windows reach beyond the first or last spike"))
        aligned[preset.id] = AlignedPlan(
            preset.id, preset.bin_us, preset.start_us, selected.n_bins, selected.times, spikes, rows, mask
        )
    return Windows(
        presets=tuple(presets),
        unit_ids=tuple(str(unit) for unit in units["unit_id"]),
        grids=grids,
        aligned=aligned,
        index=WINDOW_INDEX.conform(_stacked(index)),
        masks=WINDOW_MASKS.conform(_stacked(masks)),
        notes=tuple(notes),
    )


def _grid_span(bin_us: int, first: float, last: float, starts: list[npt.NDArray[np.int64]]) -> tuple[int, int]:
    """Return first and end bin of a grid that holds every spike and every window."""
    if np.isnan(first):
        return 0, 0
    begin = min([bin_of_time(first, bin_us), *(int(some[0]) for some in starts if len(some))])
    return begin, bin_of_time(last, bin_us) + 1


def _stacked(tables: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else tables[0]
