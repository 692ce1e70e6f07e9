"""Releases that are held: stored and shown, while the sessions that they change wait until a person accepts them.

Contains the record of the snapshot that was accepted last, one small file per source beside its snapshots, and what
waits. Whether releases of a source are held is its setting ``on_release``; who waits is decided in
`nh_platform.planning`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nh_platform.history.comparison.release_diff import ReleaseDiff, diff_manifests
from nh_platform.history.identity import group_versions
from nh_platform.history.manifest import Manifest
from nh_platform.history.snapshots import Snapshot, find_snapshot, list_snapshots
from nh_platform.history.tombstones import seen_before
from nh_platform.session import DamagedFile
from nh_platform.session.display import counted
from nh_platform.store import Store
from nh_platform.store.durable import copy_of, read_either, write_twice
from nh_platform.store.names import ACCEPTED, SOURCE_WIDE
from nh_platform.store.records import remove_record
from nh_platform.store.sealed import BrokenSeal, seal_json, unseal_json


@dataclass(frozen=True)
class HeldRelease:
    """A release that waits to be accepted.

    Parameters
    ----------
    accepted, snapshot
        The snapshot that was accepted last, and the one that is held.
    sessions
        Sessions that it brings or changes, sorted: nothing of them is made until it is accepted.
    """

    accepted: Snapshot
    snapshot: Snapshot
    sessions: tuple[str, ...]

    def diff(self) -> ReleaseDiff:
        """Compare the two."""
        return diff_manifests(
            self.accepted.manifest(), self.snapshot.manifest(), seen_before(self.accepted.tombstones())
        )

    def text(self) -> str:
        """Return what waits and how it goes on, in a sentence."""
        source, waiting = self.snapshot.source, counted(len(self.sessions), "session waits", "sessions wait")
        return (
            f"snapshot {self.snapshot.number} ({self.snapshot.release}) is held, {waiting}; "
            f"`nh releases diff {self.accepted.number} {self.snapshot.number} --source {source}` shows what changed, "
            f"`nh releases try {source}` which units, `nh releases accept {source}` goes on"
        )


def accepted_snapshot(store: Store, source: str) -> int | None:
    """Return the number of the snapshot that was accepted last; None where nothing was ever held.

    Raises
    ------
    DamagedFile
        If the record is damaged, and its copy; the text names the file.
    """
    path = _path(store, source)
    try:
        return int(read_either(path, unseal_json)["snapshot"])
    except FileNotFoundError:
        return None
    except (BrokenSeal, OSError) as error:
        action = f"Remove it and its copy, then run `nh releases accept {source}`."
        raise DamagedFile(str(path), f"the record of the accepted release is damaged: {error}", action) from error


def accept(store: Store, source: str, number: int) -> None:
    """Record that a snapshot is accepted."""
    path = _path(store, source)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_twice(path, seal_json({"snapshot": number}))


def forget_accepted(store: Store, source: str) -> None:
    """Remove the record: releases of the source are not held."""
    path = _path(store, source)
    remove_record(copy_of(path))  # first: a copy alone would bring the record back
    remove_record(path)


def held_release(
    store: Store, source: str, now: Manifest, versions: Mapping[str, Mapping[str, str]]
) -> HeldRelease | None:
    """Return the release that waits to be accepted, None where none does.

    Parameters
    ----------
    store, source
        Where the record is.
    now
        The manifest that was stored last.
    versions
        Content version of every asset group of its sessions (`nh_platform.history.identity.group_versions`).
    """
    number, snapshots = accepted_snapshot(store, source), list_snapshots(store, source)
    if number is None or not snapshots or snapshots[-1].number <= number:
        return None
    accepted = find_snapshot(store, source, str(number))
    before = accepted.manifest()
    known = group_versions(before.sessions, before.insertions, before.files)
    changed = tuple(sorted(one for one in now.session_ids if known.get(one) != versions[one]))
    return HeldRelease(accepted, snapshots[-1], changed)


def _path(store: Store, source: str) -> Path:
    return store.root / source / SOURCE_WIDE / ACCEPTED
