"""A dynamic table of an NWB file, column by column: what cannot be used is left out alone, and noted.

Contains the reading of the plain columns of a table as numbers, texts or marks. Add here what holds for the columns of
every table. Which columns a table must have is for its reader.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from nh_platform.sources.nwb.nwb_file import NwbFile, first_few, is_numeric, member, ragged_columns, texts_or_none

NO_NUMBER = -1
"""Stands for an id that is not known."""


@dataclass(frozen=True)
class NwbTable:
    """The columns of a dynamic table that hold one number or text per row.

    Parameters
    ----------
    nwb
        The open file, which takes the notes.
    path
        Where the table is in the file.
    subject
        What notes are about: the name of the table that is made of it.
    n_rows
        Rows of the table.
    columns
        Columns that have as many rows as the table, by name.
    left_out
        Columns that have not, or could not be decoded; each has a note.
    """

    nwb: NwbFile
    path: str
    subject: str
    n_rows: int
    columns: dict[str, npt.NDArray[Any]]
    left_out: frozenset[str]

    def note(self, name: str, text: str) -> None:
        """Record what was found of a column."""
        self.nwb.note(self.subject, f"{self.path}/{name}: {text}")

    def required(self, name: str) -> npt.NDArray[np.float64]:
        """Return a column of numbers (n_rows,).

        Raises
        ------
        BadUpstreamData
            If there is none, or it holds something else.
        """
        values = self.columns.get(name)
        if values is None or not is_numeric(values):
            held = "neither numbers nor texts" if values is None else "texts, expected numbers"
            found = f"holds {held}" if self.nwb.has(f"{self.path}/{name}") else "is missing"
            if name in self.left_out:  # which says why
                found = "cannot be used"
            raise self.nwb.bad(f"{self.path}/{name} {found}")
        return values.astype(np.float64)

    def ids(self, name: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return a column of whole numbers (n_rows,) that the table cannot do without, and which rows have one.

        The others have `NO_NUMBER`; a note says how many are left out, which is for the caller to do.

        Raises
        ------
        BadUpstreamData
            If there is none, or no row has one.
        """
        self.required(name)
        numbers, usable = whole_numbers(self.columns[name])
        if self.n_rows and not usable.any():
            raise self.nwb.bad(f"{self.path}/{name} holds fractions, NaN or infinity, expected whole numbers")
        if not usable.all():
            self.note(name, f"{self._odd(name, usable)}; left out")
        return numbers, usable

    def known_ids(self, name: str) -> npt.NDArray[np.int64]:
        """Return a column of whole numbers (n_rows,); `NO_NUMBER`, with a note, where there is none."""
        values = self.numbers(name)
        if name not in self.columns or np.isnan(values).all():  # has its note
            return np.full(self.n_rows, NO_NUMBER, dtype=np.int64)
        numbers, usable = whole_numbers(self.columns[name])
        if not usable.all():
            self.note(name, f"{self._odd(name, usable)}; unknown")
        return numbers

    def _odd(self, name: str, usable: npt.NDArray[np.bool_]) -> str:
        """Return how many rows hold no whole number, and the first such values."""
        odd = self.columns[name][~usable]
        return f"{len(odd)} of {self.n_rows} rows hold no whole number (of 64 bits): {first_few(odd)}"

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """Return a column of numbers (n_rows,); NaN throughout, with a note, where there is no such column."""
        values = self._of_kind(name, numeric=True, instead="NaN")
        if values is None:
            return np.full(self.n_rows, np.nan)
        values = values.astype(np.float64)
        if self.n_rows and np.isnan(values).all():
            self.note(name, f"no value in any of {self.n_rows} rows")
        return values

    def texts(self, name: str) -> list[str | None]:
        """Return a column of texts; None throughout, with a note, where there is no such column."""
        values = self._of_kind(name, numeric=False, instead="null")
        if values is None:
            return [None] * self.n_rows
        texts = texts_or_none(values)
        if self.n_rows and not any(texts):
            self.note(name, f"no value in any of {self.n_rows} rows")
        return texts

    def marks(self, name: str, instead: str) -> npt.NDArray[np.bool_] | None:
        """Return a column of booleans (n_rows,); None, and a note of what counts ``instead``, where there is none."""
        values = self._of_kind(name, numeric=True, instead=instead)
        if values is None:
            return None
        if not np.isin(values, (0, 1)).all():
            self.note(name, f"values other than 0 and 1; {instead}")
            return None
        return values.astype(bool)

    def _of_kind(self, name: str, *, numeric: bool, instead: str) -> npt.NDArray[Any] | None:
        """Return a column that holds numbers, or texts; None, and a note unless it has one, where there is none."""
        values = self.columns.get(name)
        if values is None:
            if name not in self.left_out:
                self.note(name, f"missing; {instead}")
            return None
        if is_numeric(values) != numeric:
            found, expected = ("texts", "numbers") if numeric else ("numbers", "texts")
            self.note(name, f"{found}, expected {expected}; {instead}")
            return None
        return values


def whole_numbers(values: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return numbers as int64, `NO_NUMBER` where one is no whole number of 64 bits, and which ones are.

    Examples
    --------
    >>> whole_numbers(np.array([3.0, 0.5, np.inf, 1e300]))[0].tolist()
    [3, -1, -1, -1]
    """
    if values.dtype.kind == "f":
        usable = (values >= -(2.0**63)) & (values < 2.0**63) & (values == np.floor(values))
    elif values.dtype.kind == "u":
        usable = values <= np.iinfo(np.int64).max
    else:
        usable = np.ones(len(values), dtype=bool)
    numbers = np.full(len(values), NO_NUMBER, dtype=np.int64)
    numbers[usable] = values[usable].astype(np.int64)
    return numbers, usable


def read_table(
    nwb: NwbFile,
    path: str,
    subject: str,
    key: str = "id",
    ignored: Collection[str] = frozenset(),
    reserved: Collection[str] = frozenset(),
) -> NwbTable:
    """Read every column of a dynamic table that holds one number or text per row.

    Ragged columns, their indexes, references and columns with more than one dimension are no part of it.

    Parameters
    ----------
    nwb
        The open file.
    path
        Where the table is.
    subject
        What notes are about.
    key
        The column that says what a row is; it decides how many rows there are.
    ignored
        Columns that are not looked at.
    reserved
        Names that the reader gives to columns of its own: a column of the file under one of them is left out, noted.

    Raises
    ------
    BadUpstreamData
        If the table or its key is missing or cannot be decoded, or most other columns agree on another number of rows.
    """
    group = nwb.group(path)
    ragged = ragged_columns(group)
    lengths = {}
    for name in group:
        dataset = member(group, name)
        if isinstance(dataset, h5py.Dataset) and dataset.ndim == 1 and name not in ignored and name not in ragged:
            lengths[name] = len(dataset)
    if key not in lengths:
        raise nwb.bad(f"{path}/{key} is missing or has not one value per row")
    n_rows = lengths[key]
    usual, count = Counter(lengths.values()).most_common(1)[0]
    if count > Counter(lengths.values())[n_rows]:
        raise nwb.bad(f"{path}/{key} has {n_rows} rows, and {count} other columns have {usual}")
    columns, left_out = {}, set()
    for name, length in lengths.items():
        dataset = group[name]
        if name in ragged.values() or not (is_numeric(dataset) or h5py.check_string_dtype(dataset.dtype) is not None):
            continue
        if name in reserved:
            nwb.note(subject, f"{path}/{name}: the table made of it has a column {name} of its own; left out")
        elif length != n_rows:
            nwb.note(subject, f"{path}/{name}: {length} rows, expected {n_rows}; left out")
        elif name == key:
            columns[name] = nwb.array(f"{path}/{name}")
            continue
        else:
            values = nwb.optional(subject, nwb.array, f"{path}/{name}")
            if values is not None:
                columns[name] = values
                continue
        left_out.add(name)
    return NwbTable(nwb, path, subject, n_rows, columns, frozenset(left_out))
