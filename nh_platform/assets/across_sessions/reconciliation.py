"""The asset `reconciliation`: what a release is published to hold against what is here.

Change here what is read from the store for it. Counting and comparing is `nh_platform.qc.published`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from nh_platform.assets.across_sessions.stored_versions import stored_versions, versions_digest
from nh_platform.assets.record import AssetCheck, AssetResult, CheckOutcome, Parameters, SourceAsset
from nh_platform.history.manifest import Manifest
from nh_platform.history.snapshots import ASSET as MANIFEST
from nh_platform.home.platform import Platform
from nh_platform.session.tables.across_sessions.catalogs import RECONCILIATION
from nh_platform.store.codecs.json_files import SUMMARY_FILE, write_json
from nh_platform.store.codecs.parquet import column_names, read_table, write_table

if TYPE_CHECKING:
    from nh_platform.qc.published.published_counts import Recognised

TABLE_FILE = "reconciliation.parquet"
_COMPARED = {
    "named": "as the release that the manifest shows",
    "configured": "as the release that sources.yaml names",
    "stands in": "with another version; nothing is contradicted",
    "at least": "at least: what of the release is listed; nothing is contradicted",
    "none": "no",
}
"""How a release was compared, in words, by how it was found (`nh_platform.qc.published.published_counts.Match`)."""

CHECK = AssetCheck(
    "counts_reconcile",
    "A release that is ingested whole has the counts that it was published with. A part of a release passes, as long "
    "as no count is above the published one. Where there is nothing to compare with (a folder of your own, simulated "
    "sessions), the check warns and begins with *Not compared*.",
    is_error=True,
)


def inputs(platform: Platform, source: str) -> Mapping[str, str]:
    """Return the versions of the manifest and of the units of the sessions that are counted."""
    manifest = platform.manifest(source)
    _, sessions, _ = published_part(manifest, platform.config(source).published)
    versions = stored_versions(platform, source, "units", sessions["session_id"])
    return {MANIFEST: manifest.version(), "units": versions_digest(versions)}


def parameters(platform: Platform, source: str) -> Parameters:
    """Return the published counts by content, how their release was found, and who says which units are good."""
    recognised, _, _ = published_part(platform.manifest(source), platform.config(source).published)
    release = recognised.release
    return {
        "published": "none" if release is None else release.content_version(source),
        "match": recognised.match,
        "rulebook": _good_units_by(platform, source, recognised),
    }


def make(platform: Platform, source: str, folder: Path) -> AssetResult:
    """Count the manifest and the ingested units of a source, and compare them with the published counts."""
    from nh_platform.qc.published.reconcile import count_release, reconcile

    manifest = platform.manifest(source)
    recognised, sessions, insertions = published_part(manifest, platform.config(source).published)
    release, listed = recognised.release, sorted(sessions["session_id"])
    only = insertions if recognised.match == "at least" else None
    units, ingested, judged = ingested_units(
        platform, source, listed, _good_units_by(platform, source, recognised), only
    )
    found = reconcile(
        release,
        count_release(sessions, insertions, units, judged=judged),
        listed=listed,
        ingested=ingested,
        whole=recognised.whole,
        binding=recognised.binding or release is None,
        note=recognised.note,
    )
    title = None if release is None else release.title
    compared, text = _COMPARED[recognised.match], found.text()
    stated = {"complete": found.complete, "coverage": found.coverage, "passed": found.passed, "text": text}
    write_table(folder / TABLE_FILE, found.table, RECONCILIATION)
    write_json(folder / SUMMARY_FILE, {"release": manifest.release, "published": title, "compared": compared, **stated})
    shown: dict[str, Any] = {
        "release": manifest.release,
        "published release": title or "none known",
        "compared": compared,
        "coverage": found.coverage,
        "sessions ingested": found.n_ingested,
        "sessions listed": found.n_sessions,
        "complete": found.complete,
    }
    differences = found.table[~found.table["state"].isin(["equal", "not published"])]
    return AssetResult(
        rows=len(found.table),
        shown={**shown, "counts": _rows(found.table)},
        # Nothing compared is nothing known: green would say that the counts are as published.
        checks={
            CHECK.name: CheckOutcome(
                found.passed and found.compared,
                text,
                {**shown, "differences": _rows(differences)},
                is_known=found.compared,
            )
        },
    )


def _good_units_by(platform: Platform, source: str, recognised: "Recognised") -> str:
    """Return the rulebook whose labels say which units are good: the release's own, else the active one."""
    release = recognised.release
    return platform.config(source).rulebook_ids[0] if release is None else release.good_units_by


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
) -> tuple[pd.DataFrame, list[str], bool]:
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
        Units as `nh_platform.qc.published.reconcile.count_release` takes them; the sessions that have any; and whether
        every session was judged by ``rulebook``. Reviews do not count: no published number has them.
    """
    probes = None if only is None else only.groupby("session_id")["probe"].agg(set).to_dict()
    label = f"label.{rulebook}"
    tables, ingested, judged = [], [], True
    for session_id in session_ids:
        folder = platform.store.usable(source, session_id, "units")
        if folder is None:
            continue
        ingested.append(session_id)
        path = folder / "units.parquet"
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
    return (pd.concat(tables, ignore_index=True) if tables else empty), ingested, judged


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


ASSET = SourceAsset(
    name=RECONCILIATION.name,
    code_version="2",
    description=(
        "Counts that the release is published with (sessions, insertions, animals, units, good units and what is "
        "left of them by region) against ours, with the share of the release that is ingested and every "
        "difference named. Run it after ingesting; it reads the store and asks nobody."
    ),
    kinds=frozenset({"parquet"}),
    tables=((RECONCILIATION, TABLE_FILE),),
    reads=(MANIFEST,),
    inputs=inputs,
    make=make,
    parameters=parameters,
    checks=(CHECK,),
    is_remade_daily=True,
)
