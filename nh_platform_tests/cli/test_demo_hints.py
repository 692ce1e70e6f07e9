"""Hints that `nh demo` and the pages of the demo print find the demo's home when they are pasted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nh_platform import operations
from nh_platform.cli.app import app
from nh_platform.cli.terminal import invocation
from nh_platform.home.folder import HOME_VARIABLE


@pytest.fixture(autouse=True)
def no_home_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(HOME_VARIABLE, raising=False)


def hint_of(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """Return the hint that is current when the demo is made by a call of `nh`."""
    seen: list[str] = []

    def made(*_: Any, **__: Any) -> Any:
        seen.append(invocation.with_home("`nh show ibl 4b00`"))
        raise KeyboardInterrupt

    monkeypatch.setattr(operations, "demo", made)
    CliRunner().invoke(app, list(arguments))
    return seen[0]


def test_hints_of_the_demo_name_its_folder_where_the_next_command_would_not_find_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert hint_of(monkeypatch, "demo") == "`nh --home data/demo show ibl 4b00`"
    assert hint_of(monkeypatch, "demo", "--folder", "of mine") == "`nh --home 'of mine' show ibl 4b00`"
    assert hint_of(monkeypatch, "--home", "given", "demo") == "`nh --home given show ibl 4b00`"
    monkeypatch.setenv(HOME_VARIABLE, "stated")
    assert hint_of(monkeypatch, "demo") == "`nh show ibl 4b00`", "the next command finds it by the variable"


@pytest.mark.parametrize("command", [("ui", "--demo"), ("review", "serve", "--demo")])
def test_hints_of_pages_of_the_demo_name_its_folder(command: tuple[str, ...]) -> None:
    CliRunner().invoke(app, list(command))
    assert invocation.with_home("`nh show ibl 4b00`") == "`nh --home data/demo show ibl 4b00`"
    invocation.set_given_home(None)
