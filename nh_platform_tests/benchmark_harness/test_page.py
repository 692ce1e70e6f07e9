"""The page of benchmarks is what its JSON gives, and its figure shows every comparison."""

from __future__ import annotations

from pathlib import Path

from benchmarks.harness import growth
from benchmarks.harness.comparison import memory_share, own_figure
from benchmarks.harness.page import PAGE, _memory, _near, page
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


def test_memory_is_the_most_of_each_side_since_a_process_keeps_what_a_run_took() -> None:
    def runs(*peaks: float) -> list[dict[str, float]]:
        return [{"cpu_s": 1.0, "wall_s": 1.0, "peak_bytes": peak} for peak in peaks]

    peer = {"runs": runs(1600e6, 1e6, 1e6), "memory_share": 1 / 3}
    result = {"here": runs(800e6, 800e6, 799e6), "at_most": {}}
    assert memory_share(result, peer) == 0.5
    assert own_figure(result, "peak_bytes") == 800e6
    assert _memory(result, peer) == "1 (1, 1600); 800 (799, 800): 50%, aim 33% **missed**"
    assert _memory(result, {**peer, "memory_share": None}) == "1 (1, 1600); 800 (799, 800)"


def test_sides_that_are_near_or_ahead_are_listed_with_the_reason_those_ahead_first() -> None:
    def row(name: str, *ratios: float) -> dict[str, object]:
        return {"name": name, "peers": [{"label": "other", "packages": ["numpy"], "ratios": list(ratios)}]}

    found = [row("near", 1.9, 1.5, 9.0), row("far", 2.0, 2.1, 2.2), row("ahead", 0.5)]
    assert (
        _near(found, {("ahead", "other"): "It does less."})
        == "- 0.5: `ahead`, other. It does less.\n- 1.9: `near`, other."
    )
    assert _near([row("far", 3.0)], {}) == "None is."
