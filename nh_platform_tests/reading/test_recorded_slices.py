"""`session.lfp` opens the recorded file of the source that the home configures, and masks what is invalid."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

import nh_platform
from nh_platform.history.snapshots import write_manifest
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.simulation import TINY, write_allen_vc
from nh_platform.store.codecs.recording_files import write_events
from nh_platform.store.names import SOURCE_WIDE
from nh_platform_tests.reading.conftest import publish

FIRST_S = 3.25


@pytest.fixture(scope="module")
def lfp_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Make a home whose one session has LFP, is listed, and has its events stored; probeB is invalid for a while."""
    home = tmp_path_factory.mktemp("home")
    (home / "sources.yaml").write_text("allen_vc: {read: {mode: local, root: upstream}}\n", encoding="utf-8")
    write_allen_vc(home / "upstream", 1, seed=3, size=TINY, lfp_s=1.0)
    (nwb,) = home.glob("upstream/session_*/session_*.nwb")
    with h5py.File(nwb, "r+") as handle:
        row = list(handle["intervals/invalid_times/tags"].asstr()[:]).index("probeB") // 3
        handle["intervals/invalid_times/start_time"][row] = FIRST_S + 0.3
        handle["intervals/invalid_times/stop_time"][row] = FIRST_S + 0.4
    platform = Platform(load_settings(home))
    source = platform.source("allen_vc")
    manifest = source.manifest()
    with publish(platform.store, SOURCE_WIDE, "release_manifest", "allen_vc") as folder:
        write_manifest(folder, manifest)
    session_id = manifest.session_ids[0]
    with publish(platform.store, session_id, "events", "allen_vc") as folder:
        write_events(folder, source.read_events(manifest.session(session_id)))
    return home, session_id


def test_invalid_times_of_the_probe_are_nan_both_ends_included_and_those_of_others_are_not(
    lfp_home: tuple[Path, str],
) -> None:
    session = nh_platform.open_store(lfp_home[0]).session("allen_vc", lfp_home[1])
    read = session.lfp("probeB", FIRST_S + 0.2, FIRST_S + 0.5)
    invalid = (read.times >= FIRST_S + 0.3) & (read.times <= FIRST_S + 0.4)
    assert invalid.sum() > 100
    assert np.isnan(read.values[:, invalid]).all()
    assert np.isfinite(read.values[:, ~invalid]).all()
    assert f"{invalid.sum()} of {len(invalid)} samples lie in invalid intervals" in read.notes[-1].text
    assert np.isfinite(session.lfp("probeB", FIRST_S + 0.2, FIRST_S + 0.5, mask_invalid=False).values).all()
    assert np.isfinite(session.lfp("probeA", FIRST_S + 0.2, FIRST_S + 0.5).values).all()
    assert repr(read) == f"LfpSlice(96 channels, {len(read.times)} samples at 1250 Hz, 3.451-3.750 s)"


def test_without_events_nothing_is_masked_in_silence(lfp_home: tuple[Path, str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(lfp_home[0], home)
    shutil.rmtree(home / "store" / "allen_vc" / lfp_home[1])
    session = nh_platform.open_store(home).session("allen_vc", lfp_home[1])
    with pytest.raises(UnknownSession, match="events"):
        session.lfp("probeA", FIRST_S, FIRST_S + 0.1)
    assert session.lfp("probeA", FIRST_S, FIRST_S + 0.1, mask_invalid=False).values.shape == (96, 125)


def test_a_store_out_of_its_home_says_to_open_the_home(lfp_home: tuple[Path, str], tmp_path: Path) -> None:
    shutil.copytree(lfp_home[0] / "store", tmp_path / "copied")
    session = nh_platform.open_store(tmp_path / "copied").session("allen_vc", lfp_home[1])
    with pytest.raises(ConfigError, match="lies in no home folder"):
        session.lfp("probeA", FIRST_S, FIRST_S + 0.1)


def test_masking_copies(lfp_home: tuple[Path, str]) -> None:
    session = nh_platform.open_store(lfp_home[0]).session("allen_vc", lfp_home[1])
    read = session.lfp("probeA", FIRST_S, FIRST_S + 0.1, mask_invalid=False)
    masked = read.masked(pd.DataFrame({"start_time": [0.0], "stop_time": [99.0]}))
    assert np.isnan(masked.values).all()
    assert np.isfinite(read.values).all()
