"""docs/notebooks-that-exist.md: the lines that a notebook has after the change run."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "notebooks-that-exist.md"
BLOCK = re.compile(r"```(python|diff)\n(.*?)```", flags=re.DOTALL)

pytestmark = pytest.mark.filterwarnings("ignore")


def blocks() -> list[str]:
    """Return the code of every block; of a diff, the lines that are there after it."""
    found = []
    for kind, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        lines = text.splitlines()
        found.append(text if kind == "python" else "\n".join(line[1:] for line in lines if not line.startswith("-")))
    return found


@pytest.fixture
def beside(simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go into a folder in which the simulated home is ``data/demo``."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "demo").symlink_to(simulated)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_the_lines_of_notebooks_run_after_the_change(beside: Path) -> None:
    assert len(blocks()) == 5
    names: dict[str, Any] = {}
    seen = []
    for number, block in enumerate(blocks()[:4]):
        exec(compile(block, f"notebooks-that-exist.md, block {number + 1}", "exec"), names)
        seen.append(names.get("session"))
    assert len(names["times_of_good"]) == names["good"].sum() > 0
    assert len(names["regions"]) == names["good"].sum()
    assert 0 < len(names["left_trials"]) < len(names["sl"].trials)
    assert len(names["speed"]) > 1000
    assert len(names["whisker"]) > 1000
    assert names["mean_counts"].shape == (3, len(names["in_v1"]))
    assert len(names["in_v1"]) > 0
    assert set(names["by_condition"].index.get_level_values("unit_id")) == set(names["in_v1"].index)
    assert np.isfinite(names["running"]).any()
    assert len(names["changes"]) > 0
    assert 0 <= names["hit_rate"] <= 1
    assert [type(one).__name__ for one in seen[2:]] == ["EcephysSession", "BehaviorEcephysSession"]


@pytest.mark.peer
def test_the_lines_for_pynapple_and_spikeinterface_run_beside_them(beside: Path) -> None:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from peers import run_in_peer
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    script = beside / "page.py"
    first, *_, last = blocks()
    script.write_text(
        f"{first}\n{last}\nprint(len(units), len(rates), len(in_samples) > 0, len(areas), len(position) > 0)"
    )
    said = run_in_peer("readers", script).split()
    assert said[0] == said[1] == said[3] != "0"
    assert said[2] == said[4] == "True"


def test_notebooks_lines_before_and_after_open_the_same_session() -> None:
    for kind, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "diff":
            lines = text.splitlines()
            assert {line[:1] for line in lines if line} == {"-", "+", " "}
            assert any(line.startswith("-from") for line in lines)
            kept = [line for line in lines if line.startswith(" ")]
            assert len(kept) > sum(line.startswith("+") for line in lines), "most lines of a notebook stay"
