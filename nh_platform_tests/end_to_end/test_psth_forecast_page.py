"""docs/psth-forecast.md: its code runs on simulated sessions, and its words are those of the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest

from nh_platform.tasks.task import TargetMissing
from nh_platform.tasks.visual import VISUAL_TASKS
from nh_platform.tasks.visual.psth_forecast import BASELINES, forecast_table
from nh_platform.tasks.visual.psth_forecast.results import COLUMNS
from nh_platform_tests.homes import make_home, materialize

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "psth-forecast.md").read_text(encoding="utf-8")

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Run the page from top to bottom and give its names; its store is a folder below the working directory."""
    folder = tmp_path_factory.mktemp("forecast")
    platform = make_home(folder / "data" / "demo", ("allen_vc", "ibl"))
    with dg.DagsterInstance.ephemeral() as instance:
        for source in ("allen_vc", "ibl"):
            made = materialize(platform, instance, source, assets=["raw_spikes", "events", "units"])
            assert all(outcome.success for outcome in made)
    found: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)):
            exec(compile(block, f"psth-forecast.md, block {number + 1}", "exec"), found)
        yield found


def test_the_flashes_are_repeated_and_their_units_predicted(names) -> None:
    summary = names["summary"].set_index(["stimulus", "model"])
    assert summary.loc[("flashes", "linear"), "n_units"] > 10
    assert summary.loc[("flashes", "linear"), "r2"] > summary.loc[("flashes", "mean-rate"), "r2"]
    assert list(names["table"].columns) == list(COLUMNS)


def test_a_prediction_of_one_s_own_is_scored_beside_the_baselines(names) -> None:
    scores = names["scores"]
    assert set(scores["model"]) == {"one-course-for-all"}
    assert np.isfinite(scores["r2"]).sum() > 10
    assert (scores["ceiling"].dropna() <= 1).all()


def test_what_a_session_of_ibl_lacks_is_said_in_the_words_of_the_page(names) -> None:
    home = names["home"]
    session = home.session("ibl", home.sessions("ibl")["session_id"].iloc[0])
    with pytest.raises(TargetMissing) as raised:
        forecast_table(session)
    found = raised.value.found
    assert found.split(";")[0] == "it has no stimulus presentations, which psth-forecast is made of"
    assert found.split(";")[0] in " ".join(PAGE.split())


def test_every_task_baseline_and_column_is_on_the_page() -> None:
    for task in VISUAL_TASKS:
        assert f"`{task.name}`" in PAGE
    for name in (*BASELINES, "interval_over"):
        assert f"`{name}`" in PAGE
