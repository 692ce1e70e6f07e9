"""The `reconciliation` asset of a source and its check: what the release is published to hold against what is here.

Not partitioned, and nothing depends on it: a session never becomes stale because another was ingested. Add here what
must be read from the store for it. Counting and comparing is `nh_platform.qc.reconcile`.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from nh_platform.defs.assets import OWNERS, failure
from nh_platform.defs.metadata import records_table, table_schema
from nh_platform.defs.platform import Platform
from nh_platform.defs.registry import SourceEntry
from nh_platform.session import NhError
from nh_platform.session.schemas import RECONCILIATION
from nh_platform.sources.catalog import Manifest
from nh_platform.sources.snapshots import ASSET as MANIFEST_ASSET
from nh_platform.store import Provenance, data_version
from nh_platform.store.layout import SOURCE_WIDE
from nh_platform.store.parquet import read_table, write_table
from nh_platform.store.provenance import git_commit, recorded_packages

ASSET = "reconciliation"
CHECK = "counts_reconcile"
TABLE_FILE = "reconciliation.parquet"
SUMMARY_FILE = "summary.json"
_CODE_VERSION = "1"


def build_reconciliation(entry: SourceEntry, platform: Platform) -> dg.AssetsDefinition:
    """Return the asset `<source>/reconciliation` with its check."""
    key = dg.AssetKey([entry.name, ASSET])

    @dg.asset(
        key=key,
        deps=[dg.AssetKey([entry.name, MANIFEST_ASSET])],
        group_name=entry.name,
        kinds={"parquet"},
        owners=OWNERS,
        code_version=_CODE_VERSION,
        description=(
            "Counts that the release is published with (sessions, insertions, animals, units, good units and what is "
            "left of them by region) against ours, with the share of the release that is ingested and every "
            "difference named. Run it after ingesting; it reads the store and asks nobody."
        ),
        metadata={"dagster/column_schema": table_schema(RECONCILIATION)},
        check_specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset=key,
                description=(
                    "A release that is ingested whole has the counts that it was published with. A part of a release "
                    "passes, as long as no count is above the published one; so does a release without such counts."
                ),
            )
        ],
    )
    def reconciliation(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return reconcile_source(platform, entry)

    return reconciliation


def reconcile_source(platform: Platform, entry: SourceEntry) -> dg.MaterializeResult:
    """Count the source's manifest and ingested units, compare, publish the table, and return what the UI shows.

    Raises
    ------
    dagster.Failure
        If the source was never synced, or the configured published release is unknown.
    """
    from nh_platform.qc.published import published_release
    from nh_platform.qc.reconcile import count_release, reconcile

    source = entry.name
    try:
        manifest = platform.manifest(source)
        release, whole = published_release(source, manifest.release, platform.config(source).published)
        rulebook = platform.config(source).rulebook_ids[0] if release is None else release.good_units_by
        units, versions, judged = ingested_units(platform, manifest, rulebook)
        ours = count_release(manifest.sessions, manifest.insertions, units, judged=judged)
        found = reconcile(release, ours, listed=manifest.session_ids, ingested=list(versions), whole=whole)
        stated = "none" if release is None else release.content_version()
        inputs = {MANIFEST_ASSET: manifest.version(), "units": _digest(versions)}
        parameters = {"published": stated, "rulebook": rulebook}
        record = Provenance(
            asset=ASSET,
            source=source,
            session_id=SOURCE_WIDE,
            data_version=data_version(_CODE_VERSION, inputs, parameters),
            code_version=_CODE_VERSION,
            inputs=inputs,
            parameters=parameters,
            packages=recorded_packages(),
            git_commit=git_commit(),
        )
        summary = {
            "release": manifest.release,
            "published": None if release is None else release.title,
            "complete": found.complete,
            "coverage": found.coverage,
            "passed": found.passed,
            "text": found.text(),
        }
        with platform.store.publish(record) as folder:
            write_table(folder / TABLE_FILE, found.table, RECONCILIATION)
            (folder / SUMMARY_FILE).write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    except NhError as error:
        raise failure(error) from error
    shown: dict[str, Any] = {
        "release": manifest.release,
        "published release": "none known" if release is None else release.title,
        "coverage": found.coverage,
        "sessions ingested": found.n_ingested,
        "sessions listed": found.n_sessions,
        "complete": found.complete,
    }
    return dg.MaterializeResult(
        data_version=dg.DataVersion(record.data_version),
        metadata={
            **shown,
            "dagster/row_count": len(found.table),
            "counts": records_table(_rows(found.table)),
            "dagster/uri": str(platform.store.folder(source, SOURCE_WIDE, ASSET)),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=CHECK,
                passed=found.passed,
                severity=dg.AssetCheckSeverity.ERROR,
                description=found.text(),
                metadata={
                    **shown,
                    "differences": records_table(
                        _rows(found.table[~found.table["state"].isin(["equal", "not published"])])
                    ),
                },
            )
        ],
    )


def ingested_units(platform: Platform, manifest: Manifest, rulebook: str) -> tuple[pd.DataFrame, dict[str, str], bool]:
    """Read what is counted of the units of every ingested session of a manifest.

    Returns
    -------
    tuple
        Units as `nh_platform.qc.reconcile.count_release` takes them; the data version of ``units`` by session; and
        whether every session was judged by ``rulebook``. Reviews do not count: no published number has them.
    """
    label = f"label.{rulebook}"
    tables, versions, judged = [], {}, True
    for session_id in sorted(manifest.session_ids):
        record = platform.store.provenance(manifest.source, session_id, "units")
        if record is None:
            continue
        versions[session_id] = record.data_version
        path = platform.store.folder(manifest.source, session_id, "units") / "units.parquet"
        has_label = label in _column_names(path)
        judged = judged and has_label
        table = read_table(path, ["probe", "beryl", *([label] if has_label else [])])
        good = table[label].to_numpy() >= 1 if has_label else False
        tables.append(
            pd.DataFrame({"session_id": session_id, "probe": table["probe"], "region": table["beryl"], "good": good})
        )
    empty = pd.DataFrame({"session_id": [], "probe": [], "region": [], "good": []})
    return (pd.concat(tables, ignore_index=True) if tables else empty), versions, judged


def _column_names(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    return list(pq.read_schema(path).names)


def _digest(versions: dict[str, str]) -> str:
    lines = [f"{session_id}\x1f{version}\n" for session_id, version in sorted(versions.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _rows(table: pd.DataFrame) -> list[Mapping[str, Any]]:
    """Return the table for the UI, whole numbers as such."""
    return [
        {
            "count": row["count"],
            "published": "" if pd.isna(row["published"]) else int(row["published"]),
            "ours": "" if pd.isna(row["ours"]) else int(row["ours"]),
            "state": row["state"],
            "explanation": row["explanation"],
            "meaning": row["meaning"],
            "cited": row["cited"],
        }
        for row in table.to_dict("records")
    ]
