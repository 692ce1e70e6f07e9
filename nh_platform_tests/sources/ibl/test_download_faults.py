"""Every fault of a download, once and for good, over whole sessions: nothing corrupt is published, nothing is lost."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nh_platform.session import NhError
from nh_platform.sources.ibl import IblSettings, IblSource
from nh_platform_tests.behavior import read_behavior
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.sources.ibl.conftest import Tree

pytestmark = pytest.mark.slow

TIMES = r"SWC_sim_001.*#2024-05-06#/spikes\.times\."

FAULTS: dict[str, tuple[str, dict[str, object], str]] = {
    "corrupt": ("corrupt", {}, "upstream states"),
    "truncated": ("truncated", {}, "IncompleteRead"),
    "short": ("short", {}, "upstream states"),
    "empty": ("empty", {}, "upstream states"),
    "oversized": ("oversized", {}, "upstream states"),
    "404": ("status", {"status": 404}, "does not exist (HTTP 404)"),
    "429": ("status", {"status": 429, "retry_after": "0"}, "answered HTTP 429; tried 3 times"),
    "429, an hour": ("status", {"status": 429, "retry_after": "3600"}, "asks to wait 3600 s"),
    "500": ("status", {"status": 500}, "answered HTTP 500; tried 3 times"),
    "502": ("status", {"status": 502}, "answered HTTP 502; tried 3 times"),
    "reset": ("reset", {}, "tried 3 times"),
    "never answers": ("hang", {"seconds": 5.0}, "timed out"),
    "stops in the middle": ("stall", {"seconds": 5.0}, "timed out"),
}
"""Kind, details and what the error says where the fault stays."""

LASTING = ("404", "429, an hour")
"""Faults that no further attempt may be made for."""


@pytest.fixture
def servers(tree: Tree) -> Iterator[Loopback]:
    with Loopback(tree.root) as running:
        running.files.serves_ranges = False
        yield running


def remote(servers, root: Path) -> IblSource:
    settings = {**servers.settings, "raw_dir": root, "read_timeout_s": 0.5, "connect_timeout_s": 0.5}
    return IblSource(IblSettings.model_validate(settings))


def corrupt_files(root: Path) -> list[Path]:
    files = [p for p in root.rglob("*") if p.is_file() and len(p.name) == 32 and p.parent.name == p.name[:2]]
    assert files
    return [path for path in files if hashlib.md5(path.read_bytes()).hexdigest() != path.name]


def test_no_fault_publishes_a_corrupt_file_or_loses_a_session(
    servers, tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = remote(servers, tmp_path).manifest()
    sessions = [manifest.session(eid) for eid in (tree.eid, tree.other)]
    near = tree.source()
    expected = {s.session_id: near.read_spikes(s).spikes.times.tobytes() for s in sessions}
    n_corrupt = n_lost = 0
    lines = []
    for name, (kind, details, text) in FAULTS.items():
        for times in (1, None):
            root = tmp_path / f"{name}-{times}"
            fault = servers.files.faults.add(TIMES, kind, times=times, **details)
            read, errors = [], []
            for session in sessions:
                try:
                    spikes = remote(servers, root).read_spikes(session).spikes
                    read.append(spikes.times.tobytes() == expected[session.session_id])
                except NhError as error:
                    errors.append(str(error))
            servers.files.faults.clear()
            stays = times is None or name in LASTING
            assert fault.hits >= 1, name
            assert len(read) == (1 if stays else 2), name
            assert all(read), name
            assert all(text in error and tree.eid in error and "spikes.times.npy" in error for error in errors), errors
            # once the fault is over the session is there, and what came before was kept
            again = [remote(servers, root).read_spikes(session).spikes.times.tobytes() for session in sessions]
            n_lost += sum(content != wanted for content, wanted in zip(again, expected.values()))
            n_corrupt += len(corrupt_files(root))
            lines.append(f"{name:>20}  {'stays' if times is None else 'once':5}  {len(errors)} named")
    with capsys.disabled():
        print("\n" + "\n".join(lines) + f"\n{n_corrupt} corrupt files published, {n_lost} sessions lost")
    assert (n_corrupt, n_lost) == (0, 0)


READ = """
import json, sys
from nh_platform.sources.ibl import IblSettings, IblSource
source = IblSource(IblSettings.model_validate(json.loads(sys.argv[1])))
session = source.manifest().session(sys.argv[2])
print("manifest", flush=True)
print(source.read_spikes(session).spikes.n_units, flush=True)
"""


def start(servers, root: Path, eid: str) -> subprocess.Popen:
    settings = IblSettings.model_validate({**servers.settings, "raw_dir": root}).model_dump(mode="json")
    settings |= {"password": servers.password}  # shown as stars otherwise
    import json

    command = [sys.executable, "-c", READ, json.dumps(settings), eid]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_read_the_same_session_and_every_file_is_fetched_once(
    servers, tree: Tree, tmp_path: Path
) -> None:
    running = [start(servers, tmp_path, tree.eid) for _ in range(2)]
    assert [process.communicate(timeout=120)[0].split() for process in running] == [["manifest", "24"]] * 2
    asked = [path for _, path in servers.files.requests]
    assert len(asked) == len(set(asked)) > 10
    assert corrupt_files(tmp_path) == []


def test_a_process_killed_in_the_middle_of_a_download_leaves_nothing_half(servers, tree: Tree, tmp_path: Path) -> None:
    servers.files.serves_ranges = True
    servers.files.faults.add(TIMES, "stall")
    process = start(servers, tmp_path, tree.eid)
    deadline = time.monotonic() + 60
    while len([path for _, path in servers.files.requests if "spikes.times" in path]) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    servers.files.faults.clear()
    n_before = len(servers.files.requests)
    assert corrupt_files(tmp_path) == []
    session = tree.source().manifest().session(tree.eid)
    assert remote(servers, tmp_path).read_spikes(session).spikes.n_units == 24
    assert corrupt_files(tmp_path) == []
    assert not list(tmp_path.rglob("*.part"))
    asked_again = {path for _, path in servers.files.requests[n_before:]}
    assert len(asked_again) < session.of_group("spikes")["md5"].nunique()  # what was whole is not fetched again


def test_a_token_withdrawn_between_two_readings_loses_nothing(servers, tree: Tree, tmp_path: Path) -> None:
    source = remote(servers, tmp_path)
    session = source.manifest().session(tree.eid)
    source.read_spikes(session)
    servers.state.revoke_tokens()
    assert len(read_behavior(source, session).events["trials"])
    assert corrupt_files(tmp_path) == []
