"""The state of a source that a typed name means: a snapshot, a release of upstream, a freeze or a tag.

Contains that one lookup. Add a kind of name here when there is one more way to name a release. Nothing here compares
or prints.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import pandas as pd

from nh_platform.history.comparison.release_diff import Seen
from nh_platform.history.freezes import freeze_manifest, is_freeze_file
from nh_platform.history.manifest import Manifest
from nh_platform.history.published_freezes import PUBLISHED, freeze_named, known_freezes
from nh_platform.history.snapshots import find_snapshot, list_snapshots
from nh_platform.history.tombstones import seen_before
from nh_platform.session import UnknownSession
from nh_platform.session.errors import close_matches
from nh_platform.store import Store

_VERSION = re.compile(r"\d+(\.\d+)+(-[\w.]+)?")


@dataclass(frozen=True)
class NamedState:
    """A state of a source that a person named.

    Parameters
    ----------
    title
        What it is, in words.
    manifest
        What it lists.
    seen
        What was listed and withdrawn before it, as far as the store knows.
    membership_only
        Whether it states sessions and insertions alone: a freeze or a tag, not a snapshot.
    """

    title: str
    manifest: Manifest
    seen: Seen
    membership_only: bool


@runtime_checkable
class VersionedSource(Protocol):
    """A source whose upstream publishes releases by name, each with a manifest of its own."""

    def named_releases(self) -> list[str]:
        """Return the names of the releases at hand, oldest first; asks nobody."""

    def published_releases(self) -> list[str]:
        """Return the names of the releases that upstream publishes, oldest first; may ask it."""

    def named_manifest(self, version: str) -> Manifest | None:
        """Return everything that a release states, whether or not its files were fetched; None where there is none."""


def find_state(
    store: Store, source: str, name: str, freezes: Path, opened: Callable[[], object] | None = None
) -> NamedState:
    """Return the state that a name means.

    In this order: the path of a CSV file; a version such as ``0.5.0`` of upstream's own releases, whether or not it was
    ever synced; number, id or release name of a snapshot; name of a freeze in ``freezes`` or of a published one, which
    is fetched there; a tag of the last snapshot's files.

    Parameters
    ----------
    store, source, name
        Where to look, and for what.
    freezes
        Folder of the freezes known by name.
    opened
        Opens the source; called only for a name that looks like a version.

    Raises
    ------
    UnknownSession
        If it is none of these; the text says what there is.
    ConfigError
        If it is a CSV file that cannot be read.
    """
    if is_freeze_file(name) or name.lower().endswith(".csv"):
        freeze = freeze_named(name, freezes)
        return NamedState(f"freeze {freeze.name}", freeze_manifest(freeze, source), Seen(), True)
    if opened is not None and _VERSION.fullmatch(name):
        upstream = opened()
        stated = upstream.named_manifest(name) if isinstance(upstream, VersionedSource) else None
        if stated is not None:
            return NamedState(f"release {name}", stated, Seen(), False)
    try:
        snapshot = find_snapshot(store, source, name)
    except UnknownSession:
        snapshot = None
    if snapshot is not None:
        title = f"snapshot {snapshot.number} ({snapshot.id}, {snapshot.release})"
        return NamedState(title, snapshot.manifest(), seen_before(snapshot.tombstones()), False)
    named = sorted({*known_freezes(freezes), *PUBLISHED})
    if name in named:
        return NamedState(f"freeze {name}", freeze_manifest(freeze_named(name, freezes), source), Seen(), True)
    snapshots = list_snapshots(store, source)
    tags: list[str] = []
    if snapshots:
        manifest = snapshots[-1].manifest()
        tags = sorted(tag_counts(manifest)["tag"])
        if name in tags:
            return NamedState(f"tag {name}", _tagged(manifest, name), Seen(), True)
    if name in ("latest", "previous"):
        raise _no_such_snapshot(source, name, len(snapshots))
    numbers = f"{snapshots[0].number} to {snapshots[-1].number}" if snapshots else "none"
    near = close_matches(name, [*tags, *named])
    raise UnknownSession(
        f"release {name!r} of {source}",
        f"snapshots: {numbers}; tags: {', '.join(tags) or 'none'}; freezes: {', '.join(named)}",
        f"Name one of these, or a CSV file; `nh releases list {source}` shows them.{near}",
    )


def _no_such_snapshot(source: str, name: str, n_snapshots: int) -> UnknownSession:
    """Return why there is no ``latest``, or no ``previous`` snapshot."""
    if n_snapshots:
        return UnknownSession(
            f"{name} snapshot of {source}",
            "there is one snapshot, of the first sync, and nothing before it to compare with",
            f"A sync that finds upstream changed adds the next; `nh releases show {source}` shows what there is now.",
        )
    return UnknownSession(
        f"{name} snapshot of {source}",
        "the source was never synced",
        f"Run `nh sync {source}`; it reads the catalogue and downloads nothing.",
    )


def tag_counts(manifest: Manifest) -> pd.DataFrame:
    """Return, per release tag of a manifest, its sessions, insertions and files, by name of the tag."""
    files = manifest.files
    texts = [text for text in files["tags"].dropna().unique() if text]
    tags = sorted({tag for text in texts for tag in text.split(",") if tag})
    rows = []
    for tag in tags:
        own = files[files["tags"].isin([text for text in texts if tag in text.split(",")])]
        probes = own.loc[own["probe"] != "", ["session_id", "probe"]].drop_duplicates()
        row = {"tag": tag, "sessions": own["session_id"].nunique(), "insertions": len(probes), "files": len(own)}
        rows.append(row)
    return pd.DataFrame(rows, columns=["tag", "sessions", "insertions", "files"])


def _tagged(manifest: Manifest, tag: str) -> Manifest:
    """Return what a tag covers: its files, their sessions, and the insertions that have a file of it."""
    has_tag = manifest.files["tags"].map(lambda text: isinstance(text, str) and tag in text.split(","))
    files = manifest.files[has_tag.astype(bool)].reset_index(drop=True)
    probes = pd.MultiIndex.from_frame(files[["session_id", "probe"]].drop_duplicates())
    insertions = manifest.insertions
    listed = pd.MultiIndex.from_frame(insertions[["session_id", "probe"]]).isin(probes)
    sessions = manifest.sessions
    return Manifest(
        source=manifest.source,
        release=tag,
        sessions=sessions[sessions["session_id"].isin(set(files["session_id"]))].reset_index(drop=True),
        insertions=insertions[listed].reset_index(drop=True),
        files=files,
    )
