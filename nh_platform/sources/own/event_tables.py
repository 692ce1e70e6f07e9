"""Tables of events with the lab's own columns, in the schemas `LAB_TRIALS` and `PRESENTATIONS`.

Add here what any table with a start in each row needs before it is stored. Reading it from a file is for the layout.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from nh_platform.session import Note
from nh_platform.session.columns import TableSchema
from nh_platform.session.tables.events import LAB_TRIALS, PRESENTATIONS

START, STOP, NAME = "start_time", "stop_time", "stimulus_name"


def trials_table(table: pd.DataFrame) -> tuple[pd.DataFrame, list[Note]]:
    """Return trials in order of their start, and what to note.

    Parameters
    ----------
    table
        ``start_time`` and, where there is one, ``stop_time`` in seconds, and any columns of the lab.
    """
    tidy, notes = _tidy(table, LAB_TRIALS, "trials")
    tidy.insert(0, "trial_id", np.arange(len(tidy), dtype=np.int64))
    return LAB_TRIALS.conform(tidy), notes


def presentations_table(tables: dict[str, pd.DataFrame]) -> tuple[pd.DataFrame, list[Note]]:
    """Return stimulus presentations in order of their start, and what to note.

    Parameters
    ----------
    tables
        By what a presentation is called where its row has no ``stimulus_name``.
    """
    named = [
        table.assign(**{NAME: table[NAME].fillna(name).astype(str) if NAME in table else name})
        for name, table in tables.items()
    ]
    filled = [table for table in named if len(table)] or named[:1]
    tidy, notes = _tidy(pd.concat(filled, ignore_index=True, sort=False), PRESENTATIONS, "presentations")
    tidy.insert(0, "presentation_id", np.arange(len(tidy), dtype=np.int64))
    stops = tidy[STOP].to_numpy() if STOP in tidy else np.full(len(tidy), np.nan)
    tidy["valid"] = ~(stops <= tidy[START].to_numpy())
    return PRESENTATIONS.conform(tidy), notes


def _tidy(table: pd.DataFrame, schema: TableSchema, subject: str) -> tuple[pd.DataFrame, list[Note]]:
    """Return the rows that have a start, in order, with columns of names and dtypes that the store has."""
    notes = []
    taken = {*schema.names} - {START, STOP, NAME}
    columns = {}
    for name in table.columns:
        new = re.sub(r"[^A-Za-z0-9_]+", "_", str(name)).strip("_") or "column"
        new = new if new[0].isalpha() else f"n{new}"
        new = f"{new}_stated" if new in taken else new
        if new in columns:
            notes.append(Note(subject, f"column {name!r} would be a second {new!r}; left out"))
            continue
        if new != name:
            notes.append(Note(subject, f"column {name!r} is stored as {new!r}"))
        columns[new] = table[name].to_numpy()
    tidy = pd.DataFrame(columns)
    for name in (one for one in (START, STOP) if one in tidy):
        tidy[name] = pd.to_numeric(tidy[name], errors="coerce").astype(np.float64)
    started = np.isfinite(tidy[START].to_numpy())
    if not started.all():
        notes.append(Note(subject, f"{int((~started).sum())} of {len(tidy)} rows have no start; left out"))
    tidy = tidy[started].sort_values(START, kind="stable", ignore_index=True)
    return pd.DataFrame({name: _of_one_dtype(tidy[name]) for name in tidy}), notes


def _of_one_dtype(values: pd.Series) -> pd.Series:
    """Return a column as float64, int64, bool or text with None."""
    if values.dtype.kind == "b":
        return values
    if values.dtype.kind in "iu":
        return values.astype(np.int64)
    if values.dtype.kind == "f":
        return values.astype(np.float64)
    stated = values[values.notna()]
    if len(stated) and not any(isinstance(value, str) for value in stated):  # numbers of one table, nothing of another
        return pd.to_numeric(values, errors="coerce").astype(np.float64)
    return pd.Series([None if pd.isna(value) else str(value) for value in values], dtype=object)
