"""A disk that takes no more is said in words, in a command and while the page is served; other errors pass."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.home.full_disk import DiskWatch, named_full_disk
from nh_platform.session import ConfigError, StoreError
from nh_platform_tests.homes import make_home


def limited(n_bytes: int) -> Callable[[], None]:
    """Return what lets a process write no file longer than ``n_bytes``, as a full disk would not."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))


def full() -> None:
    """Write more into a database than it may hold, through the library that Dagster uses."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.execute(text("PRAGMA max_page_count = 2"))
        connection.execute(text("CREATE TABLE a (b TEXT)"))
        connection.execute(text("INSERT INTO a VALUES (:b)"), {"b": "x" * 100_000})


def test_what_a_library_wrapped_is_recognised(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as refused, named_full_disk(tmp_path / "dagster"):
        try:
            full()
        except Exception as error:
            raise RuntimeError("the run could not be stored") from error
    assert refused.value.thing == f"Dagster's history {tmp_path / 'dagster'}"
    assert "database or disk is full; " in refused.value.found
    assert "Free some space" in refused.value.action


@pytest.mark.parametrize(
    "error",
    [ConfigError("a", "b", "c"), ValueError("x"), sqlite3.OperationalError("locked"), FileNotFoundError(2, "x")],
)
def test_other_errors_pass(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)) as passed, named_full_disk(tmp_path):
        raise error
    assert passed.value is error


def test_a_command_ends_in_words_and_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    make_home(tmp_path, ("ibl",))
    assert CliRunner().invoke(app, ["--home", str(tmp_path), "sync", "ibl"]).exit_code == 0
    command = [sys.executable, "-m", "nh_platform.cli", "--home", str(tmp_path)]
    command += ["materialize", "ibl", "--all", "--asset", "raw_spikes"]
    done = subprocess.run(
        command, capture_output=True, text=True, preexec_fn=limited(16_000), env=os.environ, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"error Dagster's history {tmp_path}/dagster: it cannot be written (disk I/O error; " in done.stderr
    again = CliRunner().invoke(app, command[3:])
    assert again.exit_code == 0, again.output
    assert "1 asset materialized" in again.output


def test_a_full_disk_is_said_once_and_so_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    free_mb = iter([100, 5, 3, 500, 500])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=next(free_mb) * 1_000_000))
    monkeypatch.setattr("nh_platform.home.full_disk._LOOK_S", 0.0)
    watch = DiskWatch(tmp_path, said.append)
    for _ in range(5):
        watch.look()
    assert [line.split(":")[0].removeprefix(f"the disk of {tmp_path} ") for line in said] == [
        "is full (5 MB are free)",
        "has room again; failed sessions are asked for again",
    ]
