"""Dagster runs in this process, told by their outcome: what failed is said in the platform's own words.

Contains what operations share that run something here and now. What they run stands in their own modules; runs that a
schedule or sensor asks for are Dagster's matter.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterAssetCheckFailedError
from dagster._core.events import RunFailureReason
from dagster._core.execution.plan.objects import ErrorSource, StepFailureData

from nh_platform.defs.run_logs.log_lines import log_format
from nh_platform.operations.opened_home import OpenHome
from nh_platform.session import NhError

QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Run configuration under which Dagster's log goes to its instance and not to the terminal."""

_STATED = ("what", "found", "what to do")
"""Metadata of a failure that is one of the platform's own errors, see `nh_platform.defs.metadata.failure`."""


def execute(
    home: OpenHome,
    job: dg.JobDefinition,
    on_event: Callable[[dg.EventLogEntry], None] | None = None,
    **selected: Any,
) -> dg.ExecuteInProcessResult:
    """Run a job here and now; a failed step is part of the result.

    Parameters
    ----------
    home
        The home folder.
    job
        The job.
    on_event
        Called with every event of the run.
    **selected
        Arguments of ``JobDefinition.execute_in_process``: a partition, assets, tags.

    Raises
    ------
    KeyboardInterrupt
        If the run was interrupted (Ctrl-C, or SIGTERM where it is mapped). Dagster returns from that as from a failed
        step and calls it a failure, which `run_retries` would launch again; here the run is marked as cancelled.
    """
    log_format()  # a mistake in it is told before anything runs
    run_id, instance = str(uuid.uuid4()), home.instance

    def listen(entry: dg.EventLogEntry) -> None:
        failure = entry.dagster_event.step_failure_data if _is_step_failure(entry) else None  # type: ignore[union-attr]
        if failure is not None and failure.error_source is ErrorSource.INTERRUPT:
            _mark_canceling(instance, run_id)  # before Dagster ends the run: it looks at the status then
        if on_event is not None:
            on_event(entry)

    instance.add_event_listener(run_id, listen)
    try:
        result = job.execute_in_process(
            instance=instance, run_id=run_id, raise_on_error=False, run_config=QUIET, **selected
        )
    except KeyboardInterrupt:  # between two steps, or before the first
        _mark_canceled(instance, run_id)
        raise
    if any(map(_is_interruption, result.all_events)):
        _mark_canceled(instance, run_id)
        raise KeyboardInterrupt
    return result


def _is_step_failure(entry: dg.EventLogEntry) -> bool:
    return entry.dagster_event is not None and entry.dagster_event.is_step_failure


def _is_interruption(event: dg.DagsterEvent) -> bool:
    """Whether an event says that a run was stopped from outside."""
    if event.event_type is dg.DagsterEventType.RUN_FAILURE:
        return event.job_failure_data.failure_reason is RunFailureReason.UNEXPECTED_TERMINATION
    return event.event_type is dg.DagsterEventType.RUN_CANCELED


def _mark_canceling(instance: dg.DagsterInstance, run_id: str) -> None:
    run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        instance.report_run_canceling(run)


def _mark_canceled(instance: dg.DagsterInstance, run_id: str) -> None:
    run = instance.get_run_by_id(run_id)
    if run is not None and run.status is not dg.DagsterRunStatus.CANCELED:
        instance.report_run_canceled(run)
    if instance.event_log_storage.supports_global_concurrency_limits:
        instance.event_log_storage.free_concurrency_slots_for_run(run_id)


def materialize_one(
    home: OpenHome,
    definition: dg.AssetsDefinition,
    job_name: str,
    tags: Mapping[str, str],
    about: str,
    kind: type[NhError],
    action: str,
) -> None:
    """Materialize one asset that is not partitioned.

    Parameters
    ----------
    home
        The home folder.
    definition
        The asset.
    job_name, tags
        Job that the run goes through, as the daemon's runs of this asset do, and the tags of the run.
    about
        What the error is about if it fails.
    kind
        Class of that error.
    action
        What to do then, where the asset does not say it itself.
    """
    # The job with this asset alone: to build the definitions of every source takes 2 s.
    job = dg.define_asset_job(job_name, selection=dg.AssetSelection.assets(definition))
    result = execute(home, dg.Definitions(assets=[definition], jobs=[job]).resolve_job_def(job_name), tags=dict(tags))
    for failed in failed_steps(result):
        stated = failed.user_failure_data.metadata if failed.user_failure_data else {}
        if not set(_STATED) <= set(stated):
            raise kind(about, str(failed.error_display_string), action)
        thing, found, action = (str(stated[name].value) for name in _STATED)
        raise kind(f"{about}, {thing}", found, action)


def failed_steps(result: dg.ExecuteInProcessResult) -> list[StepFailureData]:
    """Return what is known of the failed steps of a run, but for one that its blocking check stopped: that says why."""
    failed = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    stopped = DagsterAssetCheckFailedError.__name__
    return [data for data in failed if data.error is None or data.error.cls_name != stopped]


def errors_of(result: dg.ExecuteInProcessResult) -> tuple[str, ...]:
    """Return what went wrong in a run, one text per failed step: our own errors in their words, without a traceback."""
    return tuple(
        str(data.user_failure_data.description) if data.user_failure_data else str(data.error_display_string)
        for data in failed_steps(result)
    )
