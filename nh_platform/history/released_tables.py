"""The stored tables of a whole release: units, channels, probes, sessions and regions without any session file.

Contains what a source hands over, how it is stored beside the manifest, and how it is read back. Add a table here when
a release has one more. How upstream's tables become these is the source's matter; searching them is
`nh_platform.reading`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from nh_platform.session import UnknownSession
from nh_platform.session.columns import DTYPES, TableSchema
from nh_platform.session.tables.catalogue.released import (
    RELEASED_ANALYSIS_METRICS,
    RELEASED_CHANNELS,
    RELEASED_PROBES,
    RELEASED_REGIONS,
    RELEASED_SESSIONS,
    RELEASED_UNITS,
)
from nh_platform.store import Provenance, Store
from nh_platform.store.codecs.parquet import read_table, write_table
from nh_platform.store.file_hashes import is_stored, verified
from nh_platform.store.names import SOURCE_WIDE
from nh_platform.store.provenance import UpstreamFile

ASSET = "released_tables"
CODE_VERSION = "2"

SCHEMAS = {
    "sessions": RELEASED_SESSIONS,
    "probes": RELEASED_PROBES,
    "channels": RELEASED_CHANNELS,
    "units": RELEASED_UNITS,
    "regions": RELEASED_REGIONS,
    "analysis_metrics": RELEASED_ANALYSIS_METRICS,
}
"""Every table by its name, which is also that of its file."""


@dataclass(frozen=True)
class ReleasedTables:
    """Tables of a release, as a source makes them of upstream's.

    Parameters
    ----------
    release
        Name of the release, or of where the tables come from.
    upstream_files
        What they were made of, each with its hash.
    sessions, probes, channels, units, analysis_metrics
        Schemas `RELEASED_SESSIONS` and so on; empty where the release has no such table.
    left_out
        What could not be taken, in words.
    """

    release: str
    upstream_files: Sequence[UpstreamFile]
    sessions: pd.DataFrame = field(default_factory=RELEASED_SESSIONS.empty)
    probes: pd.DataFrame = field(default_factory=RELEASED_PROBES.empty)
    channels: pd.DataFrame = field(default_factory=RELEASED_CHANNELS.empty)
    units: pd.DataFrame = field(default_factory=RELEASED_UNITS.empty)
    analysis_metrics: pd.DataFrame = field(default_factory=RELEASED_ANALYSIS_METRICS.empty)
    left_out: tuple[str, ...] = ()


def is_current(store: Store, source: str, version: str) -> bool:
    """Return whether what is stored was made of upstream's tables in this version, by this code."""
    stored = None if store.usable(source, SOURCE_WIDE, ASSET) is None else store.provenance(source, SOURCE_WIDE, ASSET)
    return stored is not None and (stored.inputs.get("upstream"), stored.code_version) == (version, CODE_VERSION)


def store_released(store: Store, source: str, tables: ReleasedTables, version: str) -> None:
    """Store the tables of a release in the place of those before.

    Parameters
    ----------
    store, source
        Where.
    tables
        The tables.
    version
        Identity of upstream's tables.

    Raises
    ------
    SchemaError
        If a table does not conform to its schema; what was stored is unchanged.
    StoreError
        If the disk is full.
    """
    record = Provenance.make(
        asset=ASSET,
        source=source,
        session_id=SOURCE_WIDE,
        code_version=CODE_VERSION,
        inputs={"upstream": version},
        parameters={"release": tables.release},
        upstream_files=list(tables.upstream_files),
        left_out=tables.left_out,
    )
    with store.publish(record) as folder:
        for name, schema in SCHEMAS.items():
            counted = schema is RELEASED_REGIONS
            table = count_regions(tables.channels, tables.units) if counted else getattr(tables, name)
            if len(table):
                write_table(folder / f"{name}.parquet", storable(table, schema), schema)


def released_folder(store: Store, source: str) -> Path:
    """Return the folder of the stored tables.

    Raises
    ------
    UnknownSession
        If there are none; the text says how to get them.
    """
    folder = store.current(source, SOURCE_WIDE, ASSET)
    if folder is None:
        raise UnknownSession(
            f"released tables of {source}",
            f"the store {store.address} has none",
            f"Run `nh sync {source}`; where they are large `nh sync {source} --tables` fetches them.",
        )
    return folder


def read_released(folder: Path, name: str, columns: list[str] | None = None) -> pd.DataFrame:
    """Read one of the tables; empty, with the fixed columns of its schema, where the release has none."""
    path = folder / f"{name}.parquet"
    if not is_stored(path):
        table = SCHEMAS[name].empty()
        return table if columns is None else table.reindex(columns=columns)
    return read_table(path, columns)


def row_counts(store: Store, source: str) -> dict[str, int]:
    """Return the rows of every stored table that has any, by its name, without reading them."""
    import pyarrow.parquet as pq

    folder = store.usable(source, SOURCE_WIDE, ASSET)
    paths = {} if folder is None else {name: folder / f"{name}.parquet" for name in SCHEMAS}
    return {name: int(pq.read_metadata(verified(path)).num_rows) for name, path in paths.items() if is_stored(path)}


def left_out_of_tables(store: Store, source: str) -> tuple[str, ...]:
    """Return what the stored tables lack of upstream's, in words."""
    stored = None if store.usable(source, SOURCE_WIDE, ASSET) is None else store.provenance(source, SOURCE_WIDE, ASSET)
    return () if stored is None else tuple(stored.left_out)


def storable(table: pd.DataFrame, schema: TableSchema) -> pd.DataFrame:
    """Return a table whose columns under upstream's names have dtypes that can be stored.

    Whole numbers with gaps are float64, times and lists text; a column without a value is left out.
    """
    fixed = set(schema.names)
    out: dict[str, pd.Series] = {}
    for name in table.columns:
        series = table[name]
        if name in fixed:
            out[name] = series
        elif series.notna().any():
            out[str(name)] = _storable(series)
    return pd.DataFrame(out)


def _storable(series: pd.Series) -> pd.Series:
    if str(series.dtype) in DTYPES - {"string"}:
        return series
    kinds = set(series.dropna().map(type))
    if kinds <= {bool, np.bool_}:  # with gaps: a bool cannot be null
        return series.map({True: "True", False: "False"}).astype(object).where(series.notna(), None)
    if pd.api.types.is_numeric_dtype(series.dtype):
        return series.astype("float64")
    return series.astype(object).where(series.notna(), None).map(lambda value: None if value is None else str(value))


def count_regions(channels: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Return how many channels and units of each insertion lie in each structure, schema `RELEASED_REGIONS`.

    Parameters
    ----------
    channels, units
        ``session_id``, ``insertion_id``, ``acronym`` (null where unlocated), ``beryl`` and ``cosmos`` of each row.
    """
    keys = ["session_id", "insertion_id", "acronym", "beryl", "cosmos"]
    parts = []
    for name, table in (("channels", channels), ("units", units)):
        located = table.loc[table["acronym"].notna(), keys]
        parts.append(located.groupby(keys, sort=True, dropna=False).size().rename(name))
    counted = pd.concat(parts, axis=1).fillna(0).astype("int64").reset_index()
    for name in ("beryl", "cosmos"):
        counted[name] = counted[name].astype(object).where(counted[name].notna(), None)
    return counted
