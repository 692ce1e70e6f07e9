"""Wheel, licks, cameras and passive stimuli, and with the trials the whole of `Behavior`.

Every dataset is optional: what upstream lacks becomes a note. Signals keep upstream's own irregular timestamps and
values; resampling and filtering are for those who use them. Add a behavioural dataset here and in `datasets`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.history.manifest import SessionFiles
from nh_platform.session import Behavior, SchemaError, Signal, TableSchema
from nh_platform.session.tables.events import LICKS, PASSIVE_GABOR, PASSIVE_PERIODS, PASSIVE_STIMS, WHEEL_MOVES
from nh_platform.sources.ibl.catalogue.datasets import BEHAVIOR_OBJECTS, CAMERAS
from nh_platform.sources.ibl.session.trials import read_trials
from nh_platform.sources.ibl.session.verified_files import OpenFiles

PUPIL_COLUMNS = ("raw", "smooth")
"""Columns ``pupilDiameter_<name>`` of the camera features, in pixels of the video."""


def read_behavior_files(session: SessionFiles, files: OpenFiles) -> Behavior:
    """Read everything behavioural that upstream has of a session.

    Parameters
    ----------
    session
        The session's part of the manifest.
    files
        Its files of group ``behavior``.

    Returns
    -------
    Behavior
        Events ``trials``, ``licks``, ``wheel_moves``, ``passive_periods``, ``passive_gabor``, ``passive_stims``;
        signals ``wheel_position`` (rad), ``pupil_diameter`` (px, left camera, else right) and
        ``motion_energy_<camera>`` (arbitrary units).

    Raises
    ------
    BadUpstreamData
        If a file is there and cannot be used; the text names it.
    """
    collections = {
        key: str(found.iloc[0])
        for key, names in BEHAVIOR_OBJECTS.items()
        if len(found := files.rows.loc[files.rows["name"].isin(names), "collection"])
    }
    _note_mixed_revisions(files)
    events = {
        "trials": read_trials(collections.get("trials"), files),
        "licks": _licks(collections.get("licks"), files),
        "wheel_moves": _wheel_moves(collections.get("wheelMoves"), files),
        **_passive(collections.get("passive"), files),
    }
    signals = [_wheel(collections.get("wheel"), files), _pupil(collections, files), *_motion(collections, files)]
    return Behavior(
        session=session.session,
        events={name: table for name, table in events.items() if table is not None},
        signals={signal.name: signal for signal in signals if signal is not None},
        notes=tuple(files.notes),
    )


def _note_mixed_revisions(files: OpenFiles) -> None:
    """Note objects whose files come from several revisions.

    Other than in a sorting this is legitimate: upstream patches single files of an object (trials in a few per cent
    of sessions, wheel in 13 %), which keep their rows. Lengths are checked in every case.
    """
    for key, names in BEHAVIOR_OBJECTS.items():
        revisions = sorted(files.rows.loc[files.rows["name"].isin(names), "revision"].unique())
        if len(revisions) > 1 and key != "passive":  # three unrelated tables, one object in name only
            files.note(key, f"files of revisions {', '.join(name or 'unrevised' for name in revisions)}")


def _has_all(what: str, collection: str | None, names: tuple[str, ...], files: OpenFiles) -> bool:
    """Return whether an object's files are all there; a note says which are not."""
    missing = [name for name in names if collection is None or not files.has(collection, name)]
    if missing:
        files.note(what, f"upstream has no {', '.join(missing)}")
    return not missing


def _wheel(collection: str | None, files: OpenFiles) -> Signal | None:
    names = ("_ibl_wheel.timestamps.npy", "_ibl_wheel.position.npy")
    if not _has_all("wheel_position", collection, names, files) or collection is None:
        return None
    timestamps = _times(collection, names[0], files)
    position = files.array(collection, names[1], "f").astype(np.float64)
    if len(position) != len(timestamps):
        raise files.bad(
            files.label(collection, names[1]), f"{len(position)} positions for {len(timestamps)} wheel.timestamps"
        )
    return Signal("wheel_position", timestamps, position, "rad", ("position",))


def _wheel_moves(collection: str | None, files: OpenFiles) -> pd.DataFrame | None:
    intervals_name, peak_name = "_ibl_wheelMoves.intervals.npy", "_ibl_wheelMoves.peakAmplitude.npy"
    if not _has_all("wheel_moves", collection, (intervals_name,), files) or collection is None:
        return None
    intervals = files.array(collection, intervals_name, "f", columns=2).astype(np.float64)
    table = pd.DataFrame({"start_time": intervals[:, 0], "stop_time": intervals[:, 1]})
    if _has_all("wheel_moves", collection, (peak_name,), files):
        peak = files.array(collection, peak_name, "f").astype(np.float64)
        if len(peak) != len(table):
            raise files.bad(files.label(collection, peak_name), f"{len(peak)} values for {len(table)} intervals")
        table["peak_amplitude"] = peak
    return _conform(WHEEL_MOVES, table, collection, intervals_name, files)


def _licks(collection: str | None, files: OpenFiles) -> pd.DataFrame | None:
    name = "licks.times.npy"
    if not _has_all("licks", collection, (name,), files) or collection is None:
        return None
    return _conform(LICKS, pd.DataFrame({"times": files.array(collection, name, "f")}), collection, name, files)


def _camera_times(camera: str, collection: str, n_frames: int, name: str, files: OpenFiles) -> npt.NDArray[np.float64]:
    """Return the times of the frames of a camera dataset.

    More times than frames are cut from the start, as ibllib 4.1.0 does: the camera is running before the video is
    written. Fewer cannot be told apart.
    """
    times_name = f"_ibl_{camera}Camera.times.npy"
    times = _times(collection, times_name, files)
    if len(times) < n_frames:
        raise files.bad(files.label(collection, name), f"{n_frames} frames, but {len(times)} times in {times_name}")
    if len(times) > n_frames:
        files.note(times_name, f"{len(times) - n_frames} times more than frames of {name}; cut from the start")
    return times[len(times) - n_frames :]


def _pupil(collections: dict[str, str], files: OpenFiles) -> Signal | None:
    for camera in ("left", "right"):
        collection = collections.get(f"{camera}Camera")
        features, times = f"_ibl_{camera}Camera.features.pqt", f"_ibl_{camera}Camera.times.npy"
        if collection is None or not (files.has(collection, features) and files.has(collection, times)):
            continue
        table = files.table(collection, features)
        columns = tuple(name for name in PUPIL_COLUMNS if f"pupilDiameter_{name}" in table)
        if not columns:
            files.note(files.label(collection, features), "no pupilDiameter column")
            continue
        if camera != "left":
            files.note("pupil_diameter", f"from the {camera} camera; the left one has none")
        values = table[[f"pupilDiameter_{name}" for name in columns]].to_numpy(dtype=np.float64)
        timestamps = _camera_times(camera, collection, len(values), features, files)
        return Signal("pupil_diameter", timestamps, values, "px", columns)
    files.note("pupil_diameter", "upstream has no pupil of the left or right camera")
    return None


def _motion(collections: dict[str, str], files: OpenFiles) -> list[Signal]:
    signals = []
    for camera in CAMERAS:
        collection = collections.get(f"{camera}Camera")
        names = (f"{camera}Camera.ROIMotionEnergy.npy", f"_ibl_{camera}Camera.times.npy")
        if not _has_all(f"motion_energy_{camera}", collection, names, files) or collection is None:
            continue
        values = files.array(collection, names[0], "fiu").astype(np.float64)
        timestamps = _camera_times(camera, collection, len(values), names[0], files)
        signals.append(Signal(f"motion_energy_{camera}", timestamps, values, "a.u.", ("motion_energy",)))
    return signals


def _passive(collection: str | None, files: OpenFiles) -> dict[str, pd.DataFrame | None]:
    readers = {
        "passive_periods": ("_ibl_passivePeriods.intervalsTable.csv", PASSIVE_PERIODS, _periods),
        "passive_gabor": ("_ibl_passiveGabor.table.csv", PASSIVE_GABOR, _gabor),
        "passive_stims": ("_ibl_passiveStims.table.csv", PASSIVE_STIMS, _stims),
    }
    tables: dict[str, pd.DataFrame | None] = {}
    for name, (file, schema, reshape) in readers.items():
        if not _has_all(name, collection, (file,), files) or collection is None:
            continue
        try:
            table = reshape(files.table(collection, file))
        except KeyError as error:
            raise files.bad(files.label(collection, file), f"column or row {error} is missing") from error
        tables[name] = _conform(schema, table, collection, file, files)
    return tables


def _periods(table: pd.DataFrame) -> pd.DataFrame:
    """Turn the rows ``start`` and ``stop`` (first column) and one column per period into one row per period."""
    by_row = table.set_index(table.columns[0])
    return pd.DataFrame(
        {
            "start_time": by_row.loc["start"].to_numpy(dtype=np.float64),
            "stop_time": by_row.loc["stop"].to_numpy(dtype=np.float64),
            "name": by_row.columns.astype(str),
        }
    ).dropna(subset=["start_time", "stop_time"], ignore_index=True)


def _gabor(table: pd.DataFrame) -> pd.DataFrame:
    return table[["start", "stop", "position", "contrast", "phase"]].rename(
        columns={"start": "start_time", "stop": "stop_time"}
    )


def _stims(table: pd.DataFrame) -> pd.DataFrame:
    """Turn the columns ``<name>On`` and ``<name>Off``, padded with NaN, into one row per event, in order of time."""
    parts = [
        pd.DataFrame({"start_time": table[f"{name}On"], "stop_time": table[f"{name}Off"], "name": name})
        for name in ("valve", "tone", "noise")
    ]
    events = pd.concat(parts).dropna(subset=["start_time", "stop_time"])
    return events.sort_values(["start_time", "name"], kind="stable", ignore_index=True)


def _times(collection: str, name: str, files: OpenFiles) -> npt.NDArray[np.float64]:
    """Return timestamps, which must be finite and in order."""
    times = files.array(collection, name, "f").astype(np.float64)
    if not np.isfinite(times).all():
        raise files.bad(files.label(collection, name), f"{int((~np.isfinite(times)).sum())} times are NaN or infinite")
    if (np.diff(times) < 0).any():
        first = int(np.flatnonzero(np.diff(times) < 0)[0])
        raise files.bad(files.label(collection, name), f"times are not sorted after sample {first}")
    return times


def _conform(schema: TableSchema, table: pd.DataFrame, collection: str, name: str, files: OpenFiles) -> pd.DataFrame:
    try:
        return schema.conform(table)
    except SchemaError as error:
        raise files.bad(files.label(collection, name), error.found) from error
