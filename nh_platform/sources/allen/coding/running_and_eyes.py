"""Running, pupil and gaze of an Allen NWB file.

Contains the readers of the sampled signals, with the columns and names that AllenSDK gives them. Add here a further
sampled signal. Nothing is interpolated, filtered or masked here.
"""

from __future__ import annotations

import numpy as np

from nh_platform.session import Note, Signal
from nh_platform.sources.allen.nwb.nwb_file import NwbFile

RUNNING = "processing/running"
EYE_TRACKING = "processing/eye_tracking"
ELLIPSES = {"corneal_reflection": "cr", "pupil": "pupil", "eye": "eye"}
ELLIPSE_FIELDS = ("center_x", "center_y", "height", "width", "phi")


def read_running_speed(nwb: NwbFile) -> tuple[Signal | None, list[Note]]:
    """Return running speed, or None and a note where the file has none.

    Returns
    -------
    Signal
        ``running_speed``: timestamps are the START of each sample as upstream states it; columns ``velocity`` (cm/s)
        and ``end_time`` (s), the end of the sample; NaN and a note where the file has no end times. Anyone who needs
        one time per sample can take the midpoint, or, as published analyses do, the start.
    """
    if not nwb.has(f"{RUNNING}/running_speed"):
        return None, [Note("running_speed", "no running speed in the NWB file")]
    notes: list[Note] = []
    timestamps = nwb.array(f"{RUNNING}/running_speed/timestamps").astype(np.float64)
    velocity = nwb.array(f"{RUNNING}/running_speed/data").astype(np.float64)
    if nwb.has(f"{RUNNING}/running_speed_end_times"):
        ends = nwb.array(f"{RUNNING}/running_speed_end_times/timestamps").astype(np.float64)
    else:
        ends = np.full(len(timestamps), np.nan)
        notes.append(Note("running_speed", "no end times in the NWB file; NaN"))
    if not len(timestamps) == len(velocity) == len(ends):
        raise nwb.bad(f"running speed has {len(timestamps)} start times, {len(ends)} end times, {len(velocity)} values")
    values = np.column_stack([velocity, ends])
    return Signal("running_speed", timestamps, values, "cm/s, s", ("velocity", "end_time")), notes


def read_pupil(nwb: NwbFile) -> tuple[Signal | None, list[Note]]:
    """Return the ellipse fits of pupil, eye and corneal reflection, or None and a note where there are none.

    Returns
    -------
    Signal
        ``pupil``: the 15 columns of AllenSDK's ``get_pupil_data``, ``<what>_<center_x|center_y|height|width|phi>``
        for corneal_reflection, pupil and eye, in pixels of the eye camera and radians. The file holds HALF axes;
        height and width are doubled here as AllenSDK does. Timestamps are those of the raw gaze mapping, as in
        AllenSDK; where that is missing, the fits' own.
    """
    if not nwb.has(EYE_TRACKING):
        return None, [Note("pupil", "no eye tracking in the NWB file")]
    notes: list[Note] = []
    if nwb.has("processing/raw_gaze_mapping"):
        timestamps = nwb.array("processing/raw_gaze_mapping/eye_area/timestamps").astype(np.float64)
    else:
        timestamps = nwb.array(f"{EYE_TRACKING}/pupil_ellipse_fits/timestamps").astype(np.float64)
        notes.append(Note("pupil", "no raw gaze mapping in the NWB file; timestamps are those of the ellipse fits"))
    names, columns = [], []
    for what, stem in ELLIPSES.items():
        for field in ELLIPSE_FIELDS:
            values = nwb.array(f"{EYE_TRACKING}/{stem}_ellipse_fits/{field}").astype(np.float64)
            if len(values) != len(timestamps):
                raise nwb.bad(f"{stem}_ellipse_fits/{field} has {len(values)} values for {len(timestamps)} eye frames")
            columns.append(2 * values if field in ("height", "width") else values)
            names.append(f"{what}_{field}")
    return Signal("pupil", timestamps, np.column_stack(columns), "px, rad", tuple(names)), notes


def read_gaze(nwb: NwbFile) -> tuple[Signal | None, list[Note]]:
    """Return the gaze on the screen, raw and filtered, or None and a note where there is none.

    Returns
    -------
    Signal
        ``gaze``: the columns of AllenSDK's ``get_screen_gaze_data``: ``raw_`` and, where the file has them,
        ``filtered_`` times ``eye_area``, ``pupil_area`` (px²), ``screen_coordinates_x_cm``, ``…_y_cm`` (cm),
        ``screen_coordinates_spherical_x_deg``, ``…_y_deg`` (deg). The file stores coordinates as (y, x).
    """
    if not nwb.has("processing/raw_gaze_mapping"):
        return None, [Note("gaze", "no gaze mapping in the NWB file")]
    timestamps = nwb.array("processing/raw_gaze_mapping/eye_area/timestamps").astype(np.float64)
    notes: list[Note] = []
    names: list[str] = []
    columns = []
    for kind in ("raw", "filtered"):
        module = f"processing/{kind}_gaze_mapping"
        if not nwb.has(module):
            notes.append(Note("gaze", f"no {kind} gaze mapping in the NWB file"))
            continue
        for what in ("eye_area", "pupil_area"):
            columns.append(nwb.array(f"{module}/{what}/data").astype(np.float64))
            names.append(f"{kind}_{what}")
        for what, unit in (("screen_coordinates", "cm"), ("screen_coordinates_spherical", "deg")):
            pair = nwb.array(f"{module}/{what}/data").astype(np.float64)
            if pair.ndim != 2 or pair.shape[1] != 2:
                raise nwb.bad(f"{module}/{what} has shape {pair.shape}, expected two columns (y, x)")
            columns += [pair[:, 1], pair[:, 0]]
            names += [f"{kind}_{what}_x_{unit}", f"{kind}_{what}_y_{unit}"]
    lengths = {len(values) for values in columns}
    if lengths != {len(timestamps)}:
        raise nwb.bad(f"gaze mapping has columns of {sorted(lengths)} values for {len(timestamps)} eye frames")
    return Signal("gaze", timestamps, np.column_stack(columns), "px^2, cm, deg", tuple(names)), notes
