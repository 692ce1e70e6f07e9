"""The simulated ALF tree is what the unmodified ONE lists and loads, and holds what real data hold.

Add a test here with each dataset. Changes after a release are tested in test_releases.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform.simulation import SimulatedSession
from nh_platform.simulation.insertions import TRACKS, allen_ccf_um, channel_regions, mlapdv_um

Ibl = tuple[Path, list[SimulatedSession]]
SORTER = "alf/probe00/pykilosort"


@pytest.fixture(scope="module")
def one(ibl: Ibl, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """ONE in local mode on the simulated tree, knowing insertions; its parameters in a HOME of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        from one.api import OneAlyx

        yield OneAlyx(base_url="https://127.0.0.1:9", cache_dir=ibl[0], tables_dir=ibl[0], mode="local", silent=True)


def test_one_finds_the_sessions(one: Any, ibl: Ibl) -> None:
    ids = {session.session_id for session in ibl[1]}
    assert {str(eid) for eid in one.search()} == ids
    assert {str(eid) for eid in one.search(projects="ibl_neuropixel_brainwide_01", query_type="local")} == ids
    assert [str(eid) for eid in one.search(subject="SWC_sim_001")] == [ibl[1][0].session_id]
    assert {str(eid) for eid in one.search(datasets="spikes.times.npy")} == ids


def test_one_knows_the_insertions(one: Any, ibl: Ibl) -> None:
    session = ibl[1][0]
    pids, names = one.eid2pid(session.session_id)
    assert dict(zip(names, map(str, pids))) == session.probes
    eid, name = one.pid2eid(session.probes["probe01"])
    assert (str(eid), name) == (session.session_id, "probe01")


def test_one_resolves_the_revisions(one: Any, ibl: Ibl) -> None:
    eid = ibl[1][0].session_id
    assert one.list_revisions(eid, collection=SORTER) == ["", "2024-05-06"]
    default = one.list_datasets(eid, collection=SORTER, default_revisions_only=True)
    assert default
    assert all("/#2024-05-06#/" in name for name in default)
    keys = {"collection": SORTER, "check_hash": False}
    new = one.load_dataset(eid, "spikes.times.npy", **keys)
    old = one.load_dataset(eid, "spikes.times.npy", revision="2023-01-01", **keys)
    assert len(old) < len(new)
    np.testing.assert_array_equal(new, np.load(ibl[1][0].folder / SORTER / "#2024-05-06#" / "spikes.times.npy"))


def test_one_loads_the_objects_of_a_sort(one: Any, ibl: Ibl) -> None:
    eid, truth = ibl[1][0].session_id, ibl[1][0].truth
    truth = truth[truth["probe"] == "probe00"]
    spikes = one.load_object(eid, "spikes", collection=SORTER, check_hash=False)
    clusters = one.load_object(eid, "clusters", collection=SORTER, check_hash=False)
    channels = one.load_object(eid, "channels", collection=SORTER, check_hash=False)
    assert {name: values.dtype.name for name, values in spikes.items()} == {
        "times": "float64",
        "samples": "uint64",
        "clusters": "uint16",
        "templates": "uint16",
        "amps": "float32",
        "depths": "float32",
    }
    assert (np.diff(spikes.times) >= 0).all()
    assert 20e-6 < np.median(spikes.amps) < 1e-3
    np.testing.assert_allclose(spikes.times, spikes.samples / 30_000, rtol=2e-5)
    np.testing.assert_array_equal(np.bincount(spikes.clusters, minlength=12), truth["n_spikes"])
    assert clusters.uuids.to_numpy().ravel().tolist() == truth["unit_id"].tolist()
    assert np.isnan(clusters.depths[truth["n_spikes"].to_numpy() == 0]).all()
    assert channels.mlapdv.dtype == np.int32
    assert channels.localCoordinates.shape == (384, 2)


def test_one_accepts_the_md5_of_every_file(ibl: Ibl) -> None:
    import hashlib

    datasets = pd.read_parquet(ibl[0] / "datasets.pqt").reset_index()
    folders = {session.session_id: session.folder for session in ibl[1]}
    assert len(datasets) == 256
    for row in datasets.itertuples():
        content = (folders[row.eid] / row.rel_path).read_bytes()
        assert hashlib.md5(content).hexdigest() == row.hash
        assert len(content) == row.file_size
    on_disk = [
        path for folder in folders.values() for path in folder.rglob("*") if path.is_file() and path.parent != folder
    ]
    assert len(on_disk) == len(datasets)


def test_one_loads_the_behavior(one: Any, ibl: Ibl) -> None:
    eid = ibl[1][0].session_id
    keys = {"collection": "alf", "check_hash": False}
    trials = one.load_object(eid, "trials", **keys)
    assert trials.intervals.shape == (40, 2)
    assert "quiescencePeriod" in trials
    wheel = one.load_object(eid, "wheel", **keys)
    assert (np.diff(wheel.timestamps) >= 0).all()
    moves = one.load_object(eid, "wheelMoves", **keys)
    assert moves.intervals.shape == (len(moves.peakAmplitude), 2)
    camera = one.load_object(eid, "leftCamera", **keys)
    assert len(camera.times) == len(camera.features) == len(camera.ROIMotionEnergy)
    assert {"pupilDiameter_raw", "pupilDiameter_smooth"} == set(camera.features.columns)
    assert list(one.load_object(eid, "passiveGabor", **keys)) == ["start", "stop", "position", "contrast", "phase"]
    periods = one.load_dataset(eid, "_ibl_passivePeriods.intervalsTable.csv", **keys)
    assert periods["Unnamed: 0"].tolist() == ["start", "stop"]
    assert len(one.load_object(eid, "licks", **keys).times) > 50


def test_trials_follow_the_conventions_of_ibl(ibl: Ibl) -> None:
    for index, session in enumerate(ibl[1]):
        trials = pd.read_parquet(session.folder / "alf/_ibl_trials.table.pqt")
        assert trials.shape[1] == 13
        assert trials["choice"].dtype == (np.int64 if index % 2 else np.float64)
        correct = trials["feedbackType"] == 1
        assert (trials.loc[correct & trials["contrastLeft"].notna(), "choice"] == 1).all()
        assert (trials.loc[correct & trials["contrastRight"].notna(), "choice"] == -1).all()
        assert (trials["contrastLeft"].isna() != trials["contrastRight"].isna()).all()
        no_go = trials["choice"] == 0
        assert no_go.any()
        assert (trials.loc[no_go, "feedbackType"] == -1).all()
        assert trials["firstMovement_times"].isna().sum() > no_go.sum()
        order = ["intervals_0", "stimOn_times", "response_times", "feedback_times", "intervals_1"]
        assert (np.diff(trials[order].to_numpy(), axis=1) > 0).all()
        assert (trials["intervals_0"].to_numpy()[1:] > trials["intervals_1"].to_numpy()[:-1]).all()


def test_a_clockwise_turn_lowers_the_wheel_position(ibl: Ibl) -> None:
    folder = ibl[1][0].folder / "alf"
    trials = pd.read_parquet(folder / "_ibl_trials.table.pqt")
    times, position = np.load(folder / "_ibl_wheel.timestamps.npy"), np.load(folder / "_ibl_wheel.position.npy")
    moved = trials["firstMovement_times"].notna()
    start = np.interp(trials.loc[moved, "firstMovement_times"], times, position)
    stop = np.interp(trials.loc[moved, "response_times"] + 0.05, times, position)
    np.testing.assert_array_equal(np.sign(stop - start), -trials.loc[moved, "choice"])
    assert (np.abs(stop - start) < 1.0).all()


@pytest.mark.parametrize("response", ["stimulus", "choice", "feedback"])
def test_the_psth_of_a_responding_unit_rises(ibl: Ibl, response: str) -> None:
    session = ibl[1][0]
    truth = session.truth
    unit = truth[(truth["response"] == response) & (truth["design"] != "bursting")].nlargest(1, "gain").iloc[0]
    folder = session.folder / "alf" / unit["probe"] / "pykilosort/#2024-05-06#"
    times = np.load(folder / "spikes.times.npy")[np.load(folder / "spikes.clusters.npy") == unit["cluster_id"]]
    trials = pd.read_parquet(session.folder / "alf/_ibl_trials.table.pqt")
    name, side, offset = {
        "stimulus": ("stimOn_times", np.where(trials["contrastLeft"].notna(), 1, -1), 0.0),
        "choice": ("firstMovement_times", trials["choice"].to_numpy(), -0.08),
        "feedback": ("feedback_times", trials["feedbackType"].to_numpy(), 0.0),
    }[response]
    events = trials.loc[(side == unit["preferred"]) & trials[name].notna(), name].to_numpy() + offset

    def rate(start: float, stop: float) -> float:
        found = np.searchsorted(times, events + stop) - np.searchsorted(times, events + start)
        return float(found.sum() / len(events) / (stop - start))

    assert rate(0.04, 0.16) > 1.5 * rate(-0.2, 0.0)


def test_the_truth_matches_what_was_written(ibl: Ibl) -> None:
    for session in ibl[1]:
        truth = session.truth
        assert truth["session_id"].unique().tolist() == [session.session_id]
        assert len(truth) == 24
        for probe, rows in truth.groupby("probe"):
            folder = session.folder / f"alf/{probe}/pykilosort/#2024-05-06#"
            clusters, samples = np.load(folder / "spikes.clusters.npy"), np.load(folder / "spikes.samples.npy")
            for row in rows.itertuples():
                own = samples[clusters == row.cluster_id].astype(np.int64)
                assert len(own) == row.n_spikes
                violations = (np.diff(own) / 30_000 < row.refractory_s - 1e-5).sum()
                assert (violations > 0) == (row.n_contaminating > 0 and row.n_spikes > 0)


def test_regions_and_positions_are_those_of_the_atlas() -> None:
    from iblatlas.regions import BrainRegions

    regions = BrainRegions()
    acronym = dict(zip(regions.id.tolist(), regions.acronym.tolist()))
    for track in TRACKS:
        ids, names = channel_regions(track)
        assert [acronym[region] for region in ids.tolist()] == names
        assert mlapdv_um(track)[0, 2] < mlapdv_um(track)[-1, 2]
        # Inside the 25 µm CCF volume: 13200 x 8000 x 11400 µm in AP, DV, ML.
        assert (allen_ccf_um(track) > 0).all()
        assert (allen_ccf_um(track) < [13200, 8000, 11400]).all()
