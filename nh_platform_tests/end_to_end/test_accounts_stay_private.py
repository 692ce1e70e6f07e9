"""The name and password of an account stand in no file that others can read, and an address is shown without them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.operations.instance import open_instance
from nh_platform_tests.end_to_end.remote_homes import make_remote_home, write_upstream
from nh_platform_tests.homes import materialize
from nh_platform_tests.loopback import Loopback

ADDRESS, PASSWORD = "https://someone:s3cret-9@alyx.invalid", "s3cret-9"


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Loopback]:
    with Loopback(write_upstream(tmp_path / "upstream")) as running:
        yield running


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def readable_by_others(folder: Path) -> Iterator[Path]:
    """Yield the files that another user of the machine can reach."""
    for path in folder.iterdir():
        mode = path.stat().st_mode
        if path.is_dir() and mode & stat.S_IXOTH:
            yield from readable_by_others(path)
        elif path.is_file() and mode & stat.S_IROTH:
            yield path


def test_after_a_run_the_account_stands_in_no_readable_file(
    servers: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, temporary, home = (tmp_path / name for name in ("own", "temporary", "home"))
    own.mkdir()
    temporary.mkdir()
    monkeypatch.setenv("HOME", str(own))
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("DAGSTER_HOME", "")
    platform = make_remote_home(home, servers, monkeypatch)
    with open_instance(platform.settings) as instance:
        (outcome,) = materialize(platform, instance, "ibl", assets=("raw_spikes",))
        assert outcome.success, outcome.errors
        monkeypatch.setenv("NH_ONE_PASSWORD", "wrong")
        assert CliRunner().invoke(app, ["--home", str(home), "sync", "ibl"]).exit_code == 1
    secrets = [text.encode() for text in (servers.username, servers.password)]
    found = [path for folder in (own, temporary, home) for path in readable_by_others(folder)]
    assert len(found) > 10
    assert [path for path in found if any(secret in path.read_bytes() for secret in secrets)] == []


def test_the_history_of_dagster_is_no_matter_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its logs have paths with the names of users, and what programs print."""
    from nh_platform.home.settings import load_settings

    monkeypatch.setenv("DAGSTER_HOME", "")
    (tmp_path / "dagster").mkdir(mode=0o775)
    (tmp_path / "dagster").chmod(0o775)
    with open_instance(load_settings(tmp_path)):
        pass
    assert stat.S_IMODE((tmp_path / "dagster").stat().st_mode) == 0o770
    with open_instance(load_settings(tmp_path / "new")):
        pass
    assert list(readable_by_others(tmp_path / "new")) == []


@pytest.mark.parametrize("command", [["sync", "ibl"], ["doctor"], ["status"], ["materialize", "ibl", "--missing"]])
def test_an_address_with_a_password_is_refused_and_never_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("NH_ONE_URL", ADDRESS)
    monkeypatch.setenv("NH_ONE_USERNAME", "reader")
    monkeypatch.setenv("NH_ONE_PASSWORD", "x")
    monkeypatch.setenv("DAGSTER_HOME", "")
    (tmp_path / "sources.yaml").write_text("ibl:\n  read: {mode: remote}\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["--home", str(tmp_path), *command], env={"COLUMNS": "400"})
    said = result.output + result.stderr
    assert PASSWORD not in said
    assert PASSWORD not in str(result.exception)
    if command[0] in ("sync", "doctor"):
        assert "NH_ONE_USERNAME and NH_ONE_PASSWORD" in said
