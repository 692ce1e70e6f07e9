"""A run whose process is gone is ended and holds no place; one that lives, or has not said its process yet, is not."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.launcher.base import WorkerStatus
from dagster._core.storage.event_log import SqliteEventLogStorage

from nh_platform.defs.run_launcher import HealthCheckingRunLauncher, end_lost_runs, is_alive
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance


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
    said = launcher._process_of(run.run_id)
    assert said is not None
    assert said[0] == os.getpid()
    assert abs(said[1] - time.time()) < 60
    assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING


def test_a_killed_process_is_a_failed_worker(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    run = nothing.execute_in_process(instance=instance).dagster_run
    launcher = instance.run_launcher
    assert isinstance(launcher, HealthCheckingRunLauncher)
    pid = dead_process()
    monkeypatch.setattr(HealthCheckingRunLauncher, "_process_of", lambda self, run_id: (pid, time.time()))
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


POOL = "ibl_upstream"
HOLDER = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    import dagster as dg

    folder = Path(sys.argv[1])

    def wait_for(name):
        while not (folder / name).exists():
            time.sleep(0.02)

    @dg.op(pool="ibl_upstream")
    def hold():
        (folder / "holds").touch()
        wait_for("release")

    @dg.job(executor_def=dg.in_process_executor, logger_defs={})
    def holding():
        hold()

    wait_for("begin")
    with dg.DagsterInstance.get() as instance:
        holding.execute_in_process(instance=instance, run_id=sys.argv[2])
    """
)


def hold_a_place(folder: Path, run_id: str, dagster_home: Path) -> subprocess.Popen[bytes]:
    """Start a process that runs a step of the pool until it is told to end."""
    folder.mkdir()
    command = [sys.executable, "-c", HOLDER, str(folder), run_id]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, "DAGSTER_HOME": str(dagster_home)})


def wait_for(what: Callable[[], bool], *processes: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert all(process.poll() is None for process in processes), "a process ended"
        assert time.monotonic() < end, "it did not happen within 60 s"
        time.sleep(0.02)


def holders(instance: dg.DagsterInstance) -> set[str]:
    return set(instance.event_log_storage.get_concurrency_info(POOL).active_run_ids)


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


@pytest.mark.slow
def test_a_killed_run_is_ended_and_its_place_is_free_and_one_that_lives_goes_on(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    killed, alive = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
    # A pool that counts steps, as a person may configure it: ours count runs, which hold no place once they ended.
    configuration = tmp_path / "dagster" / "dagster.yaml"
    stated = configuration.read_text()
    assert "granularity: run" in stated
    configuration.write_text(stated.replace("granularity: run", "granularity: op"))
    storage = instance.event_log_storage
    storage.set_concurrency_slots(POOL, 2)
    processes = [hold_a_place(tmp_path / run_id, run_id, tmp_path / "dagster") for run_id in (killed, alive)]
    try:
        for run_id in (killed, alive):  # one after the other: on SQLite two that ask at once may get the same place
            (tmp_path / run_id / "begin").touch()
            wait_for((tmp_path / run_id / "holds").exists, *processes)
        assert holders(instance) == {killed, alive}
        assert end_lost_runs(instance) == []
        assert {status(instance, run_id) for run_id in (killed, alive)} == {dg.DagsterRunStatus.STARTED}
        assert holders(instance) == {killed, alive}

        processes[0].kill()
        processes[0].wait()
        assert holders(instance) == {killed, alive}, "nobody tidied up after it yet"
        assert end_lost_runs(instance) == [killed]
        assert status(instance, killed) is dg.DagsterRunStatus.FAILURE
        messages = [entry.message for entry in instance.all_logs(killed)]
        assert any(f"process {processes[0].pid} of the run is gone" in message for message in messages)
        assert status(instance, alive) is dg.DagsterRunStatus.STARTED
        assert holders(instance) == {alive}
        claim = storage.claim_concurrency_slot(POOL, "next", "step")
        assert claim.is_claimed, "the place can be taken"
        assert end_lost_runs(instance) == [], "a second look ends nothing"

        (tmp_path / alive / "release").touch()
        assert processes[1].wait(60) == 0
        assert status(instance, alive) is dg.DagsterRunStatus.SUCCESS
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_runs_of_other_machines_are_not_ended_where_the_history_is_shared(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """The process that a run of a worker elsewhere said is none of this machine, and it goes on."""
    configuration = tmp_path / "dagster" / "dagster.yaml"
    stated = configuration.read_text()
    shared = stated.replace("nh_platform.defs.event_log", "dagster._core.storage.event_log")
    shared = shared.replace("PartitionCachingSqliteEventLogStorage", "ConsolidatedSqliteEventLogStorage")
    configuration.write_text(shared)  # one database, as a server is
    with dg.DagsterInstance.from_config(str(configuration.parent)) as other:
        run = other.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED)
        other.report_engine_event("Executing steps", run, EngineEventData.in_process(dead_process()))
        assert not isinstance(other.event_log_storage, SqliteEventLogStorage)
        assert end_lost_runs(other) == []
        assert status(other, run.run_id) is dg.DagsterRunStatus.STARTED


def test_a_place_that_a_finished_run_still_holds_is_freed(instance: dg.DagsterInstance) -> None:
    """A process that is killed right after its run was marked as failed leaves its place behind."""
    storage = instance.event_log_storage
    storage.set_concurrency_slots(POOL, 1)
    finished = nothing.execute_in_process(instance=instance).dagster_run
    assert storage.claim_concurrency_slot(POOL, finished.run_id, "step").is_claimed
    assert end_lost_runs(instance) == []
    assert holders(instance) == set()


def test_another_process_with_the_number_of_a_killed_one_is_not_the_run() -> None:
    """Numbers are given again, in a container that is restarted most of all."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert is_alive(process.pid)
        assert is_alive(process.pid, reported_at=time.time())
        assert not is_alive(process.pid, reported_at=time.time() - 3600)
        assert is_alive(os.getpid(), reported_at=time.time())
    finally:
        process.communicate(b"\n")
