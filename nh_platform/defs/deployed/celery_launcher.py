"""The run launcher of more than one machine: Dagster's for Celery, which asks the workers whether a run is alive.

Named in ``deploy/dagster.yaml``. Dagster's reads what Redis says of a task: a run whose machine went down stays
"started" there for ever, and after a loss of Redis every run that goes on is taken for failed. Add here only what the
launcher itself must do differently.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Self

from dagster import DagsterRun
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, ResumeRunContext, WorkerStatus
from dagster_celery.config import TASK_EXECUTE_JOB_NAME, TASK_RESUME_JOB_NAME
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

from nh_platform.defs.deployed.celery_settings import REDIS_VARIABLE, SETTINGS
from nh_platform.defs.deployed.server_address import readable_address

MISSED_S = 60.0
"""How long no worker may claim a started run before it counts as lost; a worker that is swapping answers late."""
_ANSWER_S = 3.0
"""How long workers have to answer."""


class WorkerAskingCeleryRunLauncher(CeleryRunLauncher):
    """Launches runs as Celery tasks, and asks the workers for those that Redis calls running or does not know."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._missed_since: dict[str, float] = {}

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Mapping[str, Any]) -> Self:
        """Return the launcher that ``dagster.yaml`` describes, with the settings that its workers have."""
        for name in ("broker", "backend"):
            readable_address(config_value.get(name) or "", REDIS_VARIABLE)
        stated = config_value.get("config_source") or {}
        return super().from_config_value(inst_data, {**config_value, "config_source": {**SETTINGS, **stated}})

    def launch_run(self, context: LaunchRunContext) -> None:
        """Send a run to the workers."""
        self._forget_task(TASK_EXECUTE_JOB_NAME)
        super().launch_run(context)

    def resume_run(self, context: ResumeRunContext) -> None:
        """Send a run to the workers that goes on where another ended."""
        self._forget_task(TASK_RESUME_JOB_NAME)
        super().resume_run(context)

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Return whether the process of a started run is alive.

        A run without a task is one that `nh materialize` makes in its own process, or one whose task is being sent.
        """
        task = run.tags.get(DAGSTER_CELERY_TASK_ID_TAG)
        if task is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        known = self.celery.backend.get_task_meta(task)
        status, said = known["status"], known.get("result")
        if status == "SUCCESS":
            return self._ended(run.run_id)
        if status == "FAILURE":
            text = f"its process ended ({str(said).rstrip('.')}): it ran out of memory, was killed, or crashed"
            return self._lost(run.run_id, text)
        worker = said.get("hostname") if status == "STARTED" and isinstance(said, dict) else None
        return self._asked(run.run_id, task, worker)

    def terminate(self, run_id: str) -> bool:
        """Stop a run; one that has no task is stopped where `nh materialize` makes it."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or DAGSTER_CELERY_TASK_ID_TAG not in run.tags:
            return False
        return super().terminate(run_id)

    def _forget_task(self, name: str) -> None:
        """Forget the task of the launch before: Dagster makes it anew, and Celery warned that its name is taken."""
        self.celery.tasks.pop(name, None)

    def _asked(self, run_id: str, task: str, worker: str | None) -> CheckRunHealthResult:
        """Ask the worker of a run, or every worker where Redis no longer says which, and return whether it is alive."""
        inspect = self.celery.control.inspect(destination=[worker] if worker else None, timeout=_ANSWER_S)
        answers: dict[str, dict[str, Any]] = inspect.query_task(task) or {}
        if any(task in tasks for tasks in answers.values()):
            self._missed_since.pop(run_id, None)
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        now = time.monotonic()
        missed_s = now - self._missed_since.setdefault(run_id, now)
        if worker in answers:
            # It was started again, or the task ended between the two questions: the next look says which.
            if missed_s > 0:
                return self._lost(run_id, f"worker {worker} no longer has it: it was started again meanwhile")
        elif missed_s >= MISSED_S:
            named = f"worker {worker} does not answer" if worker else f"none of {len(answers)} workers has it"
            return self._lost(run_id, f"{named} for {missed_s:.0f} s: it was killed, or its machine is down")
        return CheckRunHealthResult(WorkerStatus.RUNNING)

    def _ended(self, run_id: str) -> CheckRunHealthResult:
        """Give a run whose process ended a while to say so; else it would stay "started" for four hours."""
        now = time.monotonic()
        if now - self._missed_since.setdefault(run_id, now) < MISSED_S:
            return CheckRunHealthResult(WorkerStatus.SUCCESS)
        return self._lost(run_id, "its process ended, and the database did not take how")

    def _lost(self, run_id: str, text: str) -> CheckRunHealthResult:
        self._missed_since.pop(run_id, None)
        return CheckRunHealthResult(WorkerStatus.FAILED, text)
