"""The page of benchmarks is what its JSON gives, and its figure shows every comparison."""

from __future__ import annotations

from pathlib import Path

from benchmarks.harness import growth
from benchmarks.harness.page import PAGE, page
from benchmarks.harness.ratios import draw
from benchmarks.harness.results import read_results
from benchmarks.rows import ALL


def test_the_figure_shows_every_comparison_also_one_without_a_ratio(tmp_path: Path) -> None:
    peers = [
        {"label": "`fast`", "ratios": [2.0, 3.0, 4.0], "at_least": 2.5},
        {"label": "broken", "failed": "ended with status 1", "at_least": None},
    ]
    draw([{"name": "row", "peers": peers}], tmp_path / "ratios.svg")
    drawn = (tmp_path / "ratios.svg").read_text(encoding="utf-8")
    for words in ("row: fast", "row: broken", "no ratio", "times faster here"):
        assert f"<!-- {words}" in drawn or f"<!--  {words}" in drawn
    draw([], tmp_path / "ratios.svg")
    assert not (tmp_path / "ratios.svg").exists()


def test_the_page_is_what_its_json_gives() -> None:
    made = page(read_results(), ALL, growth.read())
    assert made == PAGE.read_text(encoding="utf-8"), "docs/benchmarks.md was changed by hand, or its JSON was"
