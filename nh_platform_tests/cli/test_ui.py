"""`nh ui` refuses what cannot work before Dagster starts."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.operations.web.serving import require_free_port
from nh_platform.session import ConfigError


@pytest.fixture
def taken() -> object:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture(autouse=True)
def no_dagster(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)


def test_a_port_in_use_is_named_with_one_that_is_free(
    tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    result = CliRunner().invoke(app, ["--home", str(tmp_path), "ui", "--port", str(taken)])
    assert result.exit_code == 1
    assert f"port {taken} of 127.0.0.1: it is in use" in result.stderr
    suggested = int(result.stderr.split("--port ")[1].split()[0])
    assert suggested > taken
    require_free_port("127.0.0.1", suggested)
    assert not (tmp_path / "dagster" / "dagster.yaml").exists()


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(ConfigError, match=r"port 3000 of 192\.0\.2\.1: it cannot be listened on"):
        require_free_port("192.0.2.1", 3000)


def test_a_demo_that_was_not_made_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    result = CliRunner().invoke(app, ["ui", "--demo"])
    assert result.exit_code == 1
    assert "Run `nh demo` first" in result.stderr
    assert not (tmp_path / "data").exists()


def test_a_workspace_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--home", str(tmp_path), "ui", "--workspace", str(tmp_path / "workspace.yaml")])
    assert result.exit_code == 1
    assert "there is no such file" in result.stderr
    assert "deploy/workspace.yaml" in result.stderr
