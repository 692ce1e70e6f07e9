"""Tables for a person: what is wider than the terminal is turned where its rows are few, else cut at whole columns."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from nh_platform.cli import console
from nh_platform.cli.console import Format, print_rows
from nh_platform.cli.terminal import tables

COLUMNS = ("source", "release", "not_loaded", "withdrawn", "store GB")
ROWS = [{"source": "ibl", "release": "follow_default", "not_loaded": 0, "withdrawn": 3, "store GB": 0.026}]


def printed(monkeypatch: pytest.MonkeyPatch, width: int, rows: list[dict[str, object]]) -> str:
    text = io.StringIO()
    monkeypatch.setattr(console, "out", Console(file=text, width=width))
    print_rows(rows, COLUMNS, Format.table, title="home")
    return text.getvalue()


def test_a_table_that_fits_has_a_line_for_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "│ ibl    │ follow_default │" in printed(monkeypatch, 120, ROWS)


def test_a_table_drawn_by_columns_looks_like_one_drawn_by_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [*ROWS, {"source": "[red]", "release": "東京", "not_loaded": None, "withdrawn": 12, "store GB": 1234.5}] * 2
    text = printed(monkeypatch, 120, rows)
    by_rows = io.StringIO()
    Console(file=by_rows, width=120, highlight=False).print(tables._table(rows, COLUMNS, "home"))
    assert text == by_rows.getvalue()
    assert len(text.splitlines()) == 1 + 3 + len(rows) + 1


def test_one_of_few_rows_that_does_not_fit_is_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    turned = printed(monkeypatch, 40, ROWS)
    assert "│ not loaded │ 0              │" in turned
    assert max(map(len, turned.splitlines())) <= 40


def test_one_of_many_rows_shows_the_columns_that_fit_and_names_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(monkeypatch, 40, ROWS * 9)
    assert "│ ibl    │ follow_default │" in text
    assert "loaded" in text
    assert max(map(len, text.splitlines()[:-1])) <= 40
    assert text.splitlines()[-1] == "not shown, a wider terminal has it: withdrawn, store GB"


def test_a_turned_table_has_no_line_that_is_empty_and_no_word_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    monkeypatch.setattr(console, "out", Console(file=text, width=40))
    row = {"kind": "patched in place", "probe": "", "insertion_id": None, "what": "one file with other bytes"}
    print_rows([row], tuple(row), Format.table)
    assert "patched in place" in text.getvalue()
    assert not {"None", "probe", "insertion"} & set(text.getvalue().split())


def test_a_word_is_not_broken_in_a_narrow_table(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    monkeypatch.setattr(console, "out", Console(file=text, width=40))
    rows = [{"rule": "released_vs_recomputed", "found": "20 metrics agree in 139 units"}] * 9
    print_rows(rows, ("rule", "found"), Format.table)
    assert text.getvalue().count("released_vs_recomputed") == 9


def test_ids_are_cut_to_what_tells_them_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [f"{n}1112222-aaaa-bbbb-cccc-{n:012d}" for n in range(9)]
    text = io.StringIO()
    monkeypatch.setattr(console, "out", Console(file=text, width=40))
    rows = [{"session_id": one, "regions": "VISp, CA1, DG, LGd, MRN"} for one in ids]
    print_rows(rows, ("session_id", "regions"), Format.table)
    assert all(f"│ {one[:12]} │" in text.getvalue() for one in ids)
    assert max(map(len, text.getvalue().splitlines())) <= 40
    alike = [row | {"session_id": f"same-beginning-{n}"} for n, row in enumerate(rows)]
    print_rows(alike, ("session_id", "regions"), Format.table)
    assert all(row["session_id"] in text.getvalue() for row in alike)


@settings(deadline=None)
@given(
    st.integers(60, 100), st.lists(st.text("ab ,", max_size=60), min_size=5, max_size=9), st.text("ab ,", max_size=60)
)
def test_no_line_of_a_narrow_table_is_cut(width: int, texts: list[str], other: str) -> None:
    text = io.StringIO()
    rows = [
        {"task": "ts1-whisker_motion_energy", "predicts": one, "target": "classes", "metrics": other} for one in texts
    ]
    table, _ = tables.shaped(rows, tuple(rows[0]), Console(width=width), "")
    Console(file=text, width=width).print(table)
    lines = text.getvalue().splitlines()
    assert {len(line.rstrip()) for line in lines} == {len(lines[0])} <= set(range(width + 1))
    assert {line[-1] for line in lines} <= set("┓┃┩│┘")


def test_a_heading_is_words_and_the_id_of_a_definition_is_itself() -> None:
    assert tables.heading("not_loaded") == "not loaded"
    assert tables.heading("nh.waveform_type@1") == "nh.waveform_type@1"
