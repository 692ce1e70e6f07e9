"""The script of docs/poyo.md: torch_brain's POYO, fed from an export, learns something in 20 steps."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.peer, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[3]


def test_the_script_of_the_page_runs_and_the_loss_falls(recordings: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "poyo.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "train.py").write_text(script, encoding="utf-8")
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from peers import run_in_peer
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    said = run_in_peer("torch_brain", tmp_path / "train.py", recordings)
    before, after = (float(one) for one in re.findall(r"loss (?:before|after 20 steps): ([0-9.]+)", said))
    assert 0 < after < before
