"""Sessions asked for: a backfill is a record of what a person wants, which the release sensor works off.

Contains the plan and the record. How many go at a time, what is tried again and what waits is the sensor's matter
(`nh_platform.planning.run_requests`), as for everything else that it launches.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nh_platform.operations.backfills.backfill_needs import BackfillNeeds, backfill_needs
from nh_platform.operations.opened_home import Home, OpenHome, open_home

if TYPE_CHECKING:
    from nh_platform.planning.session_states import SourceStates


@dataclass(frozen=True)
class Backfill:
    """Sessions of a source that are to be asked for, or were.

    Parameters
    ----------
    source, n_sessions
        The source, and how many of its sessions were looked at.
    stale
        Assets to be made by session, heavy sessions first: stale ones, and those made again to be checked.
    checked
        Assets by session whose checks alone are carried out: a run was killed before they had ended.
    gated
        Sessions that cannot be used and why; nothing of them is asked for.
    id
        Id of the backfill, which its runs carry in the tag ``nh/backfill``; empty where nothing was asked for.
    is_stopped
        Whether the sensor that works it off is switched off in the page.
    needs
        Bytes, time and room on the disks, where it is a plan; None otherwise.
    """

    source: str
    n_sessions: int
    stale: Mapping[str, tuple[str, ...]]
    gated: Mapping[str, tuple[str, ...]]
    id: str = ""
    is_stopped: bool = False
    needs: BackfillNeeds | None = None
    checked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def sessions(self) -> tuple[str, ...]:
        """Sessions that are asked for, or would be."""
        return tuple(dict.fromkeys((*self.stale, *self.checked)))


def backfill(
    home: Home, source: str, sessions: Sequence[str] | None = None, *, limit: int = 0, dry_run: bool = False
) -> Backfill:
    """Ask for the stale assets of some sessions, and nothing else, which the daemon's release sensor then launches.

    They come before what the sensor would ask for itself, tries that were made before do not count, and what failed
    before is not waited for. What becomes stale later was not asked for.

    Parameters
    ----------
    home
        Home folder.
    source
        Source name.
    sessions
        Sessions, the first characters of an id will do; all that lack something where None.
    limit
        At most this many sessions, heavy ones first; 0 for all.
    dry_run
        Plan, say what it needs (`Backfill.needs`), and ask for nothing.

    Raises
    ------
    ConfigError
        If there is no such source.
    UnknownSession
        If the source was never synced, or has no such session.
    """
    from nh_platform.history.wanted import Asked, ask
    from nh_platform.planning.session_states import source_states

    with open_home(home) as at:
        found, manifest = _with_checks(at, source, source_states(at.platform, source)), at.platform.manifest(source)
        named = None if sessions is None else {manifest.session_named(name) for name in sessions}
        looked_at = [state for state in found.sessions if named is None or state.session_id in named]
        # A session that is named is a person's decision on it; of all others, what a held release changes waits.
        waits = frozenset(found.held.sessions) if found.held and named is None else frozenset()
        lacking = [state for state in looked_at if state.lacking and state.session_id not in waits]
        chosen = lacking[: limit or None]
        made = {state.session_id: (*state.unrecorded, *state.stale) for state in chosen}
        stale = {session_id: assets for session_id, assets in made.items() if assets}
        names = (state.session_id for state in looked_at if state.session_id not in made)
        gated = {name: found.gated[name] for name in names if name in found.gated}
        checked = {state.session_id: state.unchecked for state in chosen if state.unchecked}
        plan = Backfill(source, len(looked_at), stale, gated, checked=checked)
        if dry_run and stale:
            return replace(plan, needs=backfill_needs(at.platform, source, stale))
        if dry_run or not chosen:
            return plan
        number, now = uuid.uuid4().hex[:8], time.time()
        asked = {state.session_id: Asked(number, now, state.target) for state in chosen}
        ask(at.platform.store, source, asked, "nh backfill")
        return replace(plan, id=number, is_stopped=_is_stopped(at, source))


def _with_checks(home: OpenHome, source: str, states: SourceStates) -> SourceStates:
    """Return the states with what is stored and not checked, but for sessions that are being run."""
    from nh_platform.defs.automation.attempts import in_progress
    from nh_platform.defs.automation.unchecked import with_checks
    from nh_platform.operations.home_status import has_history

    if not has_history(home.platform.settings):
        return states
    busy = {one.session_id for one in in_progress(home.instance, source)}
    found = with_checks(home.instance, home.platform, source, states)
    pairs = zip(states.sessions, found.sessions, strict=True)
    return replace(found, sessions=tuple(old if old.session_id in busy else new for old, new in pairs))


def _is_stopped(home: OpenHome, source: str) -> bool:
    """Whether somebody switched the sensor off in the page; it is on where nobody ever did."""
    from nh_platform.defs.automation import release_sensor_name
    from nh_platform.operations.home_status import has_history

    if not has_history(home.platform.settings) or home.instance.schedule_storage is None:
        return False
    states = home.instance.all_instigator_state()
    return any(one.name == release_sensor_name(source) and one.status.value == "STOPPED" for one in states)
