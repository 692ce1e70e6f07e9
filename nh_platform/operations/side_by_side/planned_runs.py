"""Runs of sessions, each a piece of work for whichever process takes it, and what came of each.

Contains what is run of one session here and now. Which sessions and assets are to be run is `session_runs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from nh_platform.operations.opened_home import Interrupted, OnProgress, OpenHome, Progress, unwatched
from nh_platform.session import ConfigError

if TYPE_CHECKING:
    from nh_platform.defs.session_history import Finding
    from nh_platform.operations.side_by_side.pieces import Piece


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


def run_plans(
    home: OpenHome, plans: Sequence[SessionPlan], on_progress: OnProgress = unwatched, *, processes: int = 1
) -> list[SessionOutcome]:
    """Run every plan, one Dagster run per session; a failed session does not stop the others.

    Raises
    ------
    ConfigError
        If several processes are asked for, and the home was opened with an instance of Dagster, which they cannot have.
    Interrupted
        If a person or the system stops it. The running sessions are given up: their runs are cancelled, what they made
        before stays, and nothing is published half.
    """
    from nh_platform.defs.partitions import register_again
    from nh_platform.defs.run_launcher import end_lost_runs
    from nh_platform.operations.compiled.listed_kernels import pieces_of_compiling
    from nh_platform.operations.side_by_side.lanes import Lanes

    if processes > 1 and home.is_instance_given:
        raise ConfigError(
            "processes",
            f"{processes}, with an instance of Dagster that is open in this process alone",
            "Leave out `processes`, or give the home folder instead.",
        )
    if not plans:
        return []
    end_lost_runs(home.instance)
    for source in dict.fromkeys(plan.source for plan in plans):
        register_again(home.instance, source, home.platform.manifest(source).session_ids)
    runs, processes = SessionRuns(on_progress), min(processes, len(plans))
    uses_kernels = any("units" in plan.assets for plan in plans)
    with (
        Lanes(home.platform.settings.home, processes, embedded=home.embedded) as lanes,
        runs.stopped_in_words(),
    ):
        pieces = [*(pieces_of_compiling(processes) if uses_kernels else ()), *runs.pieces(plans)]
        lanes.run(pieces, lambda: home, on_progress, runs.on_done)
    runs.end_lost(home)
    return runs.outcomes


class SessionRuns:
    """Runs of sessions as pieces of work (`nh_platform.operations.side_by_side.lanes`), and what came of them.

    Parameters
    ----------
    on_progress
        Called with how many of the sessions are made.
    """

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._plans: dict[Piece, SessionPlan] = {}
        self._outcomes: dict[Piece, SessionOutcome] = {}
        self._is_any_lost = False

    @property
    def outcomes(self) -> list[SessionOutcome]:
        """What came of each session, in the order of their plans."""
        return [self._outcomes[piece] for piece in self._plans]

    @property
    def n_planned(self) -> int:
        """How many sessions run, or are to."""
        return len(self._plans)

    def pieces(self, plans: Sequence[SessionPlan]) -> list[Piece]:
        """Return the pieces of further plans."""
        from nh_platform.operations.side_by_side.pieces import Piece

        new = {Piece(f"{plan.source} session {plan.session_id}", partial(_run, plan)): plan for plan in plans}
        self._plans |= new
        self._say()
        return list(new)

    def is_of_session(self, piece: Piece) -> bool:
        """Return whether a piece is the run of a session."""
        return piece in self._plans

    def on_done(self, piece: Piece, result: Any) -> tuple[Piece, ...]:
        """Take what came of a piece, where it is one of a session."""
        from nh_platform.operations.side_by_side.lanes import LaneLost

        if piece in self._plans:
            if isinstance(result, LaneLost):
                self._is_any_lost = True
                result = SessionOutcome(self._plans[piece], success=False, errors=(str(result),))
            self._outcomes[piece] = result
            self._say()
        return ()

    def end_lost(self, home: OpenHome) -> None:
        """Mark runs whose process was killed as failed: they are in progress otherwise, for whoever looks."""
        from nh_platform.defs.run_launcher import end_lost_runs

        if self._is_any_lost:
            end_lost_runs(home.instance)

    def _say(self) -> None:
        if self._plans:
            self._on_progress(Progress("sessions", len(self._outcomes), len(self._plans)))

    @contextmanager
    def stopped_in_words(self) -> Iterator[None]:
        """Say how far it came where a person or the system stops what is in the context.

        Raises
        ------
        Interrupted
            If they do.
        """
        try:
            yield
        except KeyboardInterrupt:
            n_made = sum(outcome.success for outcome in self._outcomes.values())
            done = f"{n_made} of {len(self._plans)} sessions made" if self._plans else "no session was begun"
            raise Interrupted(done) from None


def _run(plan: SessionPlan, opened: Callable[[], OpenHome], on_progress: OnProgress) -> SessionOutcome:
    import dagster as dg

    from nh_platform.defs.automation import session_job_name
    from nh_platform.defs.checks import session_checks
    from nh_platform.defs.run_tags import run_tags
    from nh_platform.defs.session_history import finding
    from nh_platform.operations.home_status import count_notes
    from nh_platform.operations.in_process import errors_of, execute

    home, what, n_made = opened(), f"{plan.source} {plan.session_id[:12]}", 0

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
