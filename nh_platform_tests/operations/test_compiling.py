"""What a first session would compile is compiled beforehand; a second time nothing is left to compile."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.operations.simulated import compiling
from nh_platform.operations.simulated.compiling import Compiled, compile_beforehand
from nh_platform.session import ConfigError


@pytest.mark.slow
def test_a_session_finds_what_was_compiled_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "compiled"))
    monkeypatch.setenv("NH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NH_STORE", "s3://nobody/answers")  # a person's own home is not touched
    first = compile_beforehand(["ibl"])
    assert first.functions > 20
    assert first.seconds > 0
    assert compile_beforehand(["ibl"]) == Compiled(0, 0.0)
    assert [path.name for path in tmp_path.iterdir()] == ["compiled"]


def test_the_command_says_how_much_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for made, said in ((Compiled(135, 20.1), "135 functions compiled in 20 s"), (Compiled(0, 0.0), "all was there")):
        monkeypatch.setattr(compiling, "compile_beforehand", lambda made=made: made)
        result = CliRunner().invoke(app, ["--home", str(tmp_path), "doctor", "--offline", "--warm"])
        assert f"compiled code: {said}" in result.output


def test_what_stops_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"nh doctor --warm: .*no such source.*Run `nh demo`"):
        compile_beforehand(["no such source"])
