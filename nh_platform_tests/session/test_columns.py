"""Column schemas cast without loss, and refuse what a table must not have."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.session import Column, ColumnPattern, SchemaError, TableSchema
from nh_platform.session.columns import describe
from nh_platform.session.tables.events import EVENTS
from nh_platform.session.tables.units import UNITS

SCHEMA = TableSchema(
    "things",
    (
        Column("name", "string", "-", "Name"),
        Column("count", "uint16", "1", "Count"),
        Column("size", "float32", "um", "Size", nullable=True),
    ),
    patterns=(ColumnPattern(r"extra_\d", ("float64",), "1", "Extra"),),
    key=("name",),
)


def table(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"name": ["a", "b"], "count": [1, 2], "size": [0.5, np.nan], **columns})


def test_conform_casts_orders_and_keeps_columns_of_a_pattern() -> None:
    out = SCHEMA.conform(table(extra_1=[1.0, 2.0])[["extra_1", "size", "count", "name"]])
    assert list(out.columns) == ["name", "count", "size", "extra_1"]
    assert [str(out[c].dtype) for c in out] == ["object", "uint16", "float32", "float64"]


def test_a_missing_nullable_column_becomes_null() -> None:
    out = SCHEMA.conform(table().drop(columns="size"))
    assert out["size"].isna().all()
    assert out["size"].dtype == np.float32


def test_rows_survive_a_foreign_index() -> None:
    out = SCHEMA.conform(table().set_axis([7, 3]))
    assert out["name"].tolist() == ["a", "b"]
    assert out.index.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (table().drop(columns="count"), "'count' is missing"),
        (table(count=[1, 70_000]), "'count' loses values as uint16"),
        (table(count=[1.5, 2.0]), "'count' loses values as uint16"),
        (table(count=["x", "y"]), "'count' cannot be uint16"),
        (table(name=["a", None]), "'name' has 1 null values"),
        (table(name=["a", "a"]), "occurs more than once"),
        (table(surprise=[1, 2]), "unknown column 'surprise'"),
        (table(extra_1=["x", "y"]), "'extra_1' is string"),
    ],
)
def test_bad_tables_are_refused_by_name(broken: pd.DataFrame, says: str) -> None:
    with pytest.raises(SchemaError, match=says) as caught:
        SCHEMA.conform(broken)
    assert "table things" in str(caught.value)


def test_an_empty_table_conforms_and_keeps_dtypes() -> None:
    assert SCHEMA.conform(SCHEMA.empty()).dtypes.astype(str).tolist() == ["object", "uint16", "float32"]


def test_a_schema_cannot_promise_a_null_integer() -> None:
    with pytest.raises(ValueError, match="cannot hold null"):
        Column("n", "int64", "1", "n", nullable=True)


def test_every_written_column_states_unit_and_meaning() -> None:
    for schema in (*EVENTS.values(), UNITS):
        for column in schema.columns:
            assert column.unit, (schema.name, column.name)
            assert len(column.meaning) > 3, (schema.name, column.name)


def test_columns_of_a_family_are_described_as_they_are() -> None:
    schema = TableSchema(
        "measured",
        SCHEMA.columns,
        patterns=(
            ColumnPattern(r"m\.\w+", ("float64", "string", "int64", "uint8"), "see there", "Something measured"),
        ),
    )
    words = {"m.rate": ("Hz", "Rate"), "m.bits": ("-", "Bits")}
    measured = {"m.rate": [1.0, 2.0], "m.kind": ["x", None], "m.bits": np.array([1, 2], np.uint8)}
    found = {one.name: one for one in describe(schema, schema.conform(table(**measured)), words.get)}
    assert list(found) == ["name", "count", "size", "m.rate", "m.kind", "m.bits"]
    assert found["count"] == SCHEMA.columns[1]
    assert found["m.rate"] == Column("m.rate", "float64", "Hz", "Rate", nullable=True)
    assert found["m.kind"] == Column("m.kind", "string", "see there", "Something measured", nullable=True)
    assert found["m.bits"] == Column("m.bits", "uint8", "-", "Bits")
    # Of names alone the first dtype of the pattern is what can be said.
    assert describe(schema, ["m.rate"])[0].unit == "see there"


def test_a_column_that_may_be_absent_is_not_made_up() -> None:
    schema = TableSchema(
        "t", (Column("time", "float64", "s", "Time"), Column("hit", "bool", "-", "Hit or not", absent=True))
    )
    assert list(schema.conform(pd.DataFrame({"time": [1.0]})).columns) == ["time"]
    assert schema.conform(pd.DataFrame({"hit": [True], "time": [1.0]}))["hit"].tolist() == [True]
    with pytest.raises(SchemaError, match="'hit' is string, expected bool"):
        schema.validate(pd.DataFrame({"time": [1.0], "hit": ["yes"]}))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pd.Series([], dtype=object), []),
        (pd.Series(["a", None, np.nan], dtype=object), ["a", None, None]),
        (pd.Series(["a", pd.NA, "a"], dtype="category"), ["a", None, "a"]),
        (pd.Series(["a", None], dtype="string"), ["a", None]),
        (pd.Series([1, None], dtype=object), ["1", None]),
        (pd.Series([True, "b", pd.NaT], dtype=object), ["True", "b", None]),
    ],
)
def test_whatever_stands_in_a_column_of_texts_becomes_a_text_or_none(values: pd.Series, expected: list[object]) -> None:
    schema = TableSchema("texts", (Column("text", "string", "-", "A text", nullable=True),))
    found = schema.conform(pd.DataFrame({"text": values}))["text"]
    assert found.tolist() == expected
    assert found.dtype == object
