"""Which windows a session has: one row per window, with its place, its event and what is invalid in it.

Contains the choice of events and the rows of the window index. Add here what decides where a window lies. What an
invalid interval does to a window is `nh_platform.windows.invalid_masks`; counting is `nh_platform.windows.binning`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Behavior, ConfigError, Note
from nh_platform.session.tables.windows import WINDOW_INDEX
from nh_platform.windows.binning import bin_edges, bin_of_time
from nh_platform.windows.invalid_masks import InvalidTimes, overlapping
from nh_platform.windows.presets.preset_model import AlignedPreset, ContinuousPreset, EventFilter

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


def select_events(preset: AlignedPreset, behavior: Behavior) -> tuple[Events, list[Note]]:
    """Return the events of ``preset`` in a session, and notes on those that were left out.

    Raises
    ------
    ConfigError
        If the preset names a column that the event table does not have.
    """
    alignment = preset.alignment(behavior.session.source)
    table = behavior.events.get(alignment.table)
    notes: list[Note] = []
    if table is None:
        notes.append(Note(preset.id, f"no windows: the session has no {alignment.table}"))
        table = pd.DataFrame({alignment.column: np.zeros(0)})
        wanted = np.zeros(0, dtype=bool)
    else:
        wanted = np.ones(len(table), dtype=bool)
        for condition in alignment.filters:
            wanted &= _meets(condition, table, preset.id, alignment.table)
        if not wanted.all():
            left_out = int((~wanted).sum())
            notes.append(Note(preset.id, f"{left_out} of {len(table)} {alignment.table} are left out by its filters"))
    times = _column(table, alignment.column, preset.id, alignment.table).to_numpy(dtype=np.float64)
    timeless = wanted & ~np.isfinite(times)
    if timeless.any():
        text = f"{int(timeless.sum())} of {int(wanted.sum())} {alignment.table} have no {alignment.column}: no window"
        notes.append(Note(preset.id, text))
    rows = np.flatnonzero(wanted & ~timeless)
    valid = table["valid"].to_numpy(dtype=bool)[rows] if "valid" in table else np.ones(len(rows), dtype=bool)
    n_bins = _aligned_bins(preset, table, times, rows, alignment.table)
    return Events(times[rows], rows.astype(np.int64), valid, n_bins, alignment.label), notes


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


def _column(table: pd.DataFrame, column: str, preset_id: str, table_name: str) -> pd.Series:
    if column not in table:
        raise ConfigError(
            f"preset {preset_id}",
            f"table {table_name} has no column {column!r}",
            f"It has {', '.join(map(str, table.columns))}; correct presets.yaml.",
        )
    return table[column]


def _meets(condition: EventFilter, table: pd.DataFrame, preset_id: str, table_name: str) -> npt.NDArray[np.bool_]:
    values = _column(table, condition.column, preset_id, table_name)
    if condition.minus is not None:
        values = values - _column(table, condition.minus, preset_id, table_name)
    met = np.ones(len(table), dtype=bool)
    if condition.include is not None:
        met &= values.isin(condition.include).to_numpy()
    if condition.exclude is not None:
        met &= ~values.isin(condition.exclude).to_numpy()
    if condition.minimum is not None:
        met &= (values >= condition.minimum).to_numpy()
    if condition.maximum is not None:
        met &= (values <= condition.maximum).to_numpy()
    return met


def _aligned_bins(
    preset: AlignedPreset, table: pd.DataFrame, times: FloatArray, rows: npt.NDArray[np.intp], table_name: str
) -> int:
    if preset.stop_us is not None:
        return (preset.stop_us - preset.start_us) // preset.bin_us
    if len(rows) == 0:
        return 0
    stops = _column(table, str(preset.stop_column), preset.id, table_name).to_numpy(dtype=np.float64)
    longest = np.nanmax(stops[rows] - times[rows], initial=0.0)
    # Rounded to µs first: the difference of two times at 5000 s is off by 1e-12 s, which is no further bin.
    return max(-((preset.start_us - round(longest * 1e6)) // preset.bin_us), 0)
