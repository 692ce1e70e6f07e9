"""Every block of docs/first-session.md runs, in order, on what the demo makes."""

from __future__ import annotations

import re
from pathlib import Path

import dagster as dg
import pytest

from nh_platform_tests.homes import make_home, materialize

PAGE = Path(__file__).resolve().parents[2] / "docs" / "first-session.md"


def test_the_page_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    platform = make_home(tmp_path / "data" / "demo")
    with dg.DagsterInstance.ephemeral() as instance:
        for source in ("ibl", "allen_vc"):
            assert all(outcome.success for outcome in materialize(platform, instance, source))
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) >= 10
    names: dict[str, object] = {}
    for number, block in enumerate(blocks):
        exec(compile(block, f"first-session.md, block {number + 1}", "exec"), names)
    assert names["units"]["good"].any()  # type: ignore[index]
    assert names["counts"].shape[2] == 50  # type: ignore[attr-defined]
    assert sorted(names["by_feedback"]) == [-1.0, 1.0]  # type: ignore[call-overload]
    assert names["psth"].rate.max() > 1  # type: ignore[attr-defined]
    assert (tmp_path / "psth.png").stat().st_size > 5000
