"""The files of all sessions: trees, true medians, tables, subset, npy; the same bytes every time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from nh_platform.exports.stimulus import StoredTensors, export_npy, shown_names, write_stimulus_files, write_tensors
from nh_platform.exports.stimulus.tensor_files import TensorPlan, plan_tensors
from nh_platform.exports.stimulus.unit_choice import tensor_good_units
from nh_platform.session import ConfigError
from nh_platform.sources.project_tables import ProjectTables
from nh_platform.store.codecs.hdf5 import open_file
from nh_platform.windows.presentations.conventions import MODES, Mode
from nh_platform_tests.exports.stimulus.conftest import RULEBOOK, STRUCTURES, Made, project_tables


def session_of(made: list[Made], stimulus: str) -> Made:
    return next(m for m in made if stimulus in set(m.behavior.events["presentations"]["stimulus_name"]))


def test_exact_counts_equal_those_taken_from_the_spikes(made: list[Made], files: Path) -> None:
    session = session_of(made, "drifting_gratings")
    tree = xr.open_datatree(files / "exact" / "drifting_gratings.h5", engine="h5netcdf")
    ids = session.recording.units["unit_id"].astype(int).tolist()
    checked = 0
    for structure in tree[f"session_{session.session_id}"].children.values():
        spikes, shown = structure["spike_data"].to_dataset(), structure["presentations"].to_dataset()
        assert spikes.sizes["time"] == 101
        for unit in spikes["unit_id"].to_numpy():
            times = session.recording.spikes.of_unit(ids.index(unit))
            for p, start in enumerate(shown["start_time"].to_numpy()):
                edges = start + np.arange(102) * 20_000 / 1e6
                expected = np.diff(np.searchsorted(times, edges))
                valid = bool(spikes["valid"].sel(unit_id=unit)[p])
                found = spikes["spike_counts"].sel(unit_id=unit)[p].to_numpy()
                assert valid
                np.testing.assert_array_equal(found, expected)
                checked += expected.sum()
    assert checked > 100


def test_the_two_movies_share_one_file_under_their_common_name(made: list[Made], files: Path) -> None:
    assert not (files / "exact" / "natural_movie_one_more_repeats.h5").exists()
    tree = xr.open_datatree(files / "exact" / "natural_movie_one.h5", engine="h5netcdf")
    names = {
        str(structure["presentations"].to_dataset()["stimulus_name"].to_numpy()[0])
        for session in tree.children.values()
        for structure in session.children.values()
    }
    assert names == {"natural_movie_one", "natural_movie_one_more_repeats"}
    for session in tree.children.values():
        for structure in session.children.values():
            assert structure["spike_data"].to_dataset().sizes["time"] == 1502


def test_the_subset_has_natural_stimuli_in_visual_cortex_alone(files: Path) -> None:
    for mode in MODES:
        folder = files / mode / "natural_visual"
        assert sorted(path.stem for path in folder.glob("*.h5")) == ["natural_movie_one", "natural_scenes"]
        whole = xr.open_datatree(files / mode / "natural_scenes.h5", engine="h5netcdf")
        part = xr.open_datatree(folder / "natural_scenes.h5", engine="h5netcdf")
        structures = {name for session in part.children.values() for name in session.children}
        assert structures
        assert all(name.startswith("VIS") for name in structures)
        for session in part.children:
            for structure in part[session].children:
                for kind in part[session][structure].children:
                    path = f"{session}/{structure}/{kind}"
                    xr.testing.assert_identical(part[path].to_dataset(), whole[path].to_dataset())


def test_tables_say_what_was_kept(made: list[Made], files: Path) -> None:
    folder = files / "exact"
    units = pd.read_csv(folder / "units.csv")
    in_files = [unit for m in made for unit in StoredTensors(m.tensors, m.session_id, "exact").units["unit_id"]]
    assert sorted(units["id"]) == sorted(map(int, in_files))
    assert set(units["ecephys_session_id"]) == {int(m.session_id) for m in made}
    sessions = pd.read_csv(folder / "sessions.csv")
    assert sessions["id"].tolist() == sorted(int(m.session_id) for m in made)
    assert sessions["unit_count"].sum() == len(units)
    medians = pd.read_csv(folder / "presentations_median_durations.csv").set_index("stimulus_name")["median_duration"]
    assert medians["gabors"] == 0.2502
    summary = pd.read_csv(folder / "presentations_filtered_summary.csv").set_index("stimulus_name")
    assert summary.loc["gabors", "num_presentations_before"] == 486
    assert summary.loc["gabors", "num_presentations_removed"] == 6


@pytest.mark.parametrize("mode", MODES)
def test_a_session_that_upstream_no_longer_lists_has_its_row_and_its_units(
    made: list[Made], root: Path, tmp_path: Path, mode: Mode
) -> None:
    whole = project_tables(root)
    gone, stays = (int(m.session_id) for m in made)
    project = ProjectTables(
        whole.sessions.drop(index=gone),
        whole.units[whole.units["ecephys_session_id"] == stays],
        whole.by_default[(whole.units["ecephys_session_id"] == stays).to_numpy()],
    )
    stored = [StoredTensors(m.tensors, m.session_id, mode) for m in made]
    write_stimulus_files(tmp_path / "files", stored, mode, project)
    sessions = pd.read_csv(tmp_path / "files" / "sessions.csv", index_col="id")
    units = pd.read_csv(tmp_path / "files" / "units.csv", index_col="id")
    assert sorted(sessions.index) == sorted((gone, stays))
    assert list(sessions.columns) == list(pd.read_csv(tmp_path / "files" / "sessions.csv").columns[1:])
    assert sessions.loc[gone].drop("unit_count").isna().all()
    assert sessions.loc[gone, "unit_count"] == len(stored[0].units) == (units["ecephys_session_id"] == gone).sum()


def test_without_tables_of_upstream_ids_and_structures_are_stated(made: list[Made], tmp_path: Path) -> None:
    stored = [StoredTensors(m.tensors, m.session_id, "exact") for m in made]
    write_stimulus_files(tmp_path / "files", stored, "exact")
    units = pd.read_csv(tmp_path / "files" / "units.csv")
    assert list(units.columns) == ["id", "ecephys_session_id", "ecephys_structure_acronym"]
    assert set(units["ecephys_structure_acronym"]) <= set(STRUCTURES)
    sessions = pd.read_csv(tmp_path / "files" / "sessions.csv")
    assert sessions["unit_count"].tolist() == [len(one.units) for one in stored]


def with_flashes(made: list[Made], folder: Path, durations: list[float]) -> list[StoredTensors]:
    """Write tensors in which the flashes of every session last ``durations`` (s), in turn."""
    stored = []
    for session in made:
        plan = plan_tensors(
            *session.behavior.parts, session.units, tensor_good_units(session.units, "exact", RULEBOOK), "exact"
        )
        flashes = plan.presentations[plan.presentations["stimulus_name"] == "flashes"].reset_index(drop=True)
        lasting = flashes.assign(duration=np.resize(durations, len(flashes)))
        target = folder / session.session_id
        target.mkdir()
        moved = TensorPlan("exact", plan.units, lasting, np.ones(len(lasting), dtype=bool), ())
        write_tensors(target, session.recording.spikes, *session.behavior.parts, [moved])
        stored.append(StoredTensors(target, session.session_id, "exact"))
    return stored


@pytest.mark.parametrize("usual", [0.2508, 0.3008, 1.9], ids="{} s".format)
def test_the_medians_of_the_joined_sessions_count_whatever_the_release_had(
    made: list[Made], tmp_path: Path, usual: float
) -> None:
    stored = with_flashes(made, tmp_path, [usual, usual + 0.0007, usual, usual, 60.0])
    summary = write_stimulus_files(tmp_path / "files", stored, "exact")
    assert summary.medians == {"flashes": usual}
    assert {row.n_presentations for row in summary.statistics} == {24}  # 30 flashes, every fifth of 60 s
    assert [note.subject for note in summary.notes] == ([] if usual == 0.2508 else ["flashes"])
    medians = pd.read_csv(tmp_path / "files" / "presentations_median_durations.csv")
    assert medians["median_duration_exact"].tolist() == [usual]
    tree = xr.open_datatree(tmp_path / "files" / "flashes.h5", engine="h5netcdf")
    bins = -int(-(usual + 0.0007) // 0.02)
    assert {node.sizes["time"] for node in tree.subtree if node.name == "spike_data"} == {bins}


def test_one_long_presentation_gives_the_others_no_bins(made: list[Made], tmp_path: Path) -> None:
    with_flashes(made[:1], tmp_path, [*[0.25] * 14, 60.0])
    with open_file(tmp_path / made[0].session_id / "exact" / "flashes.h5") as file:
        shapes = {name: file[f"{name}/spike_data/spike_data"].shape[:2] for name in file}
    assert shapes == {"bins_13": (28, 13), "bins_3001": (2, 3001)}


def test_presentations_of_two_lengths_stand_in_their_order_with_the_bins_of_the_longest(
    made: list[Made], tmp_path: Path
) -> None:
    """Beside 0.2578 s less than 0.2598 s is kept, of 13 bins; beside 0.2585 s up to 0.2605 s, of 14: two classes."""
    session = made[0]
    (stored,) = with_flashes([session], tmp_path, [0.2578, 0.2585])
    ids = stored.presentations["presentation_id"].to_numpy()
    both, first = stored.groups("flashes", ids)["spike_data"], stored.groups("flashes", ids[:1])["spike_data"]
    assert both["presentation_id"].values.tolist() == sorted(ids)
    assert both["spike_counts"].values.shape == (30, 13, len(stored.units))
    np.testing.assert_array_equal(both["spike_counts"].values[:1], first["spike_counts"].values)
    row = session.recording.units["unit_id"].astype(int).tolist().index(int(both["unit_id"].values[0]))
    for start, counts in zip(stored.presentations["start_time"], both["spike_counts"].values[:, :, 0]):
        edges = start + np.arange(14) * 20_000 / 1e6
        assert counts.tolist() == np.diff(np.searchsorted(session.recording.spikes.of_unit(row), edges)).tolist()


def test_the_same_sessions_give_the_same_bytes_in_any_order(
    made: list[Made], root: Path, files: Path, tmp_path: Path
) -> None:
    stored = [StoredTensors(m.tensors, m.session_id, "exact") for m in reversed(made)]
    write_stimulus_files(tmp_path / "again", stored, "exact", project_tables(root))
    first = {p.relative_to(files / "exact"): p.read_bytes() for p in (files / "exact").rglob("*") if p.is_file()}
    second = {p.relative_to(tmp_path / "again"): p.read_bytes() for p in (tmp_path / "again").rglob("*") if p.is_file()}
    assert first.keys() == second.keys()
    assert all(first[name] == second[name] for name in first)


def test_no_sessions_give_empty_tables(tmp_path: Path) -> None:
    summary = write_stimulus_files(tmp_path / "none", [], "exact")
    assert summary.statistics == ()
    assert len(pd.read_csv(tmp_path / "none" / "combined_statistics.csv")) == 0


def test_npy_has_units_presentations_time(made: list[Made], files: Path, tmp_path: Path) -> None:
    tree = xr.open_datatree(files / "exact" / "gabors.h5", engine="h5netcdf")
    structure = next(name for session in tree.children.values() for name in session.children)
    written = export_npy(files, "gabors", structure, tmp_path)
    labels = json.loads((tmp_path / f"gabors-{structure}-spike_data.json").read_text())
    assert labels["axes"] == ["unit_id", "presentation_id", "time"]
    assert [path.name for path in written] == [
        f"{session}-gabors-{structure}-spike_data.npy" for session in sorted(labels["sessions"])
    ]
    for path in written:
        session = path.name.split("-")[0]
        array = np.load(path)
        dataset = tree[f"{session}/{structure}/spike_data"].to_dataset()
        np.testing.assert_array_equal(array, dataset["spike_data"].transpose("unit_id", "presentation_id", "time"))
        assert labels["sessions"][session]["unit_id"] == dataset["unit_id"].to_numpy().tolist()
        assert len(labels["sessions"][session]["presentation_id"]) == array.shape[1]


@pytest.mark.parametrize("mode", MODES)
def test_npy_of_speed_and_pupil(files: Path, tmp_path: Path, mode: str) -> None:
    tree = xr.open_datatree(files / mode / "natural_movie_one.h5", engine="h5netcdf")
    shown = shown_names(files / mode, "natural_movie_one")
    session = next(name for name in tree.children if shown[name] == "natural_movie_one_more_repeats")
    structure = next(iter(tree[session].children))
    export_npy(files, "natural_movie_one_more_repeats", structure, tmp_path, "speed", mode)
    name = f"{session}-natural_movie_one_more_repeats-{structure}"
    speed = tree[f"{session}/{structure}/speed"].to_dataset()["speed"].transpose("presentation_id", "time")
    np.testing.assert_array_equal(np.load(tmp_path / f"{name}-speed.npy"), speed)
    export_npy(files, "natural_movie_one_more_repeats", structure, tmp_path, "pupil_data", mode)
    labels = json.loads((tmp_path / f"natural_movie_one_more_repeats-{structure}-pupil_data.json").read_text())
    array = np.load(tmp_path / f"{name}-pupil_data.npy")
    names = labels["sessions"][session]["variable"]
    assert array.shape == (len(names), *speed.shape)
    group = "gaze_data" if mode == "mlynarski-compat" else "pupil_data"
    eyes = tree[f"{session}/{structure}/{group}"].to_dataset()
    np.testing.assert_array_equal(array[2], eyes[names[2]].transpose("presentation_id", "time"))


@pytest.mark.parametrize("mode", MODES)
def test_the_two_movies_of_one_file_can_be_told_apart(made: list[Made], files: Path, tmp_path: Path, mode: str) -> None:
    few, many = "natural_movie_one", "natural_movie_one_more_repeats"
    sessions = {name: f"session_{session_of(made, name).session_id}" for name in (few, many)}
    assert shown_names(files / mode, few) == {session: name for name, session in sessions.items()}
    tree = xr.open_datatree(files / mode / f"{few}.h5", engine="h5netcdf")
    shared = set.intersection(*(set(tree[session].children) for session in sessions.values()))
    structure = sorted(shared)[0]

    def exported(folder: str, *arguments: str) -> set[str]:
        stimulus, *variant = arguments
        written = export_npy(files, stimulus, structure, tmp_path / folder, "spike_data", mode, *variant)
        labels = json.loads((tmp_path / folder / f"{stimulus}-{structure}-spike_data.json").read_text())["sessions"]
        assert {s: labels[s]["stimulus_name"] for s in labels} == {
            session: name for name, session in sessions.items() if session in labels
        }
        assert {path.name.split("-")[0] for path in written} == set(labels)
        return set(labels)

    assert exported("both", few) == set(sessions.values())
    assert exported("few", few, few) == {sessions[few]}
    assert exported("many", few, many) == {sessions[many]}
    assert exported("named", many) == {sessions[many]}
    with pytest.raises(ConfigError, match=r"stimulus 'natural_movie_on'.*Did you mean natural_movie_one"):
        exported("none", few, "natural_movie_on")


def test_an_unknown_stimulus_structure_or_kind_of_data_is_refused_with_close_names(files: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"stimulus 'natural_scene'.*Did you mean natural_scenes"):
        export_npy(files, "natural_scene", "VISp", tmp_path)
    with pytest.raises(ConfigError, match=r"structure 'VISpp'.*Did you mean VISp"):
        export_npy(files, "gabors", "VISpp", tmp_path)
    with pytest.raises(ConfigError, match=r"data 'spikes'.*Use one of: spike_data, speed, pupil_data"):
        export_npy(files, "gabors", "VISp", tmp_path, "spikes")
    assert list(tmp_path.glob("*.npy")) == []


def test_stored_tensors_name_their_stimuli(made: list[Made]) -> None:
    stored = StoredTensors(session_of(made, "dot_motion").tensors, "1", "exact")
    assert "dot_motion" in stored.types
    with pytest.raises(ConfigError, match=r"Did you mean dot_motion"):
        stored.groups("dotmotion", [1])


@pytest.mark.parametrize(
    ("dims", "order", "called"),
    [
        ("unit,time,presentation", ("unit_id", "time", "presentation_id"), "Target format"),
        ("presentation,unit,time", ("presentation_id", "unit_id", "time"), "Output files' structure"),
        ("unit,presentation,time", ("unit_id", "presentation_id", "time"), "access_stimulus_structure.py"),
        ("time, unit_id, presentation_id", ("time", "unit_id", "presentation_id"), "none of the README's three"),
    ],
)
def test_npy_has_the_order_of_axes_asked_for_and_says_whose_it_is(
    files: Path, tmp_path: Path, dims: str, order: tuple[str, ...], called: str
) -> None:
    (first, *_) = export_npy(files, "flashes", "VISp", tmp_path, dims=dims)
    described = json.loads((tmp_path / "flashes-VISp-spike_data.json").read_text())
    assert described["axes"] == list(order)
    assert described["readme_order"].startswith(called)
    with open_file(files / "exact" / "flashes.h5") as file:
        stored = file[f"{first.name.split('-')[0]}/VISp/spike_data/spike_data"][:]  # presentation × time × unit
    on_disk = ("presentation_id", "time", "unit_id")
    np.testing.assert_array_equal(np.load(first), stored.transpose([on_disk.index(axis) for axis in order]))


@pytest.mark.parametrize(
    ("data", "dims", "words"),
    [
        ("spike_data", "unit,trial,time", r"no axis 'trial'.*Name unit, presentation, time once each"),
        ("spike_data", "unit,time", r"spike_data has 3 axes.*Name unit, presentation, time"),
        ("spike_data", "unit,unit,time", "spike_data has 3 axes"),
        ("speed", "unit,time,presentation", r"speed has no axis 'unit'.*Name presentation, time"),
    ],
)
def test_an_order_of_other_axes_is_refused_with_the_valid_ones(
    files: Path, tmp_path: Path, data: str, dims: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        export_npy(files, "flashes", "VISp", tmp_path, data, dims=dims)
    assert list(tmp_path.iterdir()) == []


def test_speed_and_pupil_take_an_order_too(files: Path, tmp_path: Path) -> None:
    (usual, *_) = export_npy(files, "flashes", "VISp", tmp_path / "a", "pupil_data")
    (turned, *_) = export_npy(files, "flashes", "VISp", tmp_path / "b", "pupil_data", dims="time,presentation,variable")
    np.testing.assert_array_equal(np.load(turned), np.load(usual).transpose(2, 1, 0))
    (speed, *_) = export_npy(files, "flashes", "VISp", tmp_path / "c", "speed", dims="time,presentation")
    assert np.load(speed).shape == np.load(turned).shape[:2]
    assert "readme_order" not in json.loads((tmp_path / "c" / "flashes-VISp-speed.json").read_text())
