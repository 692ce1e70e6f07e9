"""AllenSDK and the platform read the same Visual Behavior NWB file and agree value by value."""

from __future__ import annotations

import json
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading.change_performance import RESPONSE_WINDOW_S, rolling_performance
from nh_platform.reading.eye_tracking import eye_tracking_as_allensdk
from nh_platform.session import RawRecording, UnitAnnotation
from nh_platform.sources.allen import sdk
from nh_platform.sources.allen.nwb.electrodes import read_channels
from nh_platform.sources.nwb.nwb_file import open_nwb
from nh_platform_tests.behavior import Behavior, read_behavior
from nh_platform_tests.sources.allen.vbn import ACTIVITY, nwb_path, session_ids, source_of

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

RENAMED_STIMULI = {"gabor_20_deg_250ms": "gabors", "flash_250ms": "flashes"}
RENAMED_PARAMETERS = {"position_x": "x_position", "position_y": "y_position", "end_time": "stop_time"}
INTEGERS_WITH_NULL = ("image_index", "flashes_since_change", "stimulus_index", "trials_id")


class Read:
    """Everything that both sides read from one file, read once."""

    def __init__(self, root: Path) -> None:
        source = source_of(root)
        files = source.manifest().session(session_ids(root)[ACTIVITY])
        self.path = nwb_path(root, ACTIVITY)
        self.raw: RawRecording = source.read_spikes(files)
        self.behavior: Behavior = read_behavior(source, files)
        self.annotation: UnitAnnotation = source.read_annotation(files, self.raw.units, self.raw.channels)
        self.images = source.images(files)
        sdk.restore_numpy_names()
        from allensdk.brain_observatory.ecephys.behavior_ecephys_session import BehaviorEcephysSession

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.sdk = BehaviorEcephysSession.from_nwb_path(str(self.path))


@pytest.fixture(scope="module")
def read(vbn_root: Path) -> Read:
    return Read(vbn_root)


def _same(ours: Any, theirs: Any, name: str = "") -> None:
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs), err_msg=name)


def test_units_and_their_metrics_are_the_same(read: Read) -> None:
    theirs = read.sdk.get_units()
    metrics = read.annotation.released.set_index("unit_id")
    # AllenSDK drops units whose metric is NaN although no filter was asked for; the platform keeps them.
    lost = (
        metrics[["released.amplitude_cutoff", "released.presence_ratio", "released.isi_violations"]].isna().any(axis=1)
    )
    assert set(metrics.index[~lost]) == set(theirs.index.astype(str))
    assert lost.sum() == 1
    ours = metrics.loc[theirs.index.astype(str)]
    units = read.raw.units.set_index("unit_id").loc[theirs.index.astype(str)]
    for name in theirs.columns:
        if name in ("cluster_id",):
            _same(units[name], theirs[name], name)
        elif name == "amplitude":
            np.testing.assert_allclose(ours["released.amplitude"], theirs[name] * 1e-6, rtol=1e-12)
            np.testing.assert_array_equal(units["amplitude"], ours["released.amplitude"])
        elif f"released.{name}" in ours:
            _same(ours[f"released.{name}"], theirs[name].astype(ours[f"released.{name}"].dtype), name)
        else:
            assert name in ("peak_channel_id", "local_index", "waveform_halfwidth"), name
    assert "released.waveform_halfwidth" not in ours


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"filter_by_validity": True, "filter_out_of_brain_units": True},
        {"amplitude_cutoff_maximum": 0.1, "presence_ratio_minimum": 0.9, "isi_violations_maximum": 0.5},
    ],
)
def test_three_filter_settings_leave_the_same_units(read: Read, limits: dict[str, Any]) -> None:
    theirs = set(read.sdk.get_units(**limits).index.astype(str))
    released = read.annotation.released.merge(read.annotation.positions, on="unit_id")
    keep = released["released.amplitude_cutoff"] <= limits.get("amplitude_cutoff_maximum", np.inf)
    keep &= released["released.presence_ratio"] >= limits.get("presence_ratio_minimum", -np.inf)
    keep &= released["released.isi_violations"] <= limits.get("isi_violations_maximum", np.inf)
    if limits.get("filter_by_validity"):
        keep &= released["released.valid_data"] & (released["released.quality"] == "good")
    if limits.get("filter_out_of_brain_units"):
        keep &= released["acronym"].notna() & (released["acronym"] != "void")
    assert set(released.loc[keep, "unit_id"]) == theirs
    assert 0 < len(theirs) <= len(released)


def test_every_spike_time_and_amplitude_is_the_same(read: Read) -> None:
    times, amplitudes = read.sdk.spike_times, read.sdk.spike_amplitudes
    assert set(map(str, times)) == set(read.raw.units["unit_id"])
    spikes = read.raw.spikes
    for row, unit_id in enumerate(read.raw.units["unit_id"]):
        own = slice(spikes.offsets[row], spikes.offsets[row + 1])
        _same(spikes.times[own], times[int(unit_id)])
        _same(spikes.amplitudes[own], amplitudes[int(unit_id)].astype(np.float32))


def test_presentations_are_the_same_under_the_common_names(read: Read) -> None:
    ours = read.behavior.events["presentations"]
    theirs = read.sdk.stimulus_presentations.rename(columns=RENAMED_PARAMETERS)
    assert ours["presentation_id"].tolist() == theirs.index.tolist()
    assert ours["stimulus_name"].tolist() == theirs["stimulus_name"].replace(RENAMED_STIMULI).tolist()
    for name in theirs.columns.drop("stimulus_name"):
        values = theirs[name]
        if name == "image_name":
            assert ours[name].tolist() == [value if isinstance(value, str) and value else None for value in values]
            continue
        numbers = pd.to_numeric(values.astype(object), errors="coerce").to_numpy(float)
        if name in INTEGERS_WITH_NULL:
            numbers = np.where(numbers == -99, np.nan, numbers)
        _same(ours[name].to_numpy(float), numbers, name)
    active = ours["active"] == 1
    assert (ours["omitted"] == 1).sum() > 5
    assert ((ours["is_change"] == 1) & active).sum() == read.behavior.events["change_trials"]["is_change"].sum()


def test_trials_are_the_same(read: Read) -> None:
    ours, theirs = read.behavior.events["change_trials"], read.sdk.trials
    assert ours["trials_id"].tolist() == theirs.index.tolist()
    for name in theirs.columns:
        if name == "lick_times":
            continue
        if name.endswith("_image_name"):
            assert ours[name].tolist() == [value or None for value in theirs[name]]
        elif name == "reward_volume":
            np.testing.assert_allclose(ours[name], theirs[name] * 1000, rtol=1e-12)
        elif name == "change_frame":
            _same(ours[name], theirs[name].astype(float).replace(-99, np.nan), name)
        else:
            _same(ours[name], theirs[name], name)
    licks = read.behavior.events["trial_licks"]
    for trial, times in theirs["lick_times"].items():
        _same(licks.loc[licks["trials_id"] == trial, "times"], times)
    assert ours["n_licks"].sum() == len(licks) > 0


def test_reward_rate_and_rolling_performance_are_the_same(read: Read) -> None:
    events = read.behavior.events
    ours = rolling_performance(events["change_trials"], events["trial_licks"])
    theirs = read.sdk.get_rolling_performance_df()
    assert list(ours)[1:] == list(theirs)
    for name in theirs:
        _same(ours[name], theirs[name].astype(float), name)
    _same(ours["reward_rate"], read.sdk.get_reward_rate())
    _same(ours["response_latency"], read.sdk._trials._calculate_response_latency_list())
    assert ours["reward_rate"].max() > 0
    assert ours["rolling_dprime"].notna().sum() > 5
    assert tuple(read.sdk.task_parameters["response_window_sec"]) == RESPONSE_WINDOW_S


def _facts(table: pd.DataFrame) -> dict[str, Any]:
    return {name: json.loads(value) for name, value in zip(table["name"], table["value"])}


def test_task_parameters_are_the_same(read: Read) -> None:
    assert _facts(read.behavior.events["task_parameters"]) == read.sdk.task_parameters


def test_session_metadata_are_the_same(read: Read) -> None:
    ours, theirs = _facts(read.behavior.events["session_metadata"]), dict(read.sdk.metadata)
    assert datetime.fromisoformat(ours.pop("date_of_acquisition")) == theirs.pop("date_of_acquisition")
    assert ours.pop("behavior_session_uuid") == str(theirs.pop("behavior_session_uuid"))
    assert ours == theirs
    assert ours["behavior_session_id"] == read.sdk.behavior_session_id


def test_licks_and_rewards_are_the_same(read: Read) -> None:
    _same(read.behavior.events["licks"]["times"], read.sdk.licks["timestamps"])
    rewards = read.behavior.events["rewards"]
    _same(rewards["times"], read.sdk.rewards["timestamps"])
    _same(rewards["auto_rewarded"], read.sdk.rewards["auto_rewarded"].astype(bool))
    np.testing.assert_allclose(rewards["volume"], read.sdk.rewards["volume"] * 1000, rtol=1e-12)
    assert set(rewards["auto_rewarded"]) == {True, False}


def test_running_is_the_same_filtered_and_not(read: Read) -> None:
    signal = read.behavior.signals["running_speed"]
    _same(signal.timestamps, read.sdk.running_speed["timestamps"])
    _same(signal.values[:, 0], read.sdk.running_speed["speed"])
    _same(signal.values[:, 1], read.sdk.raw_running_speed["speed"])


def test_eye_tracking_is_the_same_with_full_axes(read: Read) -> None:
    signal, theirs = read.behavior.signals["pupil"], read.sdk.eye_tracking
    ours = pd.DataFrame(signal.values, columns=signal.columns)
    _same(signal.timestamps, theirs["timestamps"])
    _same(ours["likely_blink"].astype(bool), theirs["likely_blink"])
    assert 10 < ours["likely_blink"].sum() < 0.2 * len(ours)
    for what, short in (("pupil", "pupil"), ("eye", "eye"), ("corneal_reflection", "cr")):
        for field, factor in (("center_x", 1), ("center_y", 1), ("width", 2), ("height", 2), ("phi", 1)):
            _same(ours[f"{what}_{field}"], factor * theirs[f"{short}_{field}"], field)
        _same(ours[f"{what}_area"], theirs[f"{short}_area_raw"], what)
        _same(ours[f"{what}_area"].where(ours["likely_blink"] == 0), theirs[f"{short}_area"], what)


def test_eye_tracking_with_blinks_determined_anew_is_the_same(read: Read) -> None:
    ours, theirs = eye_tracking_as_allensdk(read.behavior.signals["pupil"]), read.sdk.eye_tracking
    pd.testing.assert_frame_equal(ours, theirs[list(ours)], check_exact=True, check_index_type=False)
    assert set(ours) == set(theirs)
    assert 10 < ours["likely_blink"].sum() < 0.2 * len(ours)


def test_images_are_the_same(read: Read) -> None:
    (images,) = read.images.values()
    theirs = read.sdk.stimulus_templates
    assert list(images.image_names) == theirs.index.tolist()
    for number in range(len(theirs)):
        _same(images.warped[number], theirs["warped"].iloc[number])
        _same(images.unwarped[number], theirs["unwarped"].iloc[number])
    table = read.behavior.events["image_templates"]
    shown = read.behavior.events["presentations"]
    seen = shown.loc[shown["omitted"] == 0, ["image_index", "image_name"]].drop_duplicates()
    assert seen.set_index("image_index")["image_name"].to_dict().items() <= dict(enumerate(table["image_name"])).items()


def test_channels_are_the_same(read: Read) -> None:
    theirs = read.sdk.get_channels(filter_by_validity=False)
    with open_nwb(read.path) as nwb:
        ours = read_channels(nwb).set_index("channel_id").loc[theirs.index]
    for mine, name in {
        "local_index": "probe_channel_number",
        "axial_um": "probe_vertical_position",
        "lateral_um": "probe_horizontal_position",
        "valid_data": "valid_data",
        "x": "anterior_posterior_ccf_coordinate",
        "y": "dorsal_ventral_ccf_coordinate",
        "z": "left_right_ccf_coordinate",
    }.items():
        _same(ours[mine], theirs[name], name)
