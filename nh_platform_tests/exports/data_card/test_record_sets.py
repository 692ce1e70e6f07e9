"""Record sets of a card: what files say that they hold, also where a layout says it in its own way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.exports.data_card.record_sets import RecordField, record_kinds


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("float64", "cr:Float64"), ("uint8", "cr:UInt8"), ("int32", "cr:Int32"), ("bool", "sc:Boolean"),
        ("string", "sc:Text"), ("datetime64[ns]", "sc:DateTime"), ("object", "sc:Text"), ("<U4", "sc:Text"),
    ],
)  # fmt: skip
def test_types_have_croissants_names(dtype: str, expected: str) -> None:
    assert RecordField("x", dtype, "-", "").data_type == expected


def test_a_file_that_says_nothing_of_itself_has_no_record_set(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    np.savez(tmp_path / "lab" / "plain.npz", x=np.zeros(2))
    np.savez(tmp_path / "lab" / "other.npz", about=np.array("a text"))
    (tmp_path / "lab" / "about.json").write_text(json.dumps({"x": "a sentence"}), encoding="utf-8")
    np.save(tmp_path / "lab" / "x.npy", np.zeros(2))
    paths = sorted(f"lab/{one.name}" for one in (tmp_path / "lab").iterdir())
    assert record_kinds(tmp_path, paths) == []


def test_tables_of_another_layout_are_described_by_their_own_schema(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    table = pd.DataFrame({"n": [1], "when": pd.to_datetime(["2024-01-01"]), "many": [[1.0, 2.0]]})
    table.to_parquet(tmp_path / "lab" / "own.parquet")
    (kind,) = record_kinds(tmp_path, ["lab/own.parquet"])
    assert (kind.name, kind.pattern) == ("own", "*/own.parquet")
    assert [one.data_type for one in kind.fields] == ["cr:Int64", "sc:DateTime", "sc:Text"]
