"""Running and eye tracking of a simulated Visual Behavior session, as NWB groups.

Contains the two groups of sampled signals. Add a signal here once the platform reads it. Blinks are found as AllenSDK
finds them, so that its own reader comes to the same ones.
"""

from __future__ import annotations

import h5py
import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d

from nh_platform.simulation.allen.behavior.behavior_session import SOURCE, VbnSession
from nh_platform.simulation.allen.nwb_elements import NwbWriter
from nh_platform.simulation.seeding import generator

EYE_RATE_HZ = 15.0
"""60 Hz upstream; thinned, since eye tracking would be half of a small file."""
BLINK_Z = 3.0
BLINK_DILATION_FRAMES = 2
EYE_NAMESPACE = "ndx-ellipse-eye-tracking"

Floats = npt.NDArray[np.float64]


def write_running(nwb: NwbWriter, session: VbnSession) -> None:
    """Write the speed of the wheel, filtered and not, its rotation and the voltages of its encoder, frame by frame."""
    rng = generator(session.seed, SOURCE, session.index, "running")
    times = session.stimuli.frame_times
    bout = np.clip(np.sin(2 * np.pi * times / 70.0 + 6.28 * rng.random()) - 0.2, 0, None)
    raw = 45.0 * bout + 1.5 * rng.standard_normal(len(times))
    smooth = uniform_filter1d(raw, 9, mode="constant")  # not np.convolve: its bytes depend on the processor
    rotation = np.rad2deg(raw / 60.0 / 5.5036)
    module = nwb.module("running", "Running speed processing module")
    nwb.time_series(f"{module}/dx", times, rotation, "cm", "Running wheel angular change")
    nwb.time_series(f"{module}/speed", times, smooth, "cm/s")
    nwb.time_series(f"{module}/speed_unfiltered", times, raw, "cm/s")
    nwb.time_series("acquisition/v_in", times, np.full(len(times), 5.0), "V")
    nwb.time_series("acquisition/v_sig", times, 2.5 + 2.4 * np.sin(np.cumsum(np.deg2rad(rotation))), "V")


def write_eye_tracking(nwb: NwbWriter, session: VbnSession) -> None:
    """Write ellipse fits of eye, pupil and corneal reflection (half axes, px), their areas, and the likely blinks."""
    rng = generator(session.seed, SOURCE, session.index, "eye")
    times = np.arange(8.0, session.stimuli.end_s + 4.0, 1.0 / EYE_RATE_HZ)
    n = len(times)
    lost = rng.random(n) < 0.005
    radius = 25.0 + 5.0 * np.sin(times / 31.0) + 0.4 * rng.standard_normal(n)
    radius[rng.random(n) < 0.002] = 90.0  # a wrong fit, which the z score finds
    center = np.column_stack([320.0 + 6.0 * np.sin(times / 13.0), 240.0 + 4.0 * np.cos(times / 19.0)])
    fits = {
        "eye_tracking": (center, np.full(n, 130.0) + rng.standard_normal(n), np.full(n, 105.0)),
        "pupil_tracking": (center + rng.standard_normal((n, 2)), radius, 0.94 * radius),
        "corneal_reflection_tracking": (center + 12.0, np.full(n, 7.0) + 0.1 * rng.standard_normal(n), np.full(n, 6.5)),
    }
    for _, width, height in fits.values():
        width[lost], height[lost] = np.nan, np.nan
    areas = {name: np.pi * width * height for name, (_, width, height) in fits.items()}
    widest = np.maximum(fits["pupil_tracking"][1], fits["pupil_tracking"][2])
    areas["pupil_tracking"] = np.pi * widest * widest
    blink = likely_blinks(areas["eye_tracking"], areas["pupil_tracking"])
    root = "acquisition/EyeTracking"
    nwb.group(root, "EllipseEyeTracking", EYE_NAMESPACE)
    angle_noise = 0.05 * rng.standard_normal(n)
    for name, (middle, width, height) in fits.items():
        path = f"{root}/{name}"
        group = nwb.group(path, "EllipseSeries", EYE_NAMESPACE, comments="no comments", description="no description")
        data = nwb.dataset(f"{path}/data", middle)
        data.attrs.update({"conversion": 1.0, "resolution": -1.0, "unit": "meters"})
        nwb.texts(path, reference_frame="nose")
        # AllenSDK hides the fits of eye and pupil in a blink, and the areas of all three.
        hidden = blink & (name != "corneal_reflection_tracking")
        for column, values in (("width", width), ("height", height), ("angle", angle_noise)):
            nwb.dataset(f"{path}/{column}", np.where(hidden, np.nan, values))
        nwb.dataset(f"{path}/area", np.where(blink, np.nan, areas[name]))
        nwb.dataset(f"{path}/area_raw", areas[name])
        if name == "eye_tracking":
            written = nwb.dataset(f"{path}/timestamps", times)
            written.attrs.update({"interval": 1, "unit": "seconds"})
        else:
            group["timestamps"] = h5py.SoftLink(f"/{root}/eye_tracking/timestamps")
    nwb.time_series(f"{root}/likely_blink", f"{root}/eye_tracking", blink, "N/A", "blinks")


def likely_blinks(eye_area: Floats, pupil_area: Floats) -> npt.NDArray[np.bool_]:
    """Return where a blink is likely: no area, or one 3 deviations off, and two frames around (AllenSDK 2.16.2)."""
    bad = np.isnan(eye_area) | np.isnan(pupil_area)
    for area in (eye_area, pupil_area):
        with np.errstate(invalid="ignore"):
            bad |= np.abs(area - np.nanmean(area)) / np.nanstd(area) > BLINK_Z
    wide = bad.copy()
    for shift in range(1, BLINK_DILATION_FRAMES + 1):
        wide[shift:] |= bad[:-shift]
        wide[:-shift] |= bad[shift:]
    return wide
