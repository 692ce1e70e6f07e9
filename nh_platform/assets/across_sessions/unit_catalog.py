"""The asset `unit_catalog`: all units of all ingested sessions of a source as one table.

Change here what is shown of it. In Python, `open_store(...).units(source)` gives the same.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from nh_platform.assets.across_sessions.stored_versions import manifest_and_sessions, stored_versions
from nh_platform.assets.record import AssetResult, SourceAsset, largest_counts
from nh_platform.history.snapshots import ASSET as MANIFEST
from nh_platform.home.platform import Platform
from nh_platform.session.columns import describe
from nh_platform.session.tables.across_sessions.catalogs import UNIT_CATALOG
from nh_platform.store.codecs.parquet import column_names, join_tables, read_table, write_table

_FILE = "unit_catalog.parquet"


def inputs(platform: Platform, source: str) -> Mapping[str, str]:
    """Return the versions of the manifest and of the units."""
    return manifest_and_sessions(platform, source, ("units",))


def make(platform: Platform, source: str, folder: Path) -> AssetResult:
    """Join the units of every session in the store, file by file."""
    from nh_platform.qc.unit_columns import column_meanings
    from nh_platform.reading.all_units import stored_units

    ids = sorted(stored_versions(platform, source, "units", platform.manifest(source).session_ids))
    parts = stored_units(platform.store, source, ids)
    path = folder / _FILE
    if parts:
        join_tables(path, [({"session_id": session_id}, file) for session_id, file in parts])
    else:
        write_table(path, UNIT_CATALOG.empty(), UNIT_CATALOG)
    columns = column_names(path)
    good = f"pass.{platform.config(source).rulebook_ids[0]}"
    table = read_table(path, [name for name in ("beryl", good) if name in columns])
    # Sessions whose units are older than the rulebook have no verdict of it: null, and not good.
    passed = table[good].eq(True) if good in table else pd.Series(False, index=table.index)
    return AssetResult(
        rows=len(table),
        columns=describe(UNIT_CATALOG, columns, column_meanings(platform.config(source).entry)),
        shown={
            "sessions": len(parts),
            "units": len(table),
            "good units": int(passed.sum()),
            "good units by region": largest_counts(
                table.loc[passed, "beryl"].fillna("unlocated").value_counts(), "region"
            ),
        },
    )


ASSET = SourceAsset(
    name=UNIT_CATALOG.name,
    code_version="1",
    description=(
        "Every unit of every ingested session in one table: released and recomputed metrics, verdicts, reasons, "
        "labels, regions, positions. In Python, `open_store(...).units(source)` gives the same."
    ),
    kinds=frozenset({"parquet"}),
    tables=((UNIT_CATALOG, f"{_FILE}, where a column that a session lacks is null"),),
    reads=(MANIFEST, "units"),
    inputs=inputs,
    make=make,
    follows_sessions=True,
)
