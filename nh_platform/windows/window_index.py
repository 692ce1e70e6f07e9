"""Which windows a session has: one row per window, with its place, its event and what is invalid in it.

Contains the choice of events and the rows of the window index. Add here what decides where a window lies. What an
invalid interval does to a window is `nh_platform.windows.invalid_masks`; counting is `nh_platform.windows.binning`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Behavior, Note
from nh_platform.session.tables.windows import WINDOW_INDEX
from nh_platform.sources.events import EventFilter, EventTimes
from nh_platform.windows.binning import bin_edges, bin_of_time
from nh_platform.windows.invalid_masks import InvalidTimes, overlapping
from nh_platform.windows.presets.preset_model import AlignedPreset, ContinuousPreset

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Events:
    """Events of one aligned preset in one session.

    Parameters
    ----------
    times
        (n_events,) seconds.
    rows
        (n_events,) row of each event in its table.
    valid
        (n_events,) whether the table calls the event valid; true where it says nothing.
    n_bins
        Bins of each window.
    label
        ``table.column``.
    """

    times: FloatArray
    rows: IntArray
    valid: npt.NDArray[np.bool_]
    n_bins: int
    label: str


def continuous_starts(preset: ContinuousPreset, first: float, last: float) -> IntArray:
    """Return the bin numbers at which the windows of ``preset`` start, for data from ``first`` to ``last`` (s).

    Windows start at multiples of the step on the session clock, the first one at or before the first spike (at its
    whole second for 1 s windows), and none ends after the bin of the last spike. Without data there is none.
    """
    if np.isnan(first):
        return np.zeros(0, dtype=np.int64)
    step = preset.step // preset.bin_us
    begin = bin_of_time(first, preset.bin_us) // step * step
    end = bin_of_time(last, preset.bin_us) + 1
    return np.arange(begin, end - preset.n_bins + 1, step, dtype=np.int64)


def select_events(
    preset: AlignedPreset, behavior: Behavior, stated: Mapping[str, EventTimes]
) -> tuple[Events, list[Note]]:
    """Return the events of ``preset`` in a session of a source that states these, and notes on those left out."""
    where = preset.times(stated)
    if where is None:
        known = ", ".join(sorted(stated)) or "none"
        return _nothing(preset, f"{behavior.session.source} states no event {preset.event!r}; it states {known}")
    table = behavior.events.get(where.table)
    if table is None or table.empty:
        return _nothing(preset, f"the session has no {where.table}")
    needed = (where.column, preset.stop_column, *(name for one in where.filters for name in (one.column, one.minus)))
    for name in needed:
        if name is not None and name not in table:  # stimulus parameters are other columns in other sessions
            return _nothing(
                preset, f"{where.table} has no column {name!r}; it has {', '.join(map(str, table.columns))}"
            )
    notes: list[Note] = []
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
    rows = np.flatnonzero(wanted & ~timeless)
    valid = table["valid"].to_numpy(dtype=bool)[rows] if "valid" in table else np.ones(len(rows), dtype=bool)
    ends = times if preset.stop_column is None else _numbers(table[preset.stop_column])
    n_bins = _aligned_bins(preset, (ends - times)[rows])
    return Events(times[rows], rows.astype(np.int64), valid, n_bins, where.label), notes


def _nothing(preset: AlignedPreset, why: str) -> tuple[Events, list[Note]]:
    """Return no events, and the note that says why a preset does not suit a session."""
    none = np.zeros(0)
    n_bins = _aligned_bins(preset, none)
    return Events(none, none.astype(np.int64), none.astype(bool), n_bins, "none"), [
        Note(preset.id, f"no windows: {why}")
    ]


def continuous_rows(preset: ContinuousPreset, starts: IntArray, grid_start: int, invalid: InvalidTimes) -> pd.DataFrame:
    """Return index rows (schema `WINDOW_INDEX`) of windows that begin at bins ``starts`` of the session clock."""
    return _rows(
        preset.id,
        start=starts * preset.bin_us / 1e6,
        stop=(starts + preset.n_bins) * preset.bin_us / 1e6,
        start_bin=starts - grid_start,
        n_bins=preset.n_bins,
        alignment="none",
        event_id=np.full(len(starts), -1),
        event_time=np.full(len(starts), np.nan),
        valid=np.ones(len(starts), dtype=bool),
        invalid=invalid,
    )


def aligned_rows(preset: AlignedPreset, events: Events, invalid: InvalidTimes) -> pd.DataFrame:
    """Return index rows (schema `WINDOW_INDEX`) of windows around ``events``, in the order of the event table."""
    edges = bin_edges(preset.start_us, events.n_bins, preset.bin_us)
    return _rows(
        preset.id,
        start=events.times + edges[0],
        stop=events.times + edges[-1],
        start_bin=np.full(len(events.times), -1),
        n_bins=events.n_bins,
        alignment=events.label,
        event_id=events.rows,
        event_time=events.times,
        valid=events.valid,
        invalid=invalid,
    )


def _rows(
    preset_id: str,
    *,
    start: FloatArray,
    stop: FloatArray,
    start_bin: IntArray,
    n_bins: int,
    alignment: str,
    event_id: IntArray,
    event_time: FloatArray,
    valid: npt.NDArray[np.bool_],
    invalid: InvalidTimes,
) -> pd.DataFrame:
    n_windows = len(start)
    spoiled = np.full(n_windows, "", dtype=object)
    for probe, intervals in invalid.probes.items():
        hit = overlapping(start, stop, intervals)
        spoiled[hit] = [f"{before},{probe}" if before else probe for before in spoiled[hit]]
    table = pd.DataFrame(
        {
            "window_id": np.arange(n_windows, dtype=np.int64),
            "preset": np.full(n_windows, preset_id, dtype=object),
            "start": start,
            "stop": stop,
            "start_bin": start_bin.astype(np.int64),
            "n_bins": np.full(n_windows, n_bins, dtype=np.int64),
            "alignment": np.full(n_windows, alignment, dtype=object),
            "event_id": event_id.astype(np.int64),
            "event_time": event_time,
            "valid": valid & ~overlapping(start, stop, invalid.session),
            "invalid_probes": spoiled,
        }
    )
    return WINDOW_INDEX.conform(table)


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


def _aligned_bins(preset: AlignedPreset, lengths: FloatArray) -> int:
    """Return the bins of a window; the ``lengths`` of the events (s) count where the preset ends with them."""
    if preset.stop_us is not None:
        return (preset.stop_us - preset.start_us) // preset.bin_us
    if len(lengths) == 0:
        return 0
    longest = np.nanmax(lengths, initial=0.0)
    # Rounded to µs first: the difference of two times at 5000 s is off by 1e-12 s, which is no further bin.
    return max(-((preset.start_us - round(longest * 1e6)) // preset.bin_us), 0)
