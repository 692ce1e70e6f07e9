"""Running and eye tracking of an Allen NWB file in the Visual Behavior layout.

Contains the readers of ``/processing/running/speed`` and ``/acquisition/EyeTracking``, under the signal and column
names of Visual Coding (`nh_platform.sources.allen.coding.running_and_eyes`) where they mean the same. Add here a
further sampled signal of that layout. Nothing is interpolated, filtered or masked here.
"""

from __future__ import annotations

import numpy as np

from nh_platform.session import Signal
from nh_platform.sources.allen.nwb.sampled_columns import SampledColumns
from nh_platform.sources.nwb.nwb_file import NwbFile

RUNNING = "processing/running"
EYE_TRACKING = "acquisition/EyeTracking"
ELLIPSES = {
    "corneal_reflection": "corneal_reflection_tracking",
    "pupil": "pupil_tracking",
    "eye": "eye_tracking",
}


def read_running_speed(nwb: NwbFile) -> Signal | None:
    """Return running speed, or None and a note where the file has none that can be used.

    Returns
    -------
    Signal
        ``running_speed``: columns ``velocity`` (cm/s, filtered by upstream) and ``velocity_unfiltered`` (cm/s; NaN and
        a note where the file has none at the same times).
    """
    if not nwb.has(f"{RUNNING}/speed"):
        nwb.note("running_speed", "no running speed in the NWB file")
        return None
    return nwb.optional("running_speed", _read_running_speed, nwb)


def _read_running_speed(nwb: NwbFile) -> Signal:
    samples = SampledColumns(nwb, "running_speed", f"{RUNNING}/speed/timestamps")
    samples.add("velocity", f"{RUNNING}/speed/data")
    times = nwb.optional("running_speed", nwb.numbers, f"{RUNNING}/speed_unfiltered/timestamps")
    if times is not None and np.array_equal(times, samples.times, equal_nan=True):
        samples.add("velocity_unfiltered", f"{RUNNING}/speed_unfiltered/data")
    else:
        nwb.note("running_speed", "no unfiltered speed at the same times in the NWB file; velocity_unfiltered is NaN")
        samples.add_unknown("velocity_unfiltered")
    return samples.signal("cm/s")


def read_pupil(nwb: NwbFile) -> Signal | None:
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
        nwb.note("pupil", "no eye tracking in the NWB file")
        return None
    return nwb.optional("pupil", _read_pupil, nwb)


def _read_pupil(nwb: NwbFile) -> Signal:
    samples = SampledColumns(nwb, "pupil", f"{EYE_TRACKING}/eye_tracking/timestamps")
    for what, group in ELLIPSES.items():
        samples.add_pair((f"{what}_center_x", f"{what}_center_y"), f"{EYE_TRACKING}/{group}/data")
        for name, field, scale in (("height", "height", 2.0), ("width", "width", 2.0), ("phi", "angle", 1.0)):
            samples.add(f"{what}_{name}", f"{EYE_TRACKING}/{group}/{field}", scale)
    for what, group in ELLIPSES.items():
        samples.add(f"{what}_area", f"{EYE_TRACKING}/{group}/area_raw")
    samples.add("likely_blink", f"{EYE_TRACKING}/likely_blink/data")
    return samples.signal("px, rad, px^2, 1")
