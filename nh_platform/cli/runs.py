"""Runs here and now: which sessions and assets, one Dagster run each, with live progress.

Contains the planning of a command-line materialization and the display. Add here what `nh demo` and `nh materialize`
share. Runs that a schedule or sensor asks for are Dagster's matter, not this module's.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from nh_platform.cli import console
from nh_platform.session import NhError

if TYPE_CHECKING:
    import dagster as dg

    from nh_platform.home.platform import Platform


@dataclass(frozen=True)
class SessionPlan:
    """The assets of one session that a run will make."""

    source: str
    session_id: str
    assets: tuple[str, ...]


@dataclass
class SessionOutcome:
    """What came of one session's run.

    Parameters
    ----------
    plan
        What was to be made.
    success
        Whether the run succeeded.
    errors
        What went wrong, one text per failed step.
    made
        Assets that the run made, in running order; also of a session that failed, since each stands for itself.
    checks_passed, checks_failed
        Asset checks by outcome.
    run_id
        Dagster's id of the run.
    seconds
        Wall time of the run.
    """

    plan: SessionPlan
    success: bool
    errors: list[str] = field(default_factory=list)
    made: tuple[str, ...] = ()
    checks_passed: int = 0
    checks_failed: int = 0
    run_id: str = ""
    seconds: float = 0.0


def plan_sessions(
    platform: Platform, source: str, session_ids: Sequence[str], *, only_stale: bool, assets: Sequence[str] = ()
) -> tuple[list[SessionPlan], list[SessionOutcome]]:
    """Return what to run for the given sessions, and an outcome for each that cannot even be planned.

    Parameters
    ----------
    platform
        The platform.
    source
        Source name.
    session_ids
        Sessions, in the order in which they run; the first characters of an id will do.
    only_stale
        Leave out assets that the store holds in the version that the manifest asks for.
    assets
        Restrict to these assets; all per-session assets where empty.
    """
    from nh_platform.planning.staleness import standing_of
    from nh_platform.planning.versions import SourcePlan

    manifest = platform.manifest(source)
    plan = SourcePlan(platform, source)
    steps = plan.assets
    wanted = tuple(assets) or tuple(steps)
    plans: dict[str, SessionPlan] = {}
    refused = []
    for asked in session_ids:
        try:
            session_id = manifest.session_named(asked)
            files = manifest.session(session_id)
            stale = set(standing_of(plan, files).stale if only_stale else steps)
        except NhError as error:
            refused.append(SessionOutcome(SessionPlan(source, asked, wanted), success=False, errors=[str(error)]))
            continue
        chosen = tuple(asset for asset in steps if asset in stale and asset in wanted)
        if chosen:
            plans[session_id] = SessionPlan(source, session_id, chosen)
    return list(plans.values()), refused


def run_plans(
    definitions: dg.Definitions, instance: dg.DagsterInstance, plans: Sequence[SessionPlan]
) -> list[SessionOutcome]:
    """Run every plan, one Dagster run per session, with a live display; a failed session does not stop the others."""
    from nh_platform.defs.run_launcher import end_lost_runs

    end_lost_runs(instance)
    outcomes = []
    with _progress() as bars:
        overall = bars.add_task("sessions", total=len(plans), what="")
        for plan in plans:
            task = bars.add_task(f"  {plan.source} {plan.session_id[:12]}", total=len(plan.assets), what="starting")

            def on_event(entry: Any, task: Any = task) -> None:
                event = entry.dagster_event
                if event is None:
                    return
                if event.is_step_start:
                    bars.update(task, what=str(event.step_key).split("__")[-1])
                elif event.is_step_materialization:
                    bars.update(task, advance=1)

            outcome = _run_plan(definitions, instance, plan, on_event)
            outcomes.append(outcome)
            state = "[green]done[/]" if outcome.success else "[red]failed[/]"
            bars.update(task, what=state)
            bars.update(overall, advance=1)
    return outcomes


def print_failures(outcomes: Sequence[SessionOutcome]) -> int:
    """Print what went wrong, session by session, with what was made and what was not, and return how many failed."""
    failed = [outcome for outcome in outcomes if not outcome.success]
    for outcome in failed:
        console.err.print(f"[bold red]failed[/] {outcome.plan.source} {outcome.plan.session_id}")
        for text in outcome.errors:
            console.err.print(f"  {text}", markup=False)
        kept = [asset for asset in outcome.plan.assets if asset not in outcome.made]
        if outcome.made:
            console.err.print(f"  made: {', '.join(outcome.made)}", markup=False)
        if kept:
            console.err.print(f"  not made; any version stored before stays: {', '.join(kept)}", markup=False)
    if failed:
        console.err.print(f"{len(failed)} of {len(outcomes)} sessions failed.")
    return len(failed)


def print_gated(source: str, gated: Mapping[str, Sequence[str]]) -> None:
    """Print which sessions cannot be used and why; they are no failures, and nothing runs for them."""
    for session_id, reasons in gated.items():
        console.err.print(f"[bold yellow]gated[/] {source} {session_id}")
        for text in reasons:
            console.err.print(f"  {text}", markup=False)
    if gated:
        console.err.print(
            f"{len(gated)} sessions are gated: what they are made from cannot be used as it is. What is stored of them "
            "is unchanged; a release that corrects it runs them again."
        )


def _run_plan(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    plan: SessionPlan,
    on_event: Callable[[Any], None],
) -> SessionOutcome:
    import dagster as dg

    from nh_platform.defs.automation import session_job_name

    run_id = str(uuid.uuid4())
    instance.add_event_listener(run_id, on_event)
    began = time.monotonic()
    result = definitions.resolve_job_def(session_job_name(plan.source)).execute_in_process(
        instance=instance,
        partition_key=plan.session_id,
        run_id=run_id,
        raise_on_error=False,
        asset_selection=[dg.AssetKey([plan.source, asset]) for asset in plan.assets],
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    evaluations = result.get_asset_check_evaluations()
    made = {event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key}
    gates = [e for e in evaluations if not e.passed and e.blocking and e.severity is dg.AssetCheckSeverity.ERROR]
    errors = [f"it is gated: {gate.description}; nothing after {gate.asset_key.path[-1]} was made" for gate in gates]
    errors += errors_of(result)
    return SessionOutcome(
        plan=plan,
        success=result.success,
        errors=errors,
        made=tuple(asset for asset in plan.assets if asset in made),
        checks_passed=sum(e.passed for e in evaluations),
        checks_failed=sum(not e.passed for e in evaluations),
        run_id=run_id,
        seconds=time.monotonic() - began,
    )


@contextmanager
def _progress() -> Iterator[Progress]:
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[what]}"),
        console=console.err,
    ) as bars:
        yield bars


def errors_of(result: dg.ExecuteInProcessResult) -> list[str]:
    """Return what went wrong in a run, one text per failed step: our own errors in their words, without a traceback.

    A step that its blocking check stopped is left out; the check says why.
    """
    from dagster._core.errors import DagsterAssetCheckFailedError

    failed = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    return [
        str(data.user_failure_data.description) if data.user_failure_data else str(data.error_display_string)
        for data in failed
        if data.error is None or data.error.cls_name != DagsterAssetCheckFailedError.__name__
    ]
