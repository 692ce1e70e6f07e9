"""`ibl-bwb-eval` 0.1.0 reads our predictions and ground truth, scores every file, and gives our numbers.

Of made-up data for every form that a file has, and of simulated sessions from upstream files to scores.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest

from nh_platform import operations
from nh_platform.simulation import DEMO
from nh_platform.tasks.named_tasks import tasks
from nh_platform.tasks.run_table import Run
from nh_platform.tasks.running import Asked, run_task
from nh_platform.tasks.scored_files import score_files
from nh_platform.tasks.task import TaskData
from nh_platform_tests.homes import make_home, materialize
from nh_platform_tests.tasks import made_up
from nh_platform_tests.tasks.peers import in_peer

pytestmark = pytest.mark.peer
SEEDS = (43, 44, 45)
SPELLED = {"macro/f1-score": "macro_f1", "macro/precision": "macro_precision", "macro/recall": "macro_recall"}


def scored_by_them(folder: Path) -> dict[tuple[str, str, str, int], dict[str, float]]:
    """Return their metrics by label, task, session and seed; the scorers passed over no file."""
    found = in_peer("peer_ibl_bwb_scores.py", folder / "predictions", folder / "ground_truth", folder / "scores.json")
    assert "Error" not in found["said"], found["said"]
    assert "not found" not in found["said"], found["said"]
    keyed = {}
    for suite in found["scores"].values():
        for label, task, session_id, seed, metrics in suite:
            keyed[label, task, session_id, seed] = {SPELLED.get(name, name): value for name, value in metrics.items()}
    return keyed


def assert_same(runs: list[Run], theirs: dict[Any, dict[str, float]], folder: Path) -> None:
    """Every file was scored by them, and the scores are those of the table and those of `nh task score`."""
    written = list((folder / "predictions").rglob("seed_*.safetensors"))
    expected = {
        (one.label, run.task.name, one.session_id, seed): metrics
        for run in runs
        for one in run.sessions
        for seed, metrics in one.by_seed.items()
    }
    assert len(written) == len(expected)
    assert theirs.keys() == expected.keys()
    of_files, refused = score_files(folder / "predictions", folder / "ground_truth", tasks())
    assert refused == {}
    assert {one.matched for one in of_files} == {1.0}
    ours = {(one.label, one.task, one.session_id, one.seed): one.metrics for one in of_files}
    for key, metrics in expected.items():
        for name, value in metrics.items():
            assert value == pytest.approx(theirs[key][name], rel=5e-5, abs=5e-6), (key, name)
            assert value == pytest.approx(ours[key][name], rel=1e-5, abs=1e-6), (key, name)


def paw() -> TaskData:
    data = made_up.moments(name="ts1-left_paw_speed")
    mask = np.random.default_rng(1).random(data.mask.shape) < 0.7
    mask[-1] = False
    return replace(data, mask=mask)


def test_their_scorers_give_our_numbers_for_every_form_of_a_file(tmp_path: Path) -> None:
    of_windows = [
        made_up.classes(),
        made_up.classes(n_classes=5, name="ts1-stimulus_contrast"),
        made_up.moments(),
        paw(),
        made_up.moments(counts=True, name="ts1-licking_rate"),
        made_up.population(),
        made_up.population(forecast=True),
    ]
    cases = [({made_up.SESSION: data}, [made_up.View(made_up.SESSION)]) for data in of_windows]
    ids = ("aaaaaaaa-0000", "bbbbbbbb-0000", "cccccccc-0000")
    units = {one: made_up.units(one, seed=number) for number, one in enumerate(ids)}
    cases.append((units, [made_up.View(one, f"mouse {one}") for one in ids]))
    known, runs = tasks(), []
    for data, views in cases:
        named = known[next(iter(data.values())).task]
        task = replace(named, make=made_up.task(data, named.kind).make)
        runs.append(run_task(task, views, Asked(SEEDS, 0, tmp_path)))
        assert runs[-1].lacking == {}
    assert_same(runs, scored_by_them(tmp_path), tmp_path)


@pytest.mark.slow
def test_their_scorers_give_our_numbers_for_simulated_sessions(tmp_path: Path) -> None:
    platform = make_home(tmp_path / "home", ("ibl",), n_sessions=2, size=DEMO)
    with dg.DagsterInstance.ephemeral() as instance:
        made = materialize(platform, instance, "ibl", assets=("raw_spikes", "events", "units"))
    assert all(one.success for one in made)
    runs = []
    for name in ("ts1-choice", "ts2-co_smoothing", "ts3-unit_cosmos"):
        folder = tmp_path / name
        runs.append(operations.run_task(platform.settings.home, name, seeds=SEEDS, permutations=0, folder=folder))
        assert runs[-1].lacking == {}
        assert_same(runs[-1:], scored_by_them(folder), folder)
    assert [len(run.sessions) for run in runs] == [2, 2, 1]
