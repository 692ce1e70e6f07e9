"""What is in an NWB file, read back by the PyNWB of our own environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from pynwb import NWBHDF5IO

from nh_platform import operations
from nh_platform.exports.nwb.file_facts import ORIGIN
from nh_platform.exports.nwb.layout import LAYOUT
from nh_platform.home.platform import Platform
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.session import ConfigError, Spikes
from nh_platform_tests.exports.nwb.conftest import SOURCES, Files, View, Write


def assert_spikes(units: object, spikes: Spikes) -> None:
    """Hold the spikes of a units table against ours, bit by bit."""
    index = units["spike_times"]  # type: ignore[index]
    assert np.array_equal(np.asarray(index.target.data).view(np.int64), spikes.times.view(np.int64))
    assert np.asarray(index.data).tolist() == spikes.offsets[1:].tolist()


@pytest.mark.parametrize("source", SOURCES)
def test_units_have_valid_spikes_bit_exact_with_the_time_that_was_valid(exported: Files, source: str) -> None:
    file = exported(source)
    session, path, notes = file.session, file.path, file.notes
    valid = session.valid_spikes
    with NWBHDF5IO(str(path), "r") as io:
        units = io.read().units
        assert_spikes(units, valid.spikes)
        for row, probe in enumerate(session.units["probe"]):
            np.testing.assert_array_equal(np.array(units["obs_intervals"][row]), valid.stretches[probe])
        rates = session.probes["sampling_rate"].dropna()
        assert units.resolution == pytest.approx(1 / (rates.max() if len(rates) else 30000), rel=1e-12)
        assert np.asarray(units["pass_nh_common"].data).tolist() == session.units["pass.nh-common"].tolist()
        assert "Rulebook nh-common" in units["pass_nh_common"].description
        rule = load_rulebook("nh-common").rule("presence_ratio")
        assert f"{rule.metric} {rule.comparison} {rule.threshold}" in units["rule_nh_common_presence_ratio"].description
    dropped = sum(valid.left_out.values())
    assert any("are in invalid or unrecorded time" in note for note in notes) == bool(dropped)
    assert bool(dropped) == (source == "allen_vc")


def test_every_spike_is_written_where_that_is_asked_for_and_only_units_that_are_chosen(
    view: View, write: Write
) -> None:
    session, rows = view("allen_vc"), np.array([1, 5, 6])
    path, _ = write(session, spikes="all", rows=rows)
    with NWBHDF5IO(str(path), "r") as io:
        units = io.read().units
        assert_spikes(units, session.spikes.take(rows))
        assert units.id[:].tolist() == session.units["unit_id"].iloc[rows].astype(int).tolist()


def test_gzip_holds_the_same(exported: Files, view: View, write: Write) -> None:
    plain = exported("ibl").path
    packed, _ = write(view("ibl"), compression="gzip")
    assert packed.stat().st_size < plain.stat().st_size
    with h5py.File(plain) as one, h5py.File(packed) as other:
        assert other["units/spike_amplitudes_uV"].compression == "gzip"
        for name in ("spike_times", "spike_times_index", "spike_amplitudes_uV", "waveform_mean"):
            np.testing.assert_array_equal(one[f"units/{name}"][()], other[f"units/{name}"][()])


def test_ibl_names(exported: Files) -> None:
    file = exported("ibl")
    session, path = file.session, file.path
    with NWBHDF5IO(str(path), "r") as io:
        nwbfile = io.read()
        trials, ours = nwbfile.trials.to_dataframe(), session.trials
        np.testing.assert_array_equal(trials["gabor_stimulus_onset_time"], ours["stimOn_times"])
        assert set(trials["mouse_wheel_choice"]) <= {"clockwise", "counter_clockwise", "none"}
        assert (trials["mouse_wheel_choice"] == "clockwise").tolist() == (ours["choice"] == 1).tolist()
        assert (trials["gabor_stimulus_side"] == "left").tolist() == ours["contrastLeft"].notna().tolist()
        shown = ours["contrastLeft"].fillna(ours["contrastRight"])
        np.testing.assert_allclose(trials["gabor_stimulus_contrast"], 100 * shown, rtol=1e-12)
        assert trials["is_mouse_rewarded"].dtype == bool
        assert trials["block_index"].iloc[0] == 0
        assert trials["block_index"].nunique() == 1 + int((ours["probabilityLeft"].diff().iloc[1:] != 0).sum())
        units = nwbfile.units.to_dataframe()
        assert units["cluster_uuid"].tolist() == session.units["unit_id"].tolist()
        np.testing.assert_allclose(units["median_spike_amplitude_uV"], session.units["released.amp_median"] * 1e6)
        np.testing.assert_array_equal(units["ibl_quality_score"], session.units["released.label"])
        amplitudes = nwbfile.units["spike_amplitudes_uV"].target.data[()]
        np.testing.assert_array_equal(amplitudes, session.spikes.amplitudes * np.float32(1e6))
        wheel = nwbfile.processing["wheel"]["WheelPosition"]
        np.testing.assert_array_equal(wheel.data[()], session.signal("wheel_position").values)
        np.testing.assert_array_equal(wheel.timestamps[()], session.signal("wheel_position").timestamps)
        assert wheel.unit == "radians"
        licks = nwbfile.processing["lick_times"]["licks"]
        np.testing.assert_array_equal(licks.timestamps[()], np.sort(session.events["licks"]["times"]))
        peaks = nwbfile.electrodes.to_dataframe().iloc[units["max_electrode"]]
        assert peaks["group_name"].tolist() == units["probe_name"].tolist()
        np.testing.assert_array_equal(peaks["probe_channel_number"], session.units["channel"])


def test_waveforms_stand_in_the_order_of_the_units_electrodes(exported: Files) -> None:
    file = exported("ibl")
    session, path = file.session, file.path
    found = session.mean_waveforms()
    with NWBHDF5IO(str(path), "r") as io:
        units = io.read().units
        stored, rows = units["waveform_mean"].data[()], units["electrodes"]
        numbers = np.asarray(rows.target.table["probe_channel_number"].data)
        for unit in (0, len(found.unit_ids) - 1):
            begin = int(rows.data[unit - 1]) if unit else 0
            electrodes = np.asarray(rows.target.data[begin : int(rows.data[unit])])
            inside = found.channels[unit] >= 0
            assert numbers[electrodes].tolist() == found.channels[unit][inside].tolist()
            np.testing.assert_array_equal(stored[unit][:, : inside.sum()].T, found.values[unit][inside])
        assert stored.shape == (len(found.unit_ids), *found.values.shape[:0:-1])
        assert units.waveform_rate == found.sampling_rates[0]


def test_body_parts_are_positions_in_the_video(exported: Files) -> None:
    file = exported("ibl")
    session, path = file.session, file.path
    (name, signal), *_ = sorted(session.pose_signals.items())
    _, tracker, camera = name.split("_", 2)
    part = signal.columns[0].removesuffix("_x")
    with NWBHDF5IO(str(path), "r") as io:
        module = io.read().processing["pose_estimation"]
        series = module[f"{camera.capitalize()}Camera_{tracker}_{part}"]
        np.testing.assert_array_equal(series.data[()], signal.values[:, :2])
        assert (series.unit, series.neurodata_type) == ("pixels", "SpatialSeries")


def test_allen_names(exported: Files) -> None:
    file = exported("allen_vbn")
    session, path = file.session, file.path
    with NWBHDF5IO(str(path), "r") as io:
        nwbfile = io.read()
        for stimulus, rows in session.presentations.groupby("stimulus_name"):
            table = nwbfile.intervals[f"{stimulus}_presentations"]
            assert table.id[:].tolist() == rows["presentation_id"].tolist()
            np.testing.assert_array_equal(table["start_time"].data[()], rows["start_time"])
        images = next(table for name, table in nwbfile.intervals.items() if name.startswith("Natural_Images"))
        assert images["is_change"].data.dtype == bool
        trials, ours = nwbfile.trials, session.events["change_trials"]
        assert trials["hit"].data[()].tolist() == ours["hit"].tolist()
        licks = session.events["trial_licks"]
        for row in range(len(ours)):
            expected = licks.loc[licks["trials_id"] == ours["trials_id"][row], "times"]
            assert np.asarray(trials["lick_times"][row]).tolist() == expected.tolist()
        ids = session.channels.set_index(["probe", "channel"])["upstream_id"]
        peaks = [int(ids[key]) for key in zip(session.units["probe"], session.units["channel"])]
        assert nwbfile.units["peak_channel_id"].data[:].tolist() == peaks
        np.testing.assert_allclose(nwbfile.units["amplitude"].data[()], session.units["released.amplitude"] * 1e6)
        speed = nwbfile.processing["running"]["speed"]
        np.testing.assert_array_equal(speed.data[()], session.signal("running_speed").values[:, 0])
        assert json.loads(nwbfile.scratch["task_parameters"].data) == session.task_parameters


def test_invalid_times_say_of_what(exported: Files) -> None:
    file = exported("allen_vc")
    session, path = file.session, file.path
    with NWBHDF5IO(str(path), "r") as io:
        table = io.read().invalid_times.to_dataframe()
    ours = session.events["invalid_times"].sort_values("start_time", kind="stable")
    assert table["scope"].tolist() == ours["scope"].tolist()
    assert [list(tags) for tags in table["tags"]] == [[one] for one in ours["scope"]]


@pytest.mark.parametrize("source", SOURCES)
def test_origin_terms_and_citations_are_in_the_file(exported: Files, source: str) -> None:
    file = exported(source)
    session, path = file.session, file.path
    with NWBHDF5IO(str(path), "r") as io:
        nwbfile = io.read()
        origin = json.loads(nwbfile.scratch[ORIGIN].data)
        assert origin["source"] == source
        assert origin["data_versions"]["units"] == session.provenance("units").data_version
        assert origin["terms"] in nwbfile.notes
        assert all(one in nwbfile.notes for one in origin["cites"])
        with_doi = [one for one in origin["cites"] if "https://doi.org/" in one]
        assert len(nwbfile.related_publications or ()) == len(with_doi)
        assert nwbfile.subject.species == "Mus musculus"
        assert nwbfile.subject.sex in ("F", "M", "U")
        assert nwbfile.session_start_time.tzinfo is not None
        assert f"{nwbfile.session_start_time:%Y-%m-%d}" == session.info.date
        # What a format has from the clock is derived.
        assert list(nwbfile.file_create_date) == [nwbfile.session_start_time]


@pytest.mark.parametrize("source", SOURCES)
def test_the_same_session_gives_the_same_bytes(exported: Files, view: View, write: Write, source: str) -> None:
    second, _ = write(view(source))
    assert exported(source).path.read_bytes() == second.read_bytes()


@pytest.mark.slow
def test_the_same_bytes_in_another_process(home: Platform, tmp_path: Path) -> None:
    found = []
    run = (
        "import sys; from nh_platform.operations import export_sessions as e; e(sys.argv[1], 'nwb', 'ibl', sys.argv[2])"
    )
    for seed in ("1", "2"):
        command = [sys.executable, "-c", run, str(home.settings.home), str(tmp_path / seed)]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": seed})
        (path,) = (tmp_path / seed).rglob("*.nwb")
        found.append((path.relative_to(tmp_path / seed), path.read_bytes()))
    assert found[0] == found[1]


def test_every_object_has_an_id_of_its_own(exported: Files) -> None:
    ids: list[str] = []
    with h5py.File(exported("ibl").path) as file:
        file.visititems(lambda _, found: ids.append(found.attrs["object_id"]) if "object_id" in found.attrs else None)
    assert len(ids) == len(set(ids)) > 100


def test_files_of_two_sources_lie_in_one_folder_as_dandi_names_them(home: Platform, tmp_path: Path) -> None:
    for source in ("allen_vbn", "allen_vc"):
        assert not operations.export_sessions(home.settings.home, "nwb", source, tmp_path).failed
    paths = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.nwb"))
    assert len(paths) == 2
    for path in paths:
        subject, session = path.parts[0], path.stem.split("_")[1]
        assert path.name == f"{subject}_{session}_desc-processed_behavior+ecephys.nwb"
        assert "_" not in subject.removeprefix("sub-")


def test_options_that_cannot_be_are_refused_before_anything_is_written(home: Platform, tmp_path: Path) -> None:
    for options in ({"spikes": "goood"}, {"compression": "zip"}):
        with pytest.raises(ConfigError, match="there are"):
            operations.export_sessions(home.settings.home, "nwb", "ibl", tmp_path / "out", options=options)
    assert not (tmp_path / "out").exists()
    assert LAYOUT.options == {"compression": "none", "spikes": "valid"}
