"""Running and eye tracking of an Allen NWB file in the Visual Behavior layout.

Contains the readers of ``/processing/running/speed`` and ``/acquisition/EyeTracking``, under the signal and column
names of Visual Coding (`nh_platform.sources.allen.coding.running_and_eyes`) where they mean the same. Add here a
further sampled signal of that layout. Nothing is interpolated, filtered or masked here.
"""

from __future__ import annotations

import numpy as np

from nh_platform.session import Note, Signal
from nh_platform.sources.allen.nwb.nwb_file import NwbFile

RUNNING = "processing/running"
EYE_TRACKING = "acquisition/EyeTracking"
ELLIPSES = {
    "corneal_reflection": "corneal_reflection_tracking",
    "pupil": "pupil_tracking",
    "eye": "eye_tracking",
}


def read_running_speed(nwb: NwbFile) -> tuple[Signal | None, list[Note]]:
    """Return running speed, or None and a note where the file has none.

    Returns
    -------
    Signal
        ``running_speed``: columns ``velocity`` (cm/s, filtered by upstream) and ``velocity_unfiltered`` (cm/s; NaN and
        a note where the file has none at the same times).
    """
    if not nwb.has(f"{RUNNING}/speed"):
        return None, [Note("running_speed", "no running speed in the NWB file")]
    times = nwb.array(f"{RUNNING}/speed/timestamps").astype(np.float64)
    velocity = nwb.array(f"{RUNNING}/speed/data").astype(np.float64)
    if len(times) != len(velocity):
        raise nwb.bad(f"running speed has {len(times)} times and {len(velocity)} values")
    notes: list[Note] = []
    raw = np.full(len(times), np.nan)
    same = nwb.has(f"{RUNNING}/speed_unfiltered") and np.array_equal(
        nwb.array(f"{RUNNING}/speed_unfiltered/timestamps"), times
    )
    if same:
        raw = nwb.array(f"{RUNNING}/speed_unfiltered/data").astype(np.float64)
        if len(raw) != len(times):
            raise nwb.bad(f"unfiltered running speed has {len(raw)} values for {len(times)} times")
    else:
        notes.append(Note("running_speed", "no unfiltered speed at the same times in the NWB file; NaN"))
    values = np.column_stack([velocity, raw])
    return Signal("running_speed", times, values, "cm/s", ("velocity", "velocity_unfiltered")), notes


def read_pupil(nwb: NwbFile) -> tuple[Signal | None, list[Note]]:
    """Return the ellipse fits of pupil, eye and corneal reflection with likely blinks, or None and a note.

    Returns
    -------
    Signal
        ``pupil``: the 15 columns of Visual Coding, ``<what>_<center_x|center_y|height|width|phi>``, in pixels of the
        eye camera and radians, then ``<what>_area`` (px², blinks included: upstream's ``area_raw``) and
        ``likely_blink`` (1 or 0). The file holds HALF axes; height and width are doubled here, so that they are full
        axes as in Visual Coding (AllenSDK leaves them halved for this release). Where upstream had a likely blink,
        its newer files hold NaN for height, width and phi; AllenSDK hides them in every file.
    """
    if not nwb.has(EYE_TRACKING):
        return None, [Note("pupil", "no eye tracking in the NWB file")]
    times = nwb.array(f"{EYE_TRACKING}/eye_tracking/timestamps").astype(np.float64)
    names: list[str] = []
    columns = []
    for what, group in ELLIPSES.items():
        center = nwb.array(f"{EYE_TRACKING}/{group}/data").astype(np.float64)
        if center.ndim != 2 or center.shape[1] != 2:
            raise nwb.bad(f"{EYE_TRACKING}/{group}/data has shape {center.shape}, expected two columns (x, y)")
        fields = {
            "center_x": center[:, 0],
            "center_y": center[:, 1],
            "height": 2 * nwb.array(f"{EYE_TRACKING}/{group}/height").astype(np.float64),
            "width": 2 * nwb.array(f"{EYE_TRACKING}/{group}/width").astype(np.float64),
            "phi": nwb.array(f"{EYE_TRACKING}/{group}/angle").astype(np.float64),
        }
        names += [f"{what}_{field}" for field in fields]
        columns += list(fields.values())
    for what, group in ELLIPSES.items():
        names.append(f"{what}_area")
        columns.append(nwb.array(f"{EYE_TRACKING}/{group}/area_raw").astype(np.float64))
    names.append("likely_blink")
    columns.append(nwb.array(f"{EYE_TRACKING}/likely_blink/data").astype(np.float64))
    lengths = {len(values) for values in columns}
    if lengths != {len(times)}:
        raise nwb.bad(f"eye tracking has columns of {sorted(lengths)} values for {len(times)} eye frames")
    return Signal("pupil", times, np.column_stack(columns), "px, rad, px^2, 1", tuple(names)), []
