"""LFP of the Allen releases: slices of the probes' files, equal to AllenSDK's, and what is said of those that lack."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from nh_platform.history.manifest import SessionFiles
from nh_platform.session import BadUpstreamData, ConfigError, UnknownSession
from nh_platform.simulation import TINY, write_allen_vbn, write_allen_vc
from nh_platform.sources.allen import (
    AllenVbnSettings,
    AllenVcSettings,
    AllenVisualBehaviorSource,
    AllenVisualCodingSource,
    sdk,
)

PROBE = "probeB"
LFP_S = 2.0
FIRST_S = 3.25


@pytest.fixture(scope="module")
def coding_lfp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("vc_lfp")
    write_allen_vc(root, 1, seed=3, size=TINY, lfp_s=LFP_S)
    return root


@pytest.fixture(scope="module")
def behavior_lfp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("vbn_lfp")
    write_allen_vbn(root, 1, seed=3, size=TINY, lfp_s=LFP_S)
    return root


def coding(root: Path) -> tuple[AllenVisualCodingSource, SessionFiles]:
    source = AllenVisualCodingSource(AllenVcSettings(root=root))
    manifest = source.manifest()
    return source, manifest.session(manifest.session_ids[0])


def behavior(root: Path, **settings: Any) -> tuple[AllenVisualBehaviorSource, SessionFiles]:
    source = AllenVisualBehaviorSource(AllenVbnSettings(root=root, **settings))
    manifest = source.manifest()
    return source, manifest.session(manifest.session_ids[0])


def lfp_file(root: Path, session: SessionFiles) -> Path:
    probe_id = session.insertions.set_index("probe").loc[PROBE, "insertion_id"]
    return root / f"session_{session.session_id}" / f"probe_{probe_id}_lfp.nwb"


@pytest.fixture
def edited(coding_lfp: Path, tmp_path: Path) -> Callable[..., tuple[AllenVisualCodingSource, SessionFiles]]:
    """Return a function that edits a copy of the LFP file of a probe."""

    def edit(change: Callable[[h5py.File, str], None]) -> tuple[AllenVisualCodingSource, SessionFiles]:
        root = tmp_path / "root"
        shutil.copytree(coding_lfp, root)
        source, session = coding(root)
        path = lfp_file(root, session)
        with h5py.File(path, "r+") as handle:
            change(handle, f"acquisition/{path.stem}/{path.stem}_data")
        return source, session

    return edit


def test_a_slice_has_the_samples_of_the_window_in_volts_and_a_row_for_each_channel(coding_lfp: Path) -> None:
    source, session = coding(coding_lfp)
    read = source.read_lfp(session, PROBE, 3.5, 3.9)
    with h5py.File(lfp_file(coding_lfp, session)) as handle:
        stem = lfp_file(coding_lfp, session).stem
        series = handle[f"acquisition/{stem}/{stem}_data"]
        times, data = series["timestamps"][:], series["data"][:]
        ids = handle["general/extracellular_ephys/electrodes/id"][:]
    inside = (times >= 3.5) & (times < 3.9)
    assert np.array_equal(read.times, times[inside])
    assert np.array_equal(read.values, data[inside].T)
    assert read.values.dtype == np.float32
    assert 1e-5 < read.values.std() < 1e-3
    assert read.sampling_rate == pytest.approx(1250, rel=1e-3)
    assert read.channels["upstream_id"].tolist() == ids.tolist()
    assert read.channels["channel"].tolist() == list(range(2, 384, 4))
    raw = source.read_spikes(session)
    annotation = source.read_annotation(session, raw.units, raw.channels)
    of_session = raw.channels.merge(annotation.channels, on=["probe", "channel"]).set_index("upstream_id")
    own = read.channels.set_index("upstream_id")
    pd.testing.assert_frame_equal(own, of_session.loc[own.index, own.columns])


def test_only_the_chunks_of_the_window_are_read(edited: Callable) -> None:
    def damage_last_chunk(handle: h5py.File, series: str) -> None:
        data = handle[f"{series}/data"]
        data.id.write_direct_chunk((1024, 0), b"no gzip")

    source, session = edited(damage_last_chunk)
    assert source.read_lfp(session, PROBE, 3.3, 3.4).values.shape == (96, 125)
    with pytest.raises(BadUpstreamData, match="cannot be decoded"):
        source.read_lfp(session, PROBE, 4.5, 4.6)


def test_windows_that_are_none_or_lie_outside_are_refused_and_one_that_reaches_beyond_is_noted(
    coding_lfp: Path,
) -> None:
    source, session = coding(coding_lfp)
    for start, stop in ((2.0, 2.0), (3.0, 2.0), (float("nan"), 4.0)):
        with pytest.raises(ConfigError, match=r"start < stop|State seconds"):
            source.read_lfp(session, PROBE, start, stop)
    for start, stop in ((0.0, FIRST_S), (FIRST_S + LFP_S, 99.0)):
        with pytest.raises(ConfigError, match=r"outside of the recording, 3\.250 to 5\.24"):
            source.read_lfp(session, PROBE, start, stop)
    (note,) = source.read_lfp(session, PROBE, 0.0, 3.3).notes
    assert "reaches beyond the recording" in note.text


def test_a_slice_that_is_more_than_memory_holds_is_refused_with_how_long_one_may_be(
    coding_lfp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, session = coding(coding_lfp)
    monkeypatch.setattr("nh_platform.session.lfp.MOST_BYTES", 4 * 96 * 1249)
    with pytest.raises(
        ConfigError, match=r"window 3\.3 to 4\.3 s of probeB in probe_.*\.nwb: 96 channels of 1250 samples"
    ):
        raise AssertionError(source.read_lfp(session, PROBE, 3.3, 4.3 + 1e-9).values.shape)
    assert source.read_lfp(session, PROBE, 3.3, 4.2).values.shape[0] == 96


def test_two_columns_of_one_electrode_are_refused_with_its_id(edited: Callable) -> None:
    def repeat(handle: h5py.File, series: str) -> None:
        handle["general/extracellular_ephys/electrodes/id"][1] = handle["general/extracellular_ephys/electrodes/id"][0]

    source, session = edited(repeat)
    with pytest.raises(
        BadUpstreamData, match=r"_lfp\.nwb: .*has two columns of one electrode: the ids \d+ stand twice"
    ):
        source.read_lfp(session, PROBE, 3.5, 3.6)


def test_a_probe_that_is_not_there_is_refused_with_the_nearest(coding_lfp: Path) -> None:
    source, session = coding(coding_lfp)
    with pytest.raises(UnknownSession, match=r"has probeA, probeB.*Did you mean probe[AB]"):
        source.read_lfp(session, "probeb", 3.5, 3.6)


def test_a_session_without_lfp_is_said_plainly_and_a_file_that_is_not_there_where_it_goes(
    released_root: Path, coding_lfp: Path, tmp_path: Path
) -> None:
    source, session = coding(released_root)  # probes.csv says has_lfp_data False, as of session 839557629
    with pytest.raises(UnknownSession, match="there is none"):
        source.read_lfp(session, PROBE, 3.5, 3.6)
    assert source.recorded_files(session) == []
    root = tmp_path / "root"
    shutil.copytree(coding_lfp, root)
    source, session = coding(root)
    path = lfp_file(root, session)
    path.unlink()
    with pytest.raises(UnknownSession, match=rf"fetched on request alone\. Put it at {path}"):
        source.read_lfp(session, PROBE, 3.5, 3.6)
    assert [file.probe for file in source.recorded_files(session)] == ["probeA"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda file, series: file.__delitem__(series), "has no LFP of probe"),
        (lambda file, series: file.__delitem__(f"{series}/timestamps"), "timestamps is missing"),
        (lambda file, series: file.__delitem__("general/extracellular_ephys/electrodes"), "electrodes is missing"),
        *(
            (
                lambda file, series, value=value: file[f"{series}/data"].attrs.__setitem__("conversion", value),
                "data states a conversion that is no number to reckon with",
            )
            for value in ("microvolts", 0.0, float("nan"), [1.0, 2.0])
        ),
        (lambda file, series: file.move("general/extracellular_ephys/probeB", "general/x"), "missing"),
    ],
)
def test_a_file_without_samples_times_or_electrodes_is_refused_by_name(
    edited: Callable, change: Callable, found: str
) -> None:
    source, session = edited(change)
    if found == "missing":  # the group is gone, the device stands: read all the same
        assert source.read_lfp(session, PROBE, 3.5, 3.6).notes
        return
    with pytest.raises(BadUpstreamData, match=rf"NWB file probe_\d+_lfp\.nwb: .*{found}"):
        source.read_lfp(session, PROBE, 3.5, 3.6)


def test_a_file_with_fewer_samples_than_times_and_one_that_broke_off_are_refused(
    edited: Callable, coding_lfp: Path, tmp_path: Path
) -> None:
    def shorten(handle: h5py.File, series: str) -> None:
        data = handle[f"{series}/data"][:-5]
        del handle[f"{series}/data"]
        handle[f"{series}/data"] = data

    source, session = edited(shorten)
    with pytest.raises(BadUpstreamData, match=r"has \d+ samples and \d+ times"):
        source.read_lfp(session, PROBE, 3.5, 3.6)
    path = lfp_file(tmp_path / "root", session)
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(BadUpstreamData, match="download broke off"):
        source.read_lfp(session, PROBE, 3.5, 3.6)


def test_the_file_of_another_probe_is_refused(coding_lfp: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(coding_lfp, root)
    source, session = coding(root)
    path = lfp_file(root, session)
    (other,) = (one for one in path.parent.glob("probe_*") if one != path)
    shutil.copyfile(other, path)
    with pytest.raises(BadUpstreamData, match="it is the file of probeA, not of probeB"):
        source.read_lfp(session, PROBE, 3.5, 3.6)


def test_a_rate_that_the_times_contradict_gives_way_to_theirs(edited: Callable) -> None:
    def state_2500(handle: h5py.File, series: str) -> None:
        handle["general/extracellular_ephys/probeB"].attrs["lfp_sampling_rate"] = 2500.0

    source, session = edited(state_2500)
    read = source.read_lfp(session, PROBE, 3.5, 3.6)
    assert read.sampling_rate == pytest.approx(1250, rel=1e-3)
    assert "the file states 2500 Hz" in read.notes[0].text


def test_visual_behavior_lists_its_lfp_files_and_halves_what_an_older_release_states_twice_too_large(
    behavior_lfp: Path,
) -> None:
    source, session = behavior(behavior_lfp)
    listed = source.recorded_files(session)
    assert [(file.kind, file.probe) for file in listed] == [("lfp", "probeA"), ("lfp", "probeB")]
    assert all(file.held is not None and file.held.stat().st_size == file.size for file in listed)
    right = source.read_lfp(session, PROBE, 3.5, 3.6)
    assert right.channels["acronym"].notna().any()
    older = behavior(behavior_lfp, manifest="0.4.0")
    halved = older[0].read_lfp(older[1], PROBE, 3.5, 3.6)
    assert np.array_equal(halved.values, right.values / 2)
    assert any("multiplied by 0.5" in note.text for note in halved.notes)


def test_visual_behavior_without_lfp_says_so(vbn_root: Path) -> None:
    source, session = behavior(vbn_root)
    with pytest.raises(UnknownSession, match="the release lists no LFP file of it"):
        source.read_lfp(session, "probeA", 3.5, 3.6)


def _nwb(path: Path) -> Any:
    sdk.restore_numpy_names()
    import pynwb

    return pynwb.NWBHDF5IO(str(path), "r", load_namespaces=True).read()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_slice_equals_get_lfp_of_allensdk_masked_and_unmasked(coding_lfp: Path, tmp_path: Path) -> None:
    sdk.restore_numpy_names()
    from allensdk.brain_observatory.ecephys.ecephys_session import EcephysSession

    root = tmp_path / "root"
    shutil.copytree(coding_lfp, root)
    nwb = next(root.glob("session_*/session_*.nwb"))
    with h5py.File(nwb, "r+") as handle:  # the interval of probeB, both ends on a sample
        tags = handle["intervals/invalid_times/tags"].asstr()[:]
        row = list(tags).index(PROBE) // 3
        times = FIRST_S + np.arange(int(LFP_S * 1250)) / 1250
        handle["intervals/invalid_times/start_time"][row] = times[400]
        handle["intervals/invalid_times/stop_time"][row] = times[450]
    source, session = coding(root)
    path = lfp_file(root, session)
    probe_id = int(path.stem.split("_")[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = EcephysSession.from_nwb_path(
            str(nwb), api_kwargs={"probe_lfp_paths": {probe_id: lambda: _nwb(path)}, "filter_by_validity": False}
        )
        masked = theirs.get_lfp(probe_id)
        whole = theirs.get_lfp(probe_id, mask_invalid_intervals=False)
    ours = source.read_lfp(session, PROBE, 3.5, 4.5)
    invalid = source.read_events(session).tables["invalid_times"]
    for mine, their in ((ours, whole), (ours.masked(invalid[invalid["scope"] == PROBE]), masked)):
        window = their.sel(time=slice(3.5, 4.5 - 1e-9))
        np.testing.assert_array_equal(mine.values, window.values.T)
        np.testing.assert_array_equal(mine.times, window.time.values)
        np.testing.assert_array_equal(mine.channels["upstream_id"], window.channel.values)
    assert np.isnan(masked.values).any()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_slice_equals_get_lfp_of_allensdk_for_visual_behavior(behavior_lfp: Path) -> None:
    sdk.restore_numpy_names()
    from allensdk.brain_observatory.ecephys._probe import ProbeWithLFPMeta
    from allensdk.brain_observatory.ecephys.behavior_ecephys_session import BehaviorEcephysSession

    source, session = behavior(behavior_lfp)
    held = {file.probe: file.held for file in source.recorded_files(session)}
    probe_id = int(session.insertions.set_index("probe").loc[PROBE, "insertion_id"])
    path = next(held[PROBE].parent.glob("ecephys_session_*.nwb"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = BehaviorEcephysSession.from_nwb_path(
            str(path), probe_meta={name: ProbeWithLFPMeta(one, 1250.0) for name, one in held.items()}
        ).get_lfp(probe_id)
    ours = source.read_lfp(session, PROBE, 3.5, 4.5)
    window = theirs.sel(time=slice(3.5, 4.5 - 1e-9))
    np.testing.assert_array_equal(ours.values, window.values.T)
    np.testing.assert_array_equal(ours.times, window.time.values)
    np.testing.assert_array_equal(ours.channels["upstream_id"], window.channel.values)


@pytest.mark.parametrize(
    ("place", "value", "found"),
    [
        (1250, np.nan, "does not rise between 4.6 and 4.8 s"),  # where the search by bisection begins
        (1250, 99.0, "does not rise between 4.6 and 4.8 s"),
        (0, np.nan, "does not rise: it is nan s at its start"),
        (-1, 0.0, "and 0 s at its end"),
    ],
)
def test_times_that_do_not_rise_give_an_error_and_never_an_empty_slice(
    edited: Callable, place: int, value: float, found: str
) -> None:
    def change(handle: h5py.File, series: str) -> None:
        handle[f"{series}/timestamps"][place] = value

    source, session = edited(change)
    with pytest.raises(BadUpstreamData, match=found):
        source.read_lfp(session, PROBE, 4.6, 4.8)
