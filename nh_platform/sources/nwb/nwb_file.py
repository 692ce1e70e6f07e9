"""An NWB file as plain arrays: opening, decoding text, ragged columns, and notes of what cannot be used.

Contains what every reader of an NWB file shares, whatever the table. Add here what belongs to the file format
(HDF5); tables are `nh_platform.sources.nwb.nwb_table`. What a column means is the business of the module that
reads it. Nothing here writes a file.

Every column is read whole and in one call: the released files hold their arrays contiguous and uncompressed, so this
is one sequential read, while reading unit by unit costs one seek and one HDF5 call each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.downloads.range_reads import RangedFile
from nh_platform.session import BadUpstreamData, Note, SchemaError, TableSchema, UpstreamTrouble

Read = TypeVar("Read")
Given = ParamSpec("Given")

NULL_TEXTS = frozenset({"", "N/A", "null", "nan", "None"})
"""Texts that stand for "no value": AllenSDK's writer puts ``N/A`` where a text column has none (presentations.py),
released electrodes outside the brain have ``None`` or an empty text."""

REPORT = "Leave the session out, or report the object to the Allen Institute."
"""What can be done about a release's file that is whole and wrong: another download has the same bytes."""

FETCH_AGAIN = "Delete it and download it again (AllenSDK keeps truncated files)."


@dataclass(frozen=True)
class NwbFile:
    """An open NWB file.

    Parameters
    ----------
    path
        Where it lies, for error texts.
    handle
        The open HDF5 file.
    notes
        What readers found missing, damaged or assumed, in the order of reading.
    report
        What can be done about a file that is whole and wrong.
    """

    path: Path
    handle: h5py.File
    notes: list[Note] = field(default_factory=list)
    report: str = REPORT

    def note(self, subject: str, text: str) -> None:
        """Record something that was left out or assumed; once, however many readers find it."""
        if (note := Note(subject, text)) not in self.notes:
            self.notes.append(note)

    def bad(self, found: str, action: str = "") -> BadUpstreamData:
        """Return the error that names this file, ready to be raised."""
        return BadUpstreamData(f"NWB file {self.path.name}", found, action or self.report)

    def optional(
        self, subject: str, read: Callable[Given, Read], *given: Given.args, **by: Given.kwargs
    ) -> Read | None:
        """Return what ``read`` returns; None, and a note about ``subject``, where it raises `BadUpstreamData`.

        Trouble of a server is no fault of the object: it is raised, and nothing is left out for it.
        """
        try:
            return read(*given, **by)
        except UpstreamTrouble:
            raise
        except BadUpstreamData as error:
            self.note(subject, f"left out: {error.found}")
            return None

    def has(self, name: str) -> bool:
        """Return whether the file holds a group or dataset of that name."""
        return self.found(name) is not None

    def found(self, name: str) -> h5py.Group | h5py.Dataset | None:
        """Return a group or dataset; None where there is none, or a link that leads nowhere."""
        return member(self.handle, name)

    @contextmanager
    def decoding(self, name: str) -> Iterator[None]:
        """Read the values of a dataset inside.

        Raises
        ------
        BadUpstreamData
            If their bytes cannot be decoded.
        """
        try:
            yield
        except OSError as error:
            if "errno" in str(error):  # the disk, not the file: nothing is known of the object
                raise
            raise self.bad(f"dataset {name} cannot be decoded: {error}") from error

    def group(self, name: str) -> h5py.Group:
        """Return a group.

        Raises
        ------
        BadUpstreamData
            If it is missing, or is a dataset.
        """
        found = self.found(name)
        if not isinstance(found, h5py.Group):
            raise self.bad(f"group {name} is missing")
        return found

    def names(self, group: str) -> list[str]:
        """Return the names in a group, sorted; none where there is no such group."""
        found = self.found(group)
        return sorted(found) if isinstance(found, h5py.Group) else []

    def array(self, name: str) -> npt.NDArray[Any]:
        """Return a dataset as an array; texts as `str` objects.

        Raises
        ------
        BadUpstreamData
            If it is missing, or its bytes cannot be decoded.
        """
        found = self.found(name)
        if not isinstance(found, h5py.Dataset):
            raise self.bad(f"dataset {name} is missing")
        with self.decoding(name):
            return read_array(found)

    def numbers(self, name: str, columns: int | None = None) -> npt.NDArray[np.float64]:
        """Return a dataset of numbers as float64, a vector or a matrix of ``columns`` columns.

        Raises
        ------
        BadUpstreamData
            If it is missing, holds no numbers, or has another shape.
        """
        values = self.array(name)
        expected = "(n,)" if columns is None else f"(n, {columns})"
        fits = values.ndim == 1 if columns is None else values.ndim == 2 and values.shape[1] == columns
        if not is_numeric(values) or not fits:
            held = "numbers" if is_numeric(values) else "no numbers"
            raise self.bad(f"{name} holds {held} of shape {values.shape}, expected numbers of shape {expected}")
        return values.astype(np.float64)

    def conform(self, schema: TableSchema, table: pd.DataFrame, name: str) -> pd.DataFrame:
        """Return what was read of an object as its schema states it.

        Raises
        ------
        BadUpstreamData
            If it does not conform.
        """
        try:
            return schema.conform(table)
        except SchemaError as error:
            raise self.bad(f"{name}: {error.found}") from error

    def attribute(self, dataset: h5py.Dataset, name: str, default: float) -> float:
        """Return a number that scales, shifts or times a dataset, ``default`` where none is stated.

        Raises
        ------
        BadUpstreamData
            If it is no finite number, a ``conversion`` of 0 (every value would be lost), or a ``rate`` not above 0.
        """
        stated = dataset.attrs.get(name, default)
        try:
            number = float(stated)
        except (TypeError, ValueError):
            number = np.nan
        is_none = (name == "conversion" and number == 0) or (name == "rate" and number <= 0)
        if is_none or not np.isfinite(number):
            raise self.bad(f"{dataset.name} states a {name} that is no number to reckon with: {stated!r}")
        return number

    def text(self, name: str) -> str | None:
        """Return a scalar text, or None where the file has none."""
        found = self.found(name)
        if not isinstance(found, h5py.Dataset) or h5py.check_string_dtype(found.dtype) is None:
            return None
        return str(found.asstr()[()]) if found.shape == () else ", ".join(found.asstr()[:])


@contextmanager
def open_nwb(
    path: Path, *, content: RangedFile | None = None, report: str = REPORT, again: str = FETCH_AGAIN
) -> Iterator[NwbFile]:
    """Open an NWB file for reading.

    Parameters
    ----------
    path
        The file; of one that is read by ranges, its name.
    content
        Where its bytes come from, if not from ``path``.
    report, again
        What can be done about one that is whole and wrong, and about one that cannot be read.

    Raises
    ------
    BadUpstreamData
        If it is missing, truncated or not HDF5, or if a read inside the block fails.
    UpstreamTrouble
        If a part of ``content`` did not come, whatever the reader made of it: what was read then is not the session.
    """
    try:
        with h5py.File(content or path, "r") as handle:
            yield NwbFile(path, handle, report=report)
        if content is not None and content.trouble is not None:
            raise content.trouble
    except FileNotFoundError as error:
        raise BadUpstreamData(
            f"NWB file {path.name}", "it is not there", f"Put it at {path}, or download the session."
        ) from error
    except BadUpstreamData as error:
        if content is not None and content.trouble not in (None, error):
            raise content.trouble from error
        raise
    except OSError as error:
        if content is not None and content.trouble is not None:
            raise content.trouble from error
        raise BadUpstreamData(
            f"NWB file {path.name}",
            f"it cannot be read, as a file does whose download broke off: {error}",
            again,
        ) from error


def member(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset | None:
    """Return a member of a group; None where there is none, or a link that leads nowhere or in a circle."""
    try:
        return group.get(name)
    except RuntimeError:  # what h5py raises for soft links in a circle; `get` itself covers the others
        return None


def read_array(dataset: h5py.Dataset) -> npt.NDArray[Any]:
    """Return a whole dataset; texts as `str` objects, undecodable bytes replaced."""
    if h5py.check_string_dtype(dataset.dtype) is not None:
        return np.asarray(dataset.asstr(errors="replace")[...], dtype=object)
    return np.asarray(dataset[...])


def ragged_columns(group: h5py.Group) -> dict[str, str]:
    """Return ``{column: name of its index}`` for every ragged column of a dynamic table.

    A column counts as an index by its ``neurodata_type``, not by its name alone: ``local_index`` and
    ``stimulus_index`` are plain columns. One that states no type at all counts where the column is there that it is
    named after.
    """
    members = {name: member(group, name) for name in group}
    found = {}
    for name, dataset in members.items():
        if not isinstance(dataset, h5py.Dataset):
            continue
        stated, column = dataset.attrs.get("neurodata_type"), name.removesuffix("_index")
        if _text(stated) == "VectorIndex" or (stated is None and column != name and column in members):
            found[column] = name
    return found


def ragged_offsets(nwb: NwbFile, table: str, column: str, n_rows: int) -> npt.NDArray[np.int64]:
    """Return the (n_rows + 1,) int64 offsets of a ragged column: row ``i`` is ``column[offsets[i]:offsets[i + 1]]``.

    Raises
    ------
    BadUpstreamData
        If the column or its index is missing, the index falls, or does not end at the length of the column.
    """
    index = ragged_index(nwb, table, column, n_rows)
    if index.fault:
        raise nwb.bad(index.fault)
    return np.concatenate([np.zeros(1, np.int64), index.ends])


@dataclass(frozen=True)
class RaggedIndex:
    """Where the rows of a ragged column end.

    Parameters
    ----------
    ends
        (n_rows,) int64, as the index states them.
    total
        Values of the column.
    fault
        What is wrong with the ends; empty where they rise up to ``total``.
    """

    ends: npt.NDArray[np.int64]
    total: int
    fault: str


def ragged_index(nwb: NwbFile, table: str, column: str, n_rows: int) -> RaggedIndex:
    """Return the ends of the rows of a ragged column, right or wrong.

    The index is cast before anything is subtracted: newer files store it in the smallest unsigned integer, which
    would wrap. One that is stored as floats or without its type is read with a note.

    Raises
    ------
    BadUpstreamData
        If the column or its index is missing, or the index has no whole number for each row.
    """
    group = nwb.group(table)
    name = ragged_columns(group).get(column)
    values = member(group, column)
    if not isinstance(values, h5py.Dataset) or values.ndim == 0 or name is None:
        raise nwb.bad(f"ragged column {table}/{column} or its index is missing")
    ends = nwb.array(f"{table}/{name}")
    if ends.dtype.kind == "f" and np.isfinite(ends).all() and (ends == np.floor(ends)).all():
        nwb.note(column, f"{table}/{name} is {ends.dtype}, expected integers; all are whole numbers, read as such")
    elif ends.dtype.kind not in "iu":
        raise nwb.bad(f"{table}/{name} is {ends.dtype} of shape {ends.shape}, expected whole numbers of shape (n,)")
    if ends.ndim != 1:
        raise nwb.bad(f"{table}/{name} is {ends.dtype} of shape {ends.shape}, expected whole numbers of shape (n,)")
    ends, total = ends.astype(np.int64), len(values)
    if len(ends) != n_rows:
        raise nwb.bad(f"{table}/{name} has {len(ends)} rows, and the table has {n_rows}")
    if "neurodata_type" not in group[name].attrs:
        nwb.note(column, f"{table}/{name} states no neurodata_type; taken for the index of {column} by its name")
    last, fault = int(ends[-1]) if n_rows else 0, ""
    if (np.diff(ends, prepend=0) < 0).any():
        fault = f"{table}/{name} falls, so that rows of {column} would overlap"
    elif last != total:
        fault = f"{table}/{name} ends at {last} but {table}/{column} has {total} values"
    return RaggedIndex(ends, total, fault)


def first_few(values: Iterable[object], n: int = 3) -> str:
    """Return the first values in words, and that there are more: ``7, 9, 12, …``."""
    every = [str(value) for value in values]
    return ", ".join([*every[:n], *(["…"] if len(every) > n else [])])


def texts_or_none(values: npt.NDArray[Any]) -> list[str | None]:
    """Return texts with every stand-in for "no value" replaced by None."""
    return [None if text in NULL_TEXTS else text for text in values.tolist()]


def is_numeric(values: npt.NDArray[Any] | h5py.Dataset) -> bool:
    """Return whether an array or dataset holds numbers or booleans."""
    return values.dtype.kind in "biuf"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
