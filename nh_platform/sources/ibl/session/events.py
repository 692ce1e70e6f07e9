"""Licks and passive stimuli, and with the trials the whole of `Events`.

Every dataset is optional: what upstream lacks, or what of it cannot be used, becomes a note and the rest is read. Add a
table of events here and in `datasets`. What is sampled is `signals`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from nh_platform.history.manifest import SessionFiles
from nh_platform.session import Events, SchemaError, TableSchema
from nh_platform.session.tables.events import (
    LICKS,
    PASSIVE_GABOR,
    PASSIVE_PERIODS,
    PASSIVE_RFM,
    PASSIVE_STIMS,
    RFM_SIDE_PX,
)
from nh_platform.sources.ibl.catalogue.datasets import EVENT_OBJECTS, RFM_FRAMES
from nh_platform.sources.ibl.session.trials import read_trials
from nh_platform.sources.ibl.session.verified_files import OpenFiles


def read_session_events(session: SessionFiles, files: OpenFiles) -> Events:
    """Read every event that upstream has of a session.

    Parameters
    ----------
    session
        The session's part of the manifest.
    files
        Its files of group ``events``.

    Returns
    -------
    Events
        Tables ``trials``, ``licks``, ``passive_periods``, ``passive_gabor``, ``passive_stims``, ``passive_rfm``, each
        in order of time.
        A table, column or row that cannot be used is left out, and a note names its file, what was found and what was
        expected.
    """
    collections = files.collections_of(EVENT_OBJECTS)
    tables = {
        "trials": read_trials(collections.get("trials", ()), files),
        "licks": _read_each("licks", collections.get("licks", ()), "licks.times.npy", _times, LICKS, files),
    }
    for name, (file, reshape, schema) in _PASSIVE.items():
        tables[name] = _read_each(name, collections.get("passive", ()), file, _csv(reshape), schema, files)
    rfm_times = "_ibl_passiveRFM.times.npy"
    tables["passive_rfm"] = _read_each(
        "passive_rfm", collections.get("passive", ()), rfm_times, _rfm, PASSIVE_RFM, files
    )
    return Events(
        session=session.session,
        tables={name: table for name, table in tables.items() if table is not None},
        notes=tuple(files.notes),
    )


Reader = Callable[[str, str, OpenFiles], pd.DataFrame]
"""Reads one dataset of a collection as a table."""


def _read_each(
    what: str, collections: Sequence[str], name: str, read: Reader, schema: TableSchema, files: OpenFiles
) -> pd.DataFrame | None:
    """Return the dataset of every collection that has it as one table in order of time; None and a note where none."""
    having = [collection for collection in collections if files.has(collection, name)]
    if not having:
        files.note_lacking(what, collections, name)
        return None

    def conformed(collection: str) -> pd.DataFrame:
        path = files.label(collection, name)
        table = _with_nullable_numbers(read(collection, name, files), schema, path, files)
        has_stop = "stop_time" in schema.names
        table = files.in_intervals(table, path) if has_stop else files.in_time_order(table, schema.names[0], path)
        try:
            return schema.conform(table)
        except SchemaError as error:
            raise files.bad(path, error.found) from error

    tables = [files.optional(what, conformed, collection) for collection in having]
    found = [table for table in tables if table is not None]
    if len(found) < 2:
        return found[0] if found else None
    return pd.concat(found, ignore_index=True).sort_values(schema.names[0], kind="stable", ignore_index=True)


def _with_nullable_numbers(table: pd.DataFrame, schema: TableSchema, path: str, files: OpenFiles) -> pd.DataFrame:
    """Return the table with NaN, and a note, for the nullable numbers of its schema that it lacks or holds as texts."""
    for column in schema.columns:
        if not column.nullable or column.dtype != "float64":
            continue
        if column.name not in table:
            files.note(path, f"no column {column.name}; NaN")
            continue
        numbers = pd.to_numeric(table[column.name], errors="coerce").astype(np.float64)
        if n_texts := int((numbers.isna() & table[column.name].notna()).sum()):
            files.note(path, f"{n_texts} of {len(table)} values of {column.name} are no numbers; NaN")
        table = table.assign(**{column.name: numbers})
    return table


def _times(collection: str, name: str, files: OpenFiles) -> pd.DataFrame:
    return pd.DataFrame({"times": files.array(collection, name, "f")})


def _rfm(collection: str, name: str, files: OpenFiles) -> pd.DataFrame:
    """Return the times of the frames, and their squares where the raw task data have as many frames."""
    table = _times(collection, name, files)
    shape = (RFM_SIDE_PX, RFM_SIDE_PX)
    for raw in sorted(files.rows.loc[files.rows["name"] == RFM_FRAMES, "collection"].unique()):
        frames = (
            files.optional("passive_rfm", files.frames, raw, RFM_FRAMES, shape) if files.has(raw, RFM_FRAMES) else None
        )
        if frames is not None and len(frames) == len(table):
            squares = frames.reshape(len(frames), -1)
            names = [f"pixel_{i:02d}_{j:02d}" for i in range(shape[0]) for j in range(shape[1])]
            return table.join(pd.DataFrame(squares, columns=names))
        if frames is not None:
            found = f"{len(frames)} frames for {len(table)} times in {name}"
            files.note("passive_rfm", f"frames left out: {files.label(raw, RFM_FRAMES)}: {found}")
    if not (files.rows["name"] == RFM_FRAMES).any():
        files.note("passive_rfm", f"upstream has no {RFM_FRAMES}; times without frames")
    return table


def _csv(reshape: Callable[[pd.DataFrame], pd.DataFrame]) -> Reader:
    """Return a reader of a csv file that brings it into another form."""

    def read(collection: str, name: str, files: OpenFiles) -> pd.DataFrame:
        try:
            return reshape(files.table(collection, name))
        except (KeyError, IndexError) as error:
            raise files.bad(files.label(collection, name), f"column or row {error} is missing") from error
        except (TypeError, ValueError) as error:
            raise files.bad(files.label(collection, name), f"it holds what is no number: {error}") from error

    return read


def _periods(table: pd.DataFrame) -> pd.DataFrame:
    """Turn the rows ``start`` and ``stop`` (first column) and one column per period into one row per period."""
    by_row = table.set_index(table.columns[0])
    return pd.DataFrame(
        {
            "start_time": by_row.loc["start"].to_numpy(),
            "stop_time": by_row.loc["stop"].to_numpy(),
            "name": by_row.columns.astype(str),
        }
    )


def _gabor(table: pd.DataFrame) -> pd.DataFrame:
    stated = [name for name in ("position", "contrast", "phase") if name in table]
    return table[["start", "stop", *stated]].rename(columns={"start": "start_time", "stop": "stop_time"})


def _stims(table: pd.DataFrame) -> pd.DataFrame:
    """Turn the columns ``<name>On`` and ``<name>Off``, padded with NaN, into one row per event, in order of time."""
    parts = [
        pd.DataFrame({"start_time": table[f"{name}On"], "stop_time": table[f"{name}Off"], "name": name})
        for name in ("valve", "tone", "noise")
    ]
    events = pd.concat(parts).dropna(subset=["start_time", "stop_time"], how="all")
    events["start_time"] = pd.to_numeric(events["start_time"], errors="coerce")
    return events.sort_values(["start_time", "name"], kind="stable", ignore_index=True)


_PASSIVE: dict[str, tuple[str, Callable[[pd.DataFrame], pd.DataFrame], TableSchema]] = {
    "passive_periods": ("_ibl_passivePeriods.intervalsTable.csv", _periods, PASSIVE_PERIODS),
    "passive_gabor": ("_ibl_passiveGabor.table.csv", _gabor, PASSIVE_GABOR),
    "passive_stims": ("_ibl_passiveStims.table.csv", _stims, PASSIVE_STIMS),
}
