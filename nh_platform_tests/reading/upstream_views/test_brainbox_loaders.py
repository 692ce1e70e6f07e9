"""The loaders give what brainbox's of the same names give on the same ALF tree, key by key."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading import EphysSessionLoader, OpenedStore, SessionLoader, SpikeSortingLoader
from nh_platform.session import BadUpstreamData, ConfigError, UnknownSession
from nh_platform_tests.reading.upstream_views.conftest import only_session

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
PROBES = ("probe00", "probe01")
EXTRA = ["clusters.amps", "clusters.peakToTrough"]
NOT_STORED = {"labels"}
"""Keys of brainbox's that the store has not: IBL's labels of channels."""

LAST_BIT = {"x", "y", "z"}
"""Keys that are equal but for the last bit: µm are divided by 1e6 there, and multiplied by 1e-6 here."""


@pytest.fixture(scope="module")
def brainbox(simulated: Path, store: OpenedStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run brainbox's loaders on a copy of the ALF tree and return the folder of what they gave."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from peers import run_in_peer
    finally:
        sys.path.remove(str(BENCHMARKS))
    folder = tmp_path_factory.mktemp("brainbox")
    shutil.copytree(simulated / "upstream" / "ibl", folder / "alf")
    (folder / "out").mkdir()
    script, eid = BENCHMARKS / "peer_ibllib_loaders.py", only_session(store, "ibl")
    run_in_peer("ibllib", script, folder / "alf", eid, folder / "out")
    return folder / "out"


def _same_bunch(ours: dict[str, Any], path: Path) -> None:
    with np.load(path) as stored:
        theirs = {name: stored[name] for name in stored.files if name not in NOT_STORED}
    assert list(ours) == list(theirs) or set(ours) == set(theirs)
    for name, expected in theirs.items():
        values = np.asarray(ours[name])
        if values.dtype == object:
            values = values.astype(str)
        assert values.dtype == expected.dtype or values.dtype.kind == expected.dtype.kind == "U", name
        if name in LAST_BIT:
            np.testing.assert_allclose(values, expected, rtol=1e-15, err_msg=name)
        else:
            np.testing.assert_array_equal(values, expected, err_msg=name)


def _same_table(ours: pd.DataFrame, path: Path, *, in_order: bool = True) -> None:
    theirs = pd.read_parquet(path)
    assert set(ours) == set(theirs)
    pd.testing.assert_frame_equal(ours, theirs if in_order else theirs[list(ours)], check_exact=True)


@pytest.mark.peer
@pytest.mark.parametrize("probe", PROBES)
def test_spikes_clusters_channels_and_the_merged_clusters_are_the_same(
    store: OpenedStore, brainbox: Path, probe: str
) -> None:
    loader = SpikeSortingLoader(one=store, eid=only_session(store, "ibl"), pname=probe)
    spikes, clusters, channels = loader.load_spike_sorting(dataset_types=EXTRA)
    assert [loader.collection, loader.histology, loader.pid2ref] == (brainbox / f"{probe}.txt").read_text().split()
    _same_bunch(spikes, brainbox / f"{probe}.spikes.npz")
    _same_bunch(channels, brainbox / f"{probe}.channels.npz")
    _same_table(clusters["metrics"], brainbox / f"{probe}.clusters.metrics.parquet")
    _same_bunch({name: clusters[name] for name in clusters if name != "metrics"}, brainbox / f"{probe}.clusters.npz")
    merged = loader.merge_clusters(spikes, clusters, channels)
    assert merged is clusters
    _same_bunch(merged, brainbox / f"{probe}.merged.npz")
    assert len(spikes.times) > 1000
    assert 1e-5 < np.median(spikes.amps) < 1e-3


@pytest.mark.peer
def test_trials_wheel_cameras_pupil_and_licks_are_the_same(store: OpenedStore, brainbox: Path) -> None:
    loader = SessionLoader(one=store, eid=only_session(store, "ibl"))
    loader.load_session_data(pawstates=False)
    pd.testing.assert_frame_equal(loader.data_info, pd.read_parquet(brainbox / "data_info.parquet"))
    # The order of columns follows there from the order of files in a folder.
    _same_table(loader.trials, brainbox / "trials.parquet", in_order=False)
    for name in ("wheel", "pupil", "licks"):
        _same_table(getattr(loader, name), brainbox / f"{name}.parquet")
    loader.load_trials(style="tidy")
    _same_table(loader.trials, brainbox / "trials_tidy.parquet", in_order=False)
    assert set(loader.motion_energy) == {"leftCamera", "rightCamera", "bodyCamera"}
    for camera, table in loader.motion_energy.items():
        _same_table(table, brainbox / f"motion_energy.{camera}.parquet")
    for tracker in ("dlc", "lightningPose"):
        loader.load_pose(tracker=tracker)
        for camera, table in loader.pose.items():
            _same_table(table, brainbox / f"pose.{tracker}.{camera}.parquet")


@pytest.mark.slow
def test_an_insertion_id_names_its_session_and_probe(store: OpenedStore) -> None:
    eid = only_session(store, "ibl")
    by_name = SpikeSortingLoader(one=store, eid=eid, pname="probe01")
    by_id = SpikeSortingLoader(pid=by_name.pid, one=store)
    assert (by_id.eid, by_id.pname, by_id.pid) == (eid, "probe01", by_name.pid)
    with pytest.raises(UnknownSession, match="it is not among"):
        SpikeSortingLoader(pid="00000000-0000-4000-8000-000000000000", one=store)


@pytest.mark.slow
def test_good_units_are_those_of_the_released_label(store: OpenedStore) -> None:
    loader = SpikeSortingLoader(one=store, eid=only_session(store, "ibl"), pname="probe00")
    every, clusters, _ = loader.load_spike_sorting()
    good, same, _ = loader.load_spike_sorting(good_units=True)
    is_good = (clusters["metrics"]["label"] == 1).to_numpy()
    assert 0 < is_good.sum() < len(is_good)
    assert good.times.tolist() == every.times[is_good[every.clusters]].tolist()
    assert set(good.clusters) == set(np.flatnonzero(is_good & np.isin(np.arange(len(is_good)), every.clusters)))
    assert len(same.channels) == len(is_good)
    assert loader.load_spike_sorting_object("channels").axial_um.tolist() == loader.load_channels().axial_um.tolist()


@pytest.mark.slow
def test_a_revision_that_means_the_stored_files_is_taken_and_an_earlier_one_refused(store: OpenedStore) -> None:
    loader = SpikeSortingLoader(one=store, eid=only_session(store, "ibl"), pname="probe00")
    stored = loader.session.probes["revision"].iloc[0]
    assert stored
    for revision in (stored, "2099-01-01"):
        assert len(loader.load_spike_sorting(revision=revision)[0].times)
        assert loader.revision == revision
    with pytest.raises(ConfigError, match=rf"is stored as revision {stored}, not as the unrevised file"):
        loader.load_spike_sorting(revision="2020-01-01")
    SessionLoader(one=store, eid=loader.eid, revision="2020-01-01").load_wheel()


@pytest.mark.slow
def test_all_probes_are_loaded_with_the_behavior(store: OpenedStore) -> None:
    loader = EphysSessionLoader(one=store, eid=only_session(store, "ibl"))
    loader.load_session_data(pose=False, pawstates=False)
    assert list(loader.ephys) == list(loader.probes) == list(PROBES)
    assert all(set(part) == {"ssl", "spikes", "clusters", "channels"} for part in loader.ephys.values())
    assert len(loader.trials) > 10
    assert len(loader.wheel) > 1000
    one = EphysSessionLoader(one=store, eid=loader.eid, pid=loader.probes["probe01"])
    assert list(one.ephys) == list(EphysSessionLoader(one=store, eid=loader.eid, pname="probe01").ephys) == ["probe01"]


@pytest.mark.slow
def test_a_noisy_pupil_is_refused_as_there(store: OpenedStore) -> None:
    loader = SessionLoader(one=store, eid=only_session(store, "ibl"))
    with pytest.raises(BadUpstreamData, match="signal to noise ratio"):
        loader.load_pupil(snr_thresh=1e9)
    assert loader.pupil.empty
    loader.load_pupil()
    assert len(loader.pupil)


@pytest.mark.slow
def test_a_session_without_final_locations_has_the_places_on_the_probe_alone(
    store: OpenedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = SpikeSortingLoader(one=store, eid=only_session(store, "ibl"), pname="probe00")
    unlocated = loader.session.channels.assign(histology="unlocated")
    monkeypatch.setitem(loader.session.__dict__, "channels", unlocated)
    spikes, clusters, channels = loader.load_spike_sorting()
    assert (list(channels), loader.histology) == (["localCoordinates", "rawInd"], "")
    assert loader.merge_clusters(spikes, clusters, channels).localCoordinates.shape == (len(clusters.channels), 2)
