"""Bytes on disk that depend on the data only: npy, csv and Parquet files of the simulation.

Contains the writers that every upstream format shares. Add a file type here. They set no time stamp and write in the
order given, so that the same seed gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd


def write_arrays(folder: Path, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
    """Write each array as ``<name>.npy``."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", np.ascontiguousarray(array), allow_pickle=False)


def write_csv(path: Path, table: pd.DataFrame, *, index: bool = False) -> None:
    """Write a csv with unix line ends on every system."""
    path.write_text(table.to_csv(index=index, lineterminator="\n"), encoding="utf-8", newline="")


def merge_csv(path: Path, rows: pd.DataFrame, *, key: str) -> None:
    """Add rows to a csv on disk, replacing those with the same ``key``; values that stay keep their text."""
    text = rows.set_index(key).map(_text)
    text.index = text.index.map(str)
    if path.exists():
        old = pd.read_csv(path, dtype=str, keep_default_na=False, index_col=key)
        old.index = old.index.map(str)
        text = pd.concat([old[~old.index.isin(text.index)], text])
    ordered = text.loc[sorted(text.index, key=int)]
    write_csv(path, ordered.reset_index())


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else repr(float(value))
    return str(value)


def write_parquet(path: Path, table: pd.DataFrame, one_metadata: dict[str, str] | None = None) -> None:
    """Write a table; with ``one_metadata`` in the way `iblutil.io.parquet.save` does, so that ONE reads it.

    iblutil 1.20 keeps its metadata as JSON under the schema key ``one_metadata``, before pandas' own.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, nthreads=1)
    if one_metadata is not None:
        head = {b"one_metadata": json.dumps(one_metadata).encode()}
        arrow = arrow.replace_schema_metadata({**head, **(arrow.schema.metadata or {})})
    pq.write_table(arrow, path)
