"""An exported file opened again as a lab's own source: the same units, spikes and electrodes come back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nh_platform.sources.own.nwb.settings import NwbSettings
from nh_platform.sources.own.nwb.source import NwbSource
from nh_platform_tests.exports.nwb.conftest import SOURCES, Files

HOW = {
    "ibl": {"peak_channel": "max_electrode", "amplitudes": "spike_amplitudes_uV", "amplitude_unit": "uV"},
    "allen_vc": {},
    "allen_vbn": {},
}


@pytest.mark.parametrize("source", SOURCES)
def test_units_spikes_electrodes_and_trials_come_back(exported: Files, tmp_path: Path, source: str) -> None:
    file = exported(source)
    ours, settings = file.session, NwbSettings(files=file.path, ccf=True, region="allen_location", **HOW[source])
    lab = NwbSource("lab", settings, tmp_path)
    (listed,) = lab.manifest().sessions["session_id"]
    files = lab.manifest().session(listed)
    assert files.session.subject == ours.info.subject
    recording = lab.read_spikes(files)
    assert recording.units["probe"].tolist() == ours.units["probe"].tolist()
    assert recording.units["channel"].tolist() == ours.units["channel"].tolist()
    if source != "ibl":  # uuids are no ids of the standard; they come back as the metric cluster_uuid
        assert recording.units["unit_id"].tolist() == ours.units["unit_id"].tolist()
    valid = ours.valid_spikes.spikes
    assert np.array_equal(recording.spikes.times.view(np.int64), valid.times.view(np.int64))
    assert recording.spikes.offsets.tolist() == valid.offsets.tolist()
    np.testing.assert_allclose(recording.spikes.amplitudes, valid.amplitudes, rtol=2e-7)
    channels = ours.channels
    np.testing.assert_array_equal(recording.channels["axial_um"], channels["axial_um"])
    annotation = lab.read_annotation(files, recording.units, recording.channels)
    located = channels["ccf_ap_um"].notna().to_numpy()
    assert located.any()
    np.testing.assert_array_equal(annotation.channels["ccf_ap_um"], channels["ccf_ap_um"])
    assert annotation.channels["acronym"].tolist() == channels["acronym"].tolist()
    if source == "ibl":
        assert annotation.released["released.cluster_uuid"].tolist() == ours.units["unit_id"].tolist()
    np.testing.assert_array_equal(annotation.released["released.pass_nh_common"], ours.units["pass.nh-common"])
    events = lab.read_events(files).tables
    if source == "allen_vc":
        assert events["invalid_times"]["scope"].tolist() == ours.events["invalid_times"]["scope"].tolist()
        assert len(events["presentations"]) == len(ours.presentations)
    else:
        np.testing.assert_array_equal(events["lab_trials"]["start_time"], ours.trials["start_time"])
