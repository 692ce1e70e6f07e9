"""Tables ↔ Parquet, with the unit of measure and meaning of every column kept in the file.

Add here what every table file needs. The columns of a table are stated in `nh_platform.session.schemas`.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from nh_platform.session.columns import TableSchema, describe
from nh_platform.session.errors import StoreError


def write_table(path: Path, table: pd.DataFrame, schema: TableSchema) -> None:
    """Write ``table``, cast to ``schema`` and validated, as Parquet.

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
    for column in describe(schema, conformed.columns):
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


def read_table(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a table written by `write_table`; strings come back as objects with None for null.

    Raises
    ------
    StoreError
        If the file is missing or is not a whole Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, columns=columns).to_pandas()
    except (OSError, pa.ArrowException) as error:  # a damaged page is an OSError
        raise StoreError(str(path), f"it cannot be read: {error}", "Materialize the asset again.") from error
