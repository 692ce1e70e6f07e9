"""Tables for a person: what is wider than the terminal is turned where its rows are few."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from nh_platform.cli import console
from nh_platform.cli.console import Format, print_rows

COLUMNS = ("source", "release", "not_loaded", "withdrawn", "store GB")
ROWS = [{"source": "ibl", "release": "follow_default", "not_loaded": 0, "withdrawn": 3, "store GB": 0.026}]


def printed(monkeypatch: pytest.MonkeyPatch, width: int, rows: list[dict[str, object]]) -> str:
    text = io.StringIO()
    monkeypatch.setattr(console, "out", Console(file=text, width=width))
    print_rows(rows, COLUMNS, Format.table, title="home")
    return text.getvalue()


def test_a_table_that_fits_has_a_line_for_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "│ ibl    │ follow_default │" in printed(monkeypatch, 120, ROWS)


def test_one_of_few_rows_that_does_not_fit_is_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    turned = printed(monkeypatch, 40, ROWS)
    assert "│ not loaded │ 0              │" in turned
    assert max(map(len, turned.splitlines())) <= 40


def test_one_of_many_rows_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "not loaded │" not in printed(monkeypatch, 40, ROWS * 9)
