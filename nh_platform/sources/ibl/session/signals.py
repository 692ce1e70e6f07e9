"""Wheel and cameras: the whole of `Signals`.

Every dataset is optional: what upstream lacks, or what of it cannot be used, becomes a note and the rest is read.
Signals keep upstream's own irregular timestamps and values; resampling and filtering are for those who use them. Add a
signal here and in `datasets`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.history.manifest import SessionFiles
from nh_platform.session import SchemaError, Signal, Signals
from nh_platform.session.recording import unknown_values
from nh_platform.session.tables.events import WHEEL_MOVES
from nh_platform.sources.ibl.catalogue.datasets import CAMERAS, SIGNAL_OBJECTS
from nh_platform.sources.ibl.session.verified_files import OpenFiles

FloatArray = npt.NDArray[np.float64]

PUPIL_COLUMNS = ("raw", "smooth")
"""Columns ``pupilDiameter_<name>`` of the camera features, in pixels of the video."""


def read_session_signals(session: SessionFiles, files: OpenFiles) -> Signals:
    """Read everything sampled that upstream has of a session.

    Parameters
    ----------
    session
        The session's part of the manifest.
    files
        Its files of group ``signals``.

    Returns
    -------
    Signals
        ``wheel_position`` (rad), ``pupil_diameter`` (px, left camera, else right), ``motion_energy_<camera>``
        (arbitrary units), and the table ``wheel_moves``. A signal that cannot be used is left out, and a note names its
        file, what was found and what was expected.
    """
    collections = files.collections_of(SIGNAL_OBJECTS)
    read = [_wheel(collections.get("wheel", ()), files), _pupil(collections, files), *_motion(collections, files)]
    moves = _wheel_moves(collections.get("wheelMoves", ()), files)
    return Signals(
        session=session.session,
        signals={signal.name: signal for signal in read if signal is not None},
        tables={} if moves is None else {WHEEL_MOVES.name: moves},
        notes=tuple(files.notes),
    )


def _wheel(collections: Sequence[str], files: OpenFiles) -> Signal | None:
    times_name, position_name = "_ibl_wheel.timestamps.npy", "_ibl_wheel.position.npy"

    def read(collection: str) -> Signal:
        position = files.array(collection, position_name, "fiu").astype(np.float64)
        times = files.array(collection, times_name, "f").astype(np.float64)
        if len(position) != len(times):
            raise files.bad(
                files.label(collection, position_name), f"{len(position)} positions for {len(times)} wheel.timestamps"
            )
        return make_signal("wheel_position", times, position, "rad", ("position",), collection, times_name, files)

    return read_each("wheel_position", collections, (times_name, position_name), read, files)


def _wheel_moves(collections: Sequence[str], files: OpenFiles) -> pd.DataFrame | None:
    intervals_name, peak_name = "_ibl_wheelMoves.intervals.npy", "_ibl_wheelMoves.peakAmplitude.npy"
    having = having_all("wheel_moves", collections, (intervals_name,), files)

    def peaks(collection: str, n_moves: int) -> FloatArray:
        peak = files.array(collection, peak_name, "fiu").astype(np.float64)
        if len(peak) != n_moves:
            raise files.bad(files.label(collection, peak_name), f"{len(peak)} values for {n_moves} intervals")
        if found := unknown_values("wheel_moves", "peak_amplitude", peak):
            files.note("wheel_moves", f"{files.label(collection, peak_name)}: {found}")
        return peak

    def read(collection: str) -> pd.DataFrame:
        intervals = files.array(collection, intervals_name, "f", columns=2).astype(np.float64)
        table = pd.DataFrame({"start_time": intervals[:, 0], "stop_time": intervals[:, 1]})
        if having_all("wheel_moves", [collection], (peak_name,), files):
            table["peak_amplitude"] = files.optional("wheel_moves", peaks, collection, len(table))
        path = files.label(collection, intervals_name)
        try:
            return WHEEL_MOVES.conform(files.in_intervals(table, path))
        except SchemaError as error:
            raise files.bad(path, error.found) from error

    found = [table for name in having if (table := files.optional("wheel_moves", read, name)) is not None]
    if len(found) < 2:
        return found[0] if found else None
    return pd.concat(found, ignore_index=True).sort_values("start_time", kind="stable", ignore_index=True)


def _pupil(collections: dict[str, tuple[str, ...]], files: OpenFiles) -> Signal | None:
    for camera in ("left", "right"):
        features, times = f"_ibl_{camera}Camera.features.pqt", f"_ibl_{camera}Camera.times.npy"
        having = [c for c in collections.get(f"{camera}Camera", ()) if files.has(c, features) and files.has(c, times)]

        def read(collection: str, camera: str = camera, features: str = features) -> Signal:
            table = files.table(collection, features)
            columns = tuple(name for name in PUPIL_COLUMNS if f"pupilDiameter_{name}" in table)
            if not columns:
                raise files.bad(files.label(collection, features), "it has no pupilDiameter column")
            stated = table[[f"pupilDiameter_{name}" for name in columns]]
            if not all(map(pd.api.types.is_numeric_dtype, stated.dtypes)):
                kinds = ", ".join(map(str, stated.dtypes))
                raise files.bad(files.label(collection, features), f"pupilDiameter is {kinds}, expected numbers")
            values = stated.to_numpy(dtype=np.float64, na_value=np.nan)
            timestamps = camera_times(camera, collection, len(values), features, files)
            return make_signal("pupil_diameter", timestamps, values, "px", columns, collection, features, files)

        signal = joined("pupil_diameter", [files.optional("pupil_diameter", read, one) for one in having], files)
        if signal is not None:
            if camera != "left":
                files.note("pupil_diameter", f"from the {camera} camera; there is no usable one of the left camera")
            return signal
    files.note("pupil_diameter", "upstream has no usable pupil of the left or right camera")
    return None


def _motion(collections: dict[str, tuple[str, ...]], files: OpenFiles) -> list[Signal | None]:
    signals = []
    for camera in CAMERAS:
        names = (f"{camera}Camera.ROIMotionEnergy.npy", f"_ibl_{camera}Camera.times.npy")
        what = f"motion_energy_{camera}"

        def read(collection: str, camera: str = camera, what: str = what, energy: str = names[0]) -> Signal:
            values = files.array(collection, energy, "fiu").astype(np.float64)
            timestamps = camera_times(camera, collection, len(values), energy, files)
            return make_signal(what, timestamps, values, "a.u.", ("motion_energy",), collection, energy, files)

        signals.append(read_each(what, collections.get(f"{camera}Camera", ()), names, read, files))
    return signals


def camera_times(camera: str, collection: str, n_frames: int, name: str, files: OpenFiles) -> FloatArray:
    """Return the times of the frames of a camera dataset.

    More times than frames are cut from the start, as ibllib 4.1.0 does: the camera is running before the video is
    written. Fewer cannot be told apart.
    """
    times_name = f"_ibl_{camera}Camera.times.npy"
    times = files.array(collection, times_name, "f").astype(np.float64)
    if len(times) < n_frames:
        raise files.bad(files.label(collection, name), f"{n_frames} frames, but {len(times)} times in {times_name}")
    if len(times) > n_frames:
        files.note(times_name, f"{len(times) - n_frames} times more than frames of {name}; cut from the start")
    return times[len(times) - n_frames :]


def make_signal(
    what: str,
    times: FloatArray,
    values: FloatArray,
    unit: str,
    columns: tuple[str, ...],
    collection: str,
    name: str,
    files: OpenFiles,
) -> Signal:
    """Return a signal without the samples that have no time; times that fall make the whole of it unusable."""
    path = files.label(collection, name)
    timed = np.isfinite(times)
    if not timed.all():
        files.note(what, f"{path}: {int((~timed).sum())} of {len(times)} samples have no time; left out")
        times, values = times[timed], values[timed]
    if (np.diff(times) < 0).any():
        first = int(np.flatnonzero(np.diff(times) < 0)[0])
        raise files.bad(path, f"times are not sorted after sample {first}")
    if len(times) == 0:
        files.note(what, f"{path}: no samples")
    else:
        for column_name, column in zip(columns, values.reshape(len(times), -1).T, strict=True):
            if found := unknown_values(what, column_name, column):
                files.note(what, f"{path}: {found}")
    return Signal(what, times, values, unit, columns)


def having_all(what: str, collections: Sequence[str], names: Sequence[str], files: OpenFiles) -> list[str]:
    """Return the collections that have all of some datasets; a note says what lacks."""
    having = [one for one in collections if all(files.has(one, name) for name in names)]
    if not having:
        files.note_lacking(what, collections, *names)
    return having


def read_each(
    what: str, collections: Sequence[str], names: Sequence[str], read: Callable[[str], Signal], files: OpenFiles
) -> Signal | None:
    """Return a signal from every collection that has all its datasets; None and a note where none can be used."""
    having = having_all(what, collections, names, files)
    return joined(what, [files.optional(what, read, collection) for collection in having], files)


def joined(what: str, parts: Sequence[Signal | None], files: OpenFiles) -> Signal | None:
    """Return the signals of several tasks of one session as one; those that begin within another one are left out."""
    found = [part for part in parts if part is not None]
    if len(found) < 2:
        return found[0] if found else None
    kept: list[Signal] = []
    for part in sorted((part for part in found if len(part.timestamps)), key=lambda part: part.timestamps[0]):
        if kept and (part.timestamps[0] < kept[-1].timestamps[-1] or part.columns != kept[-1].columns):
            files.note(
                what, f"left out: the samples of a further task, from {part.timestamps[0]:.3f} s, overlap others"
            )
        else:
            kept.append(part)
    if not kept:
        return found[0]
    times, values = (np.concatenate([getattr(part, name) for part in kept]) for name in ("timestamps", "values"))
    return Signal(what, times, values, kept[0].unit, kept[0].columns)
