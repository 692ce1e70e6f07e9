"""Assets of sessions made here and now: what to run, one Dagster run per session, and what came of each.

Contains the plan and the runs that `nh materialize` and `nh demo` share. Runs that a schedule or sensor asks for are
Dagster's matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nh_platform.operations.home_status import has_history
from nh_platform.operations.opened_home import Home, Interrupted, OnProgress, OpenHome, Progress, open_home, unwatched
from nh_platform.session import ConfigError, NhError

if TYPE_CHECKING:
    from nh_platform.defs.automation.unchecked import NotChecked
    from nh_platform.defs.session_history import Finding
    from nh_platform.planning.staleness import Standing
    from nh_platform.planning.versions import SourcePlan


@dataclass(frozen=True)
class SessionPlan:
    """The assets of one session that a run will make, and those whose checks alone it will carry out."""

    source: str
    session_id: str
    assets: tuple[str, ...]
    checked: tuple[str, ...] = ()


@dataclass(frozen=True)
class SessionOutcome:
    """Outcome of one session's run.

    Parameters
    ----------
    plan
        What was to be made.
    errors
        What went wrong, one text per failed step; empty where the run succeeded.
    made
        Assets that the run made, in running order; also of a session that failed, since each stands for itself.
    checks_passed
        How many checks passed.
    warned
        What the others found, which warn or fail.
    run_id
        Dagster's id of the run.
    n_notes
        Notes of what the made assets left out or assumed.
    """

    plan: SessionPlan
    success: bool
    errors: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    checks_passed: int = 0
    warned: tuple[Finding, ...] = ()
    run_id: str = ""
    n_notes: int = 0


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
        outcomes = [] if dry_run else run_plans(at, plan.plans, on_progress)
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


def run_plans(
    home: OpenHome, plans: Sequence[SessionPlan], on_progress: OnProgress = unwatched
) -> list[SessionOutcome]:
    """Run every plan, one Dagster run per session; a failed session does not stop the others.

    Raises
    ------
    Interrupted
        If a person or the system stops it. The running session is given up: its run is cancelled, what it made before
        stays, and nothing is published half.
    """
    from nh_platform.defs.partitions import register_again
    from nh_platform.defs.run_launcher import end_lost_runs

    if not plans:
        return []
    end_lost_runs(home.instance)
    for source in dict.fromkeys(plan.source for plan in plans):
        register_again(home.instance, source, home.platform.manifest(source).session_ids)
    outcomes: list[SessionOutcome] = []
    for plan in plans:
        on_progress(Progress("sessions", len(outcomes), len(plans)))
        try:
            outcomes.append(_run(home, plan, on_progress))
        except KeyboardInterrupt:
            n_made = sum(outcome.success for outcome in outcomes)
            raise Interrupted(f"{n_made} of {len(plans)} sessions made") from None
    on_progress(Progress("sessions", len(plans), len(plans)))
    return outcomes


def _run(home: OpenHome, plan: SessionPlan, on_progress: OnProgress) -> SessionOutcome:
    import dagster as dg

    from nh_platform.defs.automation import session_job_name
    from nh_platform.defs.checks import session_checks
    from nh_platform.defs.run_tags import run_tags
    from nh_platform.defs.session_history import finding
    from nh_platform.operations.home_status import count_notes
    from nh_platform.operations.in_process import errors_of, execute

    what, n_made = f"{plan.source} {plan.session_id[:12]}", 0

    def on_event(entry: Any) -> None:
        nonlocal n_made
        event = entry.dagster_event
        if event is not None and (event.is_step_start or event.is_step_materialization):
            n_made += event.is_step_materialization
            on_progress(Progress(what, n_made, len(plan.assets), str(event.step_key).split("__")[-1]))

    on_progress(Progress(what, 0, len(plan.assets), "starting"))
    job = home.definitions.resolve_job_def(session_job_name(plan.source))
    keys = [dg.AssetKey([plan.source, asset]) for asset in plan.assets]
    if plan.checked:  # a run of checks alone has no assets, and Dagster takes checks for the subset of a job only
        stated = session_checks(home.platform.entry(plan.source), home.platform)
        of_checks = {key for asset in (*plan.assets, *plan.checked) for key in stated[asset]}
        job, keys = job.get_subset(asset_selection=set(keys), asset_check_selection=of_checks), []
    result = execute(
        home,
        job,
        on_event,
        partition_key=plan.session_id,
        asset_selection=keys,
        tags=run_tags(home.platform.store, plan.source, "nh materialize"),
    )
    on_progress(Progress(what, n_made, len(plan.assets), "done" if result.success else "failed"))
    checks = result.get_asset_check_evaluations()
    made = {event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key}
    gates = [e for e in checks if not e.passed and e.blocking and e.severity is dg.AssetCheckSeverity.ERROR]
    gated = [
        f"it is gated: {gate.description}; nothing that hangs on {gate.asset_key.path[-1]} was made" for gate in gates
    ]
    return SessionOutcome(
        plan=plan,
        success=result.success,
        errors=(*gated, *errors_of(result)),
        made=tuple(asset for asset in plan.assets if asset in made),
        checks_passed=sum(check.passed for check in checks),
        warned=tuple(finding(check) for check in checks if not check.passed),
        run_id=result.run_id,
        n_notes=count_notes(home.platform.store, plan.source, plan.session_id, made),
    )
