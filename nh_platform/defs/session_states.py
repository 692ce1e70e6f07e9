"""What every session of a source should hold and what of it is stale, for all sessions at once.

Contains the gathering of facts for `requests.decide`, `nh status` and the standing check. Add a fact here when one of
them needs it. Nothing here talks to upstream or launches a run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from nh_platform.defs.planning import ALL_STEPS, expected_versions, steps_of
from nh_platform.defs.platform import Platform
from nh_platform.defs.requests import SessionState
from nh_platform.defs.steps import GATE_FILE
from nh_platform.session import NhError
from nh_platform.sources.identity import group_versions
from nh_platform.sources.snapshots import list_snapshots
from nh_platform.sources.tombstones import withdrawn_sessions
from nh_platform.store.parquet import read_table


@dataclass(frozen=True)
class SourceStates:
    """All sessions of a source.

    Parameters
    ----------
    snapshot
        Number of the catalogue snapshot that they were held against.
    sessions
        One per session of the manifest, heavy ones first.
    observed
        Per external asset (`upstream_files/<group>`, `reviews`): version by session.
    gated
        Sessions whose gate failed, with the reasons.
    """

    snapshot: int
    sessions: tuple[SessionState, ...]
    observed: Mapping[str, Mapping[str, str]]
    gated: Mapping[str, tuple[str, ...]]


def source_states(platform: Platform, source: str) -> SourceStates:
    """Hold every session of the stored manifest against the store.

    Raises
    ------
    UnknownSession
        If the source was never synced.
    """
    manifest = platform.manifest(source)
    by_session: dict[str, dict[str, str]] = {}
    for session_id, group, version in group_versions(manifest).itertuples(index=False):
        by_session.setdefault(session_id, {})[group] = version
    first_release = _first_release(platform, source)
    observed: dict[str, dict[str, str]] = {"reviews": {}}
    states: list[SessionState] = []
    gated: dict[str, tuple[str, ...]] = {}
    for session_id in manifest.session_ids:
        groups = by_session[session_id]
        try:
            parameters = platform.parameters(source, session_id)
        except NhError as error:
            # A review file that cannot be read is its session's matter alone; the others go on.
            gated[session_id] = (str(error),)
            states.append(SessionState(session_id, (), "", in_scope=False))
            continue
        expected = expected_versions(source, groups, parameters)
        stored = {asset: platform.store.data_version(source, session_id, asset) for asset in steps_of(source)}
        problems = _gate(platform, source, session_id)
        if problems:
            gated[session_id] = problems
        states.append(
            SessionState(
                session_id=session_id,
                stale=_stale(expected, stored, bool(problems)),
                target=hashlib.sha256(json.dumps(expected, sort_keys=True).encode()).hexdigest(),
                in_scope=any(stored.values()) or session_id not in first_release,
            )
        )
        observed["reviews"][session_id] = parameters["reviews"]
        for group, version in groups.items():
            observed.setdefault(f"upstream_files/{group}", {})[session_id] = version
    number = max((snapshot.number for snapshot in list_snapshots(platform.store, source)), default=0)
    return SourceStates(number, tuple(states), observed, gated)


def _stale(expected: Mapping[str, str], stored: Mapping[str, str | None], is_gated: bool) -> tuple[str, ...]:
    """Return the stale assets; behind a gate that is current, what the gate stops is not asked for again."""
    stale = [asset for asset, version in expected.items() if stored[asset] != version]
    if is_gated and "raw_spikes" not in stale and "units" not in stale:
        return tuple(asset for asset in stale if "units" not in _ancestors(asset))
    return tuple(stale)


def _ancestors(asset: str) -> set[str]:
    found = set(ALL_STEPS[asset].inputs)
    for name in ALL_STEPS[asset].inputs:
        found |= _ancestors(name)
    return found


def _first_release(platform: Platform, source: str) -> set[str]:
    """Return the sessions of the first catalogue: they are loaded by an explicit command."""
    snapshots = list_snapshots(platform.store, source)
    if not snapshots:
        return set()
    return set(read_table(snapshots[0].folder / "sessions.parquet", columns=["session_id"])["session_id"])


def _gate(platform: Platform, source: str, session_id: str) -> tuple[str, ...]:
    folder = platform.store.current(source, session_id, "units")
    if folder is None:
        return ()
    return tuple(json.loads((folder / GATE_FILE).read_text(encoding="utf-8"))["problems"])


def withdrawn(platform: Platform, source: str) -> list[str]:
    """Return the sessions that upstream withdrew, by the tombstones of the stored manifest; sorted."""
    snapshots = list_snapshots(platform.store, source)
    if not snapshots:
        return []
    return sorted(withdrawn_sessions(snapshots[-1].tombstones())["session_id"])
