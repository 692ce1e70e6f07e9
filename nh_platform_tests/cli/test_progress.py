"""The display of a running operation: what runs is on the screen, what ended is printed once."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from nh_platform.cli import console
from nh_platform.operations.opened_home import Progress


def drawn(monkeypatch: pytest.MonkeyPatch, *, n_sessions: int, is_terminal: bool) -> str:
    """Return what is written to the terminal while some sessions run, each of one asset; the last does not end."""
    text = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=text, width=100, height=20, force_terminal=is_terminal))
    with console.progress() as say:
        for number in range(n_sessions):
            say(Progress("sessions", number, n_sessions))
            say(Progress(f"ibl {number:03d}", 0, 1, "starting"))
            if number < n_sessions - 1:
                say(Progress(f"ibl {number:03d}", 1, 1, "failed" if number == 1 else "done"))
        say(Progress(f"ibl {n_sessions - 1:03d}", 0, 1, "units"))
    return text.getvalue()


def test_the_last_picture_holds_what_runs_and_nothing_that_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn(monkeypatch, n_sessions=60, is_terminal=True)).splitlines()
    last = [line for line in lines if line.strip()][-2:]
    assert "sessions" in last[0]
    assert "59/60" in last[0]
    assert "ibl 059" in last[1]
    assert last[1].rstrip().endswith("units")


def test_what_ended_is_one_line_with_its_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    text = drawn(monkeypatch, n_sessions=4, is_terminal=False)
    assert [line.split() for line in text.splitlines()[:3]] == [
        ["ibl", "000", "1/1", "0:00:00", "done"],
        ["ibl", "001", "1/1", "0:00:00", "failed"],
        ["ibl", "002", "1/1", "0:00:00", "done"],
    ]


def test_what_is_written_for_a_session_does_not_grow_with_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    few = len(drawn(monkeypatch, n_sessions=20, is_terminal=True)) / 20
    many = len(drawn(monkeypatch, n_sessions=200, is_terminal=True)) / 200
    assert many < 1.5 * few


def test_nothing_is_drawn_where_nothing_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=text))
    with console.progress():
        pass
    assert text.getvalue() == ""


@pytest.mark.parametrize("in_bytes", [False, True])
def test_a_long_path_that_is_worked_on_takes_nothing_from_the_counts(
    monkeypatch: pytest.MonkeyPatch, in_bytes: bool
) -> None:
    text = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=text, width=80, height=20, force_terminal=True))
    path = "store/ibl/f8953721-9175-4a34-9fc1-f4e4d9be45c2/windows/aee13f1205f921d1/counts.parquet"
    with console.progress(in_bytes=in_bytes) as say:
        say(Progress("files", 44, 445, path))
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.getvalue()).strip().splitlines()[-1]
    assert len(last) <= 80
    assert "files" in last
    assert "44/445" in last
    assert last.rstrip().endswith("ts.parquet")
