"""A simulated Visual Coding session as an NWB file in the layout of the 2020 release (NWB 2.2.2).

Contains the places and names of the file's groups. Add a group here once the platform reads it. How an NWB type is
written is in `nh_platform.simulation.allen.nwb_elements`, probes and units are written in
`nh_platform.simulation.allen.nwb_groups`, and what the session holds is decided in
`nh_platform.simulation.allen.allen_session`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from nh_platform.simulation.allen import nwb_groups
from nh_platform.simulation.allen.allen_session import UNREGISTERED_UM, AllenSession
from nh_platform.simulation.allen.nwb_elements import NwbWriter
from nh_platform.simulation.seeding import generator

NWB_VERSION = "2.2.2"
EYE_RATE_HZ = 10.0
"""30 Hz upstream; thinned, since eye tracking would be half of a small file."""
RUNNING_RATE_HZ = 60.0
LAYOUT = nwb_groups.EphysLayout(channel_number="local_index", unregistered_um=UNREGISTERED_UM)


def write_nwb(path: Path, session: AllenSession) -> None:
    """Write the NWB file of one session.

    Parameters
    ----------
    path
        File to write, in AllenSDK's cache ``session_<id>/session_<id>.nwb``.
    session
        The session.
    """
    with NwbWriter(path, session.seed, session.session_id) as nwb:
        _write_general(nwb, session)
        nwb_groups.write_probes(nwb, session.probes, LAYOUT)
        nwb_groups.write_units(nwb, session.probes, LAYOUT)
        _write_intervals(nwb, session)
        _write_running(nwb, session)
        _write_eye_tracking(nwb, session)
        _write_rig_geometry(nwb)
        nwb_groups.write_optotagging(nwb, session.stimuli_end_s)


def _write_general(nwb: NwbWriter, session: AllenSession) -> None:
    nwb_groups.write_header(
        nwb,
        session,
        version=NWB_VERSION,
        description="Data and metadata for an Ecephys session",
        start=f"{session.date.isoformat()}T08:00:00-08:00",
        created="2020-01-01T00:00:00-08:00",
    )
    nwb.texts("general", session_id=str(session.session_id), stimulus=session.session_type)
    nwb.group(
        "general/subject",
        "EcephysSpecimen",
        "ndx-aibs-ecephys",
        age_in_days=session.age_days,
        specimen_name=f"Sim-{session.specimen_id}",
        strain="C57BL/6J",
    )
    nwb.texts("general/subject", age=f"P{int(session.age_days)}D", genotype=session.genotype, sex=session.sex)
    nwb.texts("general/subject", species="Mus musculus", subject_id=str(session.specimen_id + 5))


def _write_intervals(nwb: NwbWriter, session: AllenSession) -> None:
    starts = np.sort(np.concatenate([table["start_time"] for table in session.stimuli.values()]))
    nwb_groups.write_presentations(nwb, starts, session.stimuli, "start of every presentation")
    invalid, tags = invalid_times(session)
    nwb.intervals("intervals/invalid_times", invalid, tags, None, "time intervals to be removed from analysis")


def invalid_times(session: AllenSession) -> tuple[pd.DataFrame, list[tuple[str, str, str]]]:
    """Return two invalid intervals and their tags: one of the last probe, one of the stimulus; not in time order."""
    probe = session.probes[-1]
    name = "static_gratings" if "static_gratings" in session.stimuli else "drifting_gratings_contrast"
    gratings = session.stimuli[name]
    middle = float(gratings["start_time"].iloc[len(gratings) // 2])
    invalid_start = float(session.stimuli["gabors"]["start_time"].iloc[40])
    table = pd.DataFrame(
        {"start_time": [middle + 0.05, invalid_start], "stop_time": [middle + 1.3, invalid_start + 5.0]}
    )
    return table, [
        ("EcephysSession", str(session.session_id), "stimulus"),
        ("EcephysProbe", str(probe.probe_id), probe.name),
    ]


def _write_running(nwb: NwbWriter, session: AllenSession) -> None:
    rng = generator(session.seed, "allen_vc", session.index, "running")
    times = 5.0 + np.arange(int((session.stimuli_end_s - 5.0) * RUNNING_RATE_HZ)) / RUNNING_RATE_HZ
    times = times + 1e-4 * rng.random(len(times))
    bout = np.clip(np.sin(2 * np.pi * times / 90.0 + 6.28 * rng.random()) - 0.3, 0, None)
    speed = 40.0 * bout + 0.8 * rng.standard_normal(len(times))
    rotation = speed / RUNNING_RATE_HZ / 5.5036
    module = nwb.module("running", "running speed data")
    start, stop = times[:-1], times[1:]
    nwb.time_series(f"{module}/running_speed", start, speed[:-1], "cm/s")
    nwb.time_series(f"{module}/running_speed_end_times", stop, np.full(len(stop), np.nan), "cm/s")
    nwb.time_series(f"{module}/running_wheel_rotation", f"{module}/running_speed", rotation[:-1], "radians")
    raw = "acquisition/raw_running_wheel_rotation"
    nwb.time_series(raw, times, np.cumsum(rotation), "radians")
    nwb.time_series("acquisition/running_wheel_signal_voltage", raw, 2.5 + 2.4 * np.sin(np.cumsum(rotation)), "V")
    nwb.time_series("acquisition/running_wheel_supply_voltage", raw, np.full(len(times), 5.0), "V")


def _write_eye_tracking(nwb: NwbWriter, session: AllenSession) -> None:
    rng = generator(session.seed, "allen_vc", session.index, "eye")
    times = 4.0 + np.arange(int((session.stimuli_end_s - 4.0) * EYE_RATE_HZ)) / EYE_RATE_HZ
    n = len(times)
    blink = rng.random(n) < 0.01
    pupil = 22.0 + 5.0 * np.sin(times / 35.0) + 0.5 * rng.standard_normal(n)
    gaze = np.column_stack([2.0 * np.sin(times / 11.0), 3.0 * np.cos(times / 17.0)]) + 0.3 * rng.standard_normal((n, 2))
    module = nwb.module("eye_tracking", "Eye tracking processing module")
    for name, radius, ratio in (("cr", np.full(n, 6.0), 1.0), ("eye", np.full(n, 120.0), 0.8), ("pupil", pupil, 0.95)):
        fits = {
            "center_x": 300.0 + 4.0 * gaze[:, 1],
            "center_y": 240.0 + 4.0 * gaze[:, 0],
            "width": radius,
            "height": ratio * radius,
            "phi": 0.1 * rng.standard_normal(n),
        }
        columns = {key: np.where(blink, np.nan, value) for key, value in fits.items()}
        nwb.table(f"{module}/{name}_ellipse_fits", {**columns, "timestamps": times})
    area = np.pi * pupil**2 * 0.95
    eye_area = np.full(n, np.pi * 120.0**2 * 0.8)
    for kind in ("raw", "filtered"):
        hidden = blink if kind == "raw" else blink | np.roll(blink, 1) | np.roll(blink, -1)
        module = nwb.module(f"{kind}_gaze_mapping", f"Gaze mapping processing module {kind} outputs")
        for name, values, unit in (
            ("eye_area", eye_area, "Pixels ^ 2"),
            ("pupil_area", area, "Pixels ^ 2"),
            ("screen_coordinates", gaze, "Centimeters"),
            ("screen_coordinates_spherical", 3.8 * gaze, "Degrees"),
        ):
            shown = values.copy()
            shown[hidden] = np.nan
            nwb.time_series(f"{module}/{name}", times, shown, unit)


def _write_rig_geometry(nwb: NwbWriter) -> None:
    """Write where monitor, camera and light stand: positions in mm, rotations in degrees."""
    path = f"{nwb.module('eye_tracking_rig_metadata', 'Eye tracking rig metadata module')}/eye_tracking_rig_metadata"
    nwb.group(path, "EcephysEyeTrackingRigMetadata", "ndx-aibs-ecephys", equipment="NP.1")
    for name, values, unit in (
        ("monitor_position", (118.6, 86.2, 31.6), "mm"),
        ("camera_position", (102.8, 74.7, 31.6), "mm"),
        ("led_position", (246.0, 92.3, 52.6), "mm"),
        ("monitor_rotation", (0.0, 0.0, 0.0), "deg"),
        ("camera_rotation", (0.0, 0.0, 2.8), "deg"),
    ):
        nwb.dataset(f"{path}/{name}", np.array(values, dtype=np.float32)).attrs["unit"] = unit
