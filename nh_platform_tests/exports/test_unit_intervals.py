"""An interval in which reviewers call one unit invalid: left out or stated by every layout, and its neighbours stay."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from nh_platform import open_store, operations
from nh_platform.home.platform import Platform
from nh_platform.reading import SessionView
from nh_platform_tests.homes import home_with_unit_interval

INTERVAL = (10.0, 20.0)
LABEL = "review: fail by ada, bea: drifts in"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    return home_with_unit_interval(tmp_path_factory.mktemp("home"), INTERVAL, "probe00/4")


@pytest.fixture
def session(platform: Platform) -> SessionView:
    return open_store(platform.settings.home).session("ibl", platform.manifest("ibl").session_ids[0])


@pytest.fixture
def unit(session: SessionView) -> str:
    (found,) = session.unit_invalid_times["unit_id"]
    return str(found)


def export(platform: Platform, layout: str, folder: Path, units: str = "all") -> tuple[Path, tuple[str, ...]]:
    done = operations.export_sessions(platform.settings.home, layout, "ibl", folder, units=units)
    assert not done.failed, done.failed
    (path,) = done.written.values()
    return folder / path, tuple(note for notes in done.left_out.values() for note in notes)


def test_plain_files_state_it_as_a_table(platform: Platform, unit: str, tmp_path: Path) -> None:
    whole = [(unit, *INTERVAL, LABEL)]
    npz, _ = export(platform, "npz", tmp_path / "npz")
    with np.load(npz, allow_pickle=False) as held:
        assert [tuple(row) for row in held["unit_invalid_times"].tolist()] == whole
    npy, _ = export(platform, "npy", tmp_path / "npy")
    assert [tuple(row) for row in np.load(npy / "unit_invalid_times.npy").tolist()] == whole
    parquet, _ = export(platform, "parquet", tmp_path / "parquet")
    frame = pd.read_parquet(parquet / "unit_invalid_times.parquet")
    assert [tuple(row) for row in frame.drop(columns=["source", "session_id"]).to_numpy()] == whole


def test_the_unified_file_states_it_by_the_uuid_of_the_unit(platform: Platform, unit: str, tmp_path: Path) -> None:
    path, _ = export(platform, "hdf5", tmp_path)
    with h5py.File(path) as file:
        group = file["unit_invalid_times"]
        assert group["uuids"].asstr()[:].tolist() == [unit]
        assert (group["start_times"][0], group["stop_times"][0]) == INTERVAL
        assert group["start_times"].attrs["unit"] == "s"
        assert unit in file["units/uuids"].asstr()[:]


def test_an_export_without_that_unit_says_nothing_of_it(
    platform: Platform, session: SessionView, unit: str, tmp_path: Path
) -> None:
    rows = session.good_units()
    assert session.unit_invalid_rows(np.flatnonzero(session.units["unit_id"] != unit)).empty
    path, _ = export(platform, "parquet", tmp_path, units="good")
    is_there = bool(rows[(session.units["unit_id"] == unit).to_numpy()].any())
    assert (path / "unit_invalid_times.parquet").exists() == is_there


def test_nwb_leaves_its_spikes_out_and_narrows_the_observed_time_of_that_unit_alone(
    platform: Platform, session: SessionView, unit: str, tmp_path: Path
) -> None:
    from pynwb import NWBHDF5IO

    row = int(np.flatnonzero(session.units["unit_id"] == unit)[0])
    own = session.spikes.of_unit(row)
    inside = (own >= INTERVAL[0]) & (own < INTERVAL[1])
    assert inside.any()
    path, notes = export(platform, "nwb", tmp_path)
    with NWBHDF5IO(str(path), "r") as io:
        units = io.read().units
        observed = np.asarray(units["obs_intervals"][row])
        np.testing.assert_allclose(observed, session.valid_periods(unit))
        assert not ((observed[:, 0] < INTERVAL[1]) & (observed[:, 1] > INTERVAL[0])).any()
        kept = np.asarray(units["spike_times"][row])
        assert not ((kept >= INTERVAL[0]) & (kept < INTERVAL[1])).any()
        beside = [one for one in range(len(session.units)) if one != row]
        valid = session.valid_spikes.spikes
        for one in beside:
            np.testing.assert_array_equal(units["spike_times"][one], valid.of_unit(one))
    lost = len(session.spikes.times) - len(valid.times) + int(inside.sum())
    assert any(note.startswith(f"{lost:,} of") for note in notes), notes


def test_a_pack_states_it_under_the_id_of_the_pack(platform: Platform, unit: str, tmp_path: Path) -> None:
    made = operations.export_spike_pack(platform.settings.home, ["ibl"], tmp_path, units="all")
    table = np.load(made.folder / "unit_invalid_times.npy")
    (session_id,) = {one.split("/")[1] for one in np.load(made.folder / "units.npy")["id"]}
    assert [tuple(row) for row in table.tolist()] == [(f"ibl/{session_id}/{unit}", *INTERVAL, LABEL)]
    about = json.loads((made.folder / "about.json").read_text(encoding="utf-8"))
    assert about["unit_invalid_times"]["shape"] == [1]


def test_a_recording_of_torch_brain_says_that_it_cannot(platform: Platform, tmp_path: Path) -> None:
    _, notes = export(platform, "torch-brain", tmp_path)
    said = "reviews call 1 interval of 1 unit alone invalid, which a recording cannot state"
    assert [note for note in notes if note.startswith(said)]
