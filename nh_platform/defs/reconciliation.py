"""The `reconciliation` asset of a source and its check: what the release is published to hold against what is here.

Not partitioned, and nothing depends on it: a session never becomes stale because another was ingested. Add here what
must be read from the store for it. Counting and comparing is `nh_platform.qc.published.reconcile`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd

from nh_platform.defs.assets import OWNERS, failure
from nh_platform.defs.metadata import records_table, rounded, table_schema
from nh_platform.history.manifest import Manifest
from nh_platform.history.snapshots import ASSET as MANIFEST_ASSET
from nh_platform.home.platform import Platform
from nh_platform.session import NhError
from nh_platform.session.tables.catalogs import RECONCILIATION
from nh_platform.sources.registry import SourceEntry
from nh_platform.store import Provenance
from nh_platform.store.layout import SOURCE_WIDE
from nh_platform.store.parquet import column_names, read_table, write_table

if TYPE_CHECKING:
    from nh_platform.qc.published.published_counts import Recognised

ASSET = "reconciliation"
CHECK = "counts_reconcile"
TABLE_FILE = "reconciliation.parquet"
SUMMARY_FILE = "summary.json"
_CODE_VERSION = "2"
_COMPARED = {
    "named": "as the release that the manifest shows",
    "configured": "as the release that sources.yaml names",
    "stands in": "with another version; nothing is contradicted",
    "at least": "at least: what of the release is listed; nothing is contradicted",
    "none": "no",
}
"""How a release was compared, in words, by how it was found (`nh_platform.qc.published.published_counts.Match`)."""


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
                    "passes, as long as no count is above the published one. Where there is nothing to compare with "
                    "(a folder of one's own, simulated sessions), the check passes too and begins with *Not compared*."
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
    from nh_platform.qc.published.reconcile import count_release, reconcile

    source = entry.name
    try:
        manifest = platform.manifest(source)
        recognised, sessions, insertions = published_part(manifest, platform.config(source).published)
        release, listed = recognised.release, sorted(sessions["session_id"])
        rulebook = platform.config(source).rulebook_ids[0] if release is None else release.good_units_by
        only = insertions if recognised.match == "at least" else None
        units, versions, judged = ingested_units(platform, source, listed, rulebook, only)
        ours = count_release(sessions, insertions, units, judged=judged)
        found = reconcile(
            release,
            ours,
            listed=listed,
            ingested=list(versions),
            whole=recognised.whole,
            binding=recognised.binding or release is None,
            note=recognised.note,
        )
        stated = "none" if release is None else release.content_version()
        inputs = {MANIFEST_ASSET: manifest.version(), "units": versions_digest(versions)}
        parameters = {"published": stated, "match": recognised.match, "rulebook": rulebook}
        record = Provenance.make(
            asset=ASSET,
            source=source,
            session_id=SOURCE_WIDE,
            code_version=_CODE_VERSION,
            inputs=inputs,
            parameters=parameters,
        )
        summary = {
            "release": manifest.release,
            "published": None if release is None else release.title,
            "compared": _COMPARED[recognised.match],
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
        "compared": _COMPARED[recognised.match],
        "coverage": rounded(found.coverage),
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


def published_part(manifest: Manifest, configured: str | None) -> tuple["Recognised", pd.DataFrame, pd.DataFrame]:
    """Return the published release that a manifest shows, and the sessions and insertions of it that it lists.

    By the configuration, else by the name of the manifest's release, else by what is listed: a listing without a name
    (all that is public, a folder of copies) is held against the release whose members it has, member by member.

    Returns
    -------
    tuple
        The release and how it was found; sessions and insertions of the manifest, restricted to the members of the
        release where the listing was recognised by them.

    Raises
    ------
    ConfigError
        If the configured release is unknown.
    """
    from nh_platform.qc.published.published_counts import Recognised, published_release
    from nh_platform.qc.published.published_members import recognise_members

    of_folder = manifest.selection.split(",")[0] == "local"
    found = published_release(manifest.source, manifest.release, configured, of_folder=of_folder)
    if found.match in ("at least", "none"):
        members = recognise_members(manifest.source, manifest.sessions["session_id"], manifest.insertions)
        if members is not None:
            sessions = manifest.sessions[manifest.sessions["session_id"].isin(members.session_ids)]
            return members.recognised, sessions, members.insertions
        if found.match == "at least":
            # Another laboratory's server, or simulated sessions behind one: nothing of the release is there.
            note = f"{manifest.release} names no release, and nothing is listed of those with published counts"
            found = Recognised(None, "none", note)
    return found, manifest.sessions, manifest.insertions


def ingested_units(
    platform: Platform, source: str, session_ids: Sequence[str], rulebook: str, only: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, dict[str, str], bool]:
    """Read what is counted of the units of every ingested session among some.

    Parameters
    ----------
    platform, source, session_ids
        Where, and which sessions.
    rulebook
        Id of the rulebook whose labels say which units are good.
    only
        Schema `INSERTIONS`: units of other probes are left out; all count where None.

    Returns
    -------
    tuple
        Units as `nh_platform.qc.published.reconcile.count_release` takes them; the data version of ``units`` by
        session; and whether every session was judged by ``rulebook``. Reviews do not count: no published number has
        them.
    """
    probes = None if only is None else only.groupby("session_id")["probe"].agg(set).to_dict()
    label = f"label.{rulebook}"
    tables, versions, judged = [], {}, True
    for session_id in session_ids:
        record = platform.store.provenance(source, session_id, "units")
        if record is None:
            continue
        versions[session_id] = record.data_version
        path = platform.store.folder(source, session_id, "units") / "units.parquet"
        has_label = label in column_names(path)
        judged = judged and has_label
        table = read_table(path, ["probe", "beryl", *([label] if has_label else [])])
        if probes is not None:
            table = table[table["probe"].isin(probes.get(session_id, ()))]
        good = table[label].to_numpy() >= 1 if has_label else False
        tables.append(
            pd.DataFrame({"session_id": session_id, "probe": table["probe"], "region": table["beryl"], "good": good})
        )
    empty = pd.DataFrame({"session_id": [], "probe": [], "region": [], "good": []})
    return (pd.concat(tables, ignore_index=True) if tables else empty), versions, judged


def versions_digest(versions: dict[str, str]) -> str:
    """Return one version for the data versions of many sessions."""
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
