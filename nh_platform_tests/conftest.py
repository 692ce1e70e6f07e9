"""Fixtures that every test may use.

Add a fixture here when two test folders share it. Data that only one folder needs is made there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer.testing
from hypothesis import settings

from nh_platform.home.own_process import collect_seldom, use_one_thread

if TYPE_CHECKING:
    from nh_platform.home.platform import Platform
    from nh_platform.reading import SessionView
    from nh_platform_tests.loopback.object_faults import ObjectFaults
    from nh_platform_tests.loopback.object_store import ObjectServer

for _name in ("DAGSTER_HOME", "NH_POSTGRES_URL", "NH_STORE", "NH_RAW", "NH_REVIEWS"):
    os.environ.pop(_name, None)  # a person's deployment: simulated sessions would go into its database and buckets

# Tests run beside each other, as runs do: a fit of 3 s took 25 with a thread a core.
use_one_thread()
collect_seldom()

# It builds all 180 commands anew for each that a test runs: 75 ms of CPU.
typer.testing._get_command = cache(typer.testing._get_command)

settings.register_profile("any machine", deadline=None)  # a busy one takes 250 ms for nothing
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def object_server() -> Iterator[ObjectServer]:
    """Give a server of objects, shared by all tests of the process: each takes a prefix of its own."""
    from nh_platform_tests.loopback.object_store import serve_objects

    with serve_objects() as server:
        yield server


@pytest.fixture
def led_to_bucket(object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectServer:
    """Lead this process to the server of objects, as a machine with a cache of its own."""
    for name, value in object_server.environment(tmp_path / "cache").items():
        monkeypatch.setenv(name, value)
    return object_server


@pytest.fixture
def faults(led_to_bucket: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectFaults]:
    """Give a proxy that spoils requests, through which this process reaches its bucket."""
    from nh_platform_tests.loopback.object_faults import ObjectFaults

    with ObjectFaults(led_to_bucket.url) as proxy:
        monkeypatch.setenv("NH_STORE_ENDPOINT", proxy.url)
        yield proxy


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """Folder of real public data for checks; the test is skipped with a reason where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "reference"
    folder = Path(os.environ.get("NH_REFERENCE", default))
    if not folder.is_dir():
        pytest.skip(f"reference data not found at {folder}; set NH_REFERENCE to its folder")
    return folder


@pytest.fixture(scope="session")
def made_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home of `nh demo`, made once for all processes of the tests, beside what that printed (``made-demo.txt``).

    Read only: who changes it takes a copy.
    """
    from filelock import FileLock
    from typer.testing import CliRunner

    from nh_platform.cli.app import app

    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    home, printed = shared / "made-demo", shared / "made-demo.txt"
    with FileLock(shared / "made-demo.lock"), pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        if not printed.exists():
            result = CliRunner().invoke(app, ["--home", str(home), "demo"])
            assert result.exit_code == 0, (result.output, result.stderr)
            printed.write_text(result.output)
    return home


@pytest.fixture(scope="session")
def three_sources(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Home with one tiny session of each source, as exports read it: spikes, events, signals, units. Read only."""
    import dagster as dg

    from nh_platform_tests.homes import WRITERS, make_home, materialize

    platform = make_home(tmp_path_factory.mktemp("exports"), tuple(WRITERS))
    with dg.DagsterInstance.ephemeral() as instance:
        for source in WRITERS:
            materialize(platform, instance, source, assets=("raw_spikes", "events", "signals", "units"))
    return platform


@pytest.fixture
def only_session(three_sources: Platform) -> dict[str, SessionView]:
    """Return the one session of each source in that home, by source."""
    from nh_platform import open_store

    store = open_store(three_sources.settings.home)
    return {source: store.session(source, store.store.sessions(source)[0]) for source in store.sources()}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a real disk of 1 MB; the test is skipped where that needs root."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs Linux and root")
    yield disk
    subprocess.run(["umount", str(disk)], check=False)
