"""An NWB file as plain arrays: opening, decoding text, tables and ragged columns.

Contains what every reader of an Allen NWB file shares, whatever the table. Add here what belongs to the file format
(HDF5, `hdmf` dynamic tables). What a column means is the business of the module that reads that table. Nothing here
writes a file.

Every column is read whole and in one call: the released files hold their arrays contiguous and uncompressed, so this
is one sequential read, while reading unit by unit costs one seek and one HDF5 call each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from nh_platform.session import BadUpstreamData

NULL_TEXTS = frozenset({"", "N/A", "null", "nan", "None"})
"""Texts that stand for "no value": AllenSDK's writer puts ``N/A`` where a text column has none (presentations.py),
released electrodes outside the brain have ``None`` or an empty text."""


@dataclass(frozen=True)
class NwbFile:
    """An open NWB file.

    Parameters
    ----------
    path
        Where it lies, for error texts.
    handle
        The open HDF5 file.
    """

    path: Path
    handle: h5py.File

    def bad(
        self, found: str, action: str = "Download the file again and compare its size with the release."
    ) -> BadUpstreamData:
        """Return the error that names this file, ready to be raised."""
        return BadUpstreamData(f"NWB file {self.path.name}", found, action)

    def has(self, name: str) -> bool:
        """Return whether the file holds a group or dataset of that name."""
        return name in self.handle

    def group(self, name: str) -> h5py.Group:
        """Return a group.

        Raises
        ------
        BadUpstreamData
            If it is missing, or is a dataset.
        """
        found = self.handle.get(name)
        if not isinstance(found, h5py.Group):
            raise self.bad(f"group {name} is missing")
        return found

    def array(self, name: str) -> npt.NDArray[Any]:
        """Return a dataset as an array; texts as `str` objects.

        Raises
        ------
        BadUpstreamData
            If it is missing.
        """
        found = self.handle.get(name)
        if not isinstance(found, h5py.Dataset):
            raise self.bad(f"dataset {name} is missing")
        return read_array(found)

    def text(self, name: str) -> str | None:
        """Return a scalar text, or None where the file has none."""
        found = self.handle.get(name)
        if not isinstance(found, h5py.Dataset) or h5py.check_string_dtype(found.dtype) is None:
            return None
        return str(found.asstr()[()]) if found.shape == () else ", ".join(found.asstr()[:])


@contextmanager
def open_nwb(path: Path) -> Iterator[NwbFile]:
    """Open an NWB file for reading.

    Raises
    ------
    BadUpstreamData
        If it is missing, truncated or not HDF5, or if a read inside the block fails.
    """
    try:
        with h5py.File(path, "r") as handle:
            yield NwbFile(path, handle)
    except FileNotFoundError as error:
        raise BadUpstreamData(
            f"NWB file {path.name}", "it is not there", f"Put it at {path}, or download the session."
        ) from error
    except OSError as error:
        raise BadUpstreamData(
            f"NWB file {path.name}",
            f"it cannot be read, as a file does whose download broke off: {error}",
            "Delete it and download it again (AllenSDK keeps truncated files).",
        ) from error


def read_array(dataset: h5py.Dataset) -> npt.NDArray[Any]:
    """Return a whole dataset; texts as `str` objects, undecodable bytes replaced."""
    if h5py.check_string_dtype(dataset.dtype) is not None:
        return np.asarray(dataset.asstr(errors="replace")[...], dtype=object)
    return np.asarray(dataset[...])


def ragged_columns(group: h5py.Group) -> dict[str, str]:
    """Return ``{column: name of its index}`` for every ragged column of a dynamic table.

    A column counts as an index by its ``neurodata_type``, not by its name alone: ``local_index`` and
    ``stimulus_index`` are plain columns.
    """
    return {
        name.removesuffix("_index"): name
        for name, dataset in group.items()
        if isinstance(dataset, h5py.Dataset) and _text(dataset.attrs.get("neurodata_type")) == "VectorIndex"
    }


def plain_columns(nwb: NwbFile, table: str) -> dict[str, npt.NDArray[Any]]:
    """Return every column of a dynamic table that holds one number or text per row, by name.

    Ragged columns, their indexes, references and columns with more than one dimension are left out.

    Raises
    ------
    BadUpstreamData
        If the table has no ``id``, or a column is not as long as ``id``.
    """
    group = nwb.group(table)
    n_rows = len(nwb.array(f"{table}/id"))
    ragged = ragged_columns(group)
    left_out = set(ragged) | set(ragged.values())
    columns = {}
    for name, dataset in group.items():
        if name in left_out or not isinstance(dataset, h5py.Dataset) or dataset.ndim != 1 or not _is_plain(dataset):
            continue
        if len(dataset) != n_rows:
            raise nwb.bad(f"column {table}/{name} has {len(dataset)} rows and {table}/id has {n_rows}")
        columns[name] = read_array(dataset)
    return columns


def ragged_offsets(nwb: NwbFile, table: str, column: str) -> npt.NDArray[np.int64]:
    """Return the (n_rows + 1,) int64 offsets of a ragged column: row ``i`` is ``column[offsets[i]:offsets[i + 1]]``.

    The index is cast before anything is subtracted: newer files store it in the smallest unsigned integer, which
    would wrap.

    Raises
    ------
    BadUpstreamData
        If the column or its index is missing, the index falls, or does not end at the length of the column.
    """
    group = nwb.group(table)
    name = ragged_columns(group).get(column)
    if column not in group or name is None:
        raise nwb.bad(f"ragged column {table}/{column} or its index is missing")
    ends = np.asarray(group[name][...]).astype(np.int64)
    n_rows, total = len(nwb.array(f"{table}/id")), len(group[column])
    if len(ends) != n_rows:
        raise nwb.bad(f"{table}/{name} has {len(ends)} rows and {table}/id has {n_rows}")
    offsets = np.concatenate([np.zeros(1, np.int64), ends])
    if (np.diff(offsets) < 0).any():
        raise nwb.bad(f"{table}/{name} falls, so that rows of {column} would overlap")
    if offsets[-1] != total:
        raise nwb.bad(f"{table}/{name} ends at {offsets[-1]} but {table}/{column} has {total} values")
    return offsets


def texts_or_none(values: npt.NDArray[Any]) -> list[str | None]:
    """Return texts with every stand-in for "no value" replaced by None."""
    return [None if text in NULL_TEXTS else text for text in values.tolist()]


def _is_plain(dataset: h5py.Dataset) -> bool:
    """Whether a dataset holds numbers, booleans or texts, and not references or compound values."""
    return dataset.dtype.kind in "biuf" or h5py.check_string_dtype(dataset.dtype) is not None


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
