"""States of all sessions of a source: what each should hold, and what of it is stale.

Contains the gathering of facts for `run_requests.decide`, `nh status` and the standing check. Add a fact here when one
of them needs it. Nothing here talks to upstream or launches a run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from nh_platform.assets.record import REVIEWED_INTERVALS, REVIEWS, upstream_name
from nh_platform.history.identity import group_versions, version_of
from nh_platform.history.releases.held import HeldRelease, held_release
from nh_platform.history.snapshots import list_snapshots
from nh_platform.history.tombstones import withdrawn_sessions
from nh_platform.history.wanted import Asked, asked_sessions, wanted_sessions
from nh_platform.home.platform import Platform
from nh_platform.planning.run_requests import DIGITS
from nh_platform.planning.session_facts import SessionState
from nh_platform.planning.staleness import Standing, session_standing
from nh_platform.planning.versions import SourcePlan
from nh_platform.session import ConfigError, NhError, StoreError


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
        Per external asset (`upstream_<group>`, `reviews`, `reviewed_intervals`): version by session.
    gated
        Sessions whose gate failed, with the reasons.
    damaged
        What is known to be damaged, by session and asset: a text for each file.
    held
        The release that waits to be accepted, None where none does; nothing of its sessions is asked for.
    mistakes
        Sessions whose review file cannot be used, with its mistake in words; nothing of them is made until it can.
    unreadable
        Sessions of which something stored cannot be read now, with why in words; nothing of them is made until it can.
    asked_ever
        What `nh backfill` asked for of sessions, made or not.
    problems
        Assets of installed packages that are left out, each with why.
    """

    snapshot: int
    sessions: tuple[SessionState, ...]
    observed: Mapping[str, Mapping[str, str]]
    gated: Mapping[str, tuple[str, ...]]
    damaged: Mapping[str, Mapping[str, tuple[str, ...]]]
    mistakes: Mapping[str, str] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    held: HeldRelease | None = None
    asked_ever: Mapping[str, Asked] = field(default_factory=dict)
    problems: tuple[ConfigError, ...] = ()

    @cached_property
    def asked(self) -> dict[str, Asked]:
        """What was asked for and is not made or not checked yet; what was asked for of an earlier state is over."""
        targets = {state.session_id: state.target for state in self.sessions if state.lacking}
        return {name: one for name, one in self.asked_ever.items() if targets.get(name) == one.target}

    def digest(self) -> str:
        """Return a text that differs where the standing of any session does."""
        standing = [(state.session_id, state.target, state.stale) for state in self.sessions]
        return hashlib.sha256(repr((self.snapshot, standing)).encode()).hexdigest()[:DIGITS]


def source_states(platform: Platform, source: str) -> SourceStates:
    """Hold every session of the stored manifest against the store.

    Raises
    ------
    UnknownSession
        If the source was never synced.
    """
    manifest = platform.manifest(source)
    by_session = group_versions(manifest.sessions, manifest.insertions, manifest.files)
    wanted = wanted_sessions(platform.store, source)
    plan = SourcePlan(platform, source)
    observed: dict[str, dict[str, str]] = {REVIEWS: {}, REVIEWED_INTERVALS: {}}
    states: list[SessionState] = []
    gated: dict[str, tuple[str, ...]] = {}
    damaged: dict[str, Mapping[str, tuple[str, ...]]] = {}
    mistakes: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    for session_id in manifest.session_ids:
        groups = by_session[session_id]
        try:
            expected = plan.expected(session_id, groups)
        except NhError as error:
            # A review file that cannot be read is its session's matter alone; the others go on.
            mistakes[session_id] = str(error)
            observed[REVIEWS][session_id] = version_of((str(error),))
            states.append(SessionState(session_id, (), "", is_wanted=False))
            continue
        versions = {name: one.data_version for name, one in expected.items()}
        try:
            standing = session_standing(platform.store, source, session_id, expected)
        except StoreError as error:  # a folder of another user's; the other sessions go on
            unreadable[session_id] = str(error)
            standing, expected = Standing((), (), (), is_loaded=False), {}
        if standing.damaged:
            damaged[session_id] = standing.damaged
        if standing.gate:
            gated[session_id] = standing.gate
        states.append(
            SessionState(
                session_id=session_id,
                stale=standing.stale,
                target=hashlib.sha256(json.dumps(versions, sort_keys=True).encode()).hexdigest(),
                is_wanted=standing.is_loaded or session_id in wanted,
                current=tuple(name for name in expected if name not in {*standing.stale, *standing.stopped}),
            )
        )
        observed[REVIEWS][session_id] = platform.reviews_version(source, session_id)
        observed[REVIEWED_INTERVALS][session_id] = platform.reviewed_intervals_version(source, session_id)
        for group, version in groups.items():
            observed.setdefault(upstream_name(group), {})[session_id] = version
    is_held = platform.settings.source(source).on_release == "hold"
    held = held_release(platform.store, source, manifest, by_session) if is_held else None
    number = max((snapshot.number for snapshot in list_snapshots(platform.store, source)), default=0)
    asked = asked_sessions(platform.store, source)
    return SourceStates(
        number, tuple(states), observed, gated, damaged, mistakes, unreadable, held, asked, plan.problems
    )


def withdrawn(platform: Platform, source: str) -> list[str]:
    """Return the sessions that upstream withdrew, by the tombstones of the stored manifest; sorted."""
    snapshots = list_snapshots(platform.store, source)
    if not snapshots:
        return []
    return sorted(withdrawn_sessions(snapshots[-1].tombstones())["session_id"])
