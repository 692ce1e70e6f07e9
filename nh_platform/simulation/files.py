"""Bytes on disk that depend on the data only: npy, csv and Parquet files of the simulation.

Contains the writers that every upstream format shares. Add a file type here. They set no time stamp and write in the
order given, so that the same seed gives the same bytes.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd


def write_npy(path: Path, array: npt.NDArray[np.generic]) -> None:
    """Write one array."""
    np.save(path, np.ascontiguousarray(array), allow_pickle=False)


def write_csv(path: Path, table: pd.DataFrame, *, index: bool = False) -> None:
    """Write a csv with unix line ends on every system."""
    path.write_text(table.to_csv(index=index, lineterminator="\n"), encoding="utf-8", newline="")


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
