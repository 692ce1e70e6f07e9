"""Tables ↔ Parquet, with the unit of measure and meaning of every column kept in the file.

Add here what every table file needs. The columns of a table are stated in `nh_platform.session.tables`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from nh_platform.session.columns import ColumnMeanings, TableSchema, describe
from nh_platform.session.errors import StoreError
from nh_platform.store.file_hashes import verified
from nh_platform.store.objects.address import shown

if TYPE_CHECKING:
    import pyarrow as pa

_FEW_ROWS = 10_000


def write_table(path: Path, table: pd.DataFrame, schema: TableSchema, meanings: ColumnMeanings | None = None) -> None:
    """Write ``table``, cast to ``schema`` and validated, as Parquet.

    ``meanings`` says what is known of single columns that match a pattern of the schema, as for `describe`.

    The bytes depend on the content alone: zstd level 3, byte-stream-split for floats (238 MB against 340 MB of the
    defaults on 11.5 M spikes), one row group per 1 M rows.

    Raises
    ------
    SchemaError
        If the table does not conform.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    conformed = schema.conform(table)
    fields, arrays, floats, strings = [], [], [], []
    for column in describe(schema, conformed, meanings):
        series = conformed[column.name]
        is_text = series.dtype == object or isinstance(series.dtype, pd.StringDtype)
        kind = pa.string() if is_text else pa.from_numpy_dtype(series.dtype)
        note = {"unit": column.unit, "meaning": column.meaning}
        fields.append(pa.field(column.name, kind, nullable=True, metadata=note))
        arrays.append(pa.array(series, type=kind, from_pandas=is_text))
        if pa.types.is_floating(kind):
            floats.append(column.name)
        elif is_text:
            strings.append(column.name)
    content = pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata={"nh.schema": schema.name}))
    pq.write_table(
        content,
        path,
        compression="zstd",
        compression_level=3,
        use_dictionary=strings or False,
        use_byte_stream_split=floats or False,
        row_group_size=1_000_000,
    )


def join_tables(target: Path, parts: Sequence[tuple[Mapping[str, str], Path]]) -> int:
    """Write many tables of one schema as one, a row group each, and return the number of rows.

    Only one part is in memory at a time: the units of the Brain-wide Map take some GB as one table.

    Parameters
    ----------
    target
        The file to write.
    parts
        Per part the text columns to put in front, for example its session, and the file written by `write_table`.
        Parts may differ in their columns: what a part lacks is null in its rows.

    Raises
    ------
    StoreError
        If a part is missing or is not a whole Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schemas = [_read_schema(path) for _, path in parts]
    front = list(parts[0][0]) if parts else []
    schema = pa.unify_schemas(
        [pa.schema([pa.field(name, pa.string()) for name in front]), *schemas], promote_options="permissive"
    )
    n_rows = 0
    with pq.ParquetWriter(
        target,
        schema,
        compression="zstd",
        compression_level=3,
        use_dictionary=[f.name for f in schema if pa.types.is_string(f.type)] or False,
        use_byte_stream_split=[f.name for f in schema if pa.types.is_floating(f.type)] or False,
    ) as writer:
        for values, path in parts:
            part = _read_arrow(path)
            n_rows += part.num_rows
            arrays = []
            for each in schema:
                if each.name in values:
                    arrays.append(pa.array([values[each.name]] * part.num_rows, pa.string()))
                elif each.name in part.column_names:
                    arrays.append(part[each.name].cast(each.type))
                else:
                    arrays.append(pa.nulls(part.num_rows, each.type))
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return n_rows


def column_names(path: Path) -> list[str]:
    """Return the columns of a table written by `write_table` or `join_tables`.

    Raises
    ------
    StoreError
        If the file is missing or is not a Parquet file.
    """
    return list(_read_schema(path).names)


def column_words(path: Path) -> dict[str, tuple[str, str]]:
    """Return unit of measure and meaning of the columns of a table written by `write_table`, by name.

    Raises
    ------
    StoreError
        If the file is missing or is not a Parquet file.
    """
    stated = {field.name: field.metadata or {} for field in _read_schema(path)}
    return {
        name: (words[b"unit"].decode(), words[b"meaning"].decode())
        for name, words in stated.items()
        if b"unit" in words
    }


def read_table(
    path: Path,
    columns: list[str] | None = None,
    matching: tuple[str, str] | None = None,
    equal: tuple[str, str] | None = None,
) -> pd.DataFrame:
    """Read a table written by `write_table`; strings come back as objects with None for null.

    Parameters
    ----------
    path
        The file.
    columns
        Columns to read; all where None.
    matching
        A column of texts, and a regular expression (RE2) found somewhere in those of the rows to read; all where None.
    equal
        A column of texts, and the text of the rows to read; all where None.

    Raises
    ------
    DamagedFile
        If it belongs to a published version and is not the bytes that were published (`verified`).
    StoreError
        If the file is missing, is not a whole Parquet file, or lacks one of ``columns``.
    """
    table = _read_arrow(path, columns, matching, equal)
    return table.to_pandas(use_threads=table.num_rows > _FEW_ROWS)


def _read_arrow(
    path: Path,
    columns: list[str] | None = None,
    matching: tuple[str, str] | None = None,
    equal: tuple[str, str] | None = None,
) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        # Not pq.read_table, which loads the dataset module: 0.09 of the 1.3 s that `nh probes` takes.
        with pq.ParquetFile(verified(path)) as file:
            _check_columns(path, file.schema_arrow.names, columns)
            # Of a small table, other threads take longer to begin than to read.
            table = file.read(columns=columns, use_threads=file.metadata.num_rows > _FEW_ROWS)
    except (OSError, pa.ArrowException) as error:  # a damaged page is an OSError
        raise _unreadable(path, error) from error
    table = table if columns is None else table.select(columns)  # in the order asked for
    if equal is not None:
        table = table.filter(pc.equal(table[equal[0]], equal[1]))
    return table if matching is None else table.filter(pc.match_substring_regex(table[matching[0]], matching[1]))


def _read_schema(path: Path) -> pa.Schema:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_schema(verified(path))
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def _check_columns(path: Path, stored: Sequence[str], columns: Sequence[str] | None) -> None:
    missing = [name for name in columns or () if name not in stored]
    if missing:
        raise StoreError(
            shown(path),
            f"it has no column {', '.join(missing)}; it has {', '.join(stored)}",
            "Materialize the asset again, or ask for one of those.",
        )


def _unreadable(path: Path, error: Exception) -> StoreError:
    return StoreError(shown(path), f"it cannot be read: {error}", "Materialize the asset again.")
