"""The simulated Visual Coding file is what the unmodified AllenSDK opens, in the layout of the 2020 release.

Add a test here with each group of the file. The platform's own reader is compared with AllenSDK in the tests of
`nh_platform.sources.allen`.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from nh_platform.simulation import SimulatedSession
from nh_platform.simulation.allen.nwb_units import mean_waveforms
from nh_platform.simulation.ground_truth import UnitTruth

pytestmark = pytest.mark.filterwarnings("ignore")  # AllenSDK 2.16.2 and its dependencies emit dozens of deprecations
Allen = tuple[Path, SimulatedSession]


def _path(allen: Allen) -> Path:
    folder = allen[1].folder
    return folder / f"{folder.name}.nwb"


NO_FILTER = {
    "filter_by_validity": False,
    "filter_out_of_brain_units": False,
    "amplitude_cutoff_maximum": np.inf,
    "presence_ratio_minimum": -np.inf,
    "isi_violations_maximum": np.inf,
}


@pytest.fixture(scope="module")
def sdk_session(allen: Allen) -> Any:
    """Open the file as AllenSDK's session, no unit filtered.

    The file is opened once: given a path, AllenSDK opens it again for every attribute (38 s in all, against 3).
    """
    from nh_platform.sources.allen.sdk import restore_numpy_names

    restore_numpy_names()
    import pynwb
    from allensdk.brain_observatory.ecephys.ecephys_session import EcephysSession
    from allensdk.brain_observatory.ecephys.ecephys_session_api import EcephysNwbSessionApi

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations of AllenSDK's own dependencies
        with pynwb.NWBHDF5IO(str(_path(allen)), "r", load_namespaces=True) as file:
            yield EcephysSession(api=EcephysNwbSessionApi.from_nwbfile(file.read(), **NO_FILTER))


@pytest.mark.slow
def test_allensdk_opens_the_path_and_the_cache_without_a_request(
    allen: Allen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil
    import socket

    from nh_platform.sources.allen.sdk import warehouse_cache
    from nh_platform_tests.sources.allen.allensdk_clients import files_kept_open, open_session

    def refuse(*_: object) -> None:
        raise AssertionError("AllenSDK made a request")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with files_kept_open():
        defaults = open_session(_path(allen))
        assert 5 < len(defaults.units) < 20
        assert {"good"} == set(defaults.units.get("quality", ["good"]))
        shutil.copytree(allen[0], tmp_path / "cache")  # AllenSDK writes its manifest into the folder
        cache = warehouse_cache(tmp_path / "cache" / "manifest.json")
        session_id = int(allen[1].session_id)
        assert cache.get_session_table().index.tolist() == [session_id]
        session = cache.get_session_data(session_id)
        assert session.metadata["full_genotype"] == "wt"
        assert session.structurewise_unit_counts.sum() == len(session.units) == len(defaults.units)
        positions = session.channels
        assert (positions["dorsal_ventral_ccf_coordinate"] != positions["left_right_ccf_coordinate"]).all()


def test_allensdk_reads_units_and_spikes(sdk_session: Any, allen: Allen) -> None:
    truth = allen[1].truth
    # AllenSDK drops units whose metrics are NaN: here the one without spikes.
    fired = truth[truth["n_spikes"] > 0]
    units = sdk_session.units
    assert sorted(units.index) == sorted(fired["unit_id"].astype(int))
    counts = pd.Series({str(unit): len(times) for unit, times in sdk_session.spike_times.items()})
    assert (counts[fired["unit_id"]].to_numpy() == fired["n_spikes"].to_numpy()).all()
    assert units["probe_description"].unique().tolist() == ["probeA", "probeB"]
    assert 30 < units["waveform_amplitude"].median() < 1000  # µV


def test_allensdk_reads_presentations_and_signals(sdk_session: Any) -> None:
    shown = sdk_session.stimulus_presentations
    names = set(shown["stimulus_name"])
    assert names == {
        "spontaneous", "gabors", "flashes", "drifting_gratings", "natural_movie_one", "natural_scenes",
        "static_gratings", "invalid_presentation",
    }  # fmt: skip
    assert (np.diff(shown["start_time"]) > 0).all()
    gratings = shown[shown["stimulus_name"] == "drifting_gratings"]
    assert (gratings["orientation"] == "null").sum() == 2
    assert (shown.loc[shown["stimulus_name"] == "natural_scenes", "frame"] == -1).sum() == 2
    running = sdk_session.running_speed
    assert (running["end_time"] > running["start_time"]).all()
    pupil, gaze = sdk_session.get_pupil_data(), sdk_session.get_screen_gaze_data(include_filtered_data=True)
    assert len(pupil) == len(gaze)
    assert 0 < pupil["pupil_width"].isna().mean() < 0.05
    assert 30 < pupil["pupil_width"].median() < 60  # full axes: the file holds half of it
    assert [tags[-1] for tags in sdk_session.invalid_times["tags"]] == ["stimulus", "probeB"]
    epochs = sdk_session.optogenetic_stimulation_epochs
    assert set(epochs["stimulus_name"]) == {"raised_cosine", "pulse", "fast_pulses"}


def test_the_units_table_has_the_layout_of_the_release(allen: Allen) -> None:
    with h5py.File(_path(allen)) as file:
        assert file.attrs["nwb_version"] == "2.2.2"
        assert file["identifier"][()].decode() == allen[1].session_id
        units = file["units"]
        n_units = len(units["id"])
        for name in ("spike_times", "spike_amplitudes", "waveform_mean"):
            assert units[name].chunks is None
            assert units[name].dtype == np.float64
            assert units[f"{name}_index"].dtype == np.int64
            assert units[f"{name}_index"][-1] == len(units[name])
        assert units["waveform_mean"].shape == (n_units * 384, 82)
        assert set(units.attrs["colnames"]) >= {"isi_violations", "presence_ratio", "amplitude_cutoff", "quality"}
        assert 1e-5 < np.median(units["spike_amplitudes"]) < 1e-3  # volts
        assert units["presence_ratio"][:].max() <= 0.99 or np.isnan(units["presence_ratio"][:]).any()
        assert set(units["quality"].asstr()[:]) == {"good", "noise"}
        electrodes = file["general/extracellular_ephys/electrodes"]
        np.testing.assert_array_equal(electrodes["y"], electrodes["z"])  # the release's own fault
        assert {"", "None", "VISp5", "VISp2/3"} <= set(electrodes["location"].asstr()[:])


def test_some_presentations_are_too_long_and_none_overlap(allen: Allen) -> None:
    with h5py.File(_path(allen)) as file:
        gabors = file["intervals/gabors_presentations"]
        duration = gabors["stop_time"][:] - gabors["start_time"][:]
        assert (duration > np.median(duration) + 0.01).sum() == 3
        everything = [file[f"intervals/{name}"] for name in file["intervals"] if name.endswith("_presentations")]
        start = np.concatenate([table["start_time"] for table in everything])
        stop = np.concatenate([table["stop_time"] for table in everything])
    order = np.argsort(start)
    assert (start[order][1:] >= stop[order][:-1] - 1e-9).all()


def test_responding_units_are_tuned_to_orientation(allen: Allen) -> None:
    truth = allen[1].truth
    with h5py.File(_path(allen)) as file:
        table = file["intervals/drifting_gratings_presentations"]
        start, orientation = table["start_time"][:], table["orientation"][:]
        stops = np.concatenate([[0], file["units/spike_times_index"][:]])
        times = file["units/spike_times"][:]
    ratios = []
    for unit, row in enumerate(truth.itertuples()):
        if row.response == "stimulus" and row.design == "clean":
            own = times[stops[unit] : stops[unit + 1]]
            count = np.searchsorted(own, start + 2.05) - np.searchsorted(own, start + 0.05)
            angle = np.abs((orientation - row.preferred + 90) % 180 - 90)
            ratios.append(count[angle < 10].mean() / count[angle > 80].mean())
    assert len(ratios) >= 4
    assert min(ratios) > 1.4


def test_the_cache_tables_carry_the_positions_that_the_file_lacks(allen: Allen) -> None:
    root, session = allen
    channels = pd.read_csv(root / "channels.csv", index_col="id")
    units = pd.read_csv(root / "units.csv", index_col="id")
    assert len(channels) == 768
    assert (channels["dorsal_ventral_ccf_coordinate"] != channels["left_right_ccf_coordinate"]).any()
    assert set(units["ecephys_channel_id"]) <= set(channels.index)
    assert {"VISp"} <= set(channels["ecephys_structure_acronym"].dropna())
    assert channels.loc[channels["ecephys_structure_acronym"] == "VISp", "ecephys_structure_id"].unique() == [385]
    probes = pd.read_csv(root / "probes.csv", index_col="id")
    assert probes["name"].to_dict() == {int(number): name for name, number in session.probes.items()}


def test_each_of_allens_default_rules_has_units_on_both_sides(allen: Allen) -> None:
    units = pd.read_csv(allen[0] / "units.csv", index_col="id")
    truth = allen[1].truth.set_index("unit_id")
    truth.index = truth.index.astype(int)
    passed = {
        "isi_violations": units["isi_violations"] <= 0.5,
        "amplitude_cutoff": units["amplitude_cutoff"] <= 0.1,
        "presence_ratio": units["presence_ratio"] >= 0.95,
    }
    many = truth.loc[units.index, "n_spikes"] > 500
    assert all(0 < (rule & many).sum() < many.sum() for rule in passed.values())
    clean = truth.loc[units.index, "design"] == "clean"
    assert all(rule[clean].all() for rule in passed.values())
    assert not passed["amplitude_cutoff"][many & (truth.loc[units.index, "missing"] > 0.15)].any()
    assert not passed["presence_ratio"][truth.loc[units.index, "presence"] < 0.9].any()


def test_waveforms_have_their_trough_on_the_peak_channel() -> None:
    metrics = pd.DataFrame({"waveform_halfwidth": [0.2], "waveform_duration": [0.5], "amplitude": [150.0]})
    truth: list[UnitTruth] = [None]  # type: ignore[list-item]
    waveforms = mean_waveforms(truth, metrics, np.array([100]))
    assert waveforms.shape == (384, 82)
    assert np.unravel_index(waveforms.argmin(), waveforms.shape) == (100, 20)
    assert np.ptp(waveforms[100]) == pytest.approx(150.0, rel=0.05)
    assert (waveforms[200:] == 0).all()
