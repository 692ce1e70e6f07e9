"""A backfill that `nh ui` works off, with what each session and each asset took.

Contains the server, how long it is watched, and the sums. What a fork writes of each asset is `recorder`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.rehearsal.record import Stage
from benchmarks.rehearsal.recorder.sitecustomize import RECORD
from benchmarks.rehearsal.watching import Tree, folder_bytes
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
from nh_platform.planning.session_states import source_states
from nh_platform.planning.source_standing import stale_catalogs

SOURCE = "ibl"
LAST_ASSET = "session_report"
LINES = "made.jsonl"
_LOOK_S, _LONGEST_S = 5.0, 3 * 3600.0
_RECORDER = Path(__file__).parent / "recorder"


def nh(home: Path, *arguments: str) -> list[str]:
    """Return a command of `nh` for a home."""
    return [sys.executable, "-m", "nh_platform.cli", "--home", str(home), *arguments]


@contextmanager
def served(home: Path, port: int, tick_s: int) -> Iterator[Tree]:
    """Serve a home by `nh ui`, and give its processes."""
    environment = {**os.environ, "NH_SENSOR_INTERVAL_S": str(tick_s), RECORD: str(home / LINES)}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_RECORDER), os.environ.get("PYTHONPATH")]))
    said = home / "ui.log"
    with said.open("wb") as log:
        command = nh(home, "ui", "--port", str(port))
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        until = time.monotonic() + 300
        while "http://" not in said.read_text(encoding="utf-8", errors="replace"):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(said.read_text(encoding="utf-8", errors="replace")[-2000:])
            time.sleep(0.5)
        with Tree(process.pid) as tree:
            yield tree
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def worked_off(home: Path, tree: Tree, name: str, sessions: Collection[str]) -> Iterator[Stage]:
    """Ask for sessions, wait until the daemon made them and what joins them, and give a stage of each.

    CPU seconds are those of all processes of `nh ui`, its ticks included: what they take without work cannot be told
    beforehand, since the sensor begins with what a release brought as soon as it is served.
    """
    before = folder_bytes(home / "dagster")
    started = len(made_lines(home))
    cpu, began, tree.peak_bytes = tree.cpu_s(), time.monotonic(), 0
    subprocess.run(nh(home, "backfill", SOURCE), check=True, stdout=subprocess.DEVNULL)
    _wait(home, sessions, name)
    wall_s, cpu_s = time.monotonic() - began, tree.cpu_s() - cpu
    after = folder_bytes(home / "dagster")
    lines = [line for line in made_lines(home)[started:] if line["session"] in sessions]
    own = sum(line["cpu_s"] for line in lines)
    n = len({line["session"] for line in lines})
    states = _run_states(home, sessions)
    more: dict[str, Any] = {
        "own_cpu_s": own,
        "around_cpu_s_per_session": (cpu_s - own) / max(n, 1),
        "dagster_bytes_per_session": (after[0] - before[0]) / max(n, 1),
        "dagster_files_per_session": (after[1] - before[1]) / max(n, 1),
        "runs": states,
        "assets": by_asset(lines),
    }
    yield Stage(name, n, wall_s, cpu_s, float(tree.peak_bytes), tree.mean, more)
    cpu, began, tree.peak_bytes, started = tree.cpu_s(), time.monotonic(), 0, len(made_lines(home))
    _wait_for_catalogs(home)
    lines = made_lines(home)[started:]
    more = {"assets": by_asset([line for line in lines if not line["session"]])}
    wall_s = time.monotonic() - began
    cpu_s = tree.cpu_s() - cpu
    yield Stage(f"{name}: assets across sessions", n, wall_s, cpu_s, float(tree.peak_bytes), tree.mean, more)


def made_lines(home: Path) -> list[dict[str, Any]]:
    """Return what forks wrote of the assets that they made."""
    path = home / LINES
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def by_asset(lines: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return mean and largest CPU and wall seconds and the largest peak memory of each asset."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        groups[line["asset"]].append(line)
    return {
        asset: {
            "n": len(of_asset),
            "cpu_s_mean": sum(line["cpu_s"] for line in of_asset) / len(of_asset),
            "cpu_s_max": max(line["cpu_s"] for line in of_asset),
            "wall_s_mean": sum(line["wall_s"] for line in of_asset) / len(of_asset),
            "peak_bytes_max": max(line["peak_bytes"] for line in of_asset),
        }
        for asset, of_asset in groups.items()
    }


def _wait(home: Path, sessions: Collection[str], name: str) -> None:
    """Wait until every session is made or its run failed for good, and say how far it is."""
    until, said, quiet_since, last = time.monotonic() + _LONGEST_S, 0.0, time.monotonic(), -1
    began = time.monotonic()
    while time.monotonic() < until:
        time.sleep(_LOOK_S)
        lines = made_lines(home)
        done = {line["session"] for line in lines if line["asset"] == LAST_ASSET} & set(sessions)
        if len(lines) != last:
            last, quiet_since = len(lines), time.monotonic()
        if time.monotonic() - said > 60:
            said = time.monotonic()
            print(f"  {name}: {len(done)} of {len(sessions)} sessions after {said - began:.0f} s", flush=True)
        is_quiet = time.monotonic() - quiet_since > 120
        if (len(done) == len(sessions) or is_quiet) and not _left(home, sessions):
            return
        if is_quiet:
            quiet_since = time.monotonic()
    raise RuntimeError(f"{name}: sessions are left after {_LONGEST_S:.0f} s: {_left(home, sessions)[:5]}")


def _left(home: Path, sessions: Collection[str]) -> list[str]:
    """Return sessions of which something is to be made, and runs that have not ended."""
    from dagster import DagsterRunStatus, RunsFilter

    settings = load_settings(home)
    states = source_states(Platform(settings), SOURCE)
    stale = [state.session_id for state in states.sessions if state.stale and state.session_id in sessions]
    going = [DagsterRunStatus.QUEUED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED]
    with open_instance(settings) as instance:
        return stale + [run.run_id for run in instance.get_runs(RunsFilter(statuses=going))]


def _wait_for_catalogs(home: Path) -> None:
    until = time.monotonic() + 1800
    while time.monotonic() < until:
        time.sleep(_LOOK_S)
        if not stale_catalogs(Platform(load_settings(home)), SOURCE)[0] and not _left(home, ()):
            return
    raise RuntimeError(f"not made: {stale_catalogs(Platform(load_settings(home)), SOURCE)[0]}")


def _run_states(home: Path, sessions: Collection[str]) -> Mapping[str, int]:
    with open_instance(load_settings(home)) as instance:
        runs = instance.get_runs()
    return dict(Counter(run.status.value for run in runs if run.tags.get("dagster/partition") in sessions))
