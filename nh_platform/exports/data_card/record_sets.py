"""Record sets of a card: tables and arrays of an export, with the data type, unit and meaning of each field.

Parquet files say it themselves, numpy files by the ``about`` beside or inside them. Add here how another format says
what it holds; files of formats that are not named here are in the card as files alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

_KINDS = {"f": "Float", "i": "Int", "u": "UInt"}
ENCODINGS = {
    ".parquet": "application/x-parquet",
    ".h5": "application/x-hdf5",
    ".nwb": "application/x-hdf5",
    ".npz": "application/zip",
    ".npy": "application/x-npy",
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".csv": "text/csv",
    ".md": "text/markdown",
    ".py": "text/x-python",
    ".txt": "text/plain",
}
"""Media type by the end of a file's name."""


@dataclass(frozen=True)
class RecordField:
    """A field: name, dtype as numpy names it or ``string``, unit of measure, meaning."""

    name: str
    dtype: str
    unit: str
    meaning: str

    @property
    def data_type(self) -> str:
        """The type in Croissant's words."""
        if self.dtype == "string":
            return "sc:Text"
        kind = np.dtype(self.dtype)
        if kind.kind in _KINDS:
            return f"cr:{_KINDS[kind.kind]}{8 * kind.itemsize}"
        return {"b": "sc:Boolean", "M": "sc:DateTime"}.get(kind.kind, "sc:Text")


@dataclass(frozen=True)
class RecordKind:
    """Records of one kind in many files.

    Parameters
    ----------
    name
        For example ``units``.
    pattern
        Glob pattern of the files that hold them.
    encoding
        Media type of the files.
    fields
        Their fields.
    is_columns
        Whether a field is a column of the file, or part of its content.
    """

    name: str
    pattern: str
    encoding: str
    fields: tuple[RecordField, ...]
    is_columns: bool


def record_kinds(folder: Path, paths: Iterable[str]) -> list[RecordKind]:
    """Return the kinds of records of an export, by name.

    What they hold is read of the first session of each source: columns that later ones alone have are not in it.

    Parameters
    ----------
    folder
        Folder of the export.
    paths
        Its files, from there, sorted.
    """
    fields: dict[tuple[str, str, str, bool], dict[str, RecordField]] = {}
    seen: set[tuple[str, str]] = set()
    for path in map(PurePosixPath, paths):
        first = (path.parts[0], path.name if path.suffix in (".parquet", ".npy") else path.suffix)
        if len(path.parts) < 2 or first in seen:
            continue
        for name, found, is_columns in _held(folder, path):
            seen.add(first)
            pattern = f"*/{'*/' * (len(path.parts) > 2)}{path.name if path.suffix != '.npz' else '*.npz'}"
            key = (name, pattern, ENCODINGS[path.suffix], is_columns)
            fields.setdefault(key, {}).update({one.name: one for one in found if one.name not in fields[key]})
    kinds = [RecordKind(*key[:3], tuple(held.values()), key[3]) for key, held in fields.items()]
    return sorted(kinds, key=lambda one: one.name)


def _held(folder: Path, path: PurePosixPath) -> Iterator[tuple[str, list[RecordField], bool]]:
    at = folder / path
    if path.suffix == ".parquet":
        yield path.stem, _columns_of(at), True
    elif path.suffix == ".npy" and at.with_name("about.json").is_file():
        about = _about(at.with_name("about.json").read_text(encoding="utf-8"))
        if path.stem in about:
            yield path.stem, _fields_of(about[path.stem]), False
    elif path.suffix == ".npz":
        with np.load(at, allow_pickle=False) as members:
            about = _about(str(members["about"])) if "about" in members else {}
        for name, words in about.items():
            yield name, _fields_of(words), False


def _about(text: str) -> dict[str, dict[str, Any]]:
    """Return what arrays are said to hold; nothing where another layout says it in a form of its own."""
    try:
        stated = json.loads(text)
    except ValueError:
        return {}
    words = stated.items() if isinstance(stated, dict) else ()
    return {name: one for name, one in words if isinstance(one, dict) and {"dtype", "unit", "meaning"} <= one.keys()}


def _columns_of(path: Path) -> list[RecordField]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = []
    for field in pq.read_schema(path):
        words = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        dtype = "string" if pa.types.is_string(kind) else np.dtype(kind.to_pandas_dtype()).name
        found.append(RecordField(field.name, dtype, words.get("unit", "-"), words.get("meaning", "")))
    return found


def _fields_of(words: dict[str, Any]) -> list[RecordField]:
    if "columns" in words:
        return [RecordField(**one) for one in words["columns"]]
    return [RecordField("value", np.dtype(words["dtype"]).name, words["unit"], words["meaning"])]
