"""The run launcher of the embedded instance: Dagster's own, which also notices that a run's process was killed.

Named in ``dagster.yaml``. Dagster's default launcher cannot tell: a run whose machine went down stays "started" for
the four hours of its longest run time, and two of them hold every place of the queue. Add here only what the launcher
itself must do differently.
"""

import os
from typing import Any

from dagster import DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus, DefaultRunLauncher, RunsFilter
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus


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
        pid = self._process_of(run.run_id)
        if pid is None or is_alive(pid):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, f"process {pid} of the run is gone; it was killed or crashed")

    def _process_of(self, run_id: str) -> int | None:
        found = None
        for entry in self._instance.all_logs(run_id, of_type=DagsterEventType.ENGINE_EVENT):
            event = entry.dagster_event
            metadata: dict[str, Any] = dict(event.engine_event_data.metadata) if event else {}
            if "pid" in metadata:
                found = int(metadata["pid"].value)
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


def is_alive(pid: int) -> bool:
    """Return whether a process with this id runs on this machine; one that ended and was not collected does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as handle:
            return handle.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return True  # a system without /proc: the signal above has answered
