"""Many tables of one schema joined as one, part by part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from nh_platform.session import StoreError
from nh_platform.session.columns import Column, ColumnPattern, TableSchema
from nh_platform.store.codecs.parquet import column_names, join_tables, read_table, write_table

SCHEMA = TableSchema(
    "things",
    (Column("name", "string", "-", "Name"),),
    patterns=(ColumnPattern(r"m\.[a-z]+", ("float32", "float64"), "Hz", "A metric"),),
)


def parts(folder: Path) -> list[tuple[dict[str, str], Path]]:
    tables = [
        pd.DataFrame({"name": ["a", "b"], "m.rate": np.float32([1.5, np.nan])}),
        pd.DataFrame({"name": [], "m.rate": np.float32([])}).astype({"name": object}),
        pd.DataFrame({"name": ["c"], "m.rate": [2.5], "m.other": [3.0]}),
    ]
    for number, table in enumerate(tables):
        write_table(folder / f"{number}.parquet", table, SCHEMA)
    return [({"session_id": f"s{number}"}, folder / f"{number}.parquet") for number in range(3)]


def test_rows_come_in_order_and_what_a_part_lacks_is_null(tmp_path: Path) -> None:
    target = tmp_path / "all.parquet"
    assert join_tables(target, parts(tmp_path)) == 3
    found = read_table(target)
    expected = pd.DataFrame(
        {
            "session_id": ["s0", "s0", "s2"],
            "name": ["a", "b", "c"],
            "m.rate": [1.5, np.nan, 2.5],
            "m.other": [np.nan, np.nan, 3.0],
        }
    )
    pd.testing.assert_frame_equal(found, expected)
    assert column_names(target) == list(expected)
    assert pq.read_schema(target).field("m.rate").metadata[b"unit"] == b"Hz"


def test_no_parts_are_an_empty_table(tmp_path: Path) -> None:
    assert join_tables(tmp_path / "all.parquet", []) == 0
    assert read_table(tmp_path / "all.parquet").empty


def test_the_same_parts_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        join_tables(tmp_path / name, parts(tmp_path))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    made = parts(tmp_path)
    made[1][1].write_bytes(b"PAR1")
    with pytest.raises(StoreError, match=r"1\.parquet.*cannot be read"):
        join_tables(tmp_path / "all.parquet", made)
