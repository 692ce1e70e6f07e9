"""docs/train-a-model.md, from the demo's upstream data to the score that the page prints."""

from __future__ import annotations

import re
from pathlib import Path

import dagster as dg
import pytest

from nh_platform import operations
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.opened_home import OpenHome
from nh_platform.operations.simulated.simulated_upstream import SEED, TRAINING_SET, write_upstream
from nh_platform_tests.cli.commands import nh
from nh_platform_tests.homes import materialize

PAGE = (Path(__file__).parents[2] / "docs" / "train-a-model.md").read_text(encoding="utf-8")


def test_it_is_under_sixty_lines() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(code.splitlines()) <= 60


@pytest.mark.slow
def test_a_decoder_beats_chance_and_shuffled_labels_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "data" / "demo"
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.chdir(tmp_path)
    write_upstream(home, SEED, ("ibl",))
    nh(home, "sync", "ibl")
    platform = Platform(load_settings(home))
    with dg.DagsterInstance.ephemeral() as instance:
        outcomes = materialize(platform, instance, "ibl")
        assert all(one.success for one in outcomes), [one.errors for one in outcomes]
        assert operations.build_training_set(OpenHome(platform, instance), TRAINING_SET).leaks == ()
    (code,), (printed,) = (re.findall(rf"```{kind}\n(.*?)```", PAGE, flags=re.DOTALL) for kind in ("python", "text"))
    names: dict[str, object] = {}
    exec(compile(code, "train-a-model.md", "exec"), names)
    assert capsys.readouterr().out.endswith(printed)
    assert min(names["scores"]) > 0.65  # type: ignore[call-overload]
