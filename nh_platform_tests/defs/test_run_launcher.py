"""A run whose process is gone is seen as lost; one that lives, or has not said its process yet, is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.launcher.base import WorkerStatus

from nh_platform.cli.instance import open_instance
from nh_platform.defs.run_launcher import HealthCheckingRunLauncher, is_alive
from nh_platform.defs.settings import load_settings


@dg.job
def nothing() -> None: ...


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    return open_instance(load_settings(tmp_path))


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_configuration_names_it_and_monitoring_may_ask(instance: dg.DagsterInstance) -> None:
    assert isinstance(instance.run_launcher, HealthCheckingRunLauncher)
    assert instance.run_monitoring_enabled
    assert instance.run_launcher.supports_check_run_worker_health


def test_the_process_of_a_run_is_the_one_that_dagster_reported(instance: dg.DagsterInstance) -> None:
    """Fails loudly when Dagster no longer reports the process in the events of a run."""
    run = nothing.execute_in_process(instance=instance).dagster_run
    launcher = instance.run_launcher
    assert isinstance(launcher, HealthCheckingRunLauncher)
    assert launcher._process_of(run.run_id) == os.getpid()
    assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING


def test_a_killed_process_is_a_failed_worker(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    run = nothing.execute_in_process(instance=instance).dagster_run
    launcher = instance.run_launcher
    assert isinstance(launcher, HealthCheckingRunLauncher)
    pid = dead_process()
    monkeypatch.setattr(HealthCheckingRunLauncher, "_process_of", lambda self, run_id: pid)
    health = launcher.check_run_worker_health(run)
    assert health.status is WorkerStatus.FAILED
    assert str(pid) in str(health.msg)
    monkeypatch.setattr(HealthCheckingRunLauncher, "_process_of", lambda self, run_id: None)
    assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING


def test_a_zombie_is_not_alive() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    while not _is_zombie(process.pid):
        pass
    assert not is_alive(process.pid)
    process.wait()
    assert is_alive(os.getpid())


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
