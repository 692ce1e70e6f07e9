"""The help of every command in a terminal of 80 columns: no name of an option is cut."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import typer.main
from typer.testing import CliRunner

from nh_platform.cli.app import _asked_for, app


def commands(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Yield the words of each command and the names of its options."""
    yield path, [name for one in command.params for name in one.opts if name.startswith("--") and not one.hidden]  # type: ignore[attr-defined]
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


EVERY = dict(commands(typer.main.get_command(app)))


def test_there_are_the_commands_of_the_groups_too() -> None:
    assert {("sessions",), ("qc", "explain"), ("releases", "diff"), ("lock", "list")} <= EVERY.keys()


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_no_option_is_cut_at_80_columns(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "80"})
    assert shown.exit_code == 0
    assert [name for name in EVERY[words] if name not in shown.output] == []


@pytest.mark.parametrize("before", [[], ["--home", "ui"], ["--home=ui"]], ids=" ".join)
def test_a_process_builds_the_command_that_is_asked_for_alone(before: list[str]) -> None:
    for name in {words[0] for words in EVERY if words}:
        commands, groups = _asked_for([*before, name, "--home", "sync"])
        assert len(commands) + len(groups) == 1
        assert [one.name for one in groups] + [
            typer.main.get_command_name(one.callback.__name__) for one in commands
        ] == [name]


@pytest.mark.parametrize(
    "words", [[], ["--help"], ["-h", "sync"], ["sync-it"], ["--home", "sync"], ["--home"], ["--", "x"]]
)
def test_help_and_what_is_no_command_know_them_all(words: list[str]) -> None:
    assert _asked_for(words) == (app.registered_commands, app.registered_groups)
