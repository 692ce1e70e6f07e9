"""Reads a units table from a Parquet or CSV file, and finds its sessions and regions whatever upstream called them.

Contains the reader behind `nh qc label` and `nh qc diff`. Add here another file format or another upstream name of the
session or region. Which column holds a metric is stated by the rulebooks, not here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from nh_platform.session import BadUpstreamData
from nh_platform.session.columns import unnamed_fields

SESSION_COLUMNS = ("session_id", "eid", "ecephys_session_id", "pid", "ecephys_probe_id")
REGION_COLUMNS = ("beryl", "acronym", "ecephys_structure_acronym", "structure_acronym", "location", "cosmos_acronym")
UNIT_COLUMNS = ("unit_id", "uuids", "ecephys_unit_id", "cluster_id", "id")


def read_units(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a units table; the index of a Parquet file is kept.

    Raises
    ------
    BadUpstreamData
        If the file is missing, of another kind than ``.parquet``, ``.pqt`` or ``.csv``, cannot be read, or has rows
        with more fields than its header names.
    """
    file = Path(path)
    suffix = "".join(file.suffixes[-2:]) if file.suffix == ".gz" else file.suffix
    try:
        if suffix in (".parquet", ".pqt"):
            return pd.read_parquet(file)
        if suffix in (".csv", ".csv.gz"):
            # The default parser may be off in the last bit, which moves a unit exactly at a threshold.
            table = pd.read_csv(file, low_memory=False, float_precision="round_trip")
            if found := unnamed_fields(table):
                raise ValueError(found)
            return table
    except (OSError, ValueError, pd.errors.ParserError) as error:  # pyarrow's errors are OSError or ValueError
        raise BadUpstreamData(
            f"units file {file}", f"cannot be read: {error}", "Check the path and the file."
        ) from error
    raise BadUpstreamData(f"units file {file}", f"unknown kind {suffix!r}", "Name a .parquet, .pqt or .csv file.")


def write_units(table: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a table as Parquet or CSV by the ending of ``path``, with its index where that has names or is not 0, 1, ….

    Raises
    ------
    BadUpstreamData
        If the ending is neither ``.parquet``, ``.pqt`` nor ``.csv``.
    """
    file = Path(path)
    if file.suffix in (".parquet", ".pqt"):
        table.to_parquet(file)
    elif file.suffix == ".csv":
        table.to_csv(file, index=not isinstance(table.index, pd.RangeIndex), lineterminator="\n")
    else:
        raise BadUpstreamData(f"output file {file}", f"unknown kind {file.suffix!r}", "End it in .parquet or .csv.")


def session_of(units: pd.DataFrame) -> pd.Series:
    """Return the session of every unit as text: the first session column, else the first level of a two-level index.

    A table without either is one session, named ``this table``.
    """
    name = first_column(units, SESSION_COLUMNS)
    if name is not None:
        return units[name].astype(str)
    if units.index.nlevels > 1:
        return pd.Series(units.index.get_level_values(0).astype(str), index=units.index)
    return pd.Series("this table", index=units.index)


def region_of(units: pd.DataFrame) -> pd.Series:
    """Return the region acronym of every unit as text, ``unknown`` where it is null or the table has none."""
    name = first_column(units, REGION_COLUMNS)
    if name is None:
        return pd.Series("unknown", index=units.index)
    return units[name].astype(object).where(units[name].notna(), "unknown").astype(str)


def unit_names(units: pd.DataFrame) -> list[str]:
    """Return how to name each unit: its id column, with the session or insertion before it where ids repeat."""
    name = first_column(units, UNIT_COLUMNS)
    if name is not None and not units[name].duplicated().any():
        return [str(value) for value in units[name]]
    return ["/".join(map(str, key)) if isinstance(key, tuple) else str(key) for key in units.index]


def first_column(units: pd.DataFrame, names: Sequence[str]) -> str | None:
    """Return the first of ``names`` that ``units`` has as a column."""
    return next((name for name in names if name in units.columns), None)
