"""The wanted sessions of a source: those that a person asked to load, and those that a release brought.

Contains the record of it, one small file per source beside its snapshots. Add here another way in which a session
becomes wanted. Sessions that were only listed (the first catalogue, a wider choice of what to list) are not in it, so
that nothing loads hundreds of sessions because somebody looked at a catalogue. What runs is decided in
`nh_platform.planning`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from filelock import FileLock

from nh_platform.session import DamagedFile
from nh_platform.store import Store
from nh_platform.store.durable import read_either, write_twice
from nh_platform.store.names import SOURCE_WIDE, WANTED
from nh_platform.store.sealed import BrokenSeal, seal_json, unseal_json

_LOCK_TIMEOUT_S = 60.0


def wanted_sessions(store: Store, source: str) -> dict[str, str]:
    """Return the wanted sessions of a source, each with who wanted it first, in words.

    Raises
    ------
    DamagedFile
        If the record cannot be read, nor its copy; the text names the file.
    """
    path = _path(store, source)
    try:
        content = read_either(path, unseal_json)
        return {str(session_id): str(by) for session_id, by in content["sessions"].items()}
    except FileNotFoundError:
        return {}
    except (BrokenSeal, OSError) as error:
        raise DamagedFile(
            str(path),
            f"the record of wanted sessions is damaged: {error}",
            f"Remove it and its copy, then run `nh backfill {source}`.",
        ) from error


def want(store: Store, source: str, session_ids: Iterable[str], by: str) -> None:
    """Record that sessions are wanted, and by whom: a command, or a release in words. What is recorded stays.

    Raises
    ------
    DamagedFile
        As of `wanted_sessions`.
    """
    path = _path(store, source)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{WANTED}.lock"), timeout=_LOCK_TIMEOUT_S):
        known = wanted_sessions(store, source)
        both = dict.fromkeys(session_ids, by) | known
        if both != known:
            write_twice(path, seal_json({"sessions": both}))


def _path(store: Store, source: str) -> Path:
    return store.root / source / SOURCE_WIDE / WANTED
