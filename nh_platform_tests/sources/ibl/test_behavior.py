"""Events and signals are upstream's, unfiltered; what is missing or cannot be used is a note, and the rest is read."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nh_platform.downloads.hashes import file_hash
from nh_platform.session.tables.events import DETECTED, EVENTS
from nh_platform_tests.behavior import Behavior, read_behavior
from nh_platform_tests.sources.ibl.conftest import Tree


@pytest.fixture(scope="module")
def behavior(pristine: Tree) -> Behavior:
    source, session = pristine.session()
    return read_behavior(source, session)


def read(tree, **settings) -> Behavior:
    source, session = tree.session(**settings)
    return read_behavior(source, session)


def noted(result: Behavior) -> list[str]:
    return [f"{note.subject}: {note.text}" for note in result.notes]


def told(result: Behavior, *parts: str) -> bool:
    """Return whether one note has every part."""
    return any(all(part in note for part in parts) for note in noted(result))


def trial_files(tree: Tree) -> list[str]:
    """Return the files of the trials, the table last."""
    return sorted(path.name for path in tree.path("alf").glob("_ibl_trials.*"))


def test_everything_is_there_and_valid(behavior) -> None:
    assert set(behavior.events) == {
        *("trials", "licks", "wheel_moves"),
        *("passive_periods", "passive_gabor", "passive_stims", "passive_rfm"),
    }
    for name, table in behavior.events.items():
        (EVENTS | DETECTED)[name].validate(table)
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
    names = trial_files(tree)
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


def test_of_a_camera_with_fewer_times_than_frames_no_signal_is_read(tree: Tree, behavior) -> None:
    tree.write("alf/_ibl_leftCamera.times.npy", tree.load("alf/_ibl_leftCamera.times.npy")[:-3])
    result = read(tree)
    assert set(behavior.signals) - set(result.signals) == {"pupil_diameter", "motion_energy_left"}
    assert told(result, "motion_energy_left: left out", "leftCamera.ROIMotionEnergy.npy", "frames, but")
    assert told(result, "pupil_diameter: left out", "_ibl_leftCamera.features.pqt", "frames, but")


def test_the_right_pupil_stands_in_for_the_left(tree: Tree) -> None:
    features = pd.read_parquet(tree.path("alf/_ibl_leftCamera.features.pqt"))
    tree.remove("alf/_ibl_leftCamera.features.pqt")
    tree.write("alf/_ibl_rightCamera.features.pqt", features)
    result = read(tree)
    assert result.signals["pupil_diameter"].columns == ("raw", "smooth")
    assert ("pupil_diameter", "from the right camera; there is no usable one of the left camera") in [
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


def header(text: str) -> bytes:
    """Return an npy file of a header alone."""
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def archive(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, values)
    return file.getvalue()


def with_lost_index(_: object) -> bytes:
    file = io.BytesIO()
    described = {b"pandas": b'{"index_columns": ["nope"], "column_indexes": [], "columns": []}'}
    pq.write_table(pa.table({"intervals_0": [1.0, 2.0]}).replace_schema_metadata(described), file)
    return file.getvalue()


@pytest.mark.parametrize("name", ["licks.times.npy", "_ibl_wheel.position.npy", "_ibl_trials.stimOff_times.npy"])
def test_what_is_there_and_not_read_is_not_called_absent(tree: Tree, name: str) -> None:
    tree.edit(lambda t: t.assign(qc=t["qc"].where(~(tree.rows(t) & (t["rel_path"] == f"alf/{name}")), "CRITICAL")))
    result = read(tree)
    assert told(result, f"alf/{name}: dataset QC upstream is CRITICAL; not read")
    assert not any(name in note and ("has no" in note or "not there" in note) for note in noted(result))


def test_a_trials_table_that_is_listed_and_not_there_is_named(tree: Tree) -> None:
    tree.path("alf/_ibl_trials.table.pqt").unlink()
    result = read(tree)
    assert "trials" not in result.events
    assert told(result, "trials: left out: file alf/_ibl_trials.table.pqt: required, and")
    assert not told(result, "intervals.npy")


def test_an_optional_file_of_other_content_than_listed_is_left_out_with_both_hashes(tree: Tree, behavior) -> None:
    path = tree.path("alf/licks.times.npy")
    listed = file_hash(path)
    path.unlink()
    np.save(path, np.array([1.0, 2.0]))
    result = read(tree)
    assert set(behavior.events) - set(result.events) == {"licks"}
    assert told(
        result, f"alf/licks.times.npy: the catalogue lists it, and md5 of the content is {file_hash(path)}", listed
    )


def test_trials_without_a_table_or_intervals_are_named_by_both(tree: Tree) -> None:
    tree.remove("alf/_ibl_trials.table.pqt")
    assert told(read(tree), "alf/_ibl_trials.table.pqt: upstream has none, nor _ibl_trials.intervals.npy")


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("licks.times.npy", "licks"),
        ("_ibl_passiveGabor.table.csv", "passive_gabor"),
        ("_ibl_wheel.position.npy", "wheel_position"),
        ("_ibl_leftCamera.features.pqt", "pupil_diameter"),
    ],
)
def test_a_dataset_of_two_default_revisions_costs_its_object_alone(tree: Tree, behavior, name: str, lost: str) -> None:
    tree.write(f"alf/#2030-01-01#/{name}", tree.path(f"alf/{name}").read_bytes())
    result = read(tree)
    assert {*behavior.events, *behavior.signals} - {*result.events, *result.signals} == {lost}
    found = f"alf/{name}: 2 revisions are all served by default: alf/{name}, alf/#2030-01-01#/{name}; not read"
    assert noted(result).count(found) == 1
    assert not told(result, f"upstream has no {name}")


@pytest.mark.parametrize(
    ("name", "damage", "lost", "found"),
    [
        ("_ibl_wheel.position.npy", lambda a: a[:-1], "wheel_position", "positions for"),
        ("_ibl_wheel.position.npy", lambda a: a.astype(str), "wheel_position", "expected a vector of dtype"),
        ("_ibl_wheel.timestamps.npy", lambda a: a[::-1], "wheel_position", "not sorted"),
        ("_ibl_wheelMoves.intervals.npy", lambda a: a[:, 0], "wheel_moves", "expected (n, 2)"),
        ("_ibl_wheelMoves.intervals.npy", lambda a: a * np.nan, "wheel_moves", "none of"),
        ("licks.times.npy", lambda a: a.astype(int), "licks", "expected a vector of dtype kind 'f'"),
        ("_ibl_trials.table.pqt", lambda _: b"PAR1 no", "trials", "cannot be parsed"),
        ("_ibl_passiveGabor.table.csv", lambda _: pd.DataFrame({"start": [1.0]}), "passive_gabor", "column or row"),
        ("_ibl_passivePeriods.intervalsTable.csv", lambda _: b"", "passive_periods", "cannot be parsed"),
        ("licks.times.npy", lambda _: b"PK\x03\x04garbage", "licks", "not a whole npy file"),
        ("licks.times.npy", archive, "licks", "an archive of several arrays"),
        ("licks.times.npy", lambda _: header("{'descr': [('a',"), "licks", "not a whole npy file"),
        (
            "licks.times.npy",
            lambda _: header("{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000,), }"),
            "licks",
            "not a whole npy file",
        ),
        ("_ibl_trials.table.pqt", with_lost_index, "trials", "cannot be parsed: KeyError"),
    ],
)
def test_what_cannot_be_used_is_left_out_by_name_and_the_rest_read(tree, behavior, name, damage, lost, found) -> None:
    tree.write(f"alf/{name}", damage(tree.load(f"alf/{name}") if name.endswith(".npy") else None))
    result = read(tree)
    assert {*behavior.events, *behavior.signals} - {*result.events, *result.signals} == {lost}
    assert told(result, f"{lost}: left out", f"alf/{name}", found)


def test_samples_and_rows_without_a_time_are_left_out_and_counted(tree: Tree, behavior) -> None:
    times, licks = tree.load("alf/_ibl_wheel.timestamps.npy"), tree.load("alf/licks.times.npy")
    tree.write("alf/_ibl_wheel.timestamps.npy", np.where(np.arange(len(times)) == 4, np.nan, times))
    tree.write("alf/licks.times.npy", np.append(licks, np.nan))
    result = read(tree)
    kept = np.delete(behavior.signals["wheel_position"].values, 4)
    assert np.array_equal(result.signals["wheel_position"].values, kept)
    pd.testing.assert_frame_equal(result.events["licks"], behavior.events["licks"])
    assert told(result, "wheel_position", f"1 of {len(times)} samples have no time")
    assert told(result, "licks.times.npy", f"1 of {len(licks) + 1} rows have no times")


def test_wheel_moves_without_a_stop_after_their_start_are_left_out_and_counted(tree: Tree, behavior) -> None:
    intervals = tree.load("alf/_ibl_wheelMoves.intervals.npy")
    intervals[1, 1] = np.nan
    intervals[2, 1] = intervals[2, 0] - 0.1
    tree.write("alf/_ibl_wheelMoves.intervals.npy", intervals)
    result = read(tree)
    kept = behavior.events["wheel_moves"].drop(index=[1, 2]).reset_index(drop=True)
    pd.testing.assert_frame_equal(result.events["wheel_moves"], kept)
    assert told(result, "wheelMoves.intervals.npy", f"1 of {len(intervals)} rows have no stop_time; left out")
    assert told(result, "wheelMoves.intervals.npy", f"1 of {len(intervals)} rows stop before they start; left out")


def edited_csv(tree: Tree, name: str, edit) -> Behavior:
    tree.write(f"alf/{name}", edit(pd.read_csv(tree.path(f"alf/{name}"))))
    return read(tree)


@pytest.mark.parametrize("damage", [np.nan, "late"])
def test_a_passive_event_or_period_without_an_end_is_left_out_and_counted(tree: Tree, behavior, damage) -> None:
    def damaged(table: pd.DataFrame, row: int, column: str) -> pd.DataFrame:
        table[column] = table[column].astype(object)
        table.loc[row, column] = damage
        return table

    edited_csv(tree, "_ibl_passiveStims.table.csv", lambda table: damaged(table, 0, "toneOff"))
    result = edited_csv(tree, "_ibl_passivePeriods.intervalsTable.csv", lambda table: damaged(table, 1, "RFM"))
    for name, file in (("passive_stims", "passiveStims.table"), ("passive_periods", "passivePeriods.intervalsTable")):
        n_rows = len(behavior.events[name])
        assert len(result.events[name]) == n_rows - 1
        assert told(result, file, f"1 of {n_rows} rows have no stop_time; left out")
    assert result.events["passive_periods"]["name"].tolist() == ["passiveProtocol", "spontaneousActivity", "taskReplay"]


def test_a_gabor_column_that_may_be_missing_is_nan(tree: Tree, behavior) -> None:
    gabor = behavior.events["passive_gabor"]
    result = edited_csv(tree, "_ibl_passiveGabor.table.csv", lambda table: table.drop(columns="phase"))
    assert told(result, "_ibl_passiveGabor.table.csv: no column phase; NaN")
    assert result.events["passive_gabor"]["phase"].isna().all()
    pd.testing.assert_frame_equal(result.events["passive_gabor"].drop(columns="phase"), gabor.drop(columns="phase"))
    result = edited_csv(tree, "_ibl_passiveGabor.table.csv", lambda table: table.assign(contrast="high"))
    assert told(result, f"{len(gabor)} of {len(gabor)} values of contrast are no numbers; NaN")


@pytest.mark.parametrize("name", ["stimOff_times", "quiescencePeriod"])
@pytest.mark.parametrize("damage", [lambda a: a[1:], lambda a: np.append(a, 1.0), lambda a: a.astype(str)])
def test_a_trial_column_of_another_length_or_type_is_nan_and_the_table_counts(tree, behavior, name, damage) -> None:
    tree.write(f"alf/_ibl_trials.{name}.npy", damage(tree.load(f"alf/_ibl_trials.{name}.npy")))
    result = read(tree)
    trials = result.events["trials"]
    assert trials[name].isna().all()
    pd.testing.assert_frame_equal(trials.drop(columns=name), behavior.events["trials"].drop(columns=name))
    assert told(result, "trials: left out", f"_ibl_trials.{name}.npy")


def test_peak_amplitudes_of_another_length_are_nan(tree: Tree, behavior) -> None:
    tree.write("alf/_ibl_wheelMoves.peakAmplitude.npy", tree.load("alf/_ibl_wheelMoves.peakAmplitude.npy")[1:])
    result = read(tree)
    assert result.events["wheel_moves"]["peak_amplitude"].isna().all()
    assert np.array_equal(result.events["wheel_moves"]["start_time"], behavior.events["wheel_moves"]["start_time"])
    assert told(result, "wheel_moves: left out", "peakAmplitude.npy", "intervals")


def edited_trials(tree: Tree, edit) -> Behavior:
    table = pd.read_parquet(tree.path("alf/_ibl_trials.table.pqt"))
    tree.write("alf/_ibl_trials.table.pqt", edit(table))
    return read(tree)


@pytest.mark.parametrize("name", ["choice", "goCue_times", "feedbackType"])
def test_a_column_that_the_trials_table_lacks_is_nan(tree: Tree, name: str) -> None:
    result = edited_trials(tree, lambda table: table.drop(columns=name))
    assert result.events["trials"][name].isna().all()
    assert told(result, f"_ibl_trials.table.pqt: no column for {name}")


def test_a_trial_that_ends_before_it_starts_or_never_has_no_end(tree: Tree) -> None:
    def edit(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[3, "intervals_1"] = table.loc[3, "intervals_0"] - 1
        table.loc[5, "intervals_1"] = np.inf
        return table

    result = edited_trials(tree, edit)
    assert np.flatnonzero(result.events["trials"]["stop_time"].isna()).tolist() == [3, 5]
    assert told(result, "_ibl_trials.table.pqt: 2 of 40 values of stop_time lie outside of their own trial; NaN")


def test_a_column_under_our_name_of_the_start_does_not_take_its_place(tree: Tree, behavior) -> None:
    result = edited_trials(tree, lambda table: table.assign(start_time=99.0, stop_time=100.0))
    pd.testing.assert_frame_equal(result.events["trials"], behavior.events["trials"])
    assert told(result, "column start_time, which ALF trials do not have; left out")


def test_dates_are_no_diameters(tree: Tree) -> None:
    name = "alf/_ibl_leftCamera.features.pqt"
    tree.write(name, pd.read_parquet(tree.path(name)).assign(pupilDiameter_raw=pd.Timestamp("2024-05-06")))
    assert told(read(tree), f"pupil_diameter: left out: file {name}: pupilDiameter is datetime64", "expected numbers")


def test_dates_are_no_times(tree: Tree) -> None:
    result = edited_trials(tree, lambda table: table.assign(goCue_times=pd.Timestamp("2024-05-06")))
    assert result.events["trials"]["goCue_times"].isna().all()
    assert told(result, "column 'goCue_times' is datetime64", "expected numbers")


def test_times_in_another_trial_than_their_own_are_nan(tree: Tree, behavior) -> None:
    stim_off = tree.load("alf/_ibl_trials.stimOff_times.npy")
    tree.write("alf/_ibl_trials.stimOff_times.npy", stim_off[::-1])
    table = pd.read_parquet(tree.path("alf/_ibl_trials.table.pqt"))
    table.loc[7, "feedback_times"] += 1000.0
    result = edited_trials(tree, lambda _: table)
    trials, intact = result.events["trials"], behavior.events["trials"]
    assert trials["stimOff_times"].isna().all()
    assert np.flatnonzero(trials["feedback_times"].isna() & intact["feedback_times"].notna()).tolist() == [7]
    assert told(result, "stimOff_times.npy: 40 of 40 values of stimOff_times lie outside of their own trial")
    assert told(result, "_ibl_trials.table.pqt: 1 of 40 values of feedback_times lie outside")


def test_samples_and_peaks_without_a_value_are_counted_and_those_of_a_pupil_are_not(tree: Tree) -> None:
    for name in ("alf/_ibl_wheel.position.npy", "alf/_ibl_wheelMoves.peakAmplitude.npy"):
        values = tree.load(name)
        values[3:5] = np.nan
        tree.write(name, values)
    result = read(tree)
    assert told(result, "wheel_position", "2 of", "values of position are NaN")
    assert told(result, "peakAmplitude.npy: 2 of", "values of peak_amplitude are NaN")
    assert not any(note.subject == "pupil_diameter" for note in result.notes)


def test_a_column_that_holds_texts_is_nan(tree: Tree) -> None:
    result = edited_trials(tree, lambda table: table.assign(rewardVolume="much"))
    assert result.events["trials"]["rewardVolume"].isna().all()
    assert told(result, "column 'rewardVolume' is not numeric")


def test_a_trial_without_an_end_stays_and_one_without_a_start_goes(tree: Tree) -> None:
    def edit(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[3, "intervals_1"] = np.nan
        table.loc[5, "intervals_0"] = np.nan
        return table

    result = edited_trials(tree, edit)
    assert len(result.events["trials"]) == 39
    assert np.isnan(result.events["trials"].loc[3, "stop_time"])
    assert told(result, "_ibl_trials.table.pqt: 1 of 40 rows have no start_time; left out")


def test_trials_in_disorder_are_sorted_and_a_note_says_so(tree: Tree, behavior) -> None:
    """The files beside the table keep the order of the table, so that each trial keeps its values."""
    order = np.random.default_rng(1).permutation(40)
    for name in trial_files(tree)[:-1]:
        tree.write(f"alf/{name}", tree.load(f"alf/{name}")[order])
    result = edited_trials(tree, lambda table: table.iloc[order].reset_index(drop=True))
    pd.testing.assert_frame_equal(result.events["trials"], behavior.events["trials"])
    assert told(result, "rows are not in order of start_time; sorted")


def test_an_empty_trials_table_is_one_of_no_trials(tree: Tree) -> None:
    for name in trial_files(tree)[:-1]:
        tree.write(f"alf/{name}", tree.load(f"alf/{name}")[:0])
    assert len(edited_trials(tree, lambda table: table[:0]).events["trials"]) == 0


def test_the_trials_and_wheel_of_every_task_are_read(tree: Tree, behavior) -> None:
    names = trial_files(tree)
    for name in names:
        for task in ("task_00", "task_01"):
            tree.write(f"alf/{task}/{name}", tree.path(f"alf/{name}").read_bytes())
    table = pd.read_parquet(tree.path("alf/_ibl_trials.table.pqt"))
    later = table.assign(intervals_0=table["intervals_0"] + 1000, intervals_1=table["intervals_1"] + 1000)
    tree.write("alf/task_01/_ibl_trials.table.pqt", later)
    times, position = tree.load("alf/_ibl_wheel.timestamps.npy"), tree.load("alf/_ibl_wheel.position.npy")
    for task, shift in (("task_00", 0.0), ("task_01", 1000.0)):
        tree.write(f"alf/{task}/_ibl_wheel.timestamps.npy", times + shift)
        tree.write(f"alf/{task}/_ibl_wheel.position.npy", position)
    tree.remove("alf/_ibl_wheel.timestamps.npy", "alf/_ibl_wheel.position.npy")
    tree.remove(*(f"alf/{name}" for name in names))
    result = read(tree)
    trials = result.events["trials"]
    assert trials["task"].value_counts().to_dict() == {"task_00": 40, "task_01": 40}
    assert trials["start_time"].is_monotonic_increasing
    assert np.array_equal(trials.loc[trials["task"] == "task_01", "start_time"], later["intervals_0"])
    assert len(result.signals["wheel_position"].timestamps) == 2 * len(times)


def test_the_reaction_time_is_from_the_go_cue_to_the_first_movement(pristine: Tree, behavior) -> None:
    table = pd.read_parquet(pristine.path("alf/_ibl_trials.table.pqt"))
    expected = table["firstMovement_times"] - table["goCue_times"]
    assert np.array_equal(behavior.events["trials"]["reaction_time"], expected, equal_nan=True)
    assert expected.isna().any()
    assert expected.notna().sum() > 20


def test_triggers_and_the_bpods_own_clock_are_columns_of_the_trials(pristine: Tree, behavior) -> None:
    trials = behavior.events["trials"]
    for name in ("goCue", "stimOn", "stimOff", "errorCue"):
        stored = pristine.load(f"alf/_ibl_trials.{name}Trigger_times.npy")
        assert np.array_equal(trials[f"{name}Trigger_times"], stored, equal_nan=True)
    assert trials["errorCueTrigger_times"].notna().equals(trials["feedbackType"] == -1)
    assert trials["stimFreezeTrigger_times"].isna().all()
    bpod = pristine.load("alf/_ibl_trials.intervals_bpod.npy")
    assert np.array_equal(trials[["bpod_start", "bpod_stop"]], bpod)
    assert (trials["bpod_start"] < trials["start_time"]).all()


def test_triggers_that_upstream_lacks_are_one_note(tree: Tree) -> None:
    tree.remove("alf/_ibl_trials.goCueTrigger_times.npy", "alf/_ibl_trials.stimOnTrigger_times.npy")
    tree.remove("alf/_ibl_trials.errorCueTrigger_times.npy", "alf/_ibl_trials.intervals_bpod.npy")
    result = read(tree)
    assert noted(result) == ["trials: upstream has no goCueTrigger_times, stimOnTrigger_times; NaN"]
    lacking = ["goCueTrigger_times", "errorCueTrigger_times", "bpod_start", "bpod_stop", "laserStimulation"]
    assert result.events["trials"][lacking].isna().all(axis=None)


def test_a_session_with_a_laser_says_which_trials_had_it(pristine: Tree, behavior) -> None:
    source = pristine.source()
    with_laser = read_behavior(source, source.manifest().session(pristine.other)).events["trials"]
    assert set(with_laser["laserStimulation"]) == {0.0, 1.0}
    assert (with_laser["laserProbability"] == 0.25).all()
    assert behavior.events["trials"]["laserStimulation"].isna().all()


@pytest.mark.parametrize("attribute", ["goCueTrigger_times", "intervals_bpod", "laserStimulation"])
def test_a_further_trial_file_of_another_length_is_left_out_with_a_note(tree: Tree, attribute: str) -> None:
    tree.write(f"alf/_ibl_trials.{attribute}.npy", np.zeros((7, 2) if attribute == "intervals_bpod" else 7))
    result = read(tree)
    column = "bpod_start" if attribute == "intervals_bpod" else attribute
    assert result.events["trials"][column].isna().all()
    assert told(result, f"_ibl_trials.{attribute}.npy", "7 values for 40 trials")


def test_frames_of_the_receptive_field_mapping_are_those_of_brainbox(pristine: Tree, behavior) -> None:
    raw = np.fromfile(pristine.path("raw_passive_data/_iblrig_RFMapStim.raw.bin"), dtype=np.uint8)
    # As brainbox 4.1.0 `load_passive_rfmap` turns the bytes into frames.
    frames = np.transpose(np.reshape(raw, [15, 15, -1], order="F"), [2, 1, 0])
    table = behavior.events["passive_rfm"]
    assert np.array_equal(table["times"], pristine.load("alf/_ibl_passiveRFM.times.npy"))
    assert table.columns[1:3].tolist() == ["pixel_00_00", "pixel_00_01"]
    assert np.array_equal(table[table.columns[1:]].to_numpy().reshape(-1, 15, 15), frames)
    assert set(np.unique(frames)) == {0, 128, 255}
    for i, j in ((0, 3), (7, 2), (14, 14)):
        assert np.array_equal(table[f"pixel_{i:02d}_{j:02d}"], frames[:, i, j])


def test_times_of_the_receptive_field_mapping_stay_without_frames(tree: Tree) -> None:
    raw = "raw_passive_data/_iblrig_RFMapStim.raw.bin"
    content = tree.path(raw).read_bytes()
    tree.write(raw, content[: -15 * 15])
    result = read(tree)
    assert list(result.events["passive_rfm"]) == ["times"]
    assert told(result, "passive_rfm", "frames left out", "_iblrig_RFMapStim.raw.bin", "frames for")
    tree.write(raw, content[:-1])
    assert told(read(tree), "passive_rfm", "no whole number of frames of (15, 15)")
    tree.remove(raw)
    assert told(read(tree), "passive_rfm", "upstream has no _iblrig_RFMapStim.raw.bin")
