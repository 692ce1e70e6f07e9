"""Columns and interval tables of NWB files from tables of ours: nothing empty, in order, with an end behind each start.

Add here what every table of the file needs. Which tables there are, and under which names, is for the modules beside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from hdmf.common import DynamicTable, ElementIdentifiers, VectorData, VectorIndex
from pynwb.epoch import TimeIntervals

from nh_platform.exports.nwb.arrays import stored
from nh_platform.session.columns import TableSchema, describe
from nh_platform.session.display import counted

OF_THE_STANDARD = frozenset({"id", "tags", "timeseries"})
"""Columns of intervals that the standard defines; one of a lab's own gets ``_`` behind its name."""

NO_TEXT = "N/A"
"""Stands for a missing text, as in Allen's files."""


def column(name: str, values: pd.Series | npt.NDArray[Any], description: str) -> VectorData:
    """Return a column of one number, truth or text per row; missing texts are ``N/A``."""
    array = np.asarray(values)
    if array.dtype == object:
        texts = [NO_TEXT if pd.isna(one) else str(one) for one in array]
        return VectorData(name=name, description=description, data=texts)
    return VectorData(name=name, description=description, data=np.ascontiguousarray(array))


def ragged(
    name: str, values: npt.NDArray[Any], ends: npt.NDArray[np.integer], description: str, compression: str = "none"
) -> tuple[VectorIndex, VectorData]:
    """Return the index of a column of several values per row, and the column, from arrays.

    The index stands first: behind its column, HDMF 3.14 does not find that where it is an `OnePiece`.

    Parameters
    ----------
    name, description
        Of the column.
    values
        (n_values, …) of all rows, one after the other.
    ends
        (n_rows,) how many values all rows up to each have together.
    compression
        ``none`` or ``gzip``.
    """
    data = VectorData(name=name, description=description, data=stored(values, compression))
    return VectorIndex(name=f"{name}_index", target=data, data=np.asarray(ends, dtype=np.uint64)), data


def is_empty(values: pd.Series | npt.NDArray[Any]) -> bool:
    """Return whether a column says nothing: every value is missing."""
    return bool(pd.isna(np.asarray(values)).all())


def meanings(schema: TableSchema, table: pd.DataFrame) -> dict[str, str]:
    """Return meaning and unit of measure of every column, as its description."""
    return {
        one.name: one.meaning + (f" [{one.unit}]" if one.unit not in ("-", "1", "") else "")
        for one in describe(schema, table)
    }


def dynamic_table(name: str, description: str, table: pd.DataFrame, words: Mapping[str, str]) -> DynamicTable:
    """Return a table without times; columns without a value are left out."""
    columns = [column(str(one), table[one], words.get(str(one), str(one))) for one in table if not is_empty(table[one])]
    return DynamicTable(name=name, description=description, columns=columns)


def interval_table(
    name: str,
    description: str,
    table: pd.DataFrame,
    words: Mapping[str, str],
    notes: list[str],
    *,
    ids: str | None = None,
    beside: Sequence[tuple[str, pd.DataFrame, str]] = (),
    tags: str | None = None,
) -> TimeIntervals | None:
    """Return a table of intervals in order of their start; None, and a note, where none can be written.

    Parameters
    ----------
    name, description
        Of the table.
    table
        ``start_time`` and ``stop_time`` (s) and any other columns. Rows without a start or end, and such as do not end
        after they start, are left out with a note: the standard has no interval without an end.
    words
        Description of each column.
    notes
        Takes what was left out.
    ids
        Column with the ids of the rows; they are numbered where None.
    beside
        Times that rows have several of: name of the ragged column, table with that number in ``ids`` and ``times``,
        and its description.
    tags
        Column that is written as the standard's ``tags``, too.
    """
    start, stop = table["start_time"].to_numpy(np.float64), table["stop_time"].to_numpy(np.float64)
    timed = np.isfinite(start) & np.isfinite(stop)
    for out, what in ((~timed, "have no start or end"), (timed & ~(stop > start), "do not end after they start")):
        if out.any():
            first = int(np.flatnonzero(out)[0])
            notes.append(
                f"{name}: {int(out.sum())} of {counted(len(table), 'row')} {what}, first row {first}; left out"
            )
    kept = table[timed & (stop > start)].sort_values("start_time", kind="stable", ignore_index=True)
    if kept.empty:
        if len(table) == 0:
            notes.append(f"{name}: it has no rows; left out")
        return None
    numbers = kept[ids].to_numpy(np.int64) if ids else np.arange(len(kept))
    # One id twice would be an error of the file; the rows are numbered then.
    numbers = numbers if len(np.unique(numbers)) == len(numbers) else np.arange(len(kept))
    columns: list[VectorData] = []
    for one in map(str, kept.columns):
        if one != ids and (one in ("start_time", "stop_time") or not is_empty(kept[one])):
            columns.append(column(f"{one}_" if one in OF_THE_STANDARD else one, kept[one], words.get(one, one)))
    for several, rows, said in beside:
        columns += _several(several, rows, kept[str(ids)], str(ids), said)
    if tags is not None:
        texts = VectorData(name="tags", description=words.get(tags, tags), data=[str(one) for one in kept[tags]])
        columns += [texts, VectorIndex(name="tags_index", target=texts, data=np.arange(1, len(kept) + 1))]
    names = [one.name for one in columns if not isinstance(one, VectorIndex)]
    return TimeIntervals(
        name=name,
        description=description,
        columns=columns,
        colnames=tuple(names),
        id=ElementIdentifiers(name="id", data=numbers),
    )


def _several(name: str, rows: pd.DataFrame, of: pd.Series, ids: str, said: str) -> list[VectorData]:
    given = rows.sort_values("times", kind="stable").groupby(ids)["times"]
    parts = {number: part.to_numpy(np.float64) for number, part in given}
    none = np.zeros(0)
    values = [parts.get(number, none) for number in of]
    ends = np.cumsum([len(part) for part in values])
    if not len(ends) or ends[-1] == 0:
        return []
    return [*ragged(name, np.concatenate(values), ends, said)]
