"""All eleven tasks of sessions that were simulated as files, read and stored: what they have and what they lack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.reading import SessionView
from nh_platform.simulation import DEMO, TINY, SimulationSize
from nh_platform.simulation.ibl.ibl_session import simulate_ibl_session
from nh_platform.tasks.brain_wide_bench.trial_classes import choice, reward, stimulus_contrast
from nh_platform.tasks.named_tasks import tasks
from nh_platform.tasks.task import TargetMissing
from nh_platform_tests.homes import make_home, materialize
from nh_platform_tests.tasks.brain_wide_bench.hand_made import NAMES, session_of, spikes_of

SHORT = replace(TINY, name="short", ibl_task_s=1650.0, ibl_trials=350, ibl_units=20, camera_fraction=1.0)
"""Long enough for five chunks, with every frame of the cameras."""

NO_TASK = ("ts2-co_smoothing", "ts2-forecasting")
OF_CAMERAS = ("ts1-licking_rate", "ts1-whisker_motion_energy", "ts1-wheel_speed")


def stored_session(folder: Path, size: SimulationSize, also: str = "") -> SessionView:
    platform = make_home(folder, ["ibl"], size=size)
    if also:
        with (folder / "sources.yaml").open("a") as settings:
            settings.write(f"  also_assets: [{also}]\n")
        platform = Platform(load_settings(folder))
    needed = ("raw_spikes", "events", "signals", "units", *filter(None, [also]))
    with dg.DagsterInstance.ephemeral() as instance:
        materialize(platform, instance, "ibl", assets=needed)
    (session_id,) = platform.store.sessions("ibl")
    return SessionView(platform.store, "ibl", session_id)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> SessionView:
    return stored_session(tmp_path_factory.mktemp("short"), SHORT, "pose")


@pytest.mark.slow
def test_every_task_gives_targets_of_a_session_that_has_all_of_its_data(short) -> None:
    for name in NAMES:
        task = tasks()[name]
        data = task.make(short)
        assert data.task == name
        rows = (
            np.arange(len(data)) if name.startswith("ts3") else np.concatenate([data.rows("train"), data.rows("test")])
        )
        rows = rows[:: max(len(rows) // 50, 1)]
        outputs, inputs = data.outputs(rows), data.inputs(rows)
        assert len(outputs) == len(inputs) == len(rows) > 10
        assert np.isfinite(outputs).all()
        assert inputs.any()
        assert data.mask[rows].any()
        if task.kind != "classes":
            assert outputs.shape[:2] == data.mask[rows].shape
            assert outputs.std() > 0
        if not name.startswith("ts3"):
            assert {"train", "val", "test"} <= set(data.split)


@pytest.mark.slow
def test_paws_are_masked_where_lightning_pose_is_unsure(short) -> None:
    for name in ("ts1-left_paw_speed", "ts1-right_paw_speed"):
        data = tasks()[name].make(short)
        assert 0 < data.mask.mean() < 1
        assert data.mask.any(axis=1).all()
        train = data.rows("train")
        values = data.outputs(train)[:, :, 0][data.mask[train]]
        assert values.mean() == pytest.approx(0.0, abs=0.05)


@pytest.mark.slow
def test_a_session_says_what_it_lacks(tmp_path) -> None:
    tiny = stored_session(tmp_path, TINY)
    found = {}
    for name in NAMES:
        try:
            tasks()[name].make(tiny)
        except TargetMissing as error:
            found[name] = str(error)
    assert set(found) == {*OF_CAMERAS, *NO_TASK, "ts1-left_paw_speed", "ts1-right_paw_speed"}
    for name in OF_CAMERAS:
        assert "its left camera runs at 6 Hz, and the benchmark takes 60 or 150 Hz within 1 Hz" in found[name]
    for name in NO_TASK:
        assert "no trial lies in a chunk of test: it is too short for chunks of 5 minutes" in found[name]
    assert "also_assets: [pose]" in found["ts1-left_paw_speed"]
    assert f"nh materialize ibl {tiny.session_id}" in found["ts1-left_paw_speed"]


@pytest.mark.parametrize("index", [0, 1])
def test_of_the_demo_s_trials_each_task_has_those_that_are_valid(index) -> None:
    task = simulate_ibl_session(2026, index, replace(DEMO, ibl_units=1)).task
    trials = task.trials.rename(columns={"intervals_0": "start_time", "intervals_1": "stop_time"})
    assert len(trials) == 420
    made = session_of(spikes_of([0.0, 2070.0]), pd.DataFrame(trials))
    counts = {}
    for make in (choice, reward, stimulus_contrast):
        data = make(made)
        counts[data.task] = np.bincount(data.outputs(np.arange(len(data)))).tolist()
        assert [len(data.rows(name)) for name in ("train", "val", "test", "")] == (
            [163, 74, 152, 9] if index == 0 else [161, 75, 154, 8]
        )
    assert counts == {
        "ts1-choice": [[181, 217], [215, 183]][index],
        "ts1-reward": [[74, 324], [85, 313]][index],
        "ts1-stimulus_contrast": [[65, 79, 77, 75, 102], [84, 77, 71, 83, 83]][index],
    }
