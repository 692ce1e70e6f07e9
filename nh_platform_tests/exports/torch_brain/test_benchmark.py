"""What BrainWideBench's models read is what its tasks are made of: windows, classes, splits, statistics, signals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nh_platform import operations
from nh_platform.exports.torch_brain import benchmark
from nh_platform.exports.torch_brain.benchmark import benchmark_groups, hidden_units
from nh_platform.exports.torch_brain.layout import first_difference
from nh_platform.exports.torch_brain.objects import Group
from nh_platform.exports.torch_brain.recording_file import read_recording
from nh_platform.home.platform import Platform
from nh_platform.reading import OpenedStore, SessionView
from nh_platform.session import ConfigError, Spikes
from nh_platform.tasks.brain_wide_bench.suite2 import co_smoothing
from nh_platform.tasks.brain_wide_bench.trial_classes import choice, reward, stimulus_contrast
from nh_platform.tasks.brain_wide_bench.trial_signals import licking_rate, wheel_speed, whisker_motion_energy
from nh_platform.tasks.task import TaskData


@pytest.fixture(scope="module")
def session(store: OpenedStore) -> SessionView:
    return store.session("ibl", store.sessions("ibl")["session_id"][0])


@pytest.fixture(scope="module")
def recording(recordings: Path, session: SessionView) -> Group:
    return read_recording(recordings / "ibl" / f"{session.session_id}.h5")


def in_split(recording: Group, start: np.ndarray, split: str) -> np.ndarray:
    bounds = recording.groups[f"ts1_{split}_domain"].arrays
    return np.array([((bounds["start"] <= one) & (one + 1 <= bounds["end"])).any() for one in start])


@pytest.mark.parametrize("task", [choice, reward, stimulus_contrast])
def test_windows_classes_and_splits_are_those_of_the_tasks(recording: Group, session: SessionView, task) -> None:
    data: TaskData = task(session)
    group = recording.groups["task_aligned_intervals"].groups[task.__name__].arrays
    np.testing.assert_array_equal(group["trial_index"], data.row_ids)
    np.testing.assert_array_equal(group["start"], data.starts)
    np.testing.assert_array_equal(group[task.__name__], data.outputs(np.arange(len(data.row_ids))))
    for split in ("train", "val", "test"):
        inside = in_split(recording, group["start"], split)
        assert inside.any()
        np.testing.assert_array_equal(inside, data.split == split)


@pytest.mark.parametrize(
    ("task", "window", "group", "name"),
    [
        (whisker_motion_energy, "movement_window", "whisker", "whisker_motion_energy"),
        (wheel_speed, "movement_window", "wheel", "wheel_speed"),
        (licking_rate, "licking_window", "licks", "licking_rate"),
    ],
)
def test_signals_and_statistics_are_those_of_the_tasks(
    recording: Group, session: SessionView, task, window: str, group: str, name: str
) -> None:
    data, series = task(session), recording.groups[group]
    assert series.rate_hz == 50.0
    assert series.domain is not None
    starts = recording.groups["task_aligned_intervals"].groups[window].arrays["start"]
    assert set(data.starts) <= set(starts)
    values = data.outputs(np.arange(len(data.starts)))[:, :, 0]
    first = np.round((data.starts + data.timestamps[:, 0] - series.domain[0, 0]) * 50).astype(int)
    stored = series.arrays[name][first[:, None] + np.arange(50)].astype(np.float64)
    if name == "whisker_motion_energy":
        found = recording.groups["ts1_normalize"].groups["whisker"].groups[name].attributes
        np.testing.assert_allclose((found["mean"], found["std"]), data.normalisation, rtol=1e-5)
        stored = (stored - float(found["mean"])) / float(found["std"])
    elif name == "licking_rate":
        stored = stored / 50
    np.testing.assert_allclose(stored, values, rtol=1e-4, atol=1e-4)


def test_ranges_of_suite_2_hold_the_windows_of_its_tasks(recording: Group, session: SessionView) -> None:
    data = co_smoothing(session)
    for split in ("train", "val", "test"):
        bounds = recording.groups[f"ts2_{split}_domain"].arrays if split in data.split else None
        for start in data.starts[data.split == split]:
            assert bounds is not None
            assert ((bounds["start"] <= start) & (start + 1 <= bounds["end"] + 1e-9)).any()


def test_domains_and_statistics_do_not_move_with_the_units_that_are_chosen(
    home: Platform, recording: Group, session: SessionView, tmp_path: Path
) -> None:
    done = operations.export_sessions(home.settings.home, "torch-brain", "ibl", tmp_path, units="good")
    (path,) = done.written.values()
    found = read_recording(tmp_path / path).groups
    names = [name for name in recording.groups if name.startswith(("ts1", "ts2"))]
    assert len(names) == 7
    for name in names:
        assert first_difference(found[name], recording.groups[name]) == "", name
    ours = whisker_motion_energy(session).normalisation
    stated = found["ts1_normalize"].groups["whisker"].groups["whisker_motion_energy"].attributes
    assert (stated["mean"], stated["std"]) == ours


def test_a_stray_spike_moves_no_domain(session: SessionView, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, _ = benchmark_groups(session)
    spikes = session.spikes
    unit = int(np.flatnonzero(hidden_units(session, np.arange(spikes.n_units))[0]["ts2_is_selected"])[0])
    last = int(spikes.offsets[unit + 1])
    offsets = spikes.offsets + (np.arange(spikes.n_units + 1) > unit)
    stray = [
        np.insert(one, last, value) for one, value in ((spikes.times, 9e4), (spikes.amplitudes, 0), (spikes.depths, 0))
    ]
    strayed = Spikes(stray[0], offsets, stray[1], stray[2])
    monkeypatch.setattr(SessionView, "spikes", property(lambda self: strayed))
    found, _ = benchmark_groups(session)
    domains = [name for name in expected if name.endswith("_domain")]
    assert len(domains) == 6
    for name in domains:
        assert first_difference(found[name], expected[name]) == "", name


def test_trials_have_the_index_that_the_windows_name(recording: Group) -> None:
    trials = recording.groups["trials"].arrays
    shown = recording.groups["task_aligned_intervals"].groups["choice"].arrays
    at = dict(zip(trials["trial_index"].tolist(), trials["movement_onset_time"].tolist()))
    np.testing.assert_array_equal([at[index] for index in shown["trial_index"]], shown["end"])
    prior = recording.groups["task_aligned_intervals"].groups["block_prior"].arrays["block_prior"]
    assert set(prior) <= {0, 1}


def test_hidden_units_are_those_of_the_task(recording: Group, session: SessionView) -> None:
    units = recording.groups["units"].arrays
    data = co_smoothing(session)
    assert data.tuning is not None
    for split, target in (("test", data), ("val", data.tuning())):
        hidden = units[f"ts2_co_smoothing_is_held_out_{split}"]
        assert units["id"][hidden].tolist() == [str(unit) for unit in target.target_ids]
        assert not (hidden & ~units["ts2_is_selected"]).any()
    assert 0 < units["ts2_is_selected"].sum() < len(session.units)


def test_hidden_units_stay_the_same_when_other_units_are_left_out(recording: Group, session: SessionView) -> None:
    units, rows = recording.groups["units"].arrays, np.arange(1, len(session.units), 2)
    found, notes = hidden_units(session, rows)
    for name, values in found.items():
        np.testing.assert_array_equal(values, units[name][rows])
    n_selected, n_here = units["ts2_is_selected"].sum(), units["ts2_is_selected"][rows].sum()
    assert f"{n_selected} of {len(session.units)} units are selected, and {n_here} of them are here" in notes[0]
    assert "qc_neural was not applied" in notes[0]


def test_units_of_a_release_without_labels_are_not_called_hidden(
    session: SessionView, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = session.units.drop(columns="released.label")
    monkeypatch.setattr(SessionView, "units", property(lambda self: table))
    found, notes = hidden_units(session, np.arange(len(table)))
    assert found == {}
    assert notes == [
        "units that BrainWideBench selects and hides: its units have no released.label, by which the benchmark selects "
        "them"
    ]


def test_what_a_session_is_too_short_for_is_said_and_other_tasks_have_none(
    recording: Group, session: SessionView, store: OpenedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_short(*_: object) -> None:
        raise ConfigError("split of 1 to 2 s", "nothing is left of val", "Take a longer session.")

    monkeypatch.setitem(benchmark._SUITES, "ts1", too_short)
    groups, notes = benchmark_groups(session)
    assert "ts1_train_domain" not in groups
    assert "ts2_train_domain" in groups
    assert notes == ["ts1 domains of BrainWideBench: nothing is left of val"]
    other = store.session("allen_vc", store.sessions("allen_vc")["session_id"][0])
    assert benchmark_groups(other) == ({}, [])
