"""Mean waveforms on request: the values of AllenSDK, in volts, of the whole probe or around the peak."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from nh_platform.session import BadUpstreamData, UnknownSession
from nh_platform.session.mean_waveforms import BEYOND_PROBE
from nh_platform.sources.allen import AllenVcSettings, AllenVisualCodingSource, mean_waveforms
from nh_platform_tests.sources.allen.allensdk_clients import files_kept_open, open_session
from nh_platform_tests.sources.allen.conftest import nwb_in
from nh_platform_tests.sources.allen.vbn import ACTIVITY, NORMAL, nwb_path, session_ids, source_of

UV_PER_V = 1e6


def _units(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with h5py.File(path) as file:
        return file["units/id"][:], file["units/peak_channel_id"][:]


@pytest.mark.slow  # AllenSDK needs 3 s of CPU for a look at a file, however small
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("root", ["newer_root", "released_root"])
def test_values_and_channels_are_those_of_allensdk(root: str, request: pytest.FixtureRequest) -> None:
    path = nwb_in(request.getfixturevalue(root))
    with files_kept_open():
        session = open_session(path, filter_by_validity=False, filter_out_of_brain_units=False)
        theirs, numbers = session.mean_waveforms, session.channels["probe_channel_number"]
        of_units = session.units
    ours = mean_waveforms(path, theirs)
    assert ours.unit_ids == tuple(map(str, theirs))
    for row, (unit, waveform) in enumerate(theirs.items()):
        own = numbers.loc[waveform["channel_id"].to_numpy()].to_numpy()
        np.testing.assert_allclose(ours.values[row, own] * UV_PER_V, waveform.to_numpy(), rtol=1e-6, atol=1e-6)
        assert ours.channels[row, own].tolist() == own.tolist()
        assert ours.peaks[row] == numbers.loc[of_units.loc[unit, "peak_channel_id"]]
        np.testing.assert_allclose(waveform["time"][1] * ours.sampling_rates[row], 1.0)


def test_around_the_peak_is_that_part_of_the_probe_in_volts(released_root: Path) -> None:
    path = nwb_in(released_root)
    ids, _ = _units(path)
    whole, part = mean_waveforms(path, ids), mean_waveforms(path, ids, around_peak=3)
    assert whole.values.shape == (len(ids), 384, 82)
    assert part.values.shape == (len(ids), 7, 82)
    assert part.values.dtype == np.float32
    for row in range(len(ids)):
        inside = part.channels[row] != BEYOND_PROBE
        np.testing.assert_array_equal(part.values[row, inside], whole.values[row, part.channels[row, inside]])
        assert np.isnan(part.values[row, ~inside]).all()
        assert part.channels[row, 3] == part.peaks[row]
        trough = -np.nanmin(part.values[row], axis=1)
        assert np.nanargmax(trough) == 3
        assert 1e-5 < trough[3] < 1e-3  # volts


def test_beyond_the_ends_of_the_probe_there_is_nothing(released_root: Path) -> None:
    path = nwb_in(released_root)
    wide = mean_waveforms(path, _units(path)[0][:1], around_peak=400)
    assert (wide.channels != BEYOND_PROBE).sum() == 384
    assert np.isfinite(wide.values).all(axis=2).sum() == 384


def test_units_come_in_the_order_asked_for_and_scaled(released_root: Path) -> None:
    path = nwb_in(released_root)
    ids = _units(path)[0]
    plain = mean_waveforms(path, ids[[4, 1]], around_peak=0)
    halved = mean_waveforms(path, [str(ids[1])], around_peak=0, scale=0.5)
    np.testing.assert_allclose(halved.values[0], plain.values[1] / 2, rtol=1e-6)
    assert mean_waveforms(path, []).values.shape == (0, 0, 82)


def test_the_source_reads_them_from_the_verified_file(released_root: Path) -> None:
    source = AllenVisualCodingSource(AllenVcSettings(root=released_root))
    manifest = source.manifest()
    unit = str(_units(nwb_in(released_root))[0][0])
    waves = source.mean_waveforms(manifest.session(manifest.session_ids[0]), [unit], around_peak=2)
    assert waves.values.shape == (1, 5, 82)


def test_unknown_units_and_files_without_waveforms_are_named(released_root: Path, tmp_path: Path) -> None:
    path = nwb_in(released_root)
    with pytest.raises(UnknownSession, match=r"unit 7: .* has no such unit"):
        mean_waveforms(path, [7])
    copy = tmp_path / "session.nwb"
    copy.write_bytes(path.read_bytes())
    with h5py.File(copy, "r+") as handle:
        del handle["units/waveform_mean"]
    with pytest.raises(BadUpstreamData, match="units/waveform_mean or its index is missing"):
        mean_waveforms(copy, _units(path)[0][:1])


def test_visual_behavior_waveforms_have_one_scale_in_both_releases(vbn_root: Path) -> None:
    for number, at_first in ((NORMAL, 2.0), (ACTIVITY, 1.0)):
        session_id = session_ids(vbn_root)[number]
        unit = _units(nwb_path(vbn_root, number))[0][:2]
        old, new = (
            source.mean_waveforms(source.manifest().session(session_id), unit, around_peak=2)
            for source in (source_of(vbn_root, "0.4.0"), source_of(vbn_root, "0.5.0"))
        )
        np.testing.assert_allclose(old.values, new.values, rtol=1e-6, atol=1e-30)
        assert 1e-5 < -np.nanmin(new.values) < 1e-3  # volts
        stated = mean_waveforms(nwb_path(vbn_root, number, "0.4.0"), unit, around_peak=2)
        np.testing.assert_allclose(stated.values, at_first * new.values, rtol=1e-6, atol=1e-30)


def test_of_all_units_the_channels_around_their_peaks_are_stored(released_root: Path) -> None:
    source = AllenVisualCodingSource(AllenVcSettings(root=released_root))
    manifest = source.manifest()
    session = manifest.session(manifest.session_ids[0])
    units = source.read_spikes(session).units
    waves = source.read_waveforms(session, units)
    assert waves.unit_ids == tuple(units["unit_id"])
    assert waves.values.shape == (len(units), 41, 82)
    assert (waves.channels[:, 20] == waves.peaks).all()
