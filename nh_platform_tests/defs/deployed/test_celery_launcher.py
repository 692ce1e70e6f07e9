"""The launcher tells runs that are alive from lost ones by what Redis and the workers say; here both are in memory."""

from __future__ import annotations

import sys
import uuid
import warnings

import dagster as dg
import pytest
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher.base import LaunchRunContext, WorkerStatus
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

pytest.importorskip("dagster_celery", reason="the extra `deploy` is not installed: uv sync --extra deploy")

from nh_platform.defs.deployed import celery_launcher
from nh_platform.defs.deployed.celery_launcher import WorkerAskingCeleryRunLauncher

TASK_TAG = "dagster-celery/task_id"


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch) -> WorkerAskingCeleryRunLauncher:
    monkeypatch.setattr(celery_launcher, "_ANSWER_S", 0.05)
    config = {"broker": "memory://", "backend": "cache+memory://", "default_queue": "dagster"}
    return WorkerAskingCeleryRunLauncher.from_config_value(None, config)


def run_of(task: str | None) -> dg.DagsterRun:
    tags = {TASK_TAG: task} if task else {}
    return dg.DagsterRun(job_name="j", run_id=str(uuid.uuid4()), status=dg.DagsterRunStatus.STARTED, tags=tags)


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = celery_launcher.time.monotonic()
    monkeypatch.setattr(celery_launcher.time, "monotonic", lambda: now + seconds)


def test_workers_have_the_settings_of_the_launcher(launcher: WorkerAskingCeleryRunLauncher) -> None:
    conf = launcher.celery.conf
    assert conf.worker_max_tasks_per_child == 1
    assert conf.worker_disable_prefetch
    assert not conf.task_acks_late
    assert conf.accept_content == ["json"], "nothing that comes over the network is unpickled"
    assert conf.task_default_queue == "dagster"


def test_a_run_in_the_foreground_has_no_task_and_is_left_alone(launcher: WorkerAskingCeleryRunLauncher) -> None:
    """`nh materialize` runs in its own process: Dagster's launcher raised KeyError for it at every look."""
    run = run_of(None)
    assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
    with dg.DagsterInstance.ephemeral() as instance:
        launcher.register_instance(instance)
        instance.add_run(run)
        assert not launcher.terminate(run.run_id)


def test_a_run_whose_process_was_killed_says_so(launcher: WorkerAskingCeleryRunLauncher) -> None:
    task = str(uuid.uuid4())
    launcher.celery.backend.store_result(task, RuntimeError("signal 9 (SIGKILL)"), "FAILURE")
    health = launcher.check_run_worker_health(run_of(task))
    assert health.status is WorkerStatus.FAILED
    assert "signal 9 (SIGKILL)" in str(health.msg)
    assert "killed, or crashed" in str(health.msg)


@pytest.mark.parametrize("is_known", [True, False])
def test_a_run_that_no_worker_has_is_lost_after_a_minute(
    launcher: WorkerAskingCeleryRunLauncher, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    """Its worker does not answer, or Redis was emptied and no longer knows which worker it was."""
    task = str(uuid.uuid4())
    if is_known:
        launcher.celery.backend.store_result(task, {"pid": 1, "hostname": "w1@rig"}, "STARTED")
    run = run_of(task)
    assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
    later(monkeypatch, celery_launcher.MISSED_S - 5)
    assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
    later(monkeypatch, celery_launcher.MISSED_S + 5)
    health = launcher.check_run_worker_health(run)
    assert health.status is WorkerStatus.FAILED
    assert ("worker w1@rig does not answer" if is_known else "none of 0 workers has it") in str(health.msg)


def test_a_run_that_ended_without_a_word_is_lost_after_a_minute(
    launcher: WorkerAskingCeleryRunLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was down when it ended: Dagster's launcher called it well for four hours."""
    task = str(uuid.uuid4())
    launcher.celery.backend.store_result(task, 0, "SUCCESS")
    run = run_of(task)
    assert launcher.check_run_worker_health(run).status is WorkerStatus.SUCCESS
    later(monkeypatch, celery_launcher.MISSED_S + 1)
    health = launcher.check_run_worker_health(run)
    assert health.status is WorkerStatus.FAILED
    assert "the database did not take how" in str(health.msg)


def test_runs_are_launched_without_a_warning_of_celery(
    launcher: WorkerAskingCeleryRunLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Celery told the daemon at its second launch that "every task must have a unique name"."""
    code = RepositoryPythonOrigin(sys.executable, ModuleCodePointer("nh_platform.definitions", "defs"))
    with dg.instance_for_test() as instance, warnings.catch_warnings():
        warnings.simplefilter("error")
        launcher.register_instance(instance)
        monkeypatch.setattr(dg.DagsterRun, "job_code_origin", JobPythonOrigin("j", code), raising=False)
        for _ in range(2):
            run = run_of(None)
            instance.add_run(run)
            launcher.launch_run(LaunchRunContext(run, None))
            assert TASK_TAG in instance.get_run_by_id(run.run_id).tags
