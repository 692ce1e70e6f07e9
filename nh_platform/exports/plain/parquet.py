"""Layout ``parquet``: a folder of Parquet tables per session: spikes, units, trials, events, one table per signal.

Every table begins with the columns ``source`` and ``session_id``, so that those of many sessions are one table to
DuckDB, polars and pandas. Add here what is so of Parquet alone; what goes into the tables is `session_content`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nh_platform.exports.layout import Layout, Request, check_choice
from nh_platform.exports.origin import Origin
from nh_platform.exports.plain.session_arrays import SPIKE_WORDS
from nh_platform.exports.plain.session_content import ALSO, ContentTable, SessionContent, session_content, with_columns
from nh_platform.reading import SessionView
from nh_platform.session import Signal
from nh_platform.session.columns import Column
from nh_platform.session.tables.signal_units import column_units

COMPRESSIONS = ("zstd", "none")
SOURCE = Column("source", "string", "-", "Source of the session")
SESSION = Column("session_id", "string", "-", "Upstream session id")
ROW_GROUP = 1_000_000
ORIGIN = "nh.origin"
"""Key of the file's metadata under which its origin stands as JSON."""


def write(session: SessionView, path: Path, request: Request) -> tuple[str, ...]:
    """Write a session as a folder of tables."""
    chosen = request.options["compression"]
    content = session_content(session, request.rows, request.origin.rulebook)
    front = ((SOURCE, session.source), (SESSION, session.session_id))
    path.mkdir()
    _write(path / "spikes.parquet", _spikes(content, session), request.origin, chosen)
    for table in [*content.tables, *(_samples(name, one) for name, one in content.signals.items())]:
        _write(path / f"{table.name}.parquet", _arrow(with_columns(table, front)), request.origin, chosen)
    return content.left_out


def settle(options: Mapping[str, Any], home: Path) -> Mapping[str, Any]:
    """Return the options as they were given.

    Raises
    ------
    ConfigError
        If tables cannot be packed so.
    """
    check_choice("compression", options["compression"], COMPRESSIONS)
    return options


def _spikes(content: SessionContent, session: SessionView) -> Any:
    """Return one row per spike, by unit and time; ids are dictionaries, which cost a few bytes."""
    import pyarrow as pa

    spikes = content.spikes
    n_spikes, units = len(spikes.times), content.tables[0].frame["unit_id"].tolist()
    same = np.zeros(n_spikes, dtype=np.int8)
    row = np.repeat(np.arange(len(units), dtype=np.int32), spikes.counts)
    columns = {
        "source": (pa.DictionaryArray.from_arrays(same, [session.source]), "-", SOURCE.meaning),
        "session_id": (pa.DictionaryArray.from_arrays(same, [session.session_id]), "-", SESSION.meaning),
        "unit_id": (pa.DictionaryArray.from_arrays(row, pa.array(units, pa.string())), "-", "Unit of the spike"),
        "unit": (pa.array(row), "1", "Row of the unit in units.parquet, from 0"),
        "time": (pa.array(spikes.times), "s", "Spike time on the session clock"),
        "amplitude": (pa.array(spikes.amplitudes), *SPIKE_WORDS["amplitudes"]),
        "depth": (pa.array(spikes.depths), *SPIKE_WORDS["depths"]),
    }
    fields = [_field(name, array.type, unit, meaning) for name, (array, unit, meaning) in columns.items()]
    return pa.Table.from_arrays([array for array, _, _ in columns.values()], schema=pa.schema(fields))


def _samples(name: str, signal: Signal) -> ContentTable:
    values = signal.values if signal.values.ndim > 1 else signal.values[:, None]
    frame = pd.DataFrame({"timestamps": signal.timestamps})
    columns = [Column("timestamps", "float64", "s", f"Times of the samples of {name}")]
    for place, (column, unit) in enumerate(zip(signal.columns, column_units(signal))):
        frame[column] = values[:, place]
        columns.append(Column(column, str(values.dtype), unit, f"{column} of {name}", nullable=True))
    return ContentTable(f"signal_{name}", frame, tuple(columns))


def _arrow(table: ContentTable) -> Any:
    import pyarrow as pa

    fields, arrays = [], []
    for column in table.columns:
        series = table.frame[column.name]
        is_text = column.dtype == "string"
        kind = pa.string() if is_text else pa.from_numpy_dtype(series.dtype)
        fields.append(_field(column.name, kind, column.unit, column.meaning))
        arrays.append(pa.array(series, type=kind, from_pandas=is_text))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _field(name: str, kind: Any, unit: str, meaning: str) -> Any:
    import pyarrow as pa

    return pa.field(name, kind, metadata={"unit": unit, "meaning": meaning})


def _write(path: Path, table: Any, origin: Origin, compression: str) -> None:
    """Write a table; plain encodings that every reader has, no byte-stream split."""
    import pyarrow.parquet as pq

    stated = {ORIGIN: origin.to_json()}
    pq.write_table(
        table.replace_schema_metadata(stated),
        path,
        compression=compression,
        compression_level=3 if compression == "zstd" else None,
        row_group_size=ROW_GROUP,
    )


LAYOUT = Layout(
    "parquet",
    "3",
    ("raw_spikes", "units"),
    lambda session: f"{session.source}/{session.session_id}",
    write,
    also=ALSO,
    options={"compression": "zstd"},
    settle=settle,
)
