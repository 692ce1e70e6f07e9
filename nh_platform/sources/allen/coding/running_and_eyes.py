"""Running, pupil and gaze of an Allen NWB file.

Contains the readers of the sampled signals, with the columns and names that AllenSDK gives them. Add here a further
sampled signal. Nothing is interpolated, filtered or masked here.
"""

from __future__ import annotations

from collections import Counter

import h5py

from nh_platform.session import Signal
from nh_platform.sources.allen.nwb.sampled_columns import SampledColumns
from nh_platform.sources.nwb.nwb_file import NwbFile

RUNNING = "processing/running"
END_TIMES = f"{RUNNING}/running_speed_end_times"
EYE_TRACKING = "processing/eye_tracking"
GAZE = {kind: f"processing/{kind}_gaze_mapping" for kind in ("raw", "filtered")}
ELLIPSES = {"corneal_reflection": "cr", "pupil": "pupil", "eye": "eye"}
ELLIPSE_FIELDS = ("center_x", "center_y", "height", "width", "phi")


def read_running_speed(nwb: NwbFile) -> Signal | None:
    """Return running speed, or None and a note where the file has none that can be used.

    Returns
    -------
    Signal
        ``running_speed``: timestamps are the START of each sample as upstream states it; columns ``velocity`` (cm/s)
        and ``end_time`` (s), the end of the sample; NaN and a note where the file has no end times. Anyone who needs
        one time per sample can take the midpoint, or, as published analyses do, the start.
    """
    if not nwb.has(f"{RUNNING}/running_speed"):
        nwb.note("running_speed", "no running speed in the NWB file")
        return None
    return nwb.optional("running_speed", _read_running_speed, nwb)


def _read_running_speed(nwb: NwbFile) -> Signal:
    samples = SampledColumns(nwb, "running_speed", f"{RUNNING}/running_speed/timestamps")
    samples.add("velocity", f"{RUNNING}/running_speed/data")
    if nwb.has(END_TIMES):
        samples.add_times("end_time", f"{END_TIMES}/timestamps")
    else:
        nwb.note("running_speed", "no end times in the NWB file; end_time is NaN")
        samples.add_unknown("end_time")
    return samples.signal("cm/s, s")


def read_pupil(nwb: NwbFile) -> Signal | None:
    """Return the ellipse fits of pupil, eye and corneal reflection, or None and a note where none can be used.

    Returns
    -------
    Signal
        ``pupil``: the 15 columns of AllenSDK's ``get_pupil_data``, ``<what>_<center_x|center_y|height|width|phi>``
        for corneal_reflection, pupil and eye, in pixels of the eye camera and radians. The file holds HALF axes;
        height and width are doubled here as AllenSDK does. Timestamps are those of the raw gaze mapping, as in
        AllenSDK; where that is missing, or has not one per fit, the fits' own.
    """
    if not nwb.has(EYE_TRACKING):
        nwb.note("pupil", "no eye tracking in the NWB file")
        return None
    return nwb.optional("pupil", _read_pupil, nwb)


def _read_pupil(nwb: NwbFile) -> Signal:
    samples = SampledColumns(nwb, "pupil", _pupil_times(nwb))
    for what, stem in ELLIPSES.items():
        for field in ELLIPSE_FIELDS:
            scale = 2.0 if field in ("height", "width") else 1.0
            samples.add(f"{what}_{field}", f"{EYE_TRACKING}/{stem}_ellipse_fits/{field}", scale)
    return samples.signal("px, rad")


def _pupil_times(nwb: NwbFile) -> str:
    """Return the dataset of timestamps that has one per fit; a note where it is not that of the gaze mapping."""
    of_gaze, of_fits = f"{GAZE['raw']}/eye_area/timestamps", f"{EYE_TRACKING}/pupil_ellipse_fits/timestamps"
    if not nwb.has(GAZE["raw"]):
        nwb.note("pupil", "no raw gaze mapping in the NWB file; timestamps are those of the ellipse fits")
        return of_fits
    fits = [f"{EYE_TRACKING}/{stem}_ellipse_fits/{field}" for stem in ELLIPSES.values() for field in ELLIPSE_FIELDS]
    lengths = Counter(length for path in fits if (length := _length(nwb, path)) is not None)
    usual = lengths.most_common(1)[0][0] if lengths else None
    if _length(nwb, of_gaze) != usual and _length(nwb, of_fits) == usual:
        nwb.note("pupil", f"{of_gaze} has not one number per ellipse fit ({usual}); timestamps are those of the fits")
        return of_fits
    return of_gaze


def _length(nwb: NwbFile, path: str) -> int | None:
    """Return the number of values of a vector of numbers; None where there is no such dataset."""
    found = nwb.found(path)
    return len(found) if isinstance(found, h5py.Dataset) and found.ndim == 1 and found.dtype.kind in "biuf" else None


def read_gaze(nwb: NwbFile) -> Signal | None:
    """Return the gaze on the screen, raw and filtered, or None and a note where none can be used.

    Returns
    -------
    Signal
        ``gaze``: the columns of AllenSDK's ``get_screen_gaze_data``: ``raw_`` and ``filtered_``, those that the file
        has, times ``eye_area``, ``pupil_area`` (px²), ``screen_coordinates_x_cm``, ``…_y_cm`` (cm),
        ``screen_coordinates_spherical_x_deg``, ``…_y_deg`` (deg). The file stores coordinates as (y, x).
    """
    if not any(map(nwb.has, GAZE.values())):
        nwb.note("gaze", "no gaze mapping in the NWB file")
        return None
    return nwb.optional("gaze", _read_gaze, nwb)


def _read_gaze(nwb: NwbFile) -> Signal:
    kinds = {kind: module for kind, module in GAZE.items() if nwb.has(module)}
    for kind in GAZE.keys() - kinds.keys():
        nwb.note("gaze", f"no {kind} gaze mapping in the NWB file")
    samples = SampledColumns(nwb, "gaze", f"{next(iter(kinds.values()))}/eye_area/timestamps")
    for kind, module in kinds.items():
        for what in ("eye_area", "pupil_area"):
            samples.add(f"{kind}_{what}", f"{module}/{what}/data")
        for what, unit in (("screen_coordinates", "cm"), ("screen_coordinates_spherical", "deg")):
            path = f"{module}/{what}/data"
            samples.add_pair((f"{kind}_{what}_x_{unit}", f"{kind}_{what}_y_{unit}"), path, order=(1, 0))
    return samples.signal("px^2, cm, deg")
