"""What every session of a source should hold and what of it is stale, for all sessions at once.

Contains the gathering of facts for `requests.decide`, `nh status` and the standing check. Add a fact here when one of
them needs it. Nothing here talks to upstream or launches a run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nh_platform.history.identity import group_versions
from nh_platform.history.release_diff import selection_changed
from nh_platform.history.snapshots import Snapshot, list_snapshots
from nh_platform.history.tombstones import withdrawn_sessions
from nh_platform.home.platform import Platform
from nh_platform.planning.run_requests import SessionState
from nh_platform.planning.staleness import session_standing
from nh_platform.planning.versions import REVIEWS, SourcePlan
from nh_platform.session import NhError, StoreError
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
    by_command = loaded_by_command(list_snapshots(platform.store, source))
    plan = SourcePlan(platform, source)
    observed: dict[str, dict[str, str]] = {REVIEWS: {}}
    states: list[SessionState] = []
    gated: dict[str, tuple[str, ...]] = {}
    for session_id in manifest.session_ids:
        groups = by_session[session_id]
        try:
            expected = plan.expected(session_id, groups)
        except NhError as error:
            # A review file that cannot be read is its session's matter alone; the others go on.
            gated[session_id] = (str(error),)
            states.append(SessionState(session_id, (), "", in_scope=False))
            continue
        versions = {name: one.data_version for name, one in expected.items()}
        held = session_standing(platform.store, source, session_id, expected)
        if held.gate:
            gated[session_id] = held.gate
        states.append(
            SessionState(
                session_id=session_id,
                stale=held.stale,
                target=hashlib.sha256(json.dumps(versions, sort_keys=True).encode()).hexdigest(),
                in_scope=held.is_loaded or session_id not in by_command,
            )
        )
        observed[REVIEWS][session_id] = platform.reviews_version(source, session_id)
        for group, version in groups.items():
            observed.setdefault(f"upstream_files/{group}", {})[session_id] = version
    number = max((snapshot.number for snapshot in list_snapshots(platform.store, source)), default=0)
    return SourceStates(number, tuple(states), observed, gated)


def loaded_by_command(snapshots: Sequence[Snapshot]) -> set[str]:
    """Return the sessions that a person chose to list, and that an explicit command therefore loads.

    Those of the first catalogue, and those that joined it with a snapshot that was taken under another choice of what
    to list (a `tag` or `freeze` that is gone makes 459 sessions of 350): no release brought them. A snapshot that does
    not state its selection was taken under the one before. Damaged snapshots are passed over.

    Parameters
    ----------
    snapshots
        Every snapshot of a source, oldest first.
    """
    chosen: set[str] = set()
    earlier: list[Snapshot] = []
    selection = ""
    for snapshot in snapshots:
        if earlier and not selection_changed(selection, snapshot.selection):
            earlier.append(snapshot)
            selection = snapshot.selection or selection
            continue
        listed = _listed(snapshot)
        if listed is None:
            continue
        before = next((ids for ids in map(_listed, reversed(earlier)) if ids is not None), set())
        chosen |= listed - before
        earlier.append(snapshot)
        selection = snapshot.selection or selection
    return chosen


def _listed(snapshot: Snapshot) -> set[str] | None:
    """Return the sessions of a snapshot, None where it is damaged."""
    try:
        table = read_table(snapshot.folder / "sessions.parquet", columns=["session_id"])
    except StoreError:
        return None
    return set(table["session_id"])


def withdrawn(platform: Platform, source: str) -> list[str]:
    """Return the sessions that upstream withdrew, by the tombstones of the stored manifest; sorted."""
    snapshots = list_snapshots(platform.store, source)
    if not snapshots:
        return []
    return sorted(withdrawn_sessions(snapshots[-1].tombstones())["session_id"])
