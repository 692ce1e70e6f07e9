"""Some columns of a table: in the order asked for, refused by name, and without modules that reading does not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from nh_platform.session import StoreError
from nh_platform.session.columns import Column, TableSchema
from nh_platform.store.codecs.parquet import column_words, read_table, write_table

SCHEMA = TableSchema(
    "t",
    (Column("a", "int64", "1", "A"), Column("b", "string", "-", "B", nullable=True), Column("c", "float64", "s", "C")),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_table(tmp_path / "t.parquet", pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [0.5, 1.5]}), SCHEMA)
    return tmp_path / "t.parquet"


def test_columns_come_in_the_order_asked_for(path) -> None:
    assert read_table(path, ["c", "a"]).to_dict("list") == {"c": [0.5, 1.5], "a": [1, 2]}
    assert read_table(path, ["b", "a"], matching=("b", "^x$"))["a"].tolist() == [1]
    assert read_table(path, []).shape == (2, 0)
    assert read_table(path)["b"].tolist() == ["x", None]


def test_a_column_that_is_not_there_is_named_with_those_that_are(path) -> None:
    with pytest.raises(StoreError, match=r"t\.parquet: it has no column d; it has a, b, c\. Materialize"):
        read_table(path, ["a", "d"])


def test_unit_of_measure_and_meaning_of_columns_are_in_the_file(path) -> None:
    assert column_words(path) == {"a": ("1", "A"), "b": ("-", "B"), "c": ("s", "C")}


def test_reading_loads_no_module_of_data_sets(path) -> None:
    code = (
        "import sys, pathlib; from nh_platform.store.codecs.parquet import read_table;"
        "read_table(pathlib.Path(sys.argv[1]), ['a']); print('pyarrow.dataset' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
