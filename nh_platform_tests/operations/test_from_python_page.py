"""Every block of docs/from-python.md runs, in order, on what the demo makes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from nh_platform import operations
from nh_platform_tests.homes import make_home

PAGE = Path(__file__).resolve().parents[2] / "docs" / "from-python.md"


def test_the_page_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    make_home(tmp_path / "data" / "demo")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 11
    names: dict[str, Any] = {}
    for number, block in enumerate(blocks):
        exec(compile(block, f"from-python.md, block {number + 1}", "exec"), names)
    assert names["catalogue"].n_sessions == 1
    (planned,), (ran,) = names["plan"].plans, names["made"].outcomes
    assert (ran.plan, ran.made, ran.errors) == (planned, planned.assets, ())
    assert "sessions 1 1" in capsys.readouterr().out
    assert names["again"].outcomes[0].made == ("windows",)
    assert (names["ibl"].n_sessions, names["ibl"].n_ingested, names["ibl"].n_stale) == (1, 1, 0)
    assert names["counts"].counts.shape[::2] == (20, 15)
    assert names["psth"].n_events.max() == (names["session"].trials["correct"] == 1).sum()
    assert set(names["minute"].spikes.times // 60) == {1}
    assert "no_partitions_left_failed" in {check.name for check in names["looked_over"].checks}
    assert operations.status("data/demo").sources["allen_vc"].n_ingested == 1


def test_the_page_names_every_operation() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in operations.__all__ if not re.search(rf"\b{name}\(", text)] == []
