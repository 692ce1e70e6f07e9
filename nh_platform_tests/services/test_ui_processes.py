"""`nh ui` begins once for a home, ends whole, and its processes do not outlive it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.defs.run_starts import warm_process
from nh_platform.home.platform import Platform
from nh_platform.home.running_ui import read_running_ui
from nh_platform.home.settings import load_settings
from nh_platform.operations.web.serving import hold_home
from nh_platform_tests.homes import make_home
from nh_platform_tests.services.servers import START_S, free_port, graphql

pytestmark = pytest.mark.service

ENDED_S = 60.0
"""Some seconds where nothing else runs; other tests run beside these."""
RUN = """
  mutation Run($run: ExecutionParams!) {
    launchPipelineExecution(executionParams: $run) { __typename ... on LaunchRunSuccess { run { runId } } }
  }
"""
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("DAGSTER_HOME", "NH_HOME")}


def nh(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "nh_platform.cli", "--home", str(home), *arguments]


def start_as_a_script_does(home: Path) -> str:
    """Start `nh ui` in the background of a script that ends, wait until it says its address, and return that."""
    log = home / "ui.log"
    log.touch()
    command = " ".join(nh(home, "ui", "--port", str(free_port())))
    subprocess.run(["bash", "-c", f"nohup {command} > {log} 2>&1 &"], check=True, env=ENVIRONMENT)
    wait_until("nh ui says its address", lambda: "Dagster on" in log.read_text(), START_S, log)
    running = read_running_ui(home)
    assert running is not None
    assert f"Dagster on {home}: {running.address}" in log.read_text()
    return running.address


def wait_until(what: str, done: Callable[[], object], seconds: float, log: Path) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, f"not within {seconds:.0f} s: {what}\n{log.read_text()[-4000:]}"
        time.sleep(0.2)


def processes_of(home: Path) -> dict[int, str]:
    """Return every process that works for a home: `nh ui` by its arguments, the others by their environment."""
    found = {}
    for process in psutil.process_iter(["cmdline", "environ", "status"]):
        words = process.info["cmdline"] or []
        works = str(home) in words or (process.info["environ"] or {}).get("NH_HOME") == str(home)
        if works and process.info["status"] != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
            found[process.pid] = " ".join(words)
    return found


def process_called(home: Path, word: str) -> int:
    (found,) = [pid for pid, words in processes_of(home).items() if f"web.child {word} " in words]
    return found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    make_home(tmp_path, ("ibl",))
    assert CliRunner().invoke(app, ["--home", str(tmp_path), "sync", "ibl"]).exit_code == 0
    yield tmp_path
    for pid in processes_of(tmp_path):
        os.kill(pid, signal.SIGKILL)


def test_sigterm_ends_it_with_a_run_and_a_second_one_is_refused(home: Path) -> None:
    address = start_as_a_script_does(home)
    running = read_running_ui(home)
    assert running is not None
    second = subprocess.run(
        nh(home, "ui", "--port", str(free_port())), env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert f"another nh ui works on it: {address} (process {running.pid})" in second.stderr
    assert graphql(address, "query { version }")
    _launch(address, Platform(load_settings(home)).manifest("ibl").session_ids[0])
    wait_until("a run", lambda: _runs(home), 120, home / "ui.log")
    os.kill(running.pid, signal.SIGTERM)
    wait_until("nothing is left", lambda: not processes_of(home), ENDED_S, home / "ui.log")
    assert read_running_ui(home) is None
    assert not (home / "dagster" / "ui.json").exists()


def _runs(home: Path) -> list[int]:
    """Return the processes of runs: children of the warm process, which are called like it."""
    warm = [pid for pid, words in processes_of(home).items() if warm_process.__name__ in words]
    return [pid for pid in warm if psutil.pid_exists(pid) and psutil.Process(pid).ppid() in warm]


def _launch(address: str, session: str) -> None:
    selector = {
        "repositoryLocationName": "nh_platform",
        "repositoryName": "__repository__",
        "pipelineName": "ibl_session",
        "assetSelection": [{"path": ["ibl", asset]} for asset in ("raw_spikes", "events", "units")],
    }
    tags = [{"key": "dagster/partition", "value": session}]
    run = {"selector": selector, "mode": "default", "executionMetadata": {"tags": tags}}
    launched = graphql(address, RUN, {"run": run})["launchPipelineExecution"]
    assert launched["__typename"] == "LaunchRunSuccess", launched


def test_sigint_ends_it_in_the_background_and_a_killed_process_before_was_started_again(home: Path) -> None:
    address = start_as_a_script_does(home)
    log, daemon = home / "ui.log", process_called(home, "daemon")
    os.kill(daemon, signal.SIGKILL)
    wait_until(
        "it is said", lambda: "the daemon is started again: it was killed by SIGKILL" in log.read_text(), ENDED_S, log
    )
    assert process_called(home, "daemon") != daemon
    code_server = process_called(home, "code server")
    os.kill(code_server, signal.SIGKILL)
    wait_until("it is said", lambda: "the code server is started again" in log.read_text(), ENDED_S, log)
    wait_until("the page has definitions again", lambda: _is_loaded(address), START_S, log)
    os.kill(_pid(home), signal.SIGINT)
    wait_until("nothing is left", lambda: not processes_of(home), ENDED_S, log)


def _pid(home: Path) -> int:
    running = read_running_ui(home)
    assert running is not None
    return running.pid


def _is_loaded(address: str) -> bool:
    query = "query { repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"
    return bool(graphql(address, query)["repositoriesOrError"].get("nodes"))


def test_killed_it_leaves_neither_processes_nor_a_lock(home: Path) -> None:
    start_as_a_script_does(home)
    os.kill(_pid(home), signal.SIGKILL)
    wait_until("nothing is left", lambda: not processes_of(home), ENDED_S, home / "ui.log")
    assert read_running_ui(home) is None
    with hold_home(load_settings(home)):
        pass
