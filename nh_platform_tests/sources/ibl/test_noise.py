"""Noise of the channels is upstream's own, for the channels that were sorted; what lacks is NaN with a note."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.session.probe_noise import ChannelNoise
from nh_platform_tests.sources.ibl.conftest import SORTING, Tree

RAW = "raw_ephys_data/probe00"
RMS, POWER = f"{RAW}/_iblqc_ephysChannels.apRMS.npy", f"{RAW}/_iblqc_ephysSpectralDensityLF.power.npy"


def noise(tree: Tree) -> ChannelNoise:
    source, session = tree.session()
    return source.read_noise(session, source.read_spikes(session).channels)


def noted(read: ChannelNoise) -> str:
    return "\n".join(f"{note.subject}: {note.text}" for note in read.notes)


def test_rms_and_power_are_those_of_the_files(pristine: Tree) -> None:
    read = noise(pristine)
    assert read.notes == ()
    assert len(read.channels) == 768
    of_probe = read.channels[read.channels["probe"] == "probe00"]
    rms = pristine.load(RMS).astype(float)
    assert np.array_equal(of_probe["ap_rms"], rms[1])
    assert np.array_equal(of_probe["ap_rms_raw"], rms[0])
    assert (of_probe["ap_rms"] > 1e-6).all()
    over_time = pristine.load(f"{RAW}/_iblqc_ephysTimeRmsLF.rms.npy").astype(float)
    np.testing.assert_allclose(of_probe["lf_rms_over_time"], np.median(over_time, axis=0))
    freqs = pristine.load(f"{RAW}/_iblqc_ephysSpectralDensityLF.freqs.npy")
    power = pristine.load(POWER).astype(float)
    inside = (freqs >= 20) & (freqs <= 80)
    np.testing.assert_allclose(of_probe["lfp_power"], (10 * np.log10(power[inside])).mean(axis=0))
    assert (of_probe["theta_power"] > of_probe["lfp_power"]).all()


def test_the_place_of_a_channel_in_the_files_is_its_raw_index(tree: Tree) -> None:
    """A sorting of some of the channels, as 374 of 384 have been seen."""
    for name in ("channels.rawInd", "channels.localCoordinates"):
        tree.write(f"{SORTING}/{name}.npy", tree.load(f"{SORTING}/{name}.npy")[10:])
    read = noise(tree)
    of_probe = read.channels[read.channels["probe"] == "probe00"]
    assert np.array_equal(of_probe["ap_rms"], tree.load(RMS)[1, 10:].astype(float))


def test_files_that_lack_or_are_of_fewer_channels_leave_nan_and_a_note(tree: Tree) -> None:
    tree.remove(RMS)
    tree.write(POWER, tree.load(POWER)[:, :100])
    read = noise(tree)
    of_probe = read.channels[read.channels["probe"] == "probe00"]
    assert of_probe[["ap_rms", "ap_rms_raw", "lfp_power", "theta_power"]].isna().all(axis=None)
    assert of_probe["ap_rms_over_time"].notna().all()
    assert "probe00 noise: upstream has no _iblqc_ephysChannels.apRMS.npy" in noted(read)
    assert "100 channels, and the sorting names channel 383; NaN" in noted(read)


def test_a_dead_channel_has_no_power(tree: Tree) -> None:
    power = tree.load(POWER)
    power[:, 7] = 0
    tree.write(POWER, power)
    channels = noise(tree).channels
    assert channels.index[channels["lfp_power"].isna()].tolist() == [7]


@pytest.mark.parametrize(
    ("name", "change", "found"),
    [
        ("ephysChannels.apRMS", lambda rms: rms[:1], "1 rows, expected two: raw and destriped"),
        ("ephysSpectralDensityLF.freqs", lambda freqs: freqs[:-1], "51 rows for 50 frequencies"),
        ("ephysSpectralDensityLF.freqs", lambda freqs: freqs + 500, "no frequency from 20 to 80 Hz"),
        ("ephysTimeRmsAP.rms", lambda rms: rms[:0], "it has no rows"),
    ],
)
def test_a_file_of_another_form_is_left_out_with_what_was_found(tree: Tree, name, change, found) -> None:
    path = f"{RAW}/_iblqc_{name}.npy"
    tree.write(path, change(tree.load(path)))
    assert found in noted(noise(tree))
