"""The assets `session_catalog` and `unit_catalog` of a source: all its sessions, and all their units, as one table.

Not partitioned, and no session depends on them. They are made of what the store holds when they run, daily with the
inventory. Add here what is shown of them. Which columns they have is `nh_platform.session.tables`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from nh_platform.defs.assets import OWNERS, failure
from nh_platform.defs.metadata import counts_table, records_table, table_schema
from nh_platform.defs.reconciliation import versions_digest
from nh_platform.history.snapshots import ASSET as MANIFEST_ASSET
from nh_platform.home.platform import Platform
from nh_platform.reading.all_units import stored_units
from nh_platform.reading.search import SessionQuery, find_sessions
from nh_platform.session import NhError
from nh_platform.session.columns import TableSchema
from nh_platform.session.tables.catalogs import SESSION_CATALOG, UNIT_CATALOG
from nh_platform.sources.registry import SourceEntry
from nh_platform.store import Provenance
from nh_platform.store.layout import SOURCE_WIDE
from nh_platform.store.parquet import column_names, join_tables, read_table, write_table

CATALOGS = (SESSION_CATALOG.name, UNIT_CATALOG.name)
_CODE_VERSION = "1"

_DESCRIPTIONS = {
    SESSION_CATALOG.name: (
        "One row per session that upstream lists: animal, lab, day, task, probes, units and good units, performance, "
        "regions, and how many of its assets are stored. What `nh sessions` searches."
    ),
    UNIT_CATALOG.name: (
        "Every unit of every ingested session in one table: released and recomputed metrics, verdicts, reasons, "
        "labels, regions, positions. In Python, `open_store(...).units(source)` gives the same."
    ),
}
_READS = {SESSION_CATALOG.name: ("units", "behavior"), UNIT_CATALOG.name: ("units",)}
_SCHEMAS: dict[str, TableSchema] = {schema.name: schema for schema in (SESSION_CATALOG, UNIT_CATALOG)}


def build_catalogs(entry: SourceEntry, platform: Platform) -> list[dg.AssetsDefinition]:
    """Return the two assets of a source."""
    return [_build(entry, platform, name) for name in CATALOGS]


def _build(entry: SourceEntry, platform: Platform, name: str) -> dg.AssetsDefinition:
    @dg.asset(
        name=name,
        key_prefix=entry.name,
        deps=[dg.AssetKey([entry.name, MANIFEST_ASSET]), *(dg.AssetKey([entry.name, asset]) for asset in _READS[name])],
        group_name=entry.name,
        kinds={"parquet"},
        owners=OWNERS,
        code_version=_CODE_VERSION,
        description=_DESCRIPTIONS[name],
        metadata={"dagster/column_schema": table_schema(_SCHEMAS[name])},
    )
    def catalog() -> dg.MaterializeResult:
        return make_catalog(platform, entry.name, name)

    return catalog


def expected_catalog(platform: Platform, source: str, name: str) -> Provenance:
    """Return the record that a catalog made of what the store holds now would carry.

    Raises
    ------
    UnknownSession
        If the source was never synced.
    """
    manifest = platform.manifest(source)
    inputs = {MANIFEST_ASSET: manifest.version()}
    for asset in _READS[name]:
        versions = {
            session_id: version
            for session_id in manifest.session_ids
            if (version := platform.store.data_version(source, session_id, asset)) is not None
        }
        inputs[asset] = versions_digest(versions)
    parameters = {"rulebook": platform.config(source).rulebook_ids[0]} if name == SESSION_CATALOG.name else {}
    return Provenance.make(
        asset=name,
        source=source,
        session_id=SOURCE_WIDE,
        code_version=_CODE_VERSION,
        inputs=inputs,
        parameters=parameters,
    )


def make_catalog(platform: Platform, source: str, name: str) -> dg.MaterializeResult:
    """Write a catalog of what the store holds, publish it, and return what the UI shows.

    Raises
    ------
    dagster.Failure
        If the source was never synced, or a stored table cannot be read.
    """
    makers: dict[str, Callable[[Platform, str, Path], Mapping[str, Any]]] = {
        SESSION_CATALOG.name: _write_sessions,
        UNIT_CATALOG.name: _write_units,
    }
    try:
        record = expected_catalog(platform, source, name)
        with platform.store.publish(record) as folder:
            shown = makers[name](platform, source, folder)
        published = platform.store.folder(source, SOURCE_WIDE, name)
    except NhError as error:
        raise failure(error) from error
    return dg.MaterializeResult(
        data_version=dg.DataVersion(record.data_version), metadata={**shown, "dagster/uri": str(published)}
    )


def _write_sessions(platform: Platform, source: str, folder: Path) -> Mapping[str, Any]:
    table = find_sessions(platform.manifest(source), platform.store, SessionQuery())
    table = table.sort_values("session_id", ignore_index=True)
    write_table(_file(folder, SESSION_CATALOG), table, SESSION_CATALOG)
    largest = table.sort_values("good_units", ascending=False, kind="stable").head(10)
    shown = ("session_id", "subject", "date", "units", "good_units", "regions")
    return {
        "dagster/row_count": len(table),
        "sessions": len(table),
        "sessions with units": int((table["good_units"].notna()).sum()),
        "most good units": records_table(largest[[*shown]].fillna("").astype(str).to_dict("records")),
    }


def _write_units(platform: Platform, source: str, folder: Path) -> Mapping[str, Any]:
    from nh_platform.qc.unit_columns import column_words

    parts = stored_units(platform.store, source, sorted(platform.manifest(source).session_ids))
    path = _file(folder, UNIT_CATALOG)
    if parts:
        join_tables(path, [({"session_id": session_id}, file) for session_id, file in parts])
    else:
        write_table(path, UNIT_CATALOG.empty(), UNIT_CATALOG)
    columns = column_names(path)
    good = f"pass.{platform.config(source).rulebook_ids[0]}"
    table = read_table(path, [name for name in ("beryl", good) if name in columns])
    # Sessions whose units are older than the rulebook have no verdict of it: null, and not good.
    passed = table[good].eq(True) if good in table else pd.Series(False, index=table.index)
    return {
        "dagster/row_count": len(table),
        "dagster/column_schema": table_schema(UNIT_CATALOG, columns, column_words(source)),
        "sessions": len(parts),
        "units": len(table),
        "good units": int(passed.sum()),
        "good units by region": counts_table(table.loc[passed, "beryl"].fillna("unlocated").value_counts(), "region"),
    }


def _file(folder: Path, schema: TableSchema) -> Path:
    return folder / f"{schema.name}.parquet"
