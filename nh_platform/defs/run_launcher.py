"""The run launcher of the embedded instance: Dagster's own, which also notices that a run's process was killed.

Named in ``dagster.yaml``. Dagster's default launcher cannot tell: a run whose machine went down stays "started" for
the four hours of its longest run time, and two of them hold every place of the queue. Add here only what the launcher
itself must do differently.
"""

import os
from typing import Any

from dagster import DagsterEventType, DagsterRun, DefaultRunLauncher
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus


class HealthCheckingRunLauncher(DefaultRunLauncher):
    """Launches runs as subprocesses, and looks whether their processes are alive.

    For one machine: a run's process is looked for by its id, which the run reports when it starts its steps. Run
    monitoring asks every half minute, marks a lost run as failed, and run retries launch it again.
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
