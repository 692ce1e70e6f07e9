"""The material of a release's site read from the store, session by session: one that cannot be read stops no other.

Contains what is read and how a session stands. Add here what the store knows of a session and the site should say. A
release of which only tables are at hand is `tabled_release.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from nh_platform.history.comparison.release_diff import diff_manifests
from nh_platform.history.identity import version_of
from nh_platform.history.manifest import Manifest
from nh_platform.history.snapshots import list_snapshots
from nh_platform.history.tombstones import seen_before
from nh_platform.home.platform import Platform
from nh_platform.qc.gate import read_gate
from nh_platform.qc.released_agreement import Agreement, released_agreement
from nh_platform.qc.reviews.review_files import SessionReviews, read_reviews
from nh_platform.qc.reviews.reviewer_agreement import reviewer_agreement
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.reports.session_page.stored import ASSET as REPORT
from nh_platform.reports.session_page.stored import PAGE_FILE
from nh_platform.reports.site.counts.changes import ReleaseChanges, release_changes
from nh_platform.reports.site.counts.judged_units import joined, judge_units
from nh_platform.reports.site.material import (
    GATED,
    MADE,
    NOT_MADE,
    SESSION_COLUMNS,
    SET_ASIDE,
    UNREADABLE,
    WAITING_COLUMNS,
    SiteMaterial,
)
from nh_platform.reports.site.reviewed_things import reviewed_things, set_aside_because
from nh_platform.reports.site.sampled_units import sampled_units
from nh_platform.session import NhError
from nh_platform.session.tables.embeddings import UNIT_EMBEDDINGS
from nh_platform.store import Store
from nh_platform.store.codecs.parquet import column_names, read_table
from nh_platform.store.file_hashes import is_stored
from nh_platform.store.names import SOURCE_WIDE
from nh_platform.store.objects.address import is_in_bucket
from nh_platform.store.records import is_there

UNITS, SPIKES = "units", "raw_spikes"

_WORDS = ("reason.", "rule.", "failed.", "label.")
"""Columns of stored units that the rules in force make anew."""

OnSession = Callable[[int, int, str], None]


@dataclass
class _Read:
    """What was read of the sessions so far."""

    units: list[pd.DataFrame] = field(default_factory=list)
    metrics: list[pd.DataFrame] = field(default_factory=list)
    sessions: list[dict[str, object]] = field(default_factory=list)
    reviews: list[dict[str, str]] = field(default_factory=list)
    of_reviewers: list[SessionReviews] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def stored_material(
    platform: Platform,
    source: str,
    manifest: Manifest,
    *,
    site: Path | None = None,
    changes: ReleaseChanges | None = None,
    changes_lacking: str = "",
    standing: Mapping[str, tuple[str, str]] | None = None,
    on_session: OnSession | None = None,
) -> SiteMaterial:
    """Read what the store holds of every session of a release.

    Parameters
    ----------
    platform, source
        The home and the source.
    manifest
        The release: its sessions and insertions. Units of other insertions are left out where it lists any.
    site
        Folder in which the site's index will lie, from which links lead to the sessions' pages; no links where None.
    changes, changes_lacking
        As of `SiteMaterial`.
    standing
        Standing of a session and why, where more is known than the store says: a failed run.
    on_session
        Called with how many sessions are read, of how many, and the next.

    Returns
    -------
    SiteMaterial
        A session whose files cannot be read is named there with why.
    """
    config = platform.config(source)
    rulebook, *others = [load_rulebook(name) for name in config.rulebooks]
    others = [book for book in others if book.rules]
    read = _Read()
    ids = [str(one) for one in manifest.sessions["session_id"]]
    probes = manifest.insertions.groupby("session_id")["probe"].agg(set).to_dict()
    known = dict(standing or {})
    for number, session_id in enumerate(ids):
        if on_session is not None:
            on_session(number, len(ids), session_id)
        row = _session(platform, source, session_id, (rulebook, others), probes.get(session_id), site, read)
        aside = _read_reviews(platform, source, session_id, rulebook, read)
        if aside:
            if row["standing"] == MADE:  # counted, they would speak for the release that they are taken out of
                del read.units[-1], read.metrics[-1]
            row["standing"], row["why"] = SET_ASIDE, aside
        elif session_id in known and row["standing"] != MADE:
            row["standing"], row["why"] = known[session_id]
        read.sessions.append(row)
    facts = manifest.sessions.set_index("session_id")
    counts = manifest.insertions.groupby("session_id").size()
    sessions = pd.DataFrame(read.sessions, columns=["session_id", "standing", "why", "report", "report_lacking"])
    for name in ("subject", "lab", "date"):
        texts = sessions["session_id"].map(facts[name]).astype(object)
        sessions[name] = texts.where(texts.notna(), "")
    sessions["insertions"] = sessions["session_id"].map(counts).fillna(0).astype("int64")
    reconciliation, lacking = _reconciliation(platform.store, source)
    stored = site_inputs(platform.store, source, ids)
    units = joined(read.units, rulebook, others)
    sample = sampled_units(platform.store, source, units)
    return SiteMaterial(
        source=source,
        release=manifest.release,
        version=version_of((manifest.version(), *stored.values(), rulebook.content_version())),
        units=units,
        sessions=sessions[list(SESSION_COLUMNS)],
        rulebook=rulebook,
        others=others,
        agreement=_agreement(read.metrics, platform, source),
        agreement_lacking="" if read.metrics else "No session of the release has units here.",
        changes=changes,
        changes_lacking=changes_lacking,
        reviews=pd.DataFrame(read.reviews, columns=list(WAITING_COLUMNS)),
        reviewers=reviewer_agreement(read.of_reviewers),
        reconciliation=reconciliation,
        reconciliation_lacking=lacking,
        sample=sample,
        notes=(*read.notes, *sample.notes),
    )


def site_inputs(store: Store, source: str, session_ids: Sequence[str]) -> dict[str, str]:
    """Return the data version of everything that is read of the sessions, by asset and session."""
    found: dict[str, str] = {}
    for asset in (UNITS, REPORT, SPIKES, UNIT_EMBEDDINGS.name):
        versions = ((one, store.data_version(source, one, asset)) for one in session_ids)
        found |= {f"{asset}/{session_id}": version for session_id, version in versions if version is not None}
    return found


def changes_of(store: Store, source: str, number: int | None = None) -> tuple[ReleaseChanges | None, str]:
    """Return what a stored release changed against the one before it, or why that is not known.

    Parameters
    ----------
    store, source
        Where the releases are.
    number
        Number of the snapshot; the last one where None.
    """
    snapshots = [one for one in list_snapshots(store, source) if number is None or one.number <= number]
    if len(snapshots) < 2:
        return None, "This is the first release that was read; there is none before it to compare with."
    before, after = snapshots[-2], snapshots[-1]
    try:
        diff = diff_manifests(before.manifest(), after.manifest(), seen_before(before.tombstones()))
    except NhError as error:
        return None, f"The release before cannot be read: {error}"
    names = [f"snapshot {one.number} ({one.release})" for one in (before, after)]
    return release_changes(names[0], names[1], diff), ""


def _session(
    platform: Platform,
    source: str,
    session_id: str,
    books: tuple[Rulebook, Sequence[Rulebook]],
    probes: set[str] | None,
    site: Path | None,
    read: _Read,
) -> dict[str, object]:
    """Read the units of one session, and return how it stands."""
    store = platform.store
    report, lacking = _report(store, source, session_id, site)
    row = {"session_id": session_id, "report": report, "report_lacking": lacking}
    try:
        if (folder := store.usable(source, session_id, SPIKES)) is not None and (gate := read_gate(folder)).problems:
            return {**row, "standing": GATED, "why": "; ".join(gate.problems)}
        state = store.state(source, session_id, UNITS)
        if state.damage:
            return {**row, "standing": UNREADABLE, "why": f"its units: {'; '.join(state.damage)}"}
        folder = store.current(source, session_id, UNITS)
        if folder is None:
            why = f"its units were not made; `nh materialize {source} {session_id}` makes them"
            return {**row, "standing": NOT_MADE, "why": why}
        table = _units(folder, session_id)
        if probes:
            table = table[table["probe"].isin(probes)].reset_index(drop=True)
        read.units.append(judge_units(table, *books))
        read.metrics.append(_metrics(table, platform, source))
    except NhError as error:
        return {**row, "standing": UNREADABLE, "why": str(error)}
    return {**row, "standing": MADE, "why": ""}


def _units(folder: Path, session_id: str) -> pd.DataFrame:
    path = folder / "units.parquet"
    table = read_table(path, [name for name in column_names(path) if not name.startswith(_WORDS)])
    table.insert(0, "session_id", session_id)
    return table


def _metrics(table: pd.DataFrame, platform: Platform, source: str) -> pd.DataFrame:
    """Return the released metrics and those that are recomputed for them, to compare over all sessions at once."""
    pairs = platform.entry(source).counterparts
    wanted = {"unit_id", "n_spikes", *(one.definition for one in pairs), *(f"released.{one.column}" for one in pairs)}
    wanted |= {f"released.{one.only_with}" for one in pairs if one.only_with}
    kept = table[[name for name in table.columns if name in wanted]]
    return kept.assign(unit_id=table["session_id"] + "/" + table["unit_id"].astype(str))


def _agreement(parts: Sequence[pd.DataFrame], platform: Platform, source: str) -> Agreement | None:
    found = [part for part in parts if len(part)]
    if not found:
        return None
    return released_agreement(pd.concat(found, ignore_index=True), platform.entry(source).counterparts)


def _report(store: Store, source: str, session_id: str, site: Path | None) -> tuple[str, str]:
    """Return the path of a session's page from the site, or why there is none."""
    make = f"`nh materialize {source} {session_id}` makes it"
    try:
        state = store.state(source, session_id, REPORT)
        if state.damage:
            return "", f"its page is damaged or cannot be read: {'; '.join(state.damage)}; {make}"
        folder = store.current(source, session_id, REPORT)
    except NhError as error:
        return "", f"its page cannot be read: {error}"
    if folder is None or not is_stored(folder / PAGE_FILE):
        return "", f"no page of it was made; {make}"
    if site is None or is_in_bucket(folder):  # a file of the cache may be missing, and goes when room is needed
        return "", "its page is in the store, and not beside this site"
    return Path(os.path.relpath(folder / PAGE_FILE, site)).as_posix(), ""


def _read_reviews(platform: Platform, source: str, session_id: str, rulebook: Rulebook, read: _Read) -> str:
    """Read what the reviews of a session come to, and return why it is set aside; empty where it is not."""
    path = platform.reviews_file(source, session_id)
    if not is_there(path):
        return ""
    try:
        reviews = read_reviews(path)
    except NhError as error:
        read.notes.append(f"session {session_id}: its reviews cannot be used, and none of them is counted: {error}")
        return ""
    read.of_reviewers.append(reviews)
    found = reviewed_things(reviews, rulebook, platform.today)
    stated = {"session_id": session_id}
    read.reviews += [{**stated, "about": about, "state": state, "text": text} for about, state, text in found]
    return set_aside_because(reviews, rulebook, platform.today)


def _reconciliation(store: Store, source: str) -> tuple[pd.DataFrame | None, str]:
    """Return the stored counts against the published ones, or why there are none."""
    folder = store.usable(source, SOURCE_WIDE, "reconciliation")
    if folder is None:
        return None, f"Counts were not compared with the published ones; `nh inventory {source}` does it."
    try:
        return read_table(folder / "reconciliation.parquet"), ""
    except NhError as error:
        return None, f"The counts cannot be read: {error}"
