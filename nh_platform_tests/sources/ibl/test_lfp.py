"""LFP of IBL sessions: slices equal to spikeglx' and mtscomp's, local and fetched, and what faults are called."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nh_platform.session import BadUpstreamData, ConfigError, UnknownSession
from nh_platform.simulation import TINY, write_ibl
from nh_platform.simulation.ibl.ibl_session import simulate_ibl_session
from nh_platform.simulation.ibl.spikeglx_lfp import (
    CLOCK_SKEW,
    CLOCK_START_S,
    LFP_GAINS,
    SECOND_GAIN_FROM,
    simulate_lfp,
    write_compressed,
)
from nh_platform.sources.ibl import IblSettings, IblSource
from nh_platform.sources.ibl.recordings.compressed_samples import open_compressed
from nh_platform.sources.ibl.recordings.sample_clock import SampleClock
from nh_platform.sources.ibl.recordings.spikeglx_meta import read_scale
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.sources.ibl.conftest import Tree

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
LFP_S, RATE, SEED = 3.0, 2500, 1
RAW = "raw_ephys_data/probe00/_spikeglx_ephysData_g0_t0.imec0"
PLAIN = "raw_ephys_data/probe01/_spikeglx_ephysData_g0_t0.imec1"


@pytest.fixture(scope="module")
def lfp_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("alf_lfp")
    write_ibl(root, 1, seed=SEED, size=TINY, lfp_s=LFP_S)
    return root


@pytest.fixture(scope="module")
def whole(lfp_root: Path) -> Tree:
    return Tree(lfp_root)


@pytest.fixture
def damaged(lfp_root: Path, tmp_path: Path) -> Tree:
    """Give a copy whose files a test may replace or remove."""
    shutil.copytree(lfp_root, tmp_path / "alf", copy_function=os.link)
    return Tree(tmp_path / "alf")


def replace(tree: Tree, name: str, content: bytes) -> None:
    tree.path(name).unlink()
    tree.path(name).write_bytes(content)


def expected(probe: int) -> np.ndarray:
    session = simulate_ibl_session(SEED, 0, TINY)
    samples = simulate_lfp(session, session.probes[probe], LFP_S)[:, :-1]
    gains = np.where(np.arange(samples.shape[1]) < SECOND_GAIN_FROM, *LFP_GAINS)
    return samples * (0.6 / 512 / gains)


def times_of(samples: np.ndarray) -> np.ndarray:
    seconds = np.array([0.0, LFP_S / 3, LFP_S])
    return np.interp(samples / RATE, seconds, CLOCK_START_S + seconds * CLOCK_SKEW + np.array([0.0, 1e-4, 0.0]))


@pytest.mark.parametrize(("probe", "number"), [("probe00", 0), ("probe01", 1)])
def test_a_slice_is_in_volts_by_the_gain_of_each_channel_on_the_session_clock(
    whole: Tree, probe: str, number: int
) -> None:
    source, session = whole.session()
    read = source.read_lfp(session, probe, 1.3, 2.2)  # over a bound of chunks
    times = times_of(np.arange(int(LFP_S * RATE)))
    inside = (times >= 1.3) & (times < 2.2)
    np.testing.assert_allclose(read.times, times[inside], rtol=0, atol=1e-9)
    np.testing.assert_allclose(read.values, expected(number)[inside].T, rtol=1e-6)
    assert read.values.dtype == np.float32
    assert read.values.shape == (384, inside.sum())
    assert read.sampling_rate == RATE
    assert 1e-5 < read.values.std() < 1e-3


def test_channels_have_the_place_of_those_of_the_sorting(whole: Tree) -> None:
    source, session = whole.session()
    channels = source.read_lfp(session, "probe00", 1.0, 1.1).channels
    raw = source.read_spikes(session)
    annotation = source.read_annotation(session, raw.units, raw.channels)
    of_sorting = raw.channels.merge(annotation.channels, on=["probe", "channel"])
    of_sorting = of_sorting[of_sorting["probe"] == "probe00"]
    assert channels["upstream_id"].tolist() == list(range(384))
    for name in ("lateral_um", "axial_um", "acronym", "beryl", "cosmos", "ccf_ap_um", "x_m", "histology"):
        assert channels[name].tolist() == of_sorting[name].tolist(), name
    assert channels["acronym"].notna().any()


UNSORTED = [3, 36, 37, 100, 191, 192, 250, 300, 301, 383]
"""Channels of the recording that a sorting lacks; 374 of 384 have been seen."""


@pytest.mark.parametrize("with_sites", [True, False])
def test_a_sorting_of_some_channels_leaves_every_channel_of_the_file_its_own_place(
    whole: Tree, damaged: Tree, with_sites: bool
) -> None:
    source, session = whole.session()
    every = source.read_lfp(session, "probe00", 1.0, 1.1).channels
    for name in ("rawInd", "localCoordinates", "mlapdv", "brainLocationIds_ccf_2017"):
        path = f"alf/probe00/pykilosort/#2024-05-06#/channels.{name}.npy"
        damaged.write(path, np.delete(damaged.load(path), UNSORTED, axis=0))
        if not with_sites and name != "rawInd":
            damaged.remove(f"alf/probe00/electrodeSites.{name}.npy")
    source, session = damaged.session()
    channels = source.read_lfp(session, "probe00", 1.0, 1.1).channels
    assert channels["upstream_id"].tolist() == list(range(384))
    assert channels["channel"].is_unique
    is_sorted = ~channels["upstream_id"].isin(UNSORTED)
    for name in ("lateral_um", "axial_um", "acronym", "beryl", "ccf_ap_um", "x_m"):
        assert channels.loc[is_sorted, name].tolist() == every.loc[is_sorted, name].tolist(), name
    located = channels.loc[~is_sorted, "acronym"]
    assert located.tolist() == (every.loc[~is_sorted, "acronym"].tolist() if with_sites else [None] * len(UNSORTED))


def test_only_the_chunks_of_the_window_are_decoded(damaged: Tree) -> None:
    content = bytearray(damaged.path(f"{RAW}.lf.cbin").read_bytes())
    header = json.loads(damaged.path(f"{RAW}.lf.ch").read_text())
    content[header["chunk_offsets"][2] + 100] ^= 0xFF
    replace(damaged, f"{RAW}.lf.cbin", bytes(content))
    source, session = damaged.session()
    assert source.read_lfp(session, "probe00", 0.8, 2.7).values.shape[0] == 384
    with pytest.raises(BadUpstreamData, match=r"imec0\.lf\.cbin: chunk 2 of 3 cannot be decoded"):
        source.read_lfp(session, "probe00", 0.8, 3.0)


def test_a_window_has_its_first_sample_and_not_its_last(whole: Tree) -> None:
    source, session = whole.session()
    read = source.read_lfp(session, "probe00", 1.0, 1.5)
    again = source.read_lfp(session, "probe00", float(read.times[10]), float(read.times[20]))
    assert again.times.tolist() == read.times[10:20].tolist()
    assert np.array_equal(again.values, read.values[:, 10:20])


def test_windows_probes_and_sessions_that_cannot_be_are_refused(whole: Tree, pristine: Tree) -> None:
    source, session = whole.session()
    with pytest.raises(ConfigError, match="does not end after it starts"):
        source.read_lfp(session, "probe00", 2.0, 2.0)
    with pytest.raises(ConfigError, match=r"outside of the recording, 0\.750 to 3\.750 s"):
        source.read_lfp(session, "probe00", 4.0, 5.0)
    with pytest.raises(UnknownSession, match="Did you mean probe0"):
        source.read_lfp(session, "probe0", 1.0, 2.0)
    assert "reaches beyond" in source.read_lfp(session, "probe00", 0.0, 1.0).notes[-1].text
    source, session = pristine.session()
    with pytest.raises(UnknownSession, match=r"there is none: its folder has no \.lf\.cbin"):
        source.read_lfp(session, "probe00", 1.0, 2.0)


@pytest.mark.parametrize("name", [f"{RAW}.lf.ch", f"{RAW}.lf.meta", f"{PLAIN}.lf.meta"])
def test_a_file_without_its_header_is_refused_by_name(damaged: Tree, name: str) -> None:
    damaged.path(name).unlink()
    source, session = damaged.session()
    header = name.rpartition("/")[2]
    with pytest.raises(BadUpstreamData, match=rf"lf\.c?bin: its header {header} is missing\. Put it beside"):
        source.read_lfp(session, name.split("/")[1], 1.0, 2.0)


def _cut(content: bytes) -> bytes:
    return content[:-7]


def _other_key(key: str, value: str) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        lines = [line for line in content.decode().splitlines() if line.lstrip("~").partition("=")[0] != key]
        return "\n".join([*lines, *([f"{key}={value}"] if value else [])]).encode()

    return change


@pytest.mark.parametrize(
    ("name", "change", "found"),
    [
        (f"{RAW}.lf.cbin", _cut, r"it has \d+ bytes, its header states \d+: damaged or not whole"),
        (f"{PLAIN}.lf.bin", _cut, "bytes are no whole number of samples of 385 channels"),
        (f"{PLAIN}.lf.bin", lambda content: content[: -2 * 385], r"it has \d+ bytes and its \.meta states \d+"),
        (f"{RAW}.lf.ch", _cut, r"its header \(\.ch\) cannot be used"),
        (f"{RAW}.lf.ch", lambda text: text.replace(b'"zlib"', b'"lz4"'), "compressed by lz4"),
        (f"{RAW}.lf.ch", lambda text: text.replace(b"385", b"384"), "states 384 channels and its .meta 385"),
        (f"{RAW}.lf.meta", _other_key("imroTbl", ""), r"lf\.meta: it states no imroTbl"),
        (f"{RAW}.lf.meta", _other_key("imSampRate", ""), "it states no imSampRate"),
        (f"{RAW}.lf.meta", _other_key("imroTbl", "(0,384)(0 0 0 500 250 1)"), "no LFP gain of 383 of 384 channels"),
        (f"{RAW}.lf.meta", _other_key("snsApLfSy", "384,0,1"), "not that of a file with the LFP band"),
        (f"{RAW}.timestamps.npy", _cut, r"timestamps\.npy: not a whole npy file"),
    ],
)
def test_damaged_and_short_files_are_refused_by_name(
    damaged: Tree, name: str, change: Callable[[bytes], bytes], found: str
) -> None:
    replace(damaged, name, change(damaged.path(name).read_bytes()))
    source, session = damaged.session()
    with pytest.raises(BadUpstreamData, match=found):
        source.read_lfp(session, name.split("/")[1], 1.0, 2.0)


def test_without_timestamps_the_sync_of_the_probe_gives_the_same_times_and_without_both_a_note(damaged: Tree) -> None:
    source, session = damaged.session()
    both = source.read_lfp(session, "probe00", 1.0, 1.2)
    damaged.path(f"{RAW}.timestamps.npy").unlink()
    np.testing.assert_allclose(source.read_lfp(session, "probe00", 1.0, 1.2).times, both.times, rtol=0, atol=1e-9)
    damaged.path(f"{RAW}.sync.npy").unlink()
    alone = source.read_lfp(session, "probe00", 1.0, 1.2)
    np.testing.assert_allclose(alone.times, 1.0 + np.arange(500) / RATE)
    assert "times are the probe's own" in alone.notes[-1].text


def test_gains_follow_the_saved_channels_and_neuropixels_2_has_one(tmp_path: Path) -> None:
    meta = tmp_path / "x.lf.meta"
    base = {
        "imSampRate": "2500",
        "nSavedChans": "4",
        "snsApLfSy": "0,3,1",
        "acqApLfSy": "384,384,1",
        "snsSaveChanSubset": "384,386:387,768",
        "imAiRangeMax": "0.6",
        "imroTbl": "(0,384)(0 0 0 500 250 1)(1 0 0 500 50 1)(2 0 0 500 125 1)(3 0 0 500 1000 1)",
    }
    meta.write_text("".join(f"{key}={value}\n" for key, value in base.items()))
    scale = read_scale(meta, "x")
    assert scale.channels.tolist() == [0, 2, 3]
    np.testing.assert_allclose(scale.volts_per_step, 0.6 / 512 / np.array([250, 125, 1000]), rtol=1e-6)
    of_two = {**base, "imDatPrb_type": "24", "imMaxInt": "8192", "imAiRangeMax": "0.5", "imDatPrb_pn": "NP2010"}
    for pn, gain in (("NP2010", 80), ("NP2014", 100)):
        meta.write_text("".join(f"{key}={value}\n" for key, value in {**of_two, "imDatPrb_pn": pn}.items()))
        np.testing.assert_allclose(read_scale(meta, "x").volts_per_step, 0.5 / 8192 / gain, rtol=1e-6)
    # Made of a file of the AP band that has the channels of one bank alone.
    of_ap = {**of_two, "acqApLfSy": "384,0,1", "snsSaveChanSubset": "96:98,384"}
    meta.write_text("".join(f"{key}={value}\n" for key, value in of_ap.items()))
    assert read_scale(meta, "x").channels.tolist() == [96, 97, 98]


def test_samples_that_wrap_around_come_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    samples = rng.integers(-(2**15), 2**15, (7001, 5)).astype(np.int16)
    write_compressed(tmp_path / "x.cbin", tmp_path / "x.ch", samples)
    opened = open_compressed(tmp_path / "x.cbin", tmp_path / "x.ch", "x")
    for begin, end in ((0, 7001), (2499, 2501), (2500, 5000), (6999, 7001), (17, 17)):
        assert np.array_equal(opened.read(begin, end), samples[begin:end])


def test_a_clock_is_linear_beyond_its_pairs_and_finds_its_own_samples() -> None:
    clock = SampleClock(np.array([10.0, 20.0, 40.0]), np.array([1.0, 3.0, 4.0]))
    assert clock.times([0, 15, 30, 60]).tolist() == [-1.0, 2.0, 3.5, 5.0]
    for sample in range(100):
        assert clock.first_from(float(clock.times(sample)), 100) == sample


def test_remote_lists_fetches_and_reads_the_same(whole: Tree, tmp_path: Path) -> None:
    near, here = whole.session()
    with Loopback(whole.root) as servers:
        settings = {**servers.settings, "raw_dir": tmp_path / "raw", "keep_raw": True}
        far = IblSource(IblSettings.model_validate(settings))
        there = far.manifest().session(whole.eid)
        listed = far.recorded_files(there)
        assert [(f.kind, f.probe, f.path, f.size) for f in listed] == [
            (f.kind, f.probe, f.path, f.size) for f in near.recorded_files(here)
        ]
        assert all(file.held is None for file in listed)
        with pytest.raises(UnknownSession, match=rf"Run `nh files ibl {whole.eid} --kind lfp --probe probe00 --fetch`"):
            far.read_lfp(there, "probe00", 1.0, 2.0)
        without_header = [file for file in listed if file.probe == "probe00" and not file.path.endswith(".ch")]
        far.fetch_recorded(there, without_header)
        with pytest.raises(BadUpstreamData, match=r"imec0\.lf\.ch was not fetched\. Run `nh files"):
            far.read_lfp(there, "probe00", 1.0, 2.0)
        far.fetch_recorded(there, listed)
        for probe in ("probe00", "probe01"):
            one, two = far.read_lfp(there, probe, 1.0, 2.0), near.read_lfp(here, probe, 1.0, 2.0)
            assert np.array_equal(one.values, two.values)
            assert np.array_equal(one.times, two.times)
            assert one.channels.equals(two.channels)


@pytest.mark.peer
def test_slices_equal_spikeglx_on_what_mtscomp_wrote_and_on_what_the_simulation_did(
    lfp_root: Path, tmp_path: Path
) -> None:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from peers import run_in_peer
    finally:
        sys.path.remove(str(BENCHMARKS))
    shutil.copytree(lfp_root, tmp_path / "alf")
    tree = Tree(tmp_path / "alf")
    written = tree.path(f"{PLAIN}.lf.cbin")
    run_in_peer("ibllib", BENCHMARKS / "peer_ibllib_lfp.py", tree.path(f"{PLAIN}.lf.bin"), tmp_path / "plain.npz")
    run_in_peer("ibllib", BENCHMARKS / "peer_ibllib_lfp.py", tree.path(f"{RAW}.lf.cbin"), tmp_path / "packed.npz")
    tree.path(f"{PLAIN}.lf.bin").unlink()
    assert written.is_file()
    source, session = tree.session()
    for probe, peer in (("probe00", "packed"), ("probe01", "plain")):
        ours = source.read_lfp(session, probe, 0.0, 99.0)
        with np.load(tmp_path / f"{peer}.npz") as theirs:
            assert np.array_equal(ours.values, theirs["volts"][:, :-1].T)
            assert ours.sampling_rate == float(theirs["rate"])
