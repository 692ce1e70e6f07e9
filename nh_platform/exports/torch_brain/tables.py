"""Tables of events as objects of a recording: trials, presentations, licks, passive stimuli, and what else there is.

Contains rows that torch_brain can slice, and one object per table. Add here a table that needs a form of its own; any
other becomes an ``Interval`` or an ``IrregularTimeSeries`` by itself. Names and classes of IBL's trials are
`ibl_trials`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.exports.torch_brain.checks import are_times
from nh_platform.exports.torch_brain.ibl_trials import NAMES, benchmark_columns
from nh_platform.exports.torch_brain.objects import Attribute, FloatArray, Group, array_dict, data, interval, irregular
from nh_platform.exports.torch_brain.text import as_name, as_text
from nh_platform.session.display import counted
from nh_platform.session.tables.events import INVALID_TIMES, LICKS, PRESENTATIONS, TRIAL_TABLES, TRIALS

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

START, STOP, AT = "start_time", "stop_time", "times"
_BOUNDS = (START, STOP)

_OTHER_CLOCKS = ("bpod_start", "bpod_stop")
"""Columns that are times of another clock than the session's, by which nothing here can be found."""

EVENT_NAMES = {LICKS.name: "lick_events"}
"""Names of tables that would otherwise be another object's: ``licks`` is the rate of licking."""


def table_groups(session: SessionView, bounds: tuple[float, float]) -> tuple[dict[str, Group], list[str]]:
    """Return an object for every table of events of a session, and what is left out.

    Parameters
    ----------
    session
        The session.
    bounds
        From when to when (s) it was recorded.
    """
    groups: dict[str, Group] = {}
    notes: list[str] = []
    for name in session.events:
        table = session.events[name].drop(columns=list(_OTHER_CLOCKS), errors="ignore")
        if name == INVALID_TIMES.name:  # with those of reviews: `splits`
            continue
        if name == PRESENTATIONS.name:
            groups[name] = _by_kind(name, table, "stimulus_name", bounds, notes)
        elif START in table and STOP in table and "name" in table:
            groups[as_name(name)] = _by_kind(name, table, "name", bounds, notes)
        elif {"name", "value"} == set(table.columns):
            groups[name] = data(_facts(table))
        elif START in table and STOP in table:
            stated = {one.column for one in session.events.stated.values() if one.table == name}
            key = "trials" if name in TRIAL_TABLES else as_name(name)
            groups[key] = interval_of(name, table, bounds, notes, known_times=stated)
        elif AT in table:
            groups[EVENT_NAMES.get(name, as_name(name))] = _series(name, table, bounds, notes)
        else:
            groups[as_name(name)] = array_dict(_columns(table))
    if "trials" not in groups:
        notes.append("trials: the session has none")
    return groups, notes


def interval_of(
    name: str,
    table: pd.DataFrame,
    bounds: tuple[float, float],
    notes: list[str],
    known_times: Collection[str] = (),
) -> Group:
    """Return the rows of a table with a start and a stop as an ``Interval``, sorted and without overlap.

    Rows are mended as `closed_rows` does, which adds to ``notes``. ``end_known`` is False where the end is not
    upstream's, and ``row`` is the row of the session's table. Columns that are times are the timekeys.

    Parameters
    ----------
    name
        Name of the table.
    table
        With ``start_time`` and ``stop_time``.
    bounds
        From when to when (s) the session was recorded.
    notes
        Gets what is left out.
    known_times
        Further columns that are times.
    """
    rows, ranges, is_known = closed_rows(name, table, bounds[1], notes)
    kept = table.iloc[rows]
    names = {column: NAMES.get(column, as_name(column)) if name == TRIALS.name else as_name(column) for column in kept}
    start, stop = (table[column].to_numpy(dtype=np.float64) for column in _BOUNDS)
    times = [
        column
        for column in table.columns
        if column not in _BOUNDS
        and (column in known_times or are_times(table[column].to_numpy(), start, stop))
        and table[column].dtype == np.float64
    ]
    arrays = _columns(kept.drop(columns=list(_BOUNDS)), names)
    if name == TRIALS.name:
        arrays |= {**benchmark_columns(kept), "trial_index": rows}
    arrays |= {"end_known": is_known, "row": rows}
    return interval(ranges, arrays, timekeys=[names[column] for column in times])


def closed_rows(
    name: str, table: pd.DataFrame, recorded_until: float, notes: list[str]
) -> tuple[npt.NDArray[np.int64], FloatArray, npt.NDArray[np.bool_]]:
    """Return rows that torch_brain can slice: in order, each with an end behind its start, none into the next one.

    torch_brain refuses a start or end that is not there, and takes unsorted and overlapping rows for what they are not.
    A row without a start is left out. One without an end is closed where the next one starts, the last one where the
    recording ends. An end behind the start of the next row is moved there. What has no length then is left out.

    Returns
    -------
    rows
        (n,) int64, rows of the table.
    ranges
        (n, 2) float64, start and end in s.
    is_known
        (n,) bool, whether the end is that of the table.
    """
    start, stop = (table[column].to_numpy(dtype=np.float64) for column in _BOUNDS)
    rows = np.flatnonzero(np.isfinite(start))
    rows = rows[np.argsort(start[rows], kind="stable")]
    following = np.append(start[rows][1:], recorded_until)
    has_end, ends = np.isfinite(stop[rows]), stop[rows]
    is_last = np.arange(len(rows)) == len(rows) - 1
    into_next = has_end & ~is_last & (ends > following)
    ends = np.where(has_end & ~into_next, ends, following)
    lasts = ends > start[rows]
    moved = float((stop[rows] - following)[into_next & lasts].max(initial=0.0))
    said = (
        ("without a start: left out", len(table) - len(rows)),
        ("without an end: closed where the next one starts", int((~has_end & lasts).sum())),
        (
            f"ending behind the start of the next one, by {moved:.2g} s at most: ended there",
            int((into_next & lasts).sum()),
        ),
        ("not ending after the start: left out", int((~lasts).sum())),
    )
    notes += [f"{name}: {counted(number, 'row')} {what}" for what, number in said if number]
    is_known = (has_end & ~into_next)[lasts]
    return rows[lasts].astype(np.int64), np.column_stack([start[rows], ends])[lasts], is_known


def _by_kind(name: str, table: pd.DataFrame, kind: str, bounds: tuple[float, float], notes: list[str]) -> Group:
    """Return one ``Interval`` per kind of row, each with the columns that it has: kinds may overlap, its rows not."""
    groups = {}
    for value, rows in table.groupby(kind, sort=True):
        of = rows.drop(columns=kind).dropna(axis="columns", how="all").assign(**{one: rows[one] for one in _BOUNDS})
        group = interval_of(f"{name} of {value}", of, bounds, notes)
        rows_of_all = table.index.get_indexer(rows.index)[group.arrays["row"]]
        unused = as_name(str(value))
        while unused in groups:  # of two kinds whose names differ in what no name can have
            unused += "_"
        groups[unused] = replace(group, arrays={**group.arrays, "row": rows_of_all.astype(np.int64)})
    return data({}, groups, domain=np.array([bounds]))


def _series(name: str, table: pd.DataFrame, bounds: tuple[float, float], notes: list[str]) -> Group:
    """Return events at moments; their domain is the recorded time, and beyond it as far as there are some."""
    times = table[AT].to_numpy(dtype=np.float64)
    rows = np.flatnonzero(np.isfinite(times))
    rows = rows[np.argsort(times[rows], kind="stable")]
    if len(rows) < len(table):
        notes.append(f"{name}: {counted(len(table) - len(rows), 'row')} without a time left out")
    times, kept = times[rows], table.iloc[rows].drop(columns=AT)
    reach = [*times[:1], *times[-1:]]
    domain = np.array([[min(bounds[0], *reach), max(bounds[1], *reach)]]) if reach else np.array([bounds])
    pixels = [column for column in kept if re.fullmatch(r"pixel_\d\d_\d\d", str(column))]
    arrays = _columns(kept.drop(columns=pixels))
    if pixels:
        side = int(np.sqrt(len(pixels)))
        arrays["frame"] = kept[sorted(pixels)].to_numpy().reshape(len(kept), side, side)
    return irregular(times, domain, arrays)


def _columns(table: pd.DataFrame, names: Mapping[str, str] | None = None) -> dict[str, npt.NDArray[Any]]:
    found = {}
    for column in map(str, table.columns):
        values = table[column]
        name = names[column] if names is not None else as_name(column)
        found[name] = values.to_numpy() if values.dtype.kind in "biuf" else as_text(values)
    return found


def _facts(table: pd.DataFrame) -> dict[str, Attribute]:
    """Return facts, each a JSON text, by name."""
    return {as_name(str(name)): str(value) for name, value in zip(table["name"], table["value"])}
