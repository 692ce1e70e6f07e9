"""Locks of versions: what a paper or a training set was made of stays when newer versions are published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, open_home
from nh_platform.session.errors import NhError, StoreError, UnknownSession

if TYPE_CHECKING:
    from nh_platform.store import Store
    from nh_platform.store.locking.locks import Lock, LockedVersion

_TRIES = 5
"""How often a lock is begun anew where a version of it was replaced meanwhile."""


def lock(home: Home, name: str, source: str, sessions: Sequence[str] | None = None, *, reason: str = "") -> Lock:
    """Lock the versions that count now of every asset of some sessions, and of the catalogue that lists them.

    Parameters
    ----------
    home
        The home folder.
    name
        Name of the lock: letters, digits, ``_``, ``.`` and ``-``. Sessions of another source are added to a lock that
        there is; those of this source are replaced.
    source
        Name of the source.
    sessions
        Ids of stored sessions, or their first characters; all that are stored where None.
    reason
        What the versions are kept for.

    Raises
    ------
    ConfigError
        If there is no such source.
    UnknownSession
        If the store holds no such session.
    DamagedFile
        If something of a session is known to be damaged: a lock names what can be read.
    StoreError
        If versions are replaced again and again meanwhile; no lock is made then.
    """
    from nh_platform.operations.upkeep.stored_sessions import stored_session
    from nh_platform.store.names import SOURCE_WIDE

    with open_home(home) as at:
        store = at.platform.store
        at.platform.config(source)
        ids = store.sessions(source) if sessions is None else [stored_session(store, source, one) for one in sessions]
        if not ids:
            raise UnknownSession(f"source {source}", "no session of it is stored", f"Run `nh backfill {source}` first.")
        places = [(source, one) for one in [*ids, SOURCE_WIDE]]
        return lock_places(store, name, reason, places, lambda version: version.source != source)


def lock_places(
    store: Store,
    name: str,
    reason: str,
    places: Sequence[tuple[str, str]],
    stays: Callable[[LockedVersion], bool] = lambda version: False,
    also: Sequence[LockedVersion] = (),
) -> Lock:
    """Lock the versions that count now of every asset of some sessions, by source and session id.

    Parameters
    ----------
    store, name, reason, places
        The store, name and reason of the lock, and the sessions.
    stays
        Whether a version that the lock of that name keeps already stays in it.
    also
        Versions to lock beside those that count now.

    Raises
    ------
    StoreError
        If versions are replaced again and again meanwhile; the locks are then as before.
    """
    from nh_platform.store.locking import locks

    with locks.changing(store.root):
        before = locks.read_lock(store.root, name) if name in locks.lock_names(store.root) else None
        others = (*also, *(() if before is None else (one for one in before.versions if stays(one))))
        if before is not None:
            reason = reason or before.reason
        try:
            return _locked(store, name, reason, others, places)
        except NhError:
            if before is not None:
                locks.write_lock(store.root, before)
            elif name in locks.lock_names(store.root):
                locks.remove_lock(store.root, name)
            raise


def _locked(
    store: Store, name: str, reason: str, others: tuple[LockedVersion, ...], sessions: Sequence[tuple[str, str]]
) -> Lock:
    """Write a lock until every version that it names is there."""
    from nh_platform.store.locking import locks

    for _ in range(_TRIES):
        versions = [
            found
            for source, session_id in sessions
            for asset in store.published(source, session_id)
            if (found := _counting(store, source, session_id, asset)) is not None
        ]
        made = locks.Lock(name, reason, tuple(sorted((*others, *versions))))
        locks.write_lock(store.root, made)
        if all(_is_there(store, one) for one in versions):
            return made
    words = "versions were replaced again and again while they were locked"
    raise StoreError(f"lock {name}", words, "Lock them when fewer runs go on.")


def _counting(store: Store, source: str, session_id: str, asset: str) -> LockedVersion | None:
    """Return the version that counts, by one look: its record is read from the folder that is named."""
    from nh_platform.store.locking.locks import LockedVersion
    from nh_platform.store.provenance import Provenance

    for _ in range(_TRIES):
        folder = store.current(source, session_id, asset)
        if folder is None:
            return None
        try:
            record = Provenance.read(folder)
        except FileNotFoundError:  # replaced meanwhile
            continue
        return LockedVersion(source, session_id, asset, folder.name, record.data_version)
    found = "it was replaced again and again while it was locked"
    raise StoreError(f"{asset} of {source} session {session_id}", found, "Lock it when fewer runs go on.")


def _is_there(store: Store, version: LockedVersion) -> bool:
    """Return whether a version is there once the publication that goes on is done: later ones know the lock."""
    from nh_platform.store.records import is_there
    from nh_platform.store.version_folders import exclusive

    asset = store.asset_folder(version.source, version.session_id, version.asset)
    with exclusive(asset):
        return is_there(asset / version.folder)


def locks_of(home: Home) -> list[Lock]:
    """Return the locks of a home folder, by name.

    Raises
    ------
    DamagedFile
        If one cannot be read.
    """
    from nh_platform.store.locking import locks

    with open_home(home) as at:
        root = at.platform.store.root
        return [locks.read_lock(root, name) for name in locks.lock_names(root)]


def lock_named(home: Home, name: str) -> Lock:
    """Return a lock.

    Raises
    ------
    UnknownSession
        If there is none of that name.
    DamagedFile
        If it cannot be read.
    """
    from nh_platform.store.locking.locks import read_lock

    with open_home(home) as at:
        return read_lock(at.platform.store.root, name)


def unlock(home: Home, name: str) -> None:
    """Remove a lock; `prune` then removes the versions that nothing names any more.

    Raises
    ------
    UnknownSession
        If there is no such lock.
    """
    from nh_platform.store.locking.locks import changing, remove_lock

    with open_home(home) as at, changing(at.platform.store.root):
        remove_lock(at.platform.store.root, name)
