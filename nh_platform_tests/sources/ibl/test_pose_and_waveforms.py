"""Body parts and mean waveforms are upstream's own values; what is missing or cannot be used is a note."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from nh_platform.session import RawRecording, Signals
from nh_platform.session.mean_waveforms import BEYOND_PROBE, MeanWaveforms
from nh_platform_tests.sources.ibl.conftest import SORTING, Tree

EVERY = {f"pose_{tracker}_{camera}" for tracker in ("dlc", "lightningPose") for camera in ("left", "right", "body")}
LEFT = "alf/_ibl_leftCamera.lightningPose.pqt"
TIMES = "alf/_ibl_leftCamera.times.npy"


def pose(tree: Tree) -> Signals:
    source, session = tree.session()
    return source.read_pose(session)


def waveforms(tree: Tree) -> tuple[RawRecording, MeanWaveforms]:
    source, session = tree.session()
    recording = source.read_spikes(session)
    return recording, source.read_waveforms(session, recording.units)


def noted(result: Signals | MeanWaveforms) -> str:
    return "\n".join(f"{note.subject}: {note.text}" for note in result.notes)


def test_body_parts_are_upstreams_values_on_the_times_of_the_camera(pristine: Tree) -> None:
    read = pose(pristine)
    assert set(read.signals) == EVERY
    assert read.notes == ()
    table = pd.read_parquet(pristine.path(LEFT))
    signal = read.signals["pose_lightningPose_left"]
    assert signal.columns == tuple(table.columns)
    assert signal.columns[:3] == ("nose_tip_x", "nose_tip_y", "nose_tip_likelihood")
    assert np.array_equal(signal.values, table.to_numpy())
    assert np.array_equal(signal.timestamps, pristine.load(TIMES))
    assert read.signals["pose_dlc_body"].columns == ("tail_start_x", "tail_start_y", "tail_start_likelihood")


def test_more_times_than_frames_are_cut_from_the_start_and_fewer_leave_the_camera_out(tree: Tree) -> None:
    times = tree.load(TIMES)
    tree.write(TIMES, np.concatenate([times[0] - np.array([0.2, 0.1]), times]))
    read = pose(tree)
    assert np.array_equal(read.signals["pose_dlc_left"].timestamps, times)
    assert "2 times more than frames of _ibl_leftCamera.dlc.pqt; cut from the start" in noted(read)
    tree.write(TIMES, times[:-3])
    read = pose(tree)
    assert set(read.signals) == {name for name in EVERY if not name.endswith("left")}
    assert f"{len(times)} frames, but {len(times) - 3} times in _ibl_leftCamera.times.npy" in noted(read)


def test_a_camera_without_body_parts_is_a_note(tree: Tree) -> None:
    tree.remove(LEFT)
    read = pose(tree)
    assert set(read.signals) == EVERY - {"pose_lightningPose_left"}
    assert "pose_lightningPose_left: upstream has no _ibl_leftCamera.lightningPose.pqt" in noted(read)


def test_columns_of_no_whole_part_are_left_out_with_a_note(tree: Tree) -> None:
    table = pd.read_parquet(tree.path(LEFT)).assign(frame=1.0, tongue_x=2.0)
    tree.write(LEFT, table)
    read = pose(tree)
    assert read.signals["pose_lightningPose_left"].columns == tuple(table.columns[:-2])
    assert "columns left out, which are of no part: frame, tongue_x" in noted(read)
    tree.write(LEFT, table[["frame"]])
    assert "no part has columns _x, _y and _likelihood" in noted(pose(tree))


def test_what_no_default_asset_reads_is_in_no_default_group(pristine: Tree) -> None:
    _, session = pristine.session()
    for group in ("spikes", "events", "signals", "alignment", "qc"):
        names = set(session.of_group(group)["name"])
        assert not any("waveforms" in name or "dlc" in name or "lightningPose" in name for name in names)
    assert len(session.of_group("pose")) == 9
    assert len(session.of_group("waveforms")) == 4


def test_the_qc_of_a_video_is_no_part_of_the_versions_of_others(tree: Tree) -> None:
    def judged(table: pd.DataFrame) -> pd.DataFrame:
        here = tree.rows(table) & (table["rel_path"] == LEFT).to_numpy()
        stated = np.where(here, "FAIL", table["qc"].astype(str))
        return table.assign(qc=pd.Categorical(stated, categories=table["qc"].cat.categories, ordered=True))

    before = tree.session()[1]
    tree.edit(judged)
    after = tree.session()[1]
    groups = ("spikes", "events", "signals", "alignment", "qc", "pose", "waveforms")
    assert [group for group in groups if before.version(group) != after.version(group)] == []


def test_waveforms_are_upstreams_in_volts_channel_by_channel(pristine: Tree) -> None:
    recording, waves = waveforms(pristine)
    units = recording.units
    assert waves.unit_ids == tuple(units["unit_id"])
    assert waves.notes == ()
    stored = pristine.load(f"{SORTING}/clusters.waveforms.npy")
    channels = pristine.load(f"{SORTING}/clusters.waveformsChannels.npy")
    rows = np.flatnonzero(units["probe"] == "probe00")
    clusters = units["cluster_id"].to_numpy()[rows]
    assert waves.values.shape == (len(units), 32, 82)
    assert np.array_equal(waves.values[rows], stored[clusters].transpose(0, 2, 1))
    assert np.array_equal(waves.channels[rows], channels[clusters])
    assert np.array_equal(waves.peaks, units["channel"])
    trough = -waves.values.min(axis=(1, 2))[units["n_spikes"] > 0]
    assert ((trough > 1e-5) & (trough < 1e-3)).all()


def test_templates_stand_in_where_there_are_no_waveforms_of_clusters(tree: Tree) -> None:
    names = ("waveforms", "waveformsChannels")
    content = {name: tree.path(f"{SORTING}/clusters.{name}.npy").read_bytes() for name in names}
    before = waveforms(tree)[1]
    tree.remove(*(f"{SORTING}/clusters.{name}.npy" for name in names))
    for name in names:
        tree.write(f"{SORTING}/templates.{name}.npy", content[name])
    waves = waveforms(tree)[1]
    assert np.array_equal(waves.values, before.values)
    assert "alf/probe00/pykilosort: templates of the sorter" in noted(waves)


def extracted(tree: Tree) -> np.ndarray:
    """Write the files of ibl-neuropixel for clusters 1 and 3, two waveforms each, and return their medians."""
    medians = np.random.default_rng(0).normal(0, 5e-5, (2, 40, 128)).astype(np.float32)
    medians[1, 38:] = np.nan
    channels = np.repeat([np.arange(40), np.arange(346, 386)], 2, axis=0)
    packed = io.BytesIO()
    np.savez_compressed(packed, channels=channels.astype(np.int16))
    tree.write(f"{SORTING}/waveforms.templates.npy", medians)
    tree.write(f"{SORTING}/waveforms.table.pqt", pd.DataFrame({"cluster": [1, 1, 3, 3], "sample": [9, 20, 30, 41]}))
    tree.write(f"{SORTING}/waveforms.channels.npz", packed.getvalue())
    return medians


def test_medians_of_extracted_waveforms_come_before_the_waveforms_of_clusters(tree: Tree) -> None:
    medians = extracted(tree)
    recording, waves = waveforms(tree)
    units = recording.units
    of_probe = (units["probe"] == "probe00").to_numpy()
    for cluster, row, start in ((1, 0, 0), (3, 1, 346)):
        (unit,) = np.flatnonzero(of_probe & (units["cluster_id"] == cluster).to_numpy())
        np.testing.assert_array_equal(waves.values[unit, :40, :128], medians[row])
        there = 40 if row == 0 else 38
        assert waves.channels[unit, :there].tolist() == list(range(start, start + there))
        assert (waves.channels[unit, there:] == BEYOND_PROBE).all()
    others = of_probe & ~units["cluster_id"].isin([1, 3]).to_numpy()
    assert np.isnan(waves.values[others]).all()
    assert np.isfinite(waves.values[~of_probe, :32, :82]).all()
    assert "alf/probe00/pykilosort: medians of the waveforms of each cluster, of waveforms.templates.npy" in noted(
        waves
    )


@pytest.mark.parametrize("beyond", [384, 4000, -1])
def test_a_channel_that_no_probe_has_is_none(tree: Tree, beyond: int) -> None:
    channels = tree.load(f"{SORTING}/clusters.waveformsChannels.npy")
    channels[:, -1] = beyond
    tree.write(f"{SORTING}/clusters.waveformsChannels.npy", channels)
    recording, waves = waveforms(tree)
    of_probe = (recording.units["probe"] == "probe00").to_numpy()
    assert (waves.channels[of_probe, -1] == BEYOND_PROBE).all()
    assert np.isnan(waves.values[of_probe, -1]).all()
    assert np.isfinite(waves.values[of_probe, :-1]).all()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("waveforms.table.pqt", pd.DataFrame({"cluster": [1, 1, 1, 1]}), "1 clusters for 2 in waveforms.templates.npy"),
        ("waveforms.table.pqt", pd.DataFrame({"clusters": [1, 1, 3, 3]}), "columns missing: cluster"),
        ("waveforms.channels.npz", b"PK", "no array 'channels' can be read"),
    ],
)
def test_extracted_waveforms_that_cannot_be_used_leave_those_of_clusters(
    tree: Tree, name: str, content: object, said: str
) -> None:
    before = waveforms(tree)[1]
    extracted(tree)
    tree.write(f"{SORTING}/{name}", content)
    waves = waveforms(tree)[1]
    assert np.array_equal(waves.values, before.values)
    assert said in noted(waves)


@pytest.mark.parametrize("damage", ["missing", "shorter", "another shape"])
def test_waveforms_that_cannot_be_used_are_nan_with_a_note(tree: Tree, damage: str) -> None:
    name = f"{SORTING}/clusters.waveforms.npy"
    stored = tree.load(name)
    if damage == "missing":
        tree.remove(name)
    else:
        tree.write(name, stored[:-2] if damage == "shorter" else stored[:, :, 0])
    recording, waves = waveforms(tree)
    of_probe = (recording.units["probe"] == "probe00").to_numpy()
    assert np.isnan(waves.values[of_probe]).all()
    assert (waves.channels[of_probe] == BEYOND_PROBE).all()
    assert np.isfinite(waves.values[~of_probe]).all()
    expected = {
        "missing": "upstream has no clusters.waveforms.npy",
        "shorter": f"{len(stored)} rows for {len(stored) - 2} in clusters.waveforms.npy",
        "another shape": "expected (n, any, any)",
    }
    assert "probe00 waveforms" in noted(waves)
    assert expected[damage] in noted(waves)
