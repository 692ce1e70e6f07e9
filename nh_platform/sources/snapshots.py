"""The stored manifest of a source, and what changed between two of them.

Contains the codec of `release_manifest` and the diff in the users' words. Add a kind of change here when a release can
bring it. Nothing here talks to upstream or decides what to run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nh_platform.session import UnknownSession
from nh_platform.session.schemas import FILES, INSERTIONS, SESSIONS
from nh_platform.sources.catalog import GROUPS, Manifest
from nh_platform.store.layout import SOURCE_WIDE, Store
from nh_platform.store.parquet import read_table, write_table

ASSET = "release_manifest"
_RELEASE_FILE = "release.txt"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a manifest into ``folder``, rows in the order of their keys so that equal manifests are equal bytes."""
    for table, schema in (
        (manifest.sessions, SESSIONS),
        (manifest.insertions, INSERTIONS),
        (manifest.files, FILES),
    ):
        ordered = table.sort_values(list(schema.key), ignore_index=True)
        write_table(folder / f"{schema.name}.parquet", ordered, schema)
    (folder / _RELEASE_FILE).write_text(f"{manifest.source}\n{manifest.release}\n", encoding="utf-8")


def read_manifest(store: Store, source: str) -> Manifest:
    """Read the manifest that was stored last for ``source``.

    Raises
    ------
    UnknownSession
        If the source was never synced.
    """
    folder = store.current(source, SOURCE_WIDE, ASSET)
    if folder is None:
        raise UnknownSession(
            f"source {source}",
            f"no release manifest is in the store {store.root}",
            f"Run `nh sync {source}` first; it reads the catalogue and downloads nothing.",
        )
    _, release = (folder / _RELEASE_FILE).read_text(encoding="utf-8").split("\n")[:2]
    return Manifest(
        source=source,
        release=release,
        sessions=read_table(folder / "sessions.parquet"),
        insertions=read_table(folder / "insertions.parquet"),
        files=read_table(folder / "files.parquet"),
    )


@dataclass(frozen=True)
class ManifestDiff:
    """What a manifest brought against the one before.

    Parameters
    ----------
    added, withdrawn
        Session ids.
    changed
        For every asset group, the kept sessions whose content version moved.
    """

    added: list[str]
    withdrawn: list[str]
    changed: dict[str, list[str]]

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return not (self.added or self.withdrawn or any(self.changed.values()))


def diff_manifests(before: Manifest | None, after: Manifest) -> ManifestDiff:
    """Compare two manifests of one source by content; a touched timestamp or size is no change."""
    old_ids = set() if before is None else set(before.sessions["session_id"])
    new_ids = set(after.sessions["session_id"])
    changed: dict[str, list[str]] = {group: [] for group in GROUPS}
    if before is not None:
        for session_id in sorted(old_ids & new_ids):
            old, new = before.session(session_id), after.session(session_id)
            for group in GROUPS:
                if old.version(group) != new.version(group):
                    changed[group].append(session_id)
    return ManifestDiff(added=sorted(new_ids - old_ids), withdrawn=sorted(old_ids - new_ids), changed=changed)
