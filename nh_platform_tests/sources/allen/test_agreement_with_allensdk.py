"""AllenSDK and the platform read the same NWB files and agree value by value."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform.session import RawRecording, UnitAnnotation
from nh_platform.sources.allen import AllenVcSettings, AllenVisualCodingSource, sdk
from nh_platform.sources.allen.nwb.electrodes import read_channels, read_probes
from nh_platform.sources.nwb.nwb_file import open_nwb
from nh_platform_tests.behavior import Behavior, read_behavior
from nh_platform_tests.sources.allen.conftest import nwb_in

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

NO_FILTER: dict[str, Any] = {
    "filter_by_validity": False,
    "filter_out_of_brain_units": False,
    "amplitude_cutoff_maximum": None,
    "presence_ratio_minimum": None,
    "isi_violations_maximum": None,
}
SDK_NAMES = {
    "waveform_PT_ratio": "PT_ratio",
    "waveform_amplitude": "amplitude",
    "waveform_recovery_slope": "recovery_slope",
    "waveform_repolarization_slope": "repolarization_slope",
    "waveform_spread": "spread",
    "waveform_velocity_above": "velocity_above",
    "waveform_velocity_below": "velocity_below",
    "L_ratio": "l_ratio",
}


class Read:
    """Everything that both sides read from one file, read once."""

    def __init__(self, root: Path) -> None:
        source = AllenVisualCodingSource(AllenVcSettings(root=root))
        manifest = source.manifest()
        files = manifest.session(manifest.session_ids[0])
        self.path = nwb_in(root)
        self.raw: RawRecording = source.read_spikes(files)
        self.behavior: Behavior = read_behavior(source, files)
        self.annotation: UnitAnnotation = source.read_annotation(files, self.raw.units, self.raw.channels)
        self._nwbfile = _parse(self.path)
        self.sdk = self.filtered(**NO_FILTER)

    def filtered(self, **filters: Any) -> Any:
        """Return AllenSDK's session on the file that is parsed already: it parses anew, 1.4 s, for every attribute."""
        from allensdk.brain_observatory.ecephys.ecephys_session import EcephysSession
        from allensdk.brain_observatory.ecephys.ecephys_session_api import EcephysNwbSessionApi

        return EcephysSession(api=EcephysNwbSessionApi.from_nwbfile(self._nwbfile, **filters))


def _parse(path: Path) -> Any:
    sdk.restore_numpy_names()
    import pynwb

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pynwb.NWBHDF5IO(str(path), "r", load_namespaces=True).read()


@pytest.fixture(scope="module", params=["newer_root", "released_root"])
def read(request: pytest.FixtureRequest) -> Read:
    return Read(request.getfixturevalue(request.param))


def test_unfiltered_units_are_the_same_with_every_metric(read: Read) -> None:
    theirs = read.sdk.units
    ours = read.annotation.released.set_index(read.annotation.released["unit_id"].astype(int))
    finite = (
        ours[["released.amplitude_cutoff", "released.presence_ratio", "released.isi_violations"]].notna().all(axis=1)
    )
    # AllenSDK drops a unit whose metric is NaN, also without a limit; the platform keeps it.
    assert set(theirs.index) == set(ours.index[finite])
    ours = ours.loc[theirs.index]
    for name in theirs.columns:
        released = f"released.{SDK_NAMES.get(name, name)}"
        if released not in ours or name == "valid_data":
            continue
        expected = theirs[name].to_numpy()
        if name == "waveform_amplitude":
            expected = expected * 1e-6
        np.testing.assert_array_equal(ours[released].to_numpy(), expected, err_msg=name)
    compared = {f"released.{SDK_NAMES.get(name, name)}" for name in theirs.columns}
    # AllenSDK 2.16.2 takes waveform_halfwidth from the file and shows it nowhere.
    assert set(ours.columns) - compared <= {"unit_id", "released.waveform_halfwidth"}


def test_peak_channel_probe_and_depth_are_the_same(read: Read) -> None:
    theirs = read.sdk.units
    units = read.raw.units.set_index(read.raw.units["unit_id"].astype(int)).loc[theirs.index]
    channels = read.raw.channels.set_index(["probe", "channel"])["upstream_id"]
    at_peak = channels.loc[pd.MultiIndex.from_frame(units[["probe", "channel"]])].to_numpy()
    np.testing.assert_array_equal(at_peak, theirs["peak_channel_id"])
    np.testing.assert_array_equal(units["probe"], theirs["probe_description"])
    np.testing.assert_array_equal(units["cluster_id"], theirs["cluster_id"])
    np.testing.assert_array_equal(units["depth"], theirs["probe_vertical_position"])


@pytest.mark.parametrize("read", ["released_root"], indirect=True)
def test_positions_are_those_of_allensdk_with_channels_csv(released_root: Path, read: Read) -> None:
    theirs = sdk.warehouse_cache(released_root / "manifest.json").get_channels()
    ours = read.annotation.channels.assign(channel_id=read.raw.channels["upstream_id"]).set_index("channel_id")
    theirs = theirs.loc[ours.index]
    unregistered = theirs["left_right_ccf_coordinate"] == -1000
    for mine, name in (
        ("ccf_ap_um", "anterior_posterior"),
        ("ccf_dv_um", "dorsal_ventral"),
        ("ccf_ml_um", "left_right"),
    ):
        np.testing.assert_array_equal(ours[mine], theirs[f"{name}_ccf_coordinate"].where(~unregistered))
    acronyms = theirs["ecephys_structure_acronym"]
    assert ours["acronym"].tolist() == acronyms.astype(object).where(acronyms.notna(), None).tolist()
    ids = theirs["ecephys_structure_id"]
    # Both Allen ids and iblatlas ids are those of the 2017 CCF ontology.
    np.testing.assert_array_equal(ours["atlas_id"], ids.fillna(0))


@pytest.mark.parametrize(
    "filters",
    [{}, {"isi_violations_maximum": 0.25, "presence_ratio_minimum": 0.9}, {"filter_by_validity": False}],
    ids=["default", "custom", "validity off"],
)
def test_allensdk_filters_follow_from_the_released_columns(read: Read, filters: dict[str, Any]) -> None:
    theirs = set(read.filtered(**filters).units.index)
    released = read.annotation.released
    keep = (released["released.amplitude_cutoff"] <= 0.1).to_numpy()
    keep &= released["released.presence_ratio"].to_numpy() >= filters.get("presence_ratio_minimum", 0.95)
    keep &= released["released.isi_violations"].to_numpy() <= filters.get("isi_violations_maximum", 0.5)
    keep &= read.annotation.positions["acronym"].notna().to_numpy()
    if filters.get("filter_by_validity", True):
        keep &= (released["released.quality"] == "good").to_numpy() & released["released.valid_data"].to_numpy()
    assert theirs == set(released["unit_id"][keep].astype(int))
    assert 0 < len(theirs) < len(released)


def test_spike_times_are_bit_identical_per_unit(read: Read) -> None:
    theirs = read.sdk.spike_times
    ids = read.raw.units["unit_id"].astype(int).tolist()
    assert len(theirs) > 3
    for unit_id, times in theirs.items():
        np.testing.assert_array_equal(read.raw.spikes.of_unit(ids.index(unit_id)), times)


def test_spike_amplitudes_are_those_of_allensdk_as_float32_volts(read: Read) -> None:
    theirs = read.sdk.spike_amplitudes
    offsets = read.raw.spikes.offsets
    for row, unit_id in enumerate(read.raw.units["unit_id"].astype(int)):
        ours = read.raw.spikes.amplitudes[offsets[row] : offsets[row + 1]]
        np.testing.assert_array_equal(ours, np.asarray(theirs[unit_id], dtype=np.float64).astype(np.float32))


def test_amplitudes_are_volts_in_spikes_and_units(read: Read) -> None:
    for values in (
        read.raw.spikes.amplitudes,
        read.raw.units["amplitude"].to_numpy(),
        read.annotation.released["released.amplitude"].to_numpy(),
    ):
        assert 1e-5 < np.nanmedian(values) < 1e-3


def test_presentations_are_the_same(read: Read) -> None:
    ours = read.behavior.events["presentations"]
    session = read.sdk
    theirs = session._stimulus_presentations  # with the detailed parameters, which `stimulus_presentations` hides
    assert ours["presentation_id"].tolist() == theirs.index.tolist()
    np.testing.assert_array_equal(ours["start_time"], theirs["start_time"].to_numpy(float))
    np.testing.assert_array_equal(ours["stop_time"], theirs["stop_time"].to_numpy(float))
    masked = (theirs["stimulus_name"] == "invalid_presentation").to_numpy()
    np.testing.assert_array_equal(~ours["valid"], masked)
    assert masked.any()
    assert ours["stimulus_name"][~masked].tolist() == theirs["stimulus_name"][~masked].tolist()
    parameters = set(theirs.columns) - {"start_time", "stop_time", "stimulus_name", "duration", "stimulus_condition_id"}
    assert parameters <= set(ours.columns)
    for name in parameters:
        for mine, sdk_value in zip(ours[name][~masked], theirs[name][~masked]):
            _assert_same_parameter(name, mine, sdk_value)


def _assert_same_parameter(name: str, mine: Any, theirs: Any) -> None:
    if isinstance(theirs, str) and theirs == "null":
        assert mine is None or np.isnan(mine), name
    elif isinstance(mine, str):
        assert mine == (theirs if isinstance(theirs, str) else repr(float(theirs))), name
    else:
        assert mine == float(theirs), name


def test_invalid_times_are_the_same(read: Read) -> None:
    ours = read.behavior.events["invalid_times"]
    theirs = read.sdk.get_invalid_times()
    expected = sorted((row.start_time, row.stop_time, ", ".join(row.tags)) for row in theirs.itertuples())
    assert [(row.start_time, row.stop_time, row.label) for row in ours.itertuples()] == expected
    assert all(row.scope in row.label for row in ours.itertuples())
    assert "stimulus" in set(ours["scope"])


def test_running_speed_is_the_same(read: Read) -> None:
    ours, theirs = read.behavior.signals["running_speed"], read.sdk.running_speed
    np.testing.assert_array_equal(ours.timestamps, theirs["start_time"])
    np.testing.assert_array_equal(ours.values[:, 0], theirs["velocity"])
    np.testing.assert_array_equal(ours.values[:, 1], theirs["end_time"])


def test_pupil_is_the_same_full_axes_included(read: Read) -> None:
    ours, theirs = read.behavior.signals["pupil"], read.sdk.get_pupil_data()
    assert list(ours.columns) == list(theirs.columns)
    np.testing.assert_array_equal(ours.timestamps, theirs.index)
    np.testing.assert_array_equal(ours.values, theirs.to_numpy())


def test_gaze_is_the_same(read: Read) -> None:
    ours, theirs = read.behavior.signals["gaze"], read.sdk.get_screen_gaze_data(include_filtered_data=True)
    assert list(ours.columns) == list(theirs.columns)
    np.testing.assert_array_equal(ours.timestamps, theirs.index)
    np.testing.assert_array_equal(ours.values, theirs.to_numpy())


def test_optogenetic_epochs_are_the_same(read: Read) -> None:
    ours = read.behavior.events["optogenetic_epochs"]
    theirs = read.sdk.optogenetic_stimulation_epochs
    for name in ours.columns:
        assert ours[name].tolist() == theirs[name].tolist()
    assert len(ours) > 0


def test_channels_and_probes_are_the_same(read: Read) -> None:
    theirs = read.sdk.channels
    with open_nwb(read.path) as nwb:
        channels, probes = read_channels(nwb), read_probes(nwb)
    ours = channels.set_index("channel_id").loc[theirs.index]
    pairs = {
        "local_index": "probe_channel_number",
        "probe_id": "probe_id",
        "lateral_um": "probe_horizontal_position",
        "axial_um": "probe_vertical_position",
        "valid_data": "valid_data",
        "x": "anterior_posterior_ccf_coordinate",
        "y": "dorsal_ventral_ccf_coordinate",
        "z": "left_right_ccf_coordinate",
    }
    assert len(ours) == len(channels) == len(theirs)
    for mine, name in pairs.items():
        np.testing.assert_array_equal(ours[mine].to_numpy(), theirs[name].to_numpy(), err_msg=name)
    # AllenSDK shows LGd for LGd-sh; the platform keeps the acronym of the file.
    stripped = [text if text is None else text.split("-")[0] for text in ours["location"]]
    acronyms = theirs["structure_acronym"].astype(object)
    assert stripped == acronyms.where(acronyms.notna(), None).tolist()
    sdk_probes = read.sdk.probes.loc[probes["probe_id"]]
    assert probes["probe"].tolist() == sdk_probes["description"].tolist()
    for name in ("sampling_rate", "lfp_sampling_rate", "has_lfp_data"):
        np.testing.assert_array_equal(probes[name].to_numpy(), sdk_probes[name].to_numpy(), err_msg=name)
