"""Body parts in the videos, as DeepLabCut and Lightning Pose found them, on the times of the cameras.

Values are upstream's own, in pixels of the video, with the likelihood of each; nothing is thresholded here (brainbox
drops points below 0.9 when it loads them). Add a tracker in `datasets`. Other signals of the cameras are `signals`.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from nh_platform.history.manifest import SessionFiles
from nh_platform.session import Signal, Signals
from nh_platform.sources.ibl.catalogue.datasets import CAMERAS, POSE_OBJECTS, TRACKERS
from nh_platform.sources.ibl.session.signals import camera_times, make_signal, read_each
from nh_platform.sources.ibl.session.verified_files import OpenFiles

_COORDINATES = ("x", "y", "likelihood")
_COLUMN = re.compile(rf"(.+)_({'|'.join(_COORDINATES)})")


def read_session_pose(session: SessionFiles, files: OpenFiles) -> Signals:
    """Read the body parts of every camera and tracker that upstream has of a session.

    Parameters
    ----------
    session
        The session's part of the manifest.
    files
        Its files of group ``pose``.

    Returns
    -------
    Signals
        ``pose_<tracker>_<camera>`` with the columns ``<part>_x`` and ``<part>_y`` (px) and ``<part>_likelihood`` (0 to
        1) of every part. What cannot be used is left out, and a note names its file, what was found and expected.
    """
    collections = files.collections_of(POSE_OBJECTS)
    read = [_pose(camera, tracker, collections, files) for camera in CAMERAS for tracker in TRACKERS]
    found = {signal.name: signal for signal in read if signal is not None}
    return Signals(session=session.session, signals=found, notes=tuple(files.notes))


def _pose(camera: str, tracker: str, collections: dict[str, tuple[str, ...]], files: OpenFiles) -> Signal | None:
    what, name = f"pose_{tracker}_{camera}", f"_ibl_{camera}Camera.{tracker}.pqt"

    def read(collection: str) -> Signal:
        table = _parts(files.table(collection, name), files.label(collection, name), files)
        values = table.to_numpy(dtype=np.float64, na_value=np.nan)
        times = camera_times(camera, collection, len(values), name, files)
        return make_signal(what, times, values, "px", tuple(map(str, table.columns)), collection, name, files)

    needed = (name, f"_ibl_{camera}Camera.times.npy")
    return read_each(what, collections.get(f"{camera}Camera", ()), needed, read, files)


def _parts(table: pd.DataFrame, path: str, files: OpenFiles) -> pd.DataFrame:
    """Return the columns of every part that has all three, part by part; a note says what else there was."""
    matched = (_COLUMN.fullmatch(str(name)) for name in table.columns)
    parts = dict.fromkeys(match[1] for match in matched if match)
    whole = [part for part in parts if all(f"{part}_{one}" in table for one in _COORDINATES)]
    kept = [f"{part}_{one}" for part in whole for one in _COORDINATES]
    if not kept:
        raise files.bad(path, "no part has columns _x, _y and _likelihood")
    if others := [str(name) for name in table.columns if name not in kept]:
        files.note(path, f"columns left out, which are of no part: {', '.join(others)}")
    if not all(map(pd.api.types.is_numeric_dtype, table[kept].dtypes)):
        raise files.bad(path, "columns of body parts are no numbers")
    return table[kept]
