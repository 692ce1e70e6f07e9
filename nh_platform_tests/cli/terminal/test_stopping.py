"""Ctrl-C and SIGTERM end a command: real processes, real signals, and what they leave behind."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError, raise_execution_interrupts
from typer.testing import CliRunner

from nh_platform import operations
from nh_platform.cli.app import app
from nh_platform.cli.terminal.invocation import set_given_home, with_home
from nh_platform.cli.terminal.stopping import Stopped, stopped_by_signals
from nh_platform.home import own_process
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
from nh_platform.operations.opened_home import Interrupted, OpenHome, Progress
from nh_platform.sources.ibl.settings import CREDENTIALS
from nh_platform_tests.homes import make_home
from nh_platform_tests.loopback import Loopback

WAIT_S = 300.0
"""Longest wait for something to happen; three sessions took more than 90 s beside five other processes."""


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with three registered sessions, none of them made."""
    home = tmp_path_factory.mktemp("home")
    make_home(home, ("ibl",), n_sessions=3)
    operations.sync(home, "ibl")
    return home


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name in (*CREDENTIALS, "NH_HOME", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    return dict(os.environ)


class LosesNothing:
    """An object that a weak reference can be taken of."""


class LosesAnInterruption:
    """Sends a signal to this process while it is freed, where Python ignores what is raised."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)


def freed() -> None:
    LosesAnInterruption()


def watched_by_a_reference() -> None:
    def freed(_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)

    held = LosesNothing()
    watch = weakref.ref(held, freed)
    del held  # calls it while `watch` is there
    assert watch() is None


def collected() -> None:
    one = LosesAnInterruption()
    one.itself = one  # type: ignore[attr-defined]
    del one
    gc.collect()


@pytest.mark.parametrize("again_s", [0.0, 0.1], ids=["sent again while the first is handled", "sent again later"])
@pytest.mark.parametrize("lose", [freed, watched_by_a_reference, collected])
@pytest.mark.parametrize("is_run", [False, True], ids=["a command", "a run of Dagster's"])
def test_a_signal_whose_interruption_python_ignores_stops_all_the_same(
    lose: Callable[[], None], is_run: bool, again_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_process, "AGAIN_S", again_s)
    handlers = raise_execution_interrupts if is_run else nullcontext
    begun = time.monotonic()
    with pytest.raises(DagsterExecutionInterruptedError if is_run else Stopped), stopped_by_signals(), handlers():
        lose()
        for _ in range(600):  # Python goes to sleep though a signal came just before
            time.sleep(0.1)
    assert time.monotonic() - begun < 30


def start(home: Path, *arguments: str, environment: dict[str, str], **popen) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "nh_platform.cli", "--home", str(home), *arguments]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **popen
    )


def wait_for(happened: Callable[[], object], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + WAIT_S
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)


def catches(process: subprocess.Popen[str], number: signal.Signals) -> bool:
    """Return whether a process has come as far as handling a signal; before that the signal just kills it."""
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
    caught = next(line for line in lines if line.startswith("SigCgt:")).split()[1]
    return bool(int(caught, 16) >> (number - 1) & 1)


def stop(process: subprocess.Popen[str], number: signal.Signals, within_s: float = 10.0) -> str:
    """Send a signal and return what the process printed; it must end soon, with the signal's exit code."""
    process.send_signal(number)
    out, err = process.communicate(timeout=within_s)
    assert process.returncode == 128 + number, (out, err)
    assert "Traceback" not in err
    return out + err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "name", "processes"), [(signal.SIGINT, "Ctrl-C", 2), (signal.SIGTERM, "SIGTERM", 1)]
)
def test_materialize_gives_up_the_running_sessions_and_no_other_begins(
    synced: Path, environment: dict[str, str], number: signal.Signals, name: str, processes: int
) -> None:
    at_once = f"--processes {processes}"
    with open_instance(load_settings(synced)) as instance:
        before = instance.get_runs_count()
        process = start(synced, "materialize", "ibl", "--all", *at_once.split(), environment=environment)
        started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
        wait_for(lambda: len(instance.get_runs(started)) == processes, process)
        said = stop(process, number)
        runs = instance.get_runs(limit=instance.get_runs_count() - before)
        assert [run.status for run in runs] == [dg.DagsterRunStatus.CANCELED] * processes
        assert instance.event_log_storage.get_concurrency_info("ibl_upstream").active_slot_count == 0
    again = f"nh --home {synced} materialize ibl --missing{f' {at_once}' if processes > 1 else ''}"
    assert (
        f"stopped by {name}: 0 of 3 sessions made; go on with `{again}`, which leaves out what was current before"
        in said
    )
    assert not list((synced / "store").rglob("*.partial*"))
    found = operations.status(synced).sources["ibl"]
    assert (found.n_failed, found.n_ingested) == (0, 0)


@pytest.mark.slow
def test_a_session_that_was_given_up_is_made_by_the_command_that_is_named(
    synced: Path, environment: dict[str, str]
) -> None:
    process = start(synced, "materialize", "ibl", "--missing", environment=environment)
    out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, err
    assert "ibl: 3 sessions" in out


def test_a_notebook_is_told_how_far_it_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = make_home(tmp_path, ("ibl",), n_sessions=2)
    first, second = [], []

    def interrupt_the_second(step: Progress) -> None:
        if step.what == "sessions" and step.done == 1:
            second.append(step)
        if second and step.now == "raw_spikes":
            signal.raise_signal(signal.SIGINT)
        first.append(step)

    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        home = OpenHome(platform, instance)
        operations.sync(home, "ibl")
        with pytest.raises(Interrupted, match="1 of 2 sessions made"):
            operations.materialize(home, "ibl", assets=["raw_spikes"], on_progress=interrupt_the_second)
        statuses = [run.status.name for run in instance.get_runs(limit=2)]
    assert statuses == ["CANCELED", "SUCCESS"]


@pytest.fixture
def servers(synced: Path, environment: dict[str, str]) -> Iterator[Loopback]:
    with Loopback(synced / "upstream" / "ibl") as running:
        environment |= {**running.bucket.environment, "NH_ONE_DATA_SERVER": running.files.data_server}
        yield running


@pytest.mark.slow
def test_a_silent_server_holds_neither_sync_nor_fetch(
    tmp_path: Path, servers: Loopback, environment: dict[str, str]
) -> None:
    servers.bucket.faults.add("cache.zip", "hang", times=1, seconds=60)
    process = start(tmp_path, "sync", "ibl", environment=environment)
    wait_for(lambda: any("cache.zip" in path for path in map(str, servers.bucket.requests)), process)
    assert f"go on with `nh --home {tmp_path} sync ibl`" in stop(process, signal.SIGTERM)
    done = start(tmp_path, "sync", "ibl", environment=environment)
    assert "3 sessions" in done.communicate(timeout=WAIT_S)[0]
    servers.bucket.faults.add(r"spikes\.times", "stall", seconds=60)
    process = start(tmp_path, "fetch", "ibl", "--all", environment=environment)
    wait_for(lambda: any("spikes.times" in path for path in map(str, servers.bucket.requests)), process)
    said = stop(process, signal.SIGTERM)
    assert "0 of 3 sessions fetched, what came of the next is kept" in said
    assert f"go on with `nh --home {tmp_path} fetch ibl --all`" in said
    assert list((tmp_path / "raw").rglob("*.part"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [("demo",), ("inventory", "ibl"), ("qc", "diff", "ibl-2022-03", "ibl-2022-10", "--source", "ibl")]
)
def test_any_other_command_ends_too(
    synced: Path, tmp_path: Path, environment: dict[str, str], arguments: tuple[str, ...]
) -> None:
    home = tmp_path if arguments == ("demo",) else synced
    process = start(home, *arguments, environment=environment)
    wait_for(lambda: catches(process, signal.SIGTERM), process)
    assert "stopped by SIGTERM" in stop(process, signal.SIGTERM)


@pytest.mark.slow
def test_a_command_that_a_script_started_in_the_background_takes_sigint(
    synced: Path, environment: dict[str, str]
) -> None:
    def ignore() -> None:  # as shells do for `command &`
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    process = start(synced, "inventory", "ibl", environment=environment, preexec_fn=ignore)
    wait_for(lambda: catches(process, signal.SIGINT), process)
    assert "stopped by Ctrl-C" in stop(process, signal.SIGINT)


def test_a_hint_carries_the_home_that_was_given(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--home", str(tmp_path), "materialize", "ibl", "--all"])
    assert result.exit_code == 1
    assert f"`nh --home {tmp_path} sync ibl`" in " ".join(result.stderr.split())
    result = CliRunner().invoke(app, ["materialize", "ibl", "--all"], env={"NH_HOME": str(tmp_path)})
    assert "`nh sync ibl`" in " ".join(result.stderr.split())


@pytest.mark.parametrize(("home", "shown"), [(None, "nh"), ("/data/my home", "nh --home '/data/my home'")])
def test_a_home_is_quoted_as_a_shell_needs_it(home: str | None, shown: str) -> None:
    try:
        set_given_home(home)
        assert with_home("Run `nh sync ibl`, then `nh ui`.") == f"Run `{shown} sync ibl`, then `{shown} ui`."
    finally:
        set_given_home(None)
