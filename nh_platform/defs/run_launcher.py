"""The run launcher of the embedded instance: Dagster's own, which begins runs warm and notices that one was killed.

Named in ``dagster.yaml``. Dagster's default launcher starts an interpreter for each run, which imports for longer than
a small session takes. Nor can it tell that a process was killed: a run whose machine went down stays "started" for the
four hours of its longest run time, and two of them hold every place of the queue. Add here only what the launcher
itself must do differently.
"""

from __future__ import annotations

import math
import os
import signal
import sys
from typing import Any

from dagster import DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus, DefaultRunLauncher, RunsFilter
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.tags import HIDDEN_TAG_PREFIX

from nh_platform.defs.run_starts.warm_start import NoWarmProcess, is_wanted, warm_start
from nh_platform.store.processes import is_running, process_id, process_name, process_start

_CLOCK_TOLERANCE_S = 30.0
"""The time of boot is in whole seconds and moves when the clock is set; a run says its process within a second."""


_PROCESS_TAG = f"{HIDDEN_TAG_PREFIX}nh_process"
"""Id of a run that began warm and name of its process (`nh_platform.store.processes.process_name`), a space between.

With the id, because a run that is tried again begins with the tags of the one before, whose process is gone.
"""
_OURS = "nh_platform.definitions"


class HealthCheckingRunLauncher(DefaultRunLauncher):
    """Launches each run as a process of its own, warm where it can, and looks whether their processes are alive.

    A run of the platform's definitions is forked from a process that has imported them; a run of another code
    location, and any where that process cannot be had, begins in a new interpreter.

    For one machine: a run's process is looked for by its id, which the launcher notes or the run reports when it starts
    its steps. Run monitoring asks every 20 s, marks a lost run as failed, and run retries launch it again.
    """

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the process of a run."""
        run = context.dagster_run
        if not (is_wanted() and _is_ours(run)):
            super().launch_run(context)
            return
        try:
            pid = warm_start().start(self._arguments(run))
        except NoWarmProcess as error:
            self._instance.report_engine_event(str(error), run)
            super().launch_run(context)
            return
        try:
            name = process_name(pid)
        except ProcessLookupError:  # it ended already; run monitoring looks after runs that never started
            return
        self._instance.add_run_tags(run.run_id, {_PROCESS_TAG: f"{run.run_id} {name}"})
        self._run_ids.add(run.run_id)

    def _arguments(self, run: DagsterRun) -> str:
        from dagster._grpc.types import ExecuteRunArgs
        from dagster._serdes import serialize_value

        origin = run.job_code_origin
        assert origin is not None  # `_is_ours`
        ref = self._instance.get_ref()
        return serialize_value(ExecuteRunArgs(origin, run.run_id, ref, set_exit_code_on_failure=True))

    def terminate(self, run_id: str) -> bool:
        """Interrupt a run; return whether its process was told."""
        run = self._instance.get_run_by_id(run_id)
        name = noted_process(run) if run is not None and not run.is_finished else ""
        if run is None or not name:
            return bool(super().terminate(run_id))
        if not is_running(name):
            return False  # run monitoring ends it; nobody is told on another machine
        self._instance.report_run_canceling(run)
        os.kill(process_id(name), signal.SIGINT)
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Return True: run monitoring may ask."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Return whether the process of a started run is alive; one that has not said its id yet counts as alive."""
        if name := noted_process(run):
            return _health(is_running(name) is not False, process_id(name))
        said = self._process_of(run.run_id)
        return _health(said is None or is_alive(*said), said[0] if said else 0)

    def _process_of(self, run_id: str) -> tuple[int, float] | None:
        """Return the process of a run and the time [s since 1970] at which the run said it, or None before that."""
        found = None
        for entry in self._instance.all_logs(run_id, of_type=DagsterEventType.ENGINE_EVENT):
            event = entry.dagster_event
            metadata: dict[str, Any] = dict(event.engine_event_data.metadata) if event else {}
            if "pid" in metadata:
                found = int(metadata["pid"].value), entry.timestamp
        return found


def noted_process(run: DagsterRun) -> str:
    """Return the name of the process of a run that began warm; nothing for other runs."""
    run_id, _, name = run.tags.get(_PROCESS_TAG, "").partition(" ")
    return name if run_id == run.run_id else ""


def _health(alive: bool, pid: int) -> CheckRunHealthResult:
    if alive:
        return CheckRunHealthResult(WorkerStatus.RUNNING)
    return CheckRunHealthResult(WorkerStatus.FAILED, f"process {pid} of the run is gone; it was killed or crashed")


def _is_ours(run: DagsterRun) -> bool:
    """Whether a run is of the platform's definitions and this interpreter, and not of another code location."""
    origin = run.job_code_origin
    if origin is None:
        return False
    repository = origin.repository_origin
    is_here = repository.executable_path == sys.executable
    return is_here and getattr(repository.code_pointer, "module", None) == _OURS


def end_lost_runs(instance: DagsterInstance) -> list[str]:
    """Mark the started runs whose process is gone as failed, free what they held, and return their ids.

    What run monitoring does where a daemon runs; `nh` does it before it runs something itself, else a killed
    `nh materialize` would hold its places in the pools for ever. In a history that machines share only runs are looked
    at that say of which machine their process is: the id that the others said may be a worker's elsewhere.
    """
    launcher = instance.run_launcher
    if not isinstance(launcher, HealthCheckingRunLauncher):
        return []
    is_of_one_machine = isinstance(instance.event_log_storage, SqliteEventLogStorage)
    lost = []
    for run in instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED])):
        if not (is_of_one_machine or noted_process(run)):
            continue
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
