"""docs/splits.md: its code gives what it prints."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "splits.md").read_text(encoding="utf-8")


def test_the_code_of_the_page_gives_what_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    within, audited = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    session = SimpleNamespace(spikes=SimpleNamespace(recorded_time=SimpleNamespace(start=0.0, stop=2000.0)))
    names = {"session": session}
    exec(compile(within, "splits.md", "exec"), names)
    assert names["ranges"]["train"].tolist() == [[0.0, 1568.0]]  # type: ignore[index]
    assert len(names["folds"]) == 5  # type: ignore[arg-type]
    exec(compile(audited, "splits.md", "exec"), {})
    (printed,) = re.findall(r"```text\n(.*?)```", PAGE, flags=re.DOTALL)
    assert capsys.readouterr().out == printed
