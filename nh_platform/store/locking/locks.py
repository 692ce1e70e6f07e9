"""Locks: versions of assets that something names, and that stay when newer ones are published.

A lock is a named list of versions, a small file below ``<root>/.locks``. Without one, a version that is superseded is
removed by the next publication. Add here what keeps bytes alive. What a lock is for is its maker's matter.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from nh_platform.session.errors import DamagedFile, StoreError, UnknownSession, close_matches
from nh_platform.store.durable import LOST, alone, disk_in_words, read_regular, unreadable
from nh_platform.store.objects.address import shown
from nh_platform.store.records import is_there, look_again, record_names, record_state, remove_record, write_over_known
from nh_platform.store.sealed import BrokenSeal, seal_json, unseal_json

FOLDER = ".locks"
Folders = dict[tuple[str, str, str], set[str]]
"""Names of folders by source, session id and asset."""

_read: dict[Path, tuple[Hashable, Folders]] = {}
"""What the locks name, each in the state in which its file was read: one of 4,000 versions takes 10 ms."""
_BUSY_S = 60
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, order=True)
class LockedVersion:
    """One version of one asset of a session.

    Parameters
    ----------
    source, session_id, asset
        Where it lies; `SOURCE_WIDE` takes the place of the session for outputs of a whole source.
    folder
        Name of the version's folder.
    data_version
        Its data version.
    """

    source: str
    session_id: str
    asset: str
    folder: str
    data_version: str


@dataclass(frozen=True)
class Lock:
    """A named list of versions.

    Parameters
    ----------
    name
        Letters, digits, ``_``, ``.`` and ``-``.
    reason
        What they are kept for, in words.
    versions
        The versions, sorted.
    """

    name: str
    reason: str
    versions: tuple[LockedVersion, ...]


def write_lock(root: Path, lock: Lock) -> None:
    """Store a lock; one of the same name is replaced.

    Raises
    ------
    StoreError
        If its name cannot be a file's, or it names nothing.
    """
    path = _path(root, lock.name)
    if not lock.versions:
        raise StoreError(f"lock {lock.name}", "it names no version", "Name sessions that are stored.")
    rows = [[v.source, v.session_id, v.asset, v.folder, v.data_version] for v in sorted(lock.versions)]
    with disk_in_words(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_over_known(path, seal_json({"name": lock.name, "reason": lock.reason, "versions": rows}))


def read_lock(root: Path, name: str) -> Lock:
    """Read a lock.

    Raises
    ------
    UnknownSession
        If there is none of that name.
    DamagedFile
        If its file is not the bytes that were written.
    """
    path = _path(root, name)
    try:
        content = unseal_json(read_regular(path))
    except FileNotFoundError as error:
        known = lock_names(root)
        action = f"Use one of: {', '.join(known) or 'none'}.{close_matches(name, known)}"
        raise UnknownSession(f"lock {name}", "there is none of that name in the store", action) from error
    except (BrokenSeal, OSError) as error:
        if isinstance(error, OSError) and error.errno not in LOST:
            raise unreadable(path, error) from error
        action = "Take it from a backup, or remove it with `nh lock remove` and lock the versions again."
        raise DamagedFile(shown(path), f"the lock is damaged: {error}", action) from error
    return Lock(content["name"], content["reason"], tuple(LockedVersion(*row) for row in content["versions"]))


def lock_names(root: Path) -> list[str]:
    """Return the names of the locks of a store, sorted."""
    stems = (name.removesuffix(".json") for name in record_names(root / FOLDER) if name.endswith(".json"))
    return sorted(stem for stem in stems if _NAME.fullmatch(stem))


@contextmanager
def changing(root: Path) -> Iterator[None]:
    """Change the locks of a store while no other process does: one that is read, added to and written loses nothing.

    Raises
    ------
    StoreError
        If another process changes them for longer than `_BUSY_S`, or the store cannot be written.
    """
    found = f"another process has been changing the locks for {_BUSY_S} s"
    busy = StoreError(shown(root / FOLDER), found, "Wait for that one, and run it again.")
    with disk_in_words(root):
        (root / FOLDER).mkdir(parents=True, exist_ok=True)
    with alone(root / FOLDER / ".lock", busy, _BUSY_S):
        look_again(root / FOLDER / "any")
        yield


@contextmanager
def locks_at_rest(root: Path) -> Iterator[None]:
    """Let no process change the locks of a store meanwhile, for who looks at what they name.

    A lock that is being made is written before its versions are looked for, and may name one that is gone by then: it
    is written again. A store that this process cannot write is looked at as it is.
    """
    with ExitStack() as stack:
        if is_there(root / FOLDER):
            with suppress(StoreError):
                stack.enter_context(changing(root))
        yield


def remove_lock(root: Path, name: str) -> None:
    """Remove a lock; its versions go with `nh prune`, or when their assets are published again.

    Raises
    ------
    UnknownSession
        If there is none of that name.
    """
    path = _path(root, name)
    with disk_in_words(path.parent):
        if record_state(path) is None:
            read_lock(root, name)  # says that there is none
        remove_record(path)


def kept_versions(root: Path, source: str, session_id: str, asset: str) -> frozenset[str]:
    """Return the folders of the versions of an asset that locks name.

    Raises
    ------
    DamagedFile
        If a lock cannot be read: what it keeps alive is unknown, and nothing may be removed.
    """
    found: set[str] = set()
    for path in (root / FOLDER / f"{name}.json" for name in lock_names(root)):
        state = record_state(path)
        if state is None:  # removed meanwhile
            continue
        if path not in _read or _read[path][0] != state:
            _read[path] = state, by_asset(read_lock(root, path.stem).versions)
        found |= _read[path][1].get((source, session_id, asset), set())
    return frozenset(found)


def by_asset(versions: Iterable[LockedVersion]) -> Folders:
    """Return the folders of versions by source, session and asset."""
    found: Folders = {}
    for version in versions:
        found.setdefault((version.source, version.session_id, version.asset), set()).add(version.folder)
    return found


def _path(root: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise StoreError(f"lock {name!r}", "it cannot be a name", "Use letters, digits, _, . and -.")
    return root / FOLDER / f"{name}.json"
