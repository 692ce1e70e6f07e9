"""Column schemas: name, dtype, unit of measure and meaning of every column that is ever written.

Contains the two record types and the validation. Add nothing about a particular table here: tables are listed in
`nh_platform.session.tables`. No file is read or written here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pandas as pd

from nh_platform.session.errors import SchemaError

DTYPES = frozenset(
    {"string", "bool", "float32", "float64"} | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
)

NULLABLE = frozenset({"string", "float32", "float64"})
"""Dtypes that can hold a missing value."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name
        Column name as written.
    dtype
        One of ``string``, ``bool``, ``int8`` … ``uint64``, ``float32``, ``float64``.
    unit
        Unit of measure (``s``, ``V``, ``um``, ``Hz``, ``1`` for a pure number, ``-`` where none applies).
    meaning
        One sentence that a reader of the Dagster UI understands.
    nullable
        Whether null (strings) or NaN (floats) is allowed. Integers and booleans are never null.
    absent
        Whether a table may lack the column: how integers and booleans that upstream does not say are left out.
    """

    name: str
    dtype: str
    unit: str
    meaning: str
    nullable: bool = False
    absent: bool = False

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"column {self.name}: unknown dtype {self.dtype!r}")
        if self.nullable and self.dtype not in NULLABLE:
            raise ValueError(f"column {self.name}: {self.dtype} cannot hold null; use float or string")

    def empty(self) -> pd.Series:
        """Return a length-0 series of the column's dtype."""
        return pd.Series([], dtype=_pandas_dtype(self.dtype), name=self.name)


@dataclass(frozen=True)
class ColumnPattern:
    """Columns whose names are not known beforehand, for example one per metric definition.

    Parameters
    ----------
    name
        Regular expression that the full column name matches.
    dtypes
        Dtypes that such a column may have.
    unit, meaning, nullable
        As in `Column`, of all such columns.
    shown
        How the names look to a person, for example ``label.<rulebook>``; the expression where not stated.
    """

    name: str
    dtypes: tuple[str, ...]
    unit: str
    meaning: str
    shown: str = ""
    nullable: bool = True


@dataclass(frozen=True)
class TableSchema:
    """The columns of one table, in the order in which they are written.

    Parameters
    ----------
    name
        Name of the table, used in error texts and in the Dagster UI.
    columns
        The fixed columns, all required but for those that may be absent.
    patterns
        Further columns that may follow, matched by name.
    key
        Columns whose values together identify a row; duplicates are refused.
    """

    name: str
    columns: tuple[Column, ...]
    patterns: tuple[ColumnPattern, ...] = field(default=())
    key: tuple[str, ...] = field(default=())

    @property
    def names(self) -> list[str]:
        """Names of the fixed columns."""
        return [column.name for column in self.columns]

    def empty(self) -> pd.DataFrame:
        """Return a table of 0 rows with every fixed column in its dtype."""
        return pd.DataFrame({column.name: column.empty() for column in self.columns})

    def conform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Cast losslessly to the stated dtypes, order the columns and validate.

        Missing nullable columns are added as null; this is how an optional upstream file shows in a table.

        Raises
        ------
        SchemaError
            If a required column is missing, a column is unknown, a cast would lose values, or a null stands where
            none is allowed.
        """
        # One index for all columns: where indexes differ, pandas aligns rows by them and turns some into NaN.
        if not table.index.identical(pd.RangeIndex(len(table))):
            table = table.reset_index(drop=True)
        out: dict[str, pd.Series] = {}
        for column in self.columns:
            if column.name in table:
                out[column.name] = _cast(table[column.name], column, self.name)
            elif column.nullable:
                out[column.name] = _null_series(column, table.index)
            elif not column.absent:
                raise self._refused(f"column {column.name!r} is missing", "Check the upstream file it comes from.")
        for name in table.columns:
            if name not in out:
                out[name] = table[name]
        self._validate_columns(out)
        frame = pd.DataFrame(out)
        self._refuse_repeated(frame)
        return frame

    def validate(self, table: pd.DataFrame) -> None:
        """Check names, dtypes, nulls and the key of ``table``.

        Raises
        ------
        SchemaError
            Naming the table, the column and what was found.
        """
        self._validate_columns({name: table[name] for name in table.columns})
        self._refuse_repeated(table)

    def _validate_columns(self, table: Mapping[str, pd.Series]) -> None:
        fixed = set(self.names)
        missing = [one.name for one in self.columns if one.name not in table and not one.absent]
        if missing:
            raise self._refused(f"columns missing: {', '.join(missing)}", "Use TableSchema.conform.")
        for name, series in table.items():
            if name not in fixed:
                self._validate_pattern(name, series)
        for column in self.columns:
            if column.name in table:
                self._validate_column(column, table[column.name])

    def _refuse_repeated(self, table: pd.DataFrame) -> None:
        if self.key and table.duplicated(list(self.key)).any():
            first = table.loc[table.duplicated(list(self.key)), list(self.key)].iloc[0].to_dict()
            raise self._refused(f"key {first} occurs more than once", "Remove the duplicate upstream rows.")

    def _refused(self, found: str, action: str) -> SchemaError:
        return SchemaError(f"table {self.name}", found, action)

    def _validate_column(self, column: Column, series: pd.Series) -> None:
        found = _dtype_name(series)
        if found != column.dtype:
            raise self._refused(f"column {column.name!r} is {found}, expected {column.dtype}", "Cast it first.")
        if not column.nullable:
            self._refuse_null(column.name, series)

    def _refuse_null(self, name: str, series: pd.Series) -> None:
        may_be_null = not (isinstance(series.dtype, np.dtype) and series.dtype.kind in "biu")
        if may_be_null and series.isna().any():
            raise self._refused(
                f"column {name!r} has {int(series.isna().sum())} null values and allows none",
                "Check the upstream file it comes from.",
            )

    def _validate_pattern(self, name: str, series: pd.Series) -> None:
        found = _dtype_name(series)
        for pattern in self.patterns:
            if re.fullmatch(pattern.name, name):
                if found not in pattern.dtypes:
                    raise self._refused(f"column {name!r} is {found}, expected one of {pattern.dtypes}", "Cast it.")
                if not pattern.nullable:
                    self._refuse_null(name, series)
                return
        raise self._refused(f"unknown column {name!r}", "Add it to nh_platform.session.tables or drop it.")


ColumnMeanings = Callable[[str], tuple[str, str] | None]
"""Unit of measure and meaning of a column by its name; None where those of its `ColumnPattern` are all."""


def describe(
    schema: TableSchema, columns: Iterable[str] | pd.DataFrame, meanings: ColumnMeanings | None = None
) -> list[Column]:
    """Return one `Column` per column, patterns resolved, for Parquet and for display in the Dagster UI.

    Parameters
    ----------
    schema
        Schema of the table; names that it does not know are left out.
    columns
        The table itself, or names of columns. Of a column that matches a pattern, a table says the real dtype; a name
        alone leaves the first one that the pattern allows.
    meanings
        What is known of single columns that match a pattern, for example the metric that a column holds.
    """
    fixed = {column.name: column for column in schema.columns}
    described = []
    for name in columns:
        if name in fixed:
            described.append(fixed[name])
            continue
        for pattern in schema.patterns:
            if re.fullmatch(pattern.name, name):
                dtype = _dtype_name(columns[name]) if isinstance(columns, pd.DataFrame) else pattern.dtypes[0]
                unit, meaning = (meanings(name) if meanings else None) or (pattern.unit, pattern.meaning)
                nullable = pattern.nullable and dtype in NULLABLE
                described.append(Column(name, dtype, unit, meaning, nullable=nullable))
                break
    return described


def _pandas_dtype(dtype: str) -> str:
    return "object" if dtype == "string" else dtype


def _dtype_name(series: pd.Series) -> str:
    if isinstance(series.dtype, pd.StringDtype) or series.dtype == object:
        return "string" if pd.api.types.infer_dtype(series, skipna=True) in ("string", "empty") else "object"
    return _name_of(series.dtype)


_name_of = lru_cache(maxsize=64)(str)
"""Name of a dtype: numpy puts it together anew each time, 2,000 times for a small session."""


def _null_series(column: Column, index: pd.Index) -> pd.Series:
    value = None if column.dtype == "string" else np.nan
    return pd.Series([value] * len(index), index=index, dtype=_pandas_dtype(column.dtype), name=column.name)


def _cast(series: pd.Series, column: Column, table: str) -> pd.Series:
    """Cast without loss; float64 to float32 is allowed, as the stated precision of the store."""
    if column.dtype == "string":
        return _texts(series)
    if _name_of(series.dtype) == column.dtype:
        return series
    try:
        if column.dtype.startswith("float"):
            return pd.to_numeric(series, errors="raise").astype(column.dtype)
        cast = series.astype(column.dtype)
    except (TypeError, ValueError) as error:
        raise SchemaError(
            f"table {table}", f"column {column.name!r} cannot be {column.dtype}: {error}", "Check the upstream file."
        ) from error
    if not (cast == series).all():
        raise SchemaError(
            f"table {table}", f"column {column.name!r} loses values as {column.dtype}", "Check the upstream file."
        )
    return cast


def _texts(series: pd.Series) -> pd.Series:
    """Return values as texts, null as None; Python is called for each value only where some are no text."""
    if pd.api.types.infer_dtype(series, skipna=True) not in ("string", "empty"):
        series = series.map(lambda value: None if pd.isna(value) else str(value))
    known, texts = series.notna(), series.astype(object, copy=False)
    return texts if known.all() else texts.where(known, None)


def unnamed_fields(table: pd.DataFrame) -> str:
    """Return in words that the rows of a CSV file have more fields than its header names; empty where they have not.

    Parameters
    ----------
    table
        As `pandas.read_csv` returns it without ``index_col``. It takes the first fields for an index then (rows that
        end in a comma suffice), and each value stands below the name of its neighbour.
    """
    extra = 0 if isinstance(table.index, pd.RangeIndex) or not len(table) else table.index.nlevels
    return f"its rows have {extra} field{'s' * (extra > 1)} more than its header names" if extra else ""
