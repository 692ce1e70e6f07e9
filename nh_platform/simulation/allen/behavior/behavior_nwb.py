"""A simulated Visual Behavior Neuropixels session as an NWB file in the layout of the release (NWB 2.6.0-alpha).

Contains the places and names of the file's groups, checked against what AllenSDK 2.16.2 writes and reads. Add a group
here once the platform reads it. How an NWB type is written is in `nh_platform.simulation.allen.nwb_elements`, running
and eye tracking are written in `nh_platform.simulation.allen.behavior.nwb_signals`, and what the session holds is
decided in `nh_platform.simulation.allen.behavior.behavior_session`.
"""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np

from nh_platform.session.recording import smallest_uint
from nh_platform.simulation.allen import nwb_groups
from nh_platform.simulation.allen.behavior.behavior_session import SOURCE, VbnSession
from nh_platform.simulation.allen.behavior.change_detection import AUTO_REWARD_ML, OMITTED_SHARE, REWARD_ML
from nh_platform.simulation.allen.behavior.nwb_signals import write_eye_tracking, write_running
from nh_platform.simulation.allen.nwb_elements import TEXT, NwbWriter, Ragged, plain_columns
from nh_platform.simulation.seeding import generator

NWB_VERSION = "2.6.0-alpha"
LAYOUT = nwb_groups.EphysLayout(
    channel_number="probe_channel_number",
    unregistered_um=0.0,
    metrics_left_out=("waveform_halfwidth",),
    small_indexes=True,
)
BEHAVIOR_NAMESPACE = "ndx-aibs-behavior-ophys"
TEMPLATE_SHAPE = (24, 40)
"""1200 × 1920 pixels upstream; thinned, since eight images would be half of the file."""

_BEHAVIOR_TYPES: dict[str, tuple[str, dict[str, str]]] = {
    "BehaviorMetadata": (
        "LabMetaData",
        {
            "behavior_session_id": "int",
            "behavior_session_uuid": "text",
            "equipment_name": "text",
            "project_code": "text",
            "session_type": "text",
            "stimulus_frame_rate": "float",
        },
    ),
    "BehaviorTaskParameters": (
        "LabMetaData",
        {
            "auto_reward_volume": "float",
            "blank_duration_sec": "list",
            "n_stimulus_frames": "int",
            "omitted_flash_fraction": "float",
            "response_window_sec": "list",
            "reward_volume": "float",
            "session_type": "text",
            "stimulus": "text",
            "stimulus_distribution": "text",
            "stimulus_duration_sec": "float",
            "stimulus_name": "text",
            "task": "text",
        },
    ),
    "BehaviorSubject": ("Subject", {"driver_line": "list", "reporter_line": "text"}),
}
"""Types of the extension that AllenSDK does not load by itself: attribute names and types."""


def write_vbn_nwb(path: Path, session: VbnSession) -> None:
    """Write the NWB file of one session, ``ecephys_session_<id>.nwb`` in the release."""
    with NwbWriter(path, session.seed, session.session_id) as nwb:
        _write_general(nwb, session)
        _write_behavior_namespace(nwb)
        nwb_groups.write_probes(nwb, session.probes, LAYOUT)
        nwb.group(
            f"general/devices/{session.equipment}",
            "Device",
            description="Allen Brain Observatory - Scientifica 2P Rig",
            manufacturer="Scientifica",
        )
        nwb_groups.write_units(nwb, session.probes, LAYOUT)
        _write_templates(nwb, session)
        _write_intervals(nwb, session)
        _write_licks_and_rewards(nwb, session)
        write_running(nwb, session)
        if session.has_eye_tracking:
            write_eye_tracking(nwb, session)
        nwb_groups.write_optotagging(nwb, session.stimuli.end_s)


def double_waveforms(path: Path) -> None:
    """Give a file the scale of the releases before 0.5.0: amplitudes and mean waveforms are twice too large."""
    with h5py.File(path, "r+") as handle:
        for name in ("amplitude", "waveform_mean"):
            handle[f"units/{name}"][...] = 2.0 * handle[f"units/{name}"][...]


def _write_general(nwb: NwbWriter, session: VbnSession) -> None:
    nwb_groups.write_header(
        nwb,
        session,
        version=NWB_VERSION,
        description=session.session_type,
        start=f"{session.date.isoformat()}T15:34:18.179000+00:00",
        created="2022-07-01T00:00:00+00:00",
    )
    nwb.dataset("general/keywords", np.array(["visual", "behavior", "task"], dtype=object))
    subject = nwb.group("general/subject", "BehaviorSubject", BEHAVIOR_NAMESPACE, reporter_line="None")
    drivers = [name for name in ("Sst-IRES-Cre", "Vip-IRES-Cre") if name in session.genotype] or ["None"]
    subject.attrs.create("driver_line", np.array(drivers, dtype=object), dtype=TEXT)
    nwb.texts(
        "general/subject",
        age=f"P{session.age_days}D",
        description="A visual behavior subject with a LabTracks ID",
        genotype=session.genotype,
        sex=session.sex,
        species="Mus musculus",
        subject_id=str(session.mouse_id),
    )
    nwb.group(
        "general/metadata",
        "BehaviorMetadata",
        BEHAVIOR_NAMESPACE,
        behavior_session_id=session.behavior_session_id,
        behavior_session_uuid=session.behavior_session_uuid,
        equipment_name=session.equipment,
        project_code="NeuropixelVisualBehavior",
        session_type=session.session_type,
        stimulus_frame_rate=60.0,
    )
    parameters = nwb.group(
        "general/task_parameters",
        "BehaviorTaskParameters",
        BEHAVIOR_NAMESPACE,
        auto_reward_volume=AUTO_REWARD_ML,
        n_stimulus_frames=len(session.stimuli.frame_times),
        omitted_flash_fraction=OMITTED_SHARE,
        reward_volume=REWARD_ML,
        session_type=session.session_type,
        stimulus="images",
        stimulus_distribution="geometric",
        stimulus_duration_sec=0.25,
        stimulus_name=session.stimuli.image_stimulus,
        task="change detection",
    )
    for name, values in (("blank_duration_sec", (0.5, 0.5)), ("response_window_sec", (0.15, 0.75))):
        parameters.attrs[name] = np.array(values)


def _write_behavior_namespace(nwb: NwbWriter) -> None:
    """Keep the extension's specification in the file, as released files do: AllenSDK loads it from there."""
    types = [
        {
            "neurodata_type_def": name,
            "neurodata_type_inc": parent,
            "doc": name,
            "attributes": [_attribute(key, kind) for key, kind in attributes.items()],
        }
        for name, (parent, attributes) in _BEHAVIOR_TYPES.items()
    ]
    source = f"{BEHAVIOR_NAMESPACE}.extension"
    namespace = {
        "name": BEHAVIOR_NAMESPACE,
        "version": "0.2.0",
        "doc": "Allen Institute behavior and optical physiology extensions",
        "author": ["Allen Institute for Brain Science"],
        "contact": ["visual-behavior@example.org"],
        "schema": [{"namespace": "core", "neurodata_types": ["LabMetaData", "Subject"]}, {"source": source}],
    }
    folder = f"specifications/{BEHAVIOR_NAMESPACE}/0.2.0"
    nwb.group(folder)
    nwb.texts(folder, namespace=json.dumps({"namespaces": [namespace]}), **{source: json.dumps({"groups": types})})
    nwb.attrs[".specloc"] = nwb["specifications"].ref


def _attribute(name: str, kind: str) -> dict[str, object]:
    shape: dict[str, object] = {"shape": [None]} if kind == "list" else {}
    # Lists are declared as text in the extension although task parameters hold numbers in them.
    return {"name": name, "dtype": "text" if kind == "list" else kind, "doc": name, "required": False, **shape}


def _write_templates(nwb: NwbWriter, session: VbnSession) -> None:
    """Write the eight images, warped as shown and unwarped with NaN where no pixel was visible."""
    stimuli = session.stimuli
    rng = generator(session.seed, SOURCE, "images", session.image_set)
    n_images = len(stimuli.image_names)
    warped = rng.integers(0, 256, size=(n_images, *TEMPLATE_SHAPE)).astype(np.uint8)
    unwarped = warped.astype(np.float64)
    unwarped[:, :2, :] = np.nan
    path = f"stimulus/templates/{stimuli.image_stimulus}"
    nwb.group(
        path, "StimulusTemplate", "ndx-aibs-stimulus-template", comments="no comments", description="no description"
    )
    data = nwb.dataset(f"{path}/data", warped)
    data.attrs.update({"conversion": 1.0, "resolution": -1.0, "unit": "NA"})
    nwb.dataset(f"{path}/unwarped", unwarped)
    nwb.dataset(f"{path}/control", np.arange(n_images, dtype=np.uint8))
    nwb.dataset(f"{path}/control_description", np.array(stimuli.image_names, dtype=object))
    nwb.texts(path, format="raw")
    times = nwb.dataset(f"{path}/timestamps", np.full(n_images, np.nan))
    times.attrs.update({"interval": 1, "unit": "seconds"})


def _write_intervals(nwb: NwbWriter, session: VbnSession) -> None:
    stimuli = session.stimuli
    nwb_groups.write_presentations(nwb, stimuli.frame_times, stimuli.presentations)
    task = stimuli.task
    n_licks = np.cumsum([len(licks) for licks in task.trial_licks])
    licks = Ragged(task.lick_times, n_licks.astype(smallest_uint(len(task.lick_times))))
    nwb.table(
        "intervals/trials",
        {**plain_columns(task.trials), "lick_times": licks},
        neurodata_type="TimeIntervals",
        namespace="core",
        description="experimental trials",
    )


def _write_licks_and_rewards(nwb: NwbWriter, session: VbnSession) -> None:
    task = session.stimuli.task
    module = nwb.module("licking", "Licking behavior processing module")
    nwb.time_series(f"{module}/licks", task.lick_times, task.lick_frames, "N/A", "time and frame of every lick")
    rewards = task.rewards
    module = nwb.module("rewards", "Licking behavior processing module")
    nwb.time_series(f"{module}/volume", rewards["timestamps"].to_numpy(), rewards["volume"].to_numpy(), "mL")
    nwb.time_series(f"{module}/autorewarded", f"{module}/volume", rewards["auto_rewarded"].to_numpy(bool), "mL")
