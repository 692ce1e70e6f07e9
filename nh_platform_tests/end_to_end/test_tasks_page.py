"""docs/tasks.md: its code runs on simulated sessions, and every task, metric and baseline is on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from nh_platform.tasks.baselines import BASELINES
from nh_platform.tasks.named_tasks import tasks
from nh_platform_tests.homes import make_home, materialize

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "tasks.md").read_text(encoding="utf-8")


def test_every_task_metric_and_baseline_is_on_the_page() -> None:
    for task in tasks().values():
        assert f"`{task.name}`" in PAGE
        assert [name for name in task.metrics if not re.search(rf"\b{name}\b", PAGE)] == []
        assert [name for name in task.sources if f"`{name}`" not in PAGE] == []
    assert [one.label for one in BASELINES.values() if f"`{one.label}`" not in PAGE] == []  # type: ignore[attr-defined]


@pytest.mark.slow
def test_a_model_of_one_s_own_is_fitted_written_and_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = make_home(tmp_path / "data" / "demo", ("ibl",))
    with dg.DagsterInstance.ephemeral() as instance:
        materialize(platform, instance, "ibl", assets=["raw_spikes", "events", "units"])
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "tasks.md", "exec"), names)
    (one,) = names["scored"].files
    assert (one.label, one.task, one.seed, one.matched) == ("nearest-mean", "ts1-choice", 43, 1.0)
    assert names["scored"].refused == {}
