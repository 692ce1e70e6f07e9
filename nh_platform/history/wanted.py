"""The wanted sessions of a source: those that a person asked to load, and those that a release brought.

Contains the record of it, one small file per source beside its snapshots, and in it what `nh backfill` asked for. Add
here another way in which a session becomes wanted. Sessions that were only listed (the first catalogue, a wider choice
of what to list) are not in it, so that nothing loads hundreds of sessions because somebody looked at a catalogue. What
runs is decided in `nh_platform.planning`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nh_platform.session import DamagedFile
from nh_platform.store import Store
from nh_platform.store.durable import read_either
from nh_platform.store.names import SOURCE_WIDE, WANTED
from nh_platform.store.objects.address import shown
from nh_platform.store.records import change_twice
from nh_platform.store.sealed import BrokenSeal, seal_json, unseal_json


@dataclass(frozen=True)
class Asked:
    """State of a session that a person asked for with `nh backfill`.

    Parameters
    ----------
    backfill
        Id under which it was asked for, with others.
    at
        When [s since 1970]: runs that ended before do not count as tries.
    target
        The state (`nh_platform.planning.run_requests.SessionState.target`): a later one was not asked for.
    """

    backfill: str
    at: float
    target: str


def wanted_sessions(store: Store, source: str) -> dict[str, str]:
    """Return the wanted sessions of a source, each with who wanted it first, in words.

    Raises
    ------
    DamagedFile
        If the record cannot be read, nor its copy; the text names the file.
    """
    return {str(session_id): str(by) for session_id, by in _read(store, source).get("sessions", {}).items()}


def asked_sessions(store: Store, source: str) -> dict[str, Asked]:
    """Return what was asked for last of each session of a source; of most, nothing ever was.

    Raises
    ------
    DamagedFile
        As of `wanted_sessions`.
    """
    return {str(session_id): Asked(**stated) for session_id, stated in _read(store, source).get("asked", {}).items()}


def want(store: Store, source: str, session_ids: Iterable[str], by: str) -> None:
    """Record that sessions are wanted, and by whom: a command, or a release in words. What is recorded stays.

    Raises
    ------
    DamagedFile
        As of `wanted_sessions`.
    """
    _record(store, source, dict.fromkeys(session_ids, by), {})


def ask(store: Store, source: str, asked: Mapping[str, Asked], by: str) -> None:
    """Record what is asked for of sessions, which are wanted from then on; it takes the place of what was before.

    Raises
    ------
    DamagedFile
        As of `wanted_sessions`.
    """
    _record(store, source, dict.fromkeys(asked, by), {name: asdict(one) for name, one in asked.items()})


def _record(store: Store, source: str, wanted: Mapping[str, str], asked: Mapping[str, dict[str, Any]]) -> None:
    def with_these() -> bytes | None:
        known = _read(store, source)
        both = {**known, "sessions": {**wanted, **known.get("sessions", {})}}
        if asked:
            both["asked"] = {**known.get("asked", {}), **asked}
        return None if both == known else seal_json(both)

    change_twice(_path(store, source), with_these)


def _read(store: Store, source: str) -> dict[str, Any]:
    path = _path(store, source)
    try:
        return dict(read_either(path, unseal_json))
    except FileNotFoundError:
        return {}
    except (BrokenSeal, OSError) as error:
        raise DamagedFile(
            shown(path),
            f"the record of wanted sessions is damaged: {error}",
            f"Remove it and its copy, then run `nh backfill {source}`.",
        ) from error


def _path(store: Store, source: str) -> Path:
    return store.root / source / SOURCE_WIDE / WANTED
