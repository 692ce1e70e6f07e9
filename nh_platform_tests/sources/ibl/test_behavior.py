"""Behaviour is upstream's, unfiltered; what is missing is a note, what cannot be used is refused by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.session import BadUpstreamData, Behavior
from nh_platform.session.tables.events import EVENTS
from nh_platform_tests.sources.ibl.conftest import Tree


@pytest.fixture(scope="module")
def behavior(pristine: Tree) -> Behavior:
    source, session = pristine.session()
    return source.read_behavior(session)


def read(tree, **settings) -> Behavior:
    source, session = tree.session(**settings)
    return source.read_behavior(session)


def refusal(tree) -> str:
    with pytest.raises(BadUpstreamData) as error:
        read(tree)
    assert tree.eid in str(error.value)
    return str(error.value)


def test_everything_is_there_and_valid(behavior) -> None:
    assert set(behavior.events) == {
        *("trials", "licks", "wheel_moves"),
        *("passive_periods", "passive_gabor", "passive_stims"),
    }
    for name, table in behavior.events.items():
        EVENTS[name].validate(table)
        assert len(table)
    assert set(behavior.signals) == {
        *("wheel_position", "pupil_diameter"),
        *("motion_energy_left", "motion_energy_right", "motion_energy_body"),
    }
    assert behavior.notes == ()


def test_trials_keep_upstreams_values(pristine: Tree, behavior) -> None:
    table = pd.read_parquet(pristine.path("alf/_ibl_trials.table.pqt"))
    trials = behavior.events["trials"]
    for ours, theirs in {"start_time": "intervals_0", "stop_time": "intervals_1", "choice": "choice"}.items():
        assert np.array_equal(trials[ours], table[theirs])
    for name in ("firstMovement_times", "contrastLeft", "rewardVolume", "probabilityLeft"):
        assert np.array_equal(trials[name], table[name], equal_nan=True)
    off = pristine.load("alf/_ibl_trials.stimOff_times.npy")
    assert np.array_equal(trials["stimOff_times"], off, equal_nan=True)


def test_choice_is_plus_one_for_a_correct_left_stimulus(behavior) -> None:
    trials = behavior.events["trials"]
    correct_left = trials[trials["contrastLeft"].notna() & (trials["feedbackType"] == 1)]
    assert len(correct_left) > 5
    assert (correct_left["choice"] == 1).all()


def test_wheel_is_raw_and_in_radians(pristine: Tree, behavior) -> None:
    wheel = behavior.signals["wheel_position"]
    assert wheel.timestamps.tobytes() == pristine.load("alf/_ibl_wheel.timestamps.npy").tobytes()
    assert wheel.values.tobytes() == pristine.load("alf/_ibl_wheel.position.npy").tobytes()
    assert wheel.unit == "rad"


def test_trials_of_one_file_per_column_give_the_same_table(tree: Tree, behavior) -> None:
    table = pd.read_parquet(tree.path("alf/_ibl_trials.table.pqt"))
    tree.remove("alf/_ibl_trials.table.pqt")
    tree.write("alf/_ibl_trials.intervals.npy", table[["intervals_0", "intervals_1"]].to_numpy())
    for name in table.columns.drop(["intervals_0", "intervals_1"]):
        tree.write(f"alf/_ibl_trials.{name}.npy", table[name].to_numpy())
    again = read(tree)
    pd.testing.assert_frame_equal(again.events["trials"], behavior.events["trials"])


def test_trials_of_a_task_folder_are_found(tree: Tree, behavior) -> None:
    names = ("_ibl_trials.table.pqt", "_ibl_trials.stimOff_times.npy", "_ibl_trials.quiescencePeriod.npy")
    for name in names:
        tree.write(f"alf/task_00/{name}", tree.path(f"alf/{name}").read_bytes())
    tree.remove(*(f"alf/{name}" for name in names))
    pd.testing.assert_frame_equal(read(tree).events["trials"], behavior.events["trials"])


def test_optional_trial_columns_may_be_missing(tree: Tree) -> None:
    tree.remove("alf/_ibl_trials.stimOff_times.npy", "alf/_ibl_trials.quiescencePeriod.npy")
    result = read(tree)
    assert result.events["trials"][["stimOff_times", "quiescencePeriod"]].isna().all(axis=None)
    assert {note.subject for note in result.notes} == {
        "alf/_ibl_trials.stimOff_times.npy",
        "alf/_ibl_trials.quiescencePeriod.npy",
    }


def test_a_session_without_behavior_has_notes_for_everything(tree: Tree) -> None:
    tree.edit(lambda t: t[~(tree.rows(t) & ~t["rel_path"].str.contains("probe"))])
    result = read(tree)
    assert result.events == {}
    assert result.signals == {}
    assert {note.subject for note in result.notes} >= {
        *("trials", "licks", "wheel_position", "wheel_moves", "pupil_diameter", "motion_energy_left"),
        *("passive_periods", "passive_gabor", "passive_stims"),
    }


def test_passive_tables_are_one_row_per_event(pristine: Tree, behavior) -> None:
    stims = pd.read_csv(pristine.path("alf/_ibl_passiveStims.table.csv"))
    events = behavior.events["passive_stims"]
    for name in ("valve", "tone", "noise"):
        of_name = events[events["name"] == name]
        assert np.array_equal(of_name["start_time"], np.sort(stims[f"{name}On"].dropna()))
    assert events["start_time"].is_monotonic_increasing
    names = ["passiveProtocol", "spontaneousActivity", "RFM", "taskReplay"]
    assert behavior.events["passive_periods"]["name"].tolist() == names


def test_camera_times_longer_than_the_video_are_cut_from_the_start(tree: Tree, behavior) -> None:
    times = tree.load("alf/_ibl_leftCamera.times.npy")
    tree.write("alf/_ibl_leftCamera.times.npy", np.concatenate([times[0] - np.array([0.3, 0.2, 0.1]), times]))
    result = read(tree)
    for name in ("pupil_diameter", "motion_energy_left"):
        assert np.array_equal(result.signals[name].timestamps, behavior.signals[name].timestamps)
    assert any("3 times more than frames" in note.text for note in result.notes)


def test_camera_times_shorter_than_the_video_are_refused(tree: Tree) -> None:
    tree.write("alf/_ibl_leftCamera.times.npy", tree.load("alf/_ibl_leftCamera.times.npy")[:-2])
    assert "frames, but" in refusal(tree)


def test_the_right_pupil_stands_in_for_the_left(tree: Tree) -> None:
    features = pd.read_parquet(tree.path("alf/_ibl_leftCamera.features.pqt"))
    tree.remove("alf/_ibl_leftCamera.features.pqt")
    tree.write("alf/_ibl_rightCamera.features.pqt", features)
    result = read(tree)
    assert result.signals["pupil_diameter"].columns == ("raw", "smooth")
    assert ("pupil_diameter", "from the right camera; the left one has none") in [
        (note.subject, note.text) for note in result.notes
    ]


def test_a_patched_file_beside_an_unpatched_one_is_read_and_noted(tree: Tree) -> None:
    position = -tree.load("alf/_ibl_wheel.position.npy")
    tree.write("alf/#2025-03-03#/_ibl_wheel.position.npy", position)
    old = lambda t: tree.rows(t) & (t["rel_path"] == "alf/_ibl_wheel.position.npy").to_numpy()  # noqa: E731
    tree.edit(lambda t: t.assign(default_revision=t["default_revision"] & ~old(t)))
    result = read(tree)
    assert np.array_equal(result.signals["wheel_position"].values, position)
    assert ("wheel", "files of revisions unrevised, 2025-03-03") in [(n.subject, n.text) for n in result.notes]
    assert np.array_equal(read(tree, revision="2025-01-01").signals["wheel_position"].values, -position)


@pytest.mark.parametrize(
    ("name", "damage", "found"),
    [
        ("_ibl_wheel.position.npy", lambda a: a[:-1], "positions for"),
        ("_ibl_wheel.timestamps.npy", lambda a: a[::-1], "not sorted"),
        ("_ibl_wheel.timestamps.npy", lambda a: np.where(np.arange(len(a)) == 4, np.nan, a), "1 times are NaN"),
        ("_ibl_wheelMoves.intervals.npy", lambda a: a[:, 0], "expected (n, 2)"),
        ("_ibl_wheelMoves.peakAmplitude.npy", lambda a: a[1:], "intervals"),
        ("_ibl_trials.stimOff_times.npy", lambda a: a[1:], "39 values for 40 trials"),
        ("licks.times.npy", lambda a: np.append(a, np.nan), "1 null values"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tree: Tree, name, damage, found) -> None:
    tree.write(f"alf/{name}", damage(tree.load(f"alf/{name}")))
    text = refusal(tree)
    assert f"alf/{name}" in text
    assert found in text


def test_a_trials_table_without_choice_is_refused(tree: Tree) -> None:
    table = pd.read_parquet(tree.path("alf/_ibl_trials.table.pqt"))
    tree.write("alf/_ibl_trials.table.pqt", table.drop(columns="choice"))
    assert "alf/_ibl_trials.table.pqt: columns missing for choice" in refusal(tree)


def test_a_trial_without_an_end_is_refused(tree: Tree) -> None:
    table = pd.read_parquet(tree.path("alf/_ibl_trials.table.pqt"))
    table.loc[3, "intervals_1"] = np.nan
    tree.write("alf/_ibl_trials.table.pqt", table)
    assert "column 'stop_time' has 1 null values" in refusal(tree)


def test_a_table_that_cannot_be_parsed_is_refused(tree: Tree) -> None:
    tree.write("alf/_ibl_trials.table.pqt", b"PAR1 no")
    assert "alf/_ibl_trials.table.pqt: cannot be parsed" in refusal(tree)


def test_a_passive_table_without_its_columns_is_refused(tree: Tree) -> None:
    tree.write("alf/_ibl_passiveGabor.table.csv", pd.DataFrame({"start": [1.0]}))
    assert "alf/_ibl_passiveGabor.table.csv: column or row" in refusal(tree)
