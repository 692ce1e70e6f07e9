"""Lines of prose at a terminal's width: no word is cut, no command is broken, continued lines stand below the text."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.text import Text

from nh_platform.cli import console
from nh_platform.cli.terminal.invocation import set_given_home
from nh_platform.cli.terminal.wrapping import wrapped
from nh_platform.session import ConfigError

COMMAND = "nh releases diff previous latest --source ibl"


@pytest.fixture(autouse=True)
def no_home_given() -> None:
    set_given_home(None)  # what a command of another test was given


def lines(text: str, width: int, hanging: int = 0) -> list[str]:
    return [line.plain for line in wrapped(Text(text), width, hanging=hanging)]


def printed(monkeypatch: pytest.MonkeyPatch, width: int, **terminal: bool) -> io.StringIO:
    text = io.StringIO()
    for name in ("out", "err"):
        monkeypatch.setattr(console, name, Console(file=text, width=width, color_system=None, **terminal))
    return text


def test_lines_are_broken_between_words() -> None:
    assert lines("a bee sees the sea", 8) == ["a bee", "sees the", "sea"]
    assert lines("  a bee sees", 8, hanging=4) == ["  a bee", "    sees"]
    assert lines("  /a/long/path", 8) == ["  /a/long/path"]
    assert lines("a bee\nsees", 80) == ["a bee", "sees"]


def test_a_command_stays_in_one_piece_where_it_is_longer_than_a_line() -> None:
    assert lines(f"Look: `{COMMAND}` shows it.", 30) == ["Look:", f"`{COMMAND}`", "shows it."]
    assert lines(f"Look here at once: {COMMAND}", 30) == ["Look here at once:", COMMAND]


def test_a_terminal_gets_lines_and_a_pipe_the_text_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    at_terminal = printed(monkeypatch, 40, force_terminal=True)
    console.say_beside("[bold]note,[/]", f"units: {COMMAND} [a, b]", indent=2)
    assert at_terminal.getvalue().splitlines() == ["  note, units:", f"        {COMMAND} [a, b]"]
    in_pipe = printed(monkeypatch, 40)
    console.say_beside("[bold]note,[/]", f"units: {COMMAND} [a, b]", indent=2)
    assert in_pipe.getvalue() == f"  note, units: {COMMAND} [a, b]\n"


def test_an_error_is_broken_between_words_too(monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(monkeypatch, 40, force_terminal=True)
    console.show_error(ConfigError("the rulebook", "it has a key that no rulebook has", f"Run `{COMMAND}` and look."))
    assert text.getvalue().splitlines() == [
        "error the rulebook: it has a key that no",
        "      rulebook has",
        "      Run",
        f"      `{COMMAND}`",
        "      and look.",
    ]
