"""Assets of sessions made here and now: which of which sessions, and what came of all.

Contains the plan that `nh materialize` and `nh demo` share; the run of one session is `side_by_side.planned_runs`. Runs
that a schedule or sensor asks for are Dagster's matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nh_platform.operations.home_status import has_history
from nh_platform.operations.opened_home import Home, OnProgress, OpenHome, open_home, unwatched
from nh_platform.operations.side_by_side.planned_runs import SessionOutcome, SessionPlan, run_plans
from nh_platform.session import ConfigError, NhError

if TYPE_CHECKING:
    from nh_platform.defs.automation.unchecked import NotChecked
    from nh_platform.planning.staleness import Standing
    from nh_platform.planning.versions import SourcePlan


@dataclass(frozen=True)
class Materialization:
    """Runs to be made of the sessions of a source, and what came of them.

    Parameters
    ----------
    source, n_sessions
        The source, and how many of its sessions were asked for.
    plans
        What to run, in running order.
    gated
        Sessions that cannot be used and why, where only what is stale was asked for; nothing runs for them.
    outcomes
        What came of each session: of a plan, those that cannot even be planned.
    problems
        Assets of installed packages that are left out, each with why.
    """

    source: str
    n_sessions: int
    plans: tuple[SessionPlan, ...]
    gated: Mapping[str, tuple[str, ...]]
    outcomes: tuple[SessionOutcome, ...]
    problems: tuple[ConfigError, ...] = ()

    @property
    def failed(self) -> tuple[SessionOutcome, ...]:
        """Sessions that failed."""
        return tuple(outcome for outcome in self.outcomes if not outcome.success)

    @property
    def n_assets(self) -> int:
        """Assets of the sessions that succeeded."""
        return sum(len(outcome.plan.assets) for outcome in self.outcomes if outcome.success)


def materialize(
    home: Home,
    source: str,
    sessions: Sequence[str] | None = None,
    *,
    assets: Sequence[str] = (),
    only_stale: bool = True,
    dry_run: bool = False,
    processes: int = 1,
    on_progress: OnProgress = unwatched,
) -> Materialization:
    """Make the assets of sessions, one Dagster run per session, checks included; one that fails stops no other.

    What is stored and whose checks did not run to their end, because a run was killed, is checked again, and made again
    where making it carries the checks out.

    Parameters
    ----------
    home
        Home folder.
    source
        Source name.
    sessions
        Sessions, in the order in which they run; the first characters of an id will do. All where None.
    assets
        Only these assets; all per-session assets where empty.
    only_stale
        Leave out assets that the store holds in the version that they should have.
    dry_run
        Plan, and run nothing.
    processes
        How many sessions run at a time, each in a process of its own.
    on_progress
        Called whenever an asset is begun or made.

    Raises
    ------
    ConfigError
        If there is no such source or asset.
    Interrupted
        If a person or the system stops it, as of `run_plans`.
    UnknownSession
        If the source was never synced.
    """
    from nh_platform.defs.run_launcher import end_lost_runs

    with open_home(home) as at:
        if not dry_run and has_history(at.platform.settings):
            end_lost_runs(at.instance)  # else a killed run is taken for one that goes on
        plan = _plan(at, source, sessions, assets, only_stale)
        outcomes = [] if dry_run else run_plans(at, plan.plans, on_progress, processes=processes)
    return replace(plan, outcomes=(*plan.outcomes, *outcomes))


def _plan(
    home: OpenHome, source: str, sessions: Sequence[str] | None, assets: Sequence[str], only_stale: bool
) -> Materialization:
    from nh_platform.planning.staleness import standing_of
    from nh_platform.planning.versions import SourcePlan

    plan = SourcePlan(home.platform, source)
    for name in assets:
        plan.asset(name)
    wanted = tuple(assets) or tuple(plan.assets)
    manifest = home.platform.manifest(source)
    ids = manifest.session_ids if sessions is None else sessions
    standings: dict[str, Standing | None] = {}
    refused: list[SessionOutcome] = []
    for asked in ids:
        try:
            session_id = manifest.session_named(asked)
            standings[session_id] = standing_of(plan, manifest.session(session_id)) if only_stale else None
        except NhError as error:
            refused.append(SessionOutcome(SessionPlan(source, asked, wanted), success=False, errors=(str(error),)))
    lacking = _not_checked(home, plan, standings)
    plans, gated = [], {}
    for session_id, standing in standings.items():
        found = lacking.get(session_id)
        again, unchecked = (found.unrecorded, found.unchecked) if found else ((), ())
        chosen = tuple(
            name for name in plan.assets if name in wanted and (not standing or name in {*standing.stale, *again})
        )
        checked = tuple(name for name in unchecked if name in wanted)
        if chosen or checked:
            plans.append(SessionPlan(source, session_id, chosen, checked))
        elif standing and standing.gate:
            gated[session_id] = standing.gate
    return Materialization(source, len(ids), tuple(plans), gated, tuple(refused), plan.problems)


def _not_checked(
    home: OpenHome, plan: SourcePlan, standings: Mapping[str, Standing | None]
) -> Mapping[str, NotChecked]:
    """Return what of sessions is stored and not checked; nothing of those that are being run."""
    from nh_platform.defs.automation.attempts import in_progress
    from nh_platform.defs.automation.unchecked import not_checked

    if not has_history(home.platform.settings):
        return {}
    current = {
        session_id: [name for name in plan.assets if name not in {*standing.stale, *standing.stopped}]
        for session_id, standing in standings.items()
        if standing is not None
    }
    found = not_checked(home.instance, home.platform, plan.source, current) if current else {}
    busy = {one.session_id for one in in_progress(home.instance, plan.source)} if found else set()
    return {session_id: one for session_id, one in found.items() if session_id not in busy}
