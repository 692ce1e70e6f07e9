"""Publishing of a manifest as the next snapshot: compared, its tombstones carried on, whole or not at all.

Contains the one function that does it. Add here what must happen with every new state of a source. What runs because
of it is decided by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from nh_platform.history.comparison.release_diff import ReleaseDiff, diff_manifests, selection_changed
from nh_platform.history.identity import version_of
from nh_platform.history.manifest import Manifest
from nh_platform.history.snapshots import ASSET, Snapshot, list_snapshots, write_manifest
from nh_platform.history.tombstones import next_tombstones, seen_before
from nh_platform.history.wanted import want
from nh_platform.session import BadUpstreamData, NhError, StoreError
from nh_platform.session.tables.catalogue.releases import TOMBSTONES
from nh_platform.store import Provenance, Store, data_version
from nh_platform.store.durable import alone, disk_in_words
from nh_platform.store.names import SOURCE_WIDE
from nh_platform.store.provenance import git_commit, recorded_packages

LOCK_TIMEOUT_S = 120.0
"""Longest wait for another process that stores a manifest of the same source; one of 210,000 rows takes 5 s."""


@dataclass(frozen=True)
class StoredRelease:
    """Outcome of storing a manifest.

    Parameters
    ----------
    snapshot
        The snapshot that counts now.
    diff
        What it brought against the one before; empty where upstream was unchanged.
    tombstones
        Schema `TOMBSTONES`: everything that was ever withdrawn.
    data_version
        Identity of what is stored: the manifest, its release's name, what chose it, and the tombstones.
    is_new
        Whether a snapshot was added; False where upstream was unchanged.
    unreadable
        Numbers of later snapshots that are damaged and were passed over in the comparison.
    """

    snapshot: Snapshot
    diff: ReleaseDiff
    tombstones: pd.DataFrame
    data_version: str
    is_new: bool
    unreadable: tuple[int, ...]


def store_manifest(store: Store, manifest: Manifest, code_version: str) -> StoredRelease:
    """Compare a manifest with the snapshot before and store it, if it differs, as the next one.

    A damaged snapshot does not stand in the way: the last one that can be read is compared with, and the damaged one
    stays in the list under its number. Two processes at once store one after the other.

    Parameters
    ----------
    store
        The store.
    manifest
        What upstream holds now.
    code_version
        Version of the step that makes `release_manifest`.

    Raises
    ------
    StoreError
        If the disk is full or cannot be written to, or another process stores a release for long; what was stored is
        unchanged.
    BadUpstreamData
        If the manifest lists no session where there were some: no release withdraws all, a disk that is not mounted
        looks like it.
    """
    home = store.asset_folder(manifest.source, SOURCE_WIDE, ASSET)
    with disk_in_words(home):
        home.mkdir(parents=True, exist_ok=True)
    found = f"another process has been storing a release of it for {LOCK_TIMEOUT_S:g} s"
    busy = StoreError(f"source {manifest.source}", found, "Run it again then; nothing was changed.")
    with alone(home / ".releases.lock", busy, wait_s=LOCK_TIMEOUT_S):
        selections = [one.selection for one in list_snapshots(store, manifest.source) if one.selection]
        last, unreadable = _last_readable(store, manifest.source)
        number = max(store.history(manifest.source, SOURCE_WIDE, ASSET), default=0) + 1
        if last is None:
            stones = TOMBSTONES.empty()
            diff = diff_manifests(None, manifest)
        else:
            snapshot, before, stones = last
            _refuse_empty(before, manifest)
            diff = diff_manifests(before, manifest, seen_before(stones))
            stones = next_tombstones(stones, before, manifest, last_seen=snapshot.number, number=number)
        record = _record(manifest, stones, code_version)
        stored = store.provenance(manifest.source, SOURCE_WIDE, ASSET) if last and not unreadable else None
        is_new = stored is None or stored.data_version != record.data_version
        if is_new:
            # Wanted first: a process killed in between leaves a release that the next look stores, and wants nothing
            # twice. The other way round, the next look found nothing new, and nobody asked for these sessions ever.
            if last is not None and not selection_changed((selections or [""])[-1], manifest.selection):
                brought = [*diff.added, *diff.returned]
                want(store, manifest.source, brought, f"snapshot {number} ({manifest.release})")
            with store.publish(record, keep_history=True) as folder:
                write_manifest(folder, manifest, stones)
    current = list_snapshots(store, manifest.source)[-1]
    return StoredRelease(current, diff, stones, record.data_version, is_new, unreadable)


def _refuse_empty(before: Manifest, now: Manifest) -> None:
    if before.session_ids and not now.session_ids:
        raise BadUpstreamData(
            f"source {now.source}",
            f"upstream lists no session, the snapshot before lists {len(before.session_ids)}",
            "Look whether its folder is mounted and its tag or freeze is right. Nothing was changed.",
        )


def _last_readable(store: Store, source: str) -> tuple[tuple[Snapshot, Manifest, pd.DataFrame] | None, tuple[int, ...]]:
    """Return the last snapshot that can be read with its content, and the numbers of later ones that cannot."""
    unreadable: list[int] = []
    for snapshot in reversed(list_snapshots(store, source)):
        try:
            return (snapshot, snapshot.manifest(), snapshot.tombstones()), tuple(unreadable)
        except NhError:
            unreadable.append(snapshot.number)
    return None, tuple(unreadable)


def _record(manifest: Manifest, stones: pd.DataFrame, code_version: str) -> Provenance:
    # Tombstones say by number when something went: a state that returns after another is a version of its own.
    columns = (stones[name].astype(str) for name in TOMBSTONES.names)
    history = version_of(sorted("\x1f".join(row) + "\n" for row in zip(*columns)))
    inputs, parameters = {"upstream": manifest.version()}, {"release": manifest.release, "tombstones": history}
    if manifest.selection:
        # Recorded although nothing differs: what joins later joined under this selection.
        parameters["selection"] = manifest.selection
    return Provenance(
        asset=ASSET,
        source=manifest.source,
        session_id=SOURCE_WIDE,
        data_version=data_version(code_version, inputs, parameters),
        code_version=code_version,
        inputs=inputs,
        parameters=parameters,
        packages=recorded_packages(),
        git_commit=git_commit(),
    )
