"""Locks of versions: what a paper or a training set was made of stays when newer versions are published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, open_home
from nh_platform.session.errors import UnknownSession

if TYPE_CHECKING:
    from nh_platform.store.locks import Lock


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
    """
    from nh_platform.operations.upkeep.stored_sessions import stored_session
    from nh_platform.store import locks
    from nh_platform.store.names import SOURCE_WIDE

    with open_home(home) as at:
        store = at.platform.store
        at.platform.config(source)
        ids = store.sessions(source) if sessions is None else [stored_session(store, source, one) for one in sessions]
        if not ids:
            raise UnknownSession(f"source {source}", "no session of it is stored", f"Run `nh backfill {source}` first.")
        versions = []
        for session_id in [*ids, SOURCE_WIDE]:
            for asset in store.published(source, session_id):
                record, folder = store.provenance(source, session_id, asset), store.current(source, session_id, asset)
                if record is not None and folder is not None:
                    versions.append(locks.LockedVersion(source, session_id, asset, folder.name, record.data_version))
        others: tuple[locks.LockedVersion, ...] = ()
        if name in locks.lock_names(store.root):
            before = locks.read_lock(store.root, name)
            others, reason = tuple(one for one in before.versions if one.source != source), reason or before.reason
        made = locks.Lock(name, reason, tuple(sorted((*others, *versions))))
        locks.write_lock(store.root, made)
    return made


def locks_of(home: Home) -> list[Lock]:
    """Return the locks of a home folder, by name.

    Raises
    ------
    DamagedFile
        If one cannot be read.
    """
    from nh_platform.store import locks

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
    from nh_platform.store.locks import read_lock

    with open_home(home) as at:
        return read_lock(at.platform.store.root, name)


def unlock(home: Home, name: str) -> None:
    """Remove a lock; `prune` then removes the versions that nothing names any more.

    Raises
    ------
    UnknownSession
        If there is no such lock.
    """
    from nh_platform.store.locks import remove_lock

    with open_home(home) as at:
        remove_lock(at.platform.store.root, name)
