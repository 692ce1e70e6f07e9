"""The run launcher of the embedded instance: Dagster's own, which also notices that a run's process was killed.

Named in ``dagster.yaml``. Dagster's default launcher cannot tell: a run whose machine went down stays "started" for
the four hours of its longest run time, and two of them hold every place of the queue. Add here only what the launcher
itself must do differently.
"""

import math
from typing import Any

from dagster import DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus, DefaultRunLauncher, RunsFilter
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus

from nh_platform.store.processes import process_start

_CLOCK_TOLERANCE_S = 30.0
"""The time of boot is in whole seconds and moves when the clock is set; a run says its process within a second."""


class HealthCheckingRunLauncher(DefaultRunLauncher):
    """Launches runs as subprocesses, and looks whether their processes are alive.

    For one machine: a run's process is looked for by its id, which the run reports when it starts its steps. Run
    monitoring asks every 20 s, marks a lost run as failed, and run retries launch it again.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Return True: run monitoring may ask."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Return whether the process of a started run is alive; one that has not said its id yet counts as alive."""
        said = self._process_of(run.run_id)
        if said is None or is_alive(*said):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        text = f"process {said[0]} of the run is gone; it was killed or crashed"
        return CheckRunHealthResult(WorkerStatus.FAILED, text)

    def _process_of(self, run_id: str) -> tuple[int, float] | None:
        """Return the process of a run and the time [s since 1970] at which the run said it, or None before that."""
        found = None
        for entry in self._instance.all_logs(run_id, of_type=DagsterEventType.ENGINE_EVENT):
            event = entry.dagster_event
            metadata: dict[str, Any] = dict(event.engine_event_data.metadata) if event else {}
            if "pid" in metadata:
                found = int(metadata["pid"].value), entry.timestamp
        return found


def end_lost_runs(instance: DagsterInstance) -> list[str]:
    """Mark the started runs whose process is gone as failed, free what they held, and return their ids.

    What run monitoring does where a daemon runs; `nh` does it before it runs something itself, else a killed
    `nh materialize` would hold its places in the pools for ever.
    """
    launcher = instance.run_launcher
    if not isinstance(launcher, HealthCheckingRunLauncher):
        return []
    lost = []
    for run in instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED])):
        health = launcher.check_run_worker_health(run)
        if health.status is WorkerStatus.FAILED:
            instance.report_run_failed(run, health.msg)
            lost.append(run.run_id)
    for run_id in {*lost, *_holders_that_ended(instance)}:
        instance.event_log_storage.free_concurrency_slots_for_run(run_id)
    return lost


def _holders_that_ended(instance: DagsterInstance) -> set[str]:
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return set()
    holders = {
        run_id for key in storage.get_concurrency_keys() for run_id in storage.get_concurrency_info(key).active_run_ids
    }
    ended = {run_id for run_id in holders if (run := instance.get_run_by_id(run_id)) is None or run.is_finished}
    return ended


def is_alive(pid: int, reported_at: float = math.inf) -> bool:
    """Return whether a process with this id runs on this machine; one that ended and was not collected does not.

    Parameters
    ----------
    pid
        Id of the process.
    reported_at
        Time [s since 1970] at which the process said its id: one that began later has been given the same id, which
        in a container that was restarted is the rule. Any process with the id counts where not given.
    """
    start = process_start(pid)
    return start is not None and not start > reported_at + _CLOCK_TOLERANCE_S  # a hidden start is NaN: it counts
