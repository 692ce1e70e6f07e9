"""Assets on request are read in one call each; a session without them says how they are asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading import SessionView
from nh_platform.session import Session, Signal, Signals, UnknownSession
from nh_platform.session.mean_waveforms import BEYOND_PROBE, MeanWaveforms
from nh_platform.session.tables.noise import NOISE_CHANNELS, NOISE_PROBES
from nh_platform.store import Store
from nh_platform.store.codecs.parquet import write_table
from nh_platform.store.codecs.recording_files import write_recording, write_signals
from nh_platform.store.codecs.waveform_files import read_waveforms, waveform_table, write_waveforms
from nh_platform_tests.reading.conftest import WHOLE, a_recording, publish


@pytest.fixture
def asked_for(tmp_path: Path) -> SessionView:
    """Open a session of which body parts and waveforms were asked for."""
    store = Store(tmp_path / "store")
    session = Session("ibl", WHOLE, "m1")
    values = np.array([[1.0, 2.0, 0.95], [3.0, 4.0, 0.5], [5.0, 6.0, 0.9]])
    columns = ("paw_l_x", "paw_l_y", "paw_l_likelihood")
    paw = Signal("pose_lightningPose_left", np.array([0.1, 0.2, 0.3]), values, "px", columns)
    with publish(store, WHOLE, "raw_spikes") as target:
        write_recording(target, a_recording(session))
        (target / "gate.json").write_text('{"problems": []}')
    with publish(store, WHOLE, "pose") as target:
        write_signals(target, Signals(session, {paw.name: paw}))
    with publish(store, WHOLE, "mean_waveforms") as target:
        write_waveforms(target, waves())
    with publish(store, WHOLE, "noise") as target:
        rms = pd.DataFrame({"probe": "probe00", "channel": [0, 1], "ap_rms": [1e-5, 3e-5]})
        write_table(target / "noise_channels.parquet", NOISE_CHANNELS.conform(rms), NOISE_CHANNELS)
        of_probe = pd.DataFrame({"probe": ["probe00"], "n_channels": [2], "rms_ap_p90": [28.0]})
        write_table(target / "noise_probes.parquet", NOISE_PROBES.conform(of_probe), NOISE_PROBES)
    return SessionView(store, "ibl", WHOLE)


def waves() -> MeanWaveforms:
    values = np.arange(24, dtype=np.float32).reshape(3, 2, 4) * 1e-5
    values[1, 1] = np.nan
    values[2] = np.nan
    channels = np.array([[4, 5], [0, BEYOND_PROBE], [BEYOND_PROBE, BEYOND_PROBE]])
    return MeanWaveforms(("a", "b", "c"), values, channels, np.array([4, 0, 7]), np.full(3, 3e4))


def test_points_below_the_likelihood_are_nan_as_brainbox_has_them(asked_for: SessionView) -> None:
    table = asked_for.pose("left")
    assert list(table) == ["times", "paw_l_x", "paw_l_y", "paw_l_likelihood"]
    assert table["times"].tolist() == [0.1, 0.2, 0.3]
    np.testing.assert_array_equal(table["paw_l_x"], [1.0, np.nan, 5.0])
    np.testing.assert_array_equal(table["paw_l_y"], [2.0, np.nan, 6.0])
    assert table["paw_l_likelihood"].tolist() == [0.95, 0.5, 0.9]
    assert asked_for.pose("left", likelihood=0)["paw_l_x"].tolist() == [1.0, 3.0, 5.0]
    with pytest.raises(UnknownSession, match="has pose_lightningPose_left"):
        asked_for.pose("right", "dlc")


def test_waveforms_come_in_the_order_that_was_asked_for(asked_for: SessionView) -> None:
    every = asked_for.mean_waveforms()
    np.testing.assert_array_equal(every.values, waves().values)
    some = asked_for.mean_waveforms(["c", "a"])
    assert some.unit_ids == ("c", "a")
    np.testing.assert_array_equal(some.values[1], waves().values[0])
    assert some.channels.tolist() == [[-1, -1], [4, 5]]
    assert some.peaks.tolist() == [7, 4]
    assert some.sampling_rates.tolist() == [3e4, 3e4]
    assert asked_for.mean_waveforms([]).values.shape == (0, 2, 4)
    with pytest.raises(UnknownSession, match="unit x"):
        asked_for.mean_waveforms(["x"])


def test_the_table_of_waveforms_says_how_large_they_are() -> None:
    table = waveform_table(waves())
    assert table["n_channels"].tolist() == [2, 1, 0]
    np.testing.assert_allclose(table["peak_to_peak"], [3e-5, 3e-5, np.nan], rtol=1e-5)


def test_a_session_without_any_channel_is_stored_and_read(tmp_path: Path) -> None:
    none = MeanWaveforms(("a",), np.empty((1, 0, 0), np.float32), np.empty((1, 0), np.int64), np.array([3]), np.ones(1))
    write_waveforms(tmp_path, none)
    assert read_waveforms(tmp_path).values.shape == (1, 0, 0)
    assert waveform_table(none)["peak_to_peak"].isna().all()


def test_noise_is_of_channels_or_of_insertions(asked_for: SessionView) -> None:
    assert asked_for.noise()["ap_rms"].tolist() == [1e-5, 3e-5]
    assert asked_for.noise("probes")["rms_ap_p90"].tolist() == [28.0]
    with pytest.raises(UnknownSession, match="noise of units"):
        asked_for.noise("units")  # type: ignore[arg-type]


def test_a_session_without_them_says_how_they_are_asked_for(session: SessionView) -> None:
    with pytest.raises(UnknownSession, match=r"also_assets: \[pose\].*nh materialize ibl 11112222-aaaa"):
        session.pose("left")
    with pytest.raises(UnknownSession, match="made only where it is asked for"):
        session.mean_waveforms()
    with pytest.raises(UnknownSession, match=r"also_assets: \[noise\]"):
        session.noise()
    with pytest.raises(UnknownSession, match=r"Visual Coding and Visual Behavior.*sessions of others have none"):
        _ = session.optotagging
