"""Runs begin as forks of one warm process: each a process of its own, with settings and code as they are then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import dagster as dg
import psutil
import pytest
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher.base import LaunchRunContext, WorkerStatus
from dagster._core.origin import RepositoryPythonOrigin

from nh_platform import operations, qc
from nh_platform.defs import run_launcher
from nh_platform.defs.build import build_defs
from nh_platform.defs.run_launcher import HealthCheckingRunLauncher, noted_process
from nh_platform.defs.run_starts import warm_process
from nh_platform.defs.run_starts.warm_start import START_VARIABLE, NoWarmProcess, WarmStart, is_wanted
from nh_platform.home.platform import Platform
from nh_platform.operations.instance import open_instance, prepare_instance
from nh_platform.operations.opened_home import OpenHome
from nh_platform.store.processes import process_id
from nh_platform_tests.homes import make_home

RUN_S = 300.0
ENDED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}


@dg.job
def nothing() -> None: ...


class Launched:
    """A home whose runs are launched by its own launcher."""

    def __init__(self, platform: Platform, instance: dg.DagsterInstance) -> None:
        self.platform, self.instance = platform, instance
        self.session = platform.manifest("ibl").session_ids[0]

    @property
    def launcher(self) -> HealthCheckingRunLauncher:
        assert isinstance(self.instance.run_launcher, HealthCheckingRunLauncher)
        return self.instance.run_launcher

    def launch(self, *assets: str) -> dg.DagsterRun:
        """Launch a run of assets of the session as the daemon does, and return it as it is then."""
        job = build_defs(self.platform).resolve_job_def("ibl_session")
        keys = {dg.AssetKey(["ibl", name]) for name in assets}
        pointer = ModuleCodePointer("nh_platform.definitions", "defs")
        origin = RepositoryPythonOrigin(sys.executable, pointer).get_job_origin("ibl_session")
        run = self.instance.create_run_for_job(
            job.get_subset(asset_selection=keys),
            asset_selection=frozenset(keys),
            tags={"dagster/partition": self.session},
            job_code_origin=origin,
        )
        self.launcher.launch_run(LaunchRunContext(run, workspace=None))
        return self.run(run)

    def run(self, run: dg.DagsterRun) -> dg.DagsterRun:
        found = self.instance.get_run_by_id(run.run_id)
        assert found is not None
        return found

    def end_of(self, run: dg.DagsterRun) -> dg.DagsterRun:
        wait_until(lambda: self.run(run).status in ENDED)
        return self.run(run)


def wait_until(done: Callable[[], object]) -> None:
    until = time.monotonic() + RUN_S
    while not done():
        assert time.monotonic() < until, f"not within {RUN_S:.0f} s"
        time.sleep(0.1)


def process_of(run: dg.DagsterRun) -> int:
    return process_id(noted_process(run))


@pytest.fixture
def launched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launched]:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.delenv(START_VARIABLE, raising=False)
    warm = WarmStart(ready_s=RUN_S)
    monkeypatch.setattr(run_launcher, "warm_start", lambda: warm)
    platform = make_home(tmp_path, ("ibl",))
    prepare_instance(platform.settings)
    with open_instance(platform.settings) as instance:
        operations.sync(OpenHome(platform, instance), "ibl")
        yield Launched(platform, instance)
    warm.leave()


@pytest.mark.slow
def test_runs_are_forks_that_read_the_settings_anew_and_end_alone(launched: Launched) -> None:
    first = launched.end_of(launched.launch("raw_spikes", "events"))
    assert first.status is dg.DagsterRunStatus.SUCCESS
    assert launched.platform.store.current("ibl", launched.session, "events")
    checks = launched.instance.all_logs(first.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    assert {one.dagster_event.asset_check_evaluation_data.partition for one in checks if one.dagster_event} == {
        launched.session
    }

    # A setting that is changed between two runs is that of the second.
    settings_file = launched.platform.settings.home / "sources.yaml"
    settings_file.write_text(settings_file.read_text() + "  presets: [continuous-1s]\n")
    second = launched.launch("windows")
    parent = psutil.Process(process_of(second)).ppid()
    assert psutil.Process(parent).cmdline()[1:3] == ["-m", warm_process.__name__]
    assert process_of(second) != process_of(first)
    assert launched.end_of(second).status is dg.DagsterRunStatus.SUCCESS
    folder = launched.platform.store.folder("ibl", launched.session, "windows")
    assert [one.name for one in folder.rglob("*1s*")] or "continuous-1s" in (folder / "provenance.json").read_text()

    # One that is killed ends alone: it is noticed, and the next begins from the same process.
    killed = launched.launch("raw_spikes", "events", "units")
    os.kill(process_of(killed), signal.SIGKILL)
    wait_until(lambda: launched.launcher.check_run_worker_health(killed).status is WorkerStatus.FAILED)
    said = launched.launcher.check_run_worker_health(killed).msg
    assert said == f"process {process_of(killed)} of the run is gone; it was killed or crashed"

    # One that is tried again has the tags of the one before, and not its process.
    again = launched.instance.create_run_for_job(nothing, tags=killed.tags)
    assert noted_process(again) == ""
    assert launched.launcher.check_run_worker_health(again).status is WorkerStatus.RUNNING

    # One that a person stops is interrupted and marked so.
    stopped = launched.launch("raw_spikes", "events", "units", "windows")
    assert psutil.Process(process_of(stopped)).ppid() == parent
    wait_until(lambda: launched.run(stopped).status is dg.DagsterRunStatus.STARTED)
    assert launched.launcher.terminate(stopped.run_id)
    assert launched.end_of(stopped).status is dg.DagsterRunStatus.CANCELED

    # A rulebook that was changed meanwhile is read by another warm process.
    path = next(Path(qc.__path__[0]).rglob("*.yaml"))
    before = path.stat()
    try:
        os.utime(path)
        last = launched.launch("raw_spikes")
        other = psutil.Process(process_of(last)).ppid()
        assert other != parent
        assert launched.end_of(last).status is dg.DagsterRunStatus.SUCCESS
    finally:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    wait_until(lambda: not psutil.pid_exists(parent))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a package that extends the platform, with a compiled module and a rulebook."""
    folder = tmp_path / "lab"
    folder.mkdir()
    for name in ("__init__.py", "rulebook.yaml", "kernel.so"):
        (folder / name).write_bytes(b"")
    module = ModuleType("lab")
    module.__path__, module.__file__ = [str(folder)], str(folder / "__init__.py")
    compiled = ModuleType("lab.kernel")
    compiled.__file__ = str(folder / "kernel.so")
    monkeypatch.setitem(sys.modules, "lab", module)
    monkeypatch.setitem(sys.modules, "lab.kernel", compiled)
    monkeypatch.setattr(warm_process, "extending_packages", lambda: frozenset({"lab"}))
    return folder


@pytest.mark.parametrize("name", ["__init__.py", "kernel.so", "rulebook.yaml"])
def test_a_file_beside_the_code_that_is_changed_or_gone_is_noticed(package: Path, name: str) -> None:
    before = warm_process.files_of_code()
    assert warm_process.files_of_code() == before
    os.utime(package / name, (1, 1))
    changed = warm_process.files_of_code()
    assert {one for one in changed if changed[one] != before.get(one)} == {str(package / name)}
    (package / name).unlink()
    assert warm_process.files_of_code() != changed


def test_a_file_that_is_added_is_noticed_and_what_python_compiles_is_not(package: Path) -> None:
    before = warm_process.files_of_code()
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "kernel.nbi").write_bytes(b"")
    assert warm_process.files_of_code() == before
    (package / "other.yaml").write_bytes(b"")
    assert warm_process.files_of_code() != before


def test_the_platforms_own_files_are_watched() -> None:
    watched = {Path(name) for name in warm_process.files_of_code()}
    root = Path(qc.__path__[0]).parent
    assert root / "planning" / "measured_sizes.yaml" in watched
    assert set(root.rglob("*.yaml")) <= watched
    assert any(path.suffix == ".so" and "numpy" in path.parts for path in watched)


@pytest.mark.parametrize("variable", ["NH_HOME", "NH_STORE", "AWS_SECRET_ACCESS_KEY", "DAGSTER_HOME"])
def test_another_environment_is_another_warm_process(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    warm, started = WarmStart(ready_s=0.1), []
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda _, **k: started.append(popen(["sleep", "20"], **k)) or started[-1])

    def ask() -> None:
        with pytest.raises(NoWarmProcess):
            warm.start("")

    try:
        ask()
        ask()
        assert len(started) == 1
        monkeypatch.setenv(variable, "other")
        ask()
        assert len(started) == 2
        ask()
        assert len(started) == 2
    finally:
        warm.leave()
        for process in started:
            process.kill()


def test_a_warm_process_that_cannot_be_started_is_said_and_nothing_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    warm = WarmStart()
    with pytest.raises(NoWarmProcess, match=r"could not import the platform.*NH_RUN_START=new"):
        warm.start("")
    monkeypatch.setattr(sys, "executable", "/nothing/here")  # and is not tried again with each run
    with pytest.raises(NoWarmProcess, match="could not import the platform"):
        warm.start("")


def test_a_run_does_not_wait_for_a_warm_process_that_imports_for_long() -> None:
    warm = WarmStart(ready_s=0.1)
    try:
        with pytest.raises(NoWarmProcess, match=r"not ready in 0 s and imports still.*new interpreter"):
            warm.start("")
    finally:
        warm.leave()


@pytest.mark.slow
def test_the_warm_process_imports_the_platform_whatever_the_environment_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NH_REDIS_URL", raising=False)
    monkeypatch.delenv("NH_POSTGRES_URL", raising=False)
    done = subprocess.run(
        [sys.executable, "-c", f"from {warm_process.__name__} import _import_the_platform as run; run()"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("value", "wanted"), [("warm", True), ("new", False), ("", True)])
def test_a_new_interpreter_for_each_run_can_be_asked_for(
    value: str, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(START_VARIABLE, value)
    assert is_wanted() is (wanted and sys.platform == "linux")
