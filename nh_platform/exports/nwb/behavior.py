"""What was sampled beside the probes: wheel, cameras, running, eyes, body parts, in modules named as upstream's.

Add here where a signal stands in the file. What is the same for all is `time_series`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pynwb import NWBFile, TimeSeries
from pynwb.base import ProcessingModule

from nh_platform.exports.nwb.columns import is_empty
from nh_platform.exports.nwb.time_series import clock_of, in_order, positions, series
from nh_platform.exports.source_names import is_ibl
from nh_platform.reading import SessionView
from nh_platform.session import Signal
from nh_platform.session.tables.signal_units import column_units

MODULES = {
    "wheel": "Position of the wheel that the animal turns, and movements detected in it",
    "motion_energy": "Motion energy of the videos",
    "pupil": "Pupil of the eye, from the video",
    "running": "Running on the wheel",
    "eye_tracking": "Ellipses fitted to pupil, eye and corneal reflection: FULL axes, which Allen's files have half",
    "raw_gaze_mapping": "Gaze on the screen",
    "filtered_gaze_mapping": "Gaze on the screen, filtered by upstream",
    "pose_estimation": "Body parts in the videos as the tracker found them; nothing is thresholded",
    "behavior": "Signals as the lab has them",
}
"""Processing modules and their descriptions."""


@dataclass(frozen=True)
class _Place:
    """Where one column of a signal stands."""

    module: str
    name: str
    unit: str
    description: str


def add_behavior(nwbfile: NWBFile, session: SessionView, compression: str, notes: list[str]) -> None:
    """Add every signal of the session, and body parts where they are stored.

    Parameters
    ----------
    nwbfile
        Takes them.
    session
        The session.
    compression
        ``none`` or ``gzip``.
    notes
        Takes what is missing or left out.
    """
    if "signals" not in session.assets:
        notes.append("signals: not stored")
    else:
        for _, signal in sorted(session.signals.items()):
            _add(nwbfile, signal, session.source, compression, notes)
        if not session.signals:
            notes.append("signals: the session has none")
    if "pose" in session.assets:
        for _, signal in sorted(session.pose_signals.items()):
            _add_pose(nwbfile, signal, compression, notes)
    elif is_ibl(session.source):
        notes.append("body parts: not stored (asset pose, made on request)")


def _add(nwbfile: NWBFile, signal: Signal, source: str, compression: str, notes: list[str]) -> None:
    values = signal.values[:, None] if signal.values.ndim == 1 else signal.values
    times, values = in_order(signal.name, signal.timestamps, values, notes)
    if not len(times):
        notes.append(f"{signal.name}: no samples; left out")
        return
    clock = clock_of(times)
    first: dict[str, TimeSeries] = {}
    for number, name in enumerate(signal.columns):
        if is_empty(values[:, number]):
            notes.append(f"{signal.name}: {name} has no values; left out")
            continue
        place = _place(signal, name, source)
        found = series(
            place.name, clock, values[:, number], place.unit, place.description, compression, first.get(place.module)
        )
        _module(nwbfile, place.module).add(found)
        first.setdefault(place.module, found)


def _module(nwbfile: NWBFile, name: str) -> ProcessingModule:
    if name in nwbfile.processing:
        return nwbfile.processing[name]
    return nwbfile.create_processing_module(name=name, description=MODULES[name])


def _place(signal: Signal, name: str, source: str) -> _Place:
    """Return where a column stands: IBL's and Allen's names where their files have the quantity."""
    unit = _unit(signal, name)
    if signal.name == "wheel_position":
        said = "Unwrapped angle of the wheel, positive counter-clockwise as the animal sees it; sampled where it moves"
        return _Place("wheel", "WheelPosition", "radians", said)
    if camera := re.fullmatch(r"motion_energy_(\w+)", signal.name):
        said = f"Motion energy of the {camera[1]} camera"
        return _Place("motion_energy", f"{camera[1].capitalize()}CameraMotionEnergy", unit, said)
    if signal.name == "pupil_diameter":
        kind = {"raw": "Raw", "smooth": "Smoothed"}.get(name, name.capitalize())
        return _Place("pupil", f"{kind}PupilDiameter", unit, f"Diameter of the pupil, {name}")
    if signal.name == "running_speed":
        return _running(name, unit, source)
    if signal.name == "pupil":
        return _Place("eye_tracking", name, unit, f"{name.replace('_', ' ')}; axes are full, not half")
    if signal.name == "gaze" and name.startswith(("raw_", "filtered_")):
        form, _, what = name.partition("_")
        return _Place(f"{form}_gaze_mapping", what, unit, f"{what.replace('_', ' ')}, {form}")
    one = signal.name if len(signal.columns) == 1 else f"{signal.name}_{name}"
    return _Place("behavior", re.sub(r"[/:]", "_", one), unit, f"{signal.name}: {name}")


def _running(name: str, unit: str, source: str) -> _Place:
    """Return the place of a column of running speed, which the two releases of Allen name unlike."""
    behavior = source == "allen_vbn"
    names = {
        "velocity": ("speed" if behavior else "running_speed", "Running speed, forward positive, filtered by upstream"),
        "velocity_unfiltered": ("speed_unfiltered", "Running speed as measured"),
        "end_time": ("running_speed_end_times", "End of each sample, whose start is its timestamp"),
    }
    written, said = names.get(name, (name, name))
    return _Place("running", written, unit, said)


def _unit(signal: Signal, name: str) -> str:
    """Return the unit of measure of one column in the words of the standard."""
    unit = column_units(signal)[signal.columns.index(name)]
    return {"rad": "radians", "deg": "degrees", "1": "n.a."}.get(unit, unit) or "n.a."


def _add_pose(nwbfile: NWBFile, signal: Signal, compression: str, notes: list[str]) -> None:
    """Add the body parts of one camera and tracker: x and y of each in pixels, and its likelihood."""
    times, values = in_order(signal.name, signal.timestamps, signal.values, notes)
    if not len(times):
        notes.append(f"{signal.name}: no samples; left out")
        return
    _, tracker, camera = signal.name.split("_", 2)
    clock, module, first = clock_of(times), _module(nwbfile, "pose_estimation"), None
    for part in _parts(signal.columns):
        at = [signal.columns.index(f"{part}_{one}") for one in ("x", "y", "likelihood")]
        name, said = f"{camera.capitalize()}Camera_{tracker}_{part}", f"{part} in the {camera} camera, by {tracker}"
        where = positions(name, clock, np.ascontiguousarray(values[:, at[:2]]), said, compression, first)
        module.add(where)
        first = first or where
        likelihood = f"Likelihood of {said}, 0 to 1"
        module.add(series(f"{name}_likelihood", clock, values[:, at[2]], "n.a.", likelihood, compression, first))


def _parts(columns: Sequence[str]) -> list[str]:
    return [one.removesuffix("_likelihood") for one in columns if one.endswith("_likelihood")]
