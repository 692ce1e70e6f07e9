"""What a small session costs in a run of its own: the real `nh ui` works off a backfill of simulated sessions.

    uv run python -m benchmarks.bench_runs [--sessions 100] [--source ibl] [--stock]

Prints CPU seconds of all processes of `nh ui` per session (page, daemon, code server, runs), without what they take
when there is nothing to do, the CPU seconds that the same assets take in one process without Dagster, and the
difference: what a run costs around its work; then the bytes of Dagster's own files per session. ``--stock`` begins a
new interpreter for each run, as Dagster's own launcher does. Exit 1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import psutil

from benchmarks.aims import Aims
from nh_platform import operations
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance, prepare_instance
from nh_platform.operations.opened_home import OpenHome
from nh_platform.operations.simulated.simulated_sources import write_simulated
from nh_platform.planning.making import make_session_asset
from nh_platform.planning.versions import SourcePlan
from nh_platform.simulation import SIZES

OVERHEAD_AIM_CPU_S, FILES_AIM_MB = 3.0, 0.2
SEED, PORT = 7, 3978
_IDLE_S = 20.0
"""How long the page, daemon and code server are watched without work."""
_OWN_SESSIONS = 5
_LONGEST_S = 3600.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--source", default="ibl")
    parser.add_argument("--size", default="tiny", choices=SIZES)
    parser.add_argument("--stock", action="store_true", help="a new interpreter for each run")
    parser.add_argument("--home", type=Path, help="keep the home here")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    os.environ.pop("DAGSTER_HOME", None)
    aims = Aims()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # every process would compile what it imports
        home = arguments.home or Path(folder) / "home"
        own = _own_work(Path(folder) / "own", arguments)
        print(f"own work: {own:.2f} CPU s a session (mean of {_OWN_SESSIONS} after the first, in one process)")
        _make_home(home, arguments, arguments.sessions)
        files_before = _dagster_bytes(home)
        cpu_s, wall_s = _work_off(home, arguments)
        files = (_dagster_bytes(home) - files_before).total() / arguments.sessions / 1e6
    n = arguments.sessions
    print(f"{n} sessions: {cpu_s / n:.2f} CPU s and {wall_s / n:.1f} s a session")
    aims.at_most("CPU s around the own work of a session", cpu_s / n - own, OVERHEAD_AIM_CPU_S, "s")
    aims.at_most("Dagster's files of a session", files, FILES_AIM_MB, "MB")
    aims.finish()


def _make_home(home: Path, arguments: argparse.Namespace, n_sessions: int) -> None:
    source = arguments.source
    write_simulated(source, home / "upstream" / source, n_sessions, SEED, SIZES[arguments.size])
    text = f"{source}:\n  read: {{mode: local, root: upstream/{source}}}\n"
    (home / "sources.yaml").write_text(text, encoding="utf-8")
    settings = load_settings(home)
    with open_instance(settings, embedded=True) as instance:
        operations.sync(OpenHome(Platform(settings), instance), source)


def _own_work(home: Path, arguments: argparse.Namespace) -> float:
    """Return CPU seconds that the assets of a session take, without Dagster."""
    _make_home(home, arguments, _OWN_SESSIONS + 1)
    platform = Platform(load_settings(home))
    plan = SourcePlan(platform, arguments.source)
    began = 0.0
    for number, session_id in enumerate(platform.manifest(arguments.source).session_ids):
        if number == 1:
            began = time.process_time()
        for name in plan.assets:
            make_session_asset(platform, arguments.source, session_id, name)
    return (time.process_time() - began) / _OWN_SESSIONS


def _work_off(home: Path, arguments: argparse.Namespace) -> tuple[float, float]:
    """Serve the home until its backfill is made; return CPU and wall seconds of that."""
    settings = load_settings(home)
    environment = {**os.environ, "NH_SENSOR_INTERVAL_S": "10"}
    if arguments.stock:
        environment["NH_RUN_START"] = "new"
    with (home / "ui.log").open("wb") as log:
        command = [sys.executable, "-m", "nh_platform.cli", "--home", str(home), "ui", "--port", str(PORT)]
        served = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _until_it_answers(home, served)
        time.sleep(_IDLE_S)  # the first ticks
        before = _cpu_seconds(served.pid)
        time.sleep(_IDLE_S)
        idle = (_cpu_seconds(served.pid) - before) / _IDLE_S
        print(f"without work: {idle:.3f} CPU s a second")
        began, before = time.monotonic(), _cpu_seconds(served.pid)
        prepare_instance(settings)
        operations.backfill(home, arguments.source)
        _until_made(home, arguments, served)
        cpu_s, wall_s = _cpu_seconds(served.pid) - before, time.monotonic() - began
        return cpu_s - idle * wall_s, wall_s
    finally:
        served.send_signal(signal.SIGINT)
        served.wait(60)


def _until_it_answers(home: Path, served: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 300
    while "http://" not in (home / "ui.log").read_text(encoding="utf-8", errors="replace"):
        if served.poll() is not None or time.monotonic() > until:
            raise RuntimeError((home / "ui.log").read_text(encoding="utf-8", errors="replace")[-2000:])
        time.sleep(0.5)


def _until_made(home: Path, arguments: argparse.Namespace, served: subprocess.Popen[bytes]) -> None:
    from dagster import DagsterRunStatus, RunsFilter

    until = time.monotonic() + _LONGEST_S
    settings = load_settings(home)
    done: set[str] = set()
    with open_instance(settings) as instance:
        while len(done) < arguments.sessions:
            if served.poll() is not None or time.monotonic() > until:
                raise RuntimeError((home / "ui.log").read_text(encoding="utf-8", errors="replace")[-2000:])
            time.sleep(2)
            runs = instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE]))
            done = {run.tags["dagster/partition"] for run in runs if "dagster/partition" in run.tags}
        states = Counter(run.status.value for run in instance.get_runs() if "dagster/partition" in run.tags)
    print(f"runs of sessions: {dict(states)}")


def _cpu_seconds(pid: int) -> float:
    """Return CPU seconds of a process, of what it started, and of what those collected."""
    total = 0.0
    parent = psutil.Process(pid)
    for process in [parent, *parent.children(recursive=True)]:
        try:
            total += sum(process.cpu_times()[:4])
        except psutil.Error:
            continue  # ended, and is in the times of its parent
    return total


def _dagster_bytes(home: Path) -> Counter[str]:
    """Return the bytes on disk of Dagster's files by their folder."""
    folder = home / "dagster"
    counted: Counter[str] = Counter()
    for path in folder.rglob("*"):
        if path.is_file():
            parts = path.relative_to(folder).parts
            counted["/".join(parts[:2]) if len(parts) > 2 else parts[0]] += path.stat().st_blocks * 512
    return counted


if __name__ == "__main__":
    main()
