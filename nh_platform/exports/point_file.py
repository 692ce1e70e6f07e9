"""Files of points in the brain that brainrender draws unchanged.

Contains the one array that it reads. Add here another form of the same points. Where they lie is gathered by
`nh_platform.reading.searching.probe_positions`.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd

from nh_platform.reading.searching.probe_positions import AXES
from nh_platform.sources.anatomy.coordinates import mirrored_ml_um
from nh_platform.store.durable import disk_in_words, write_durably

SUFFIXES = (".npy", ".csv")

BRAINGLOBE_AXES = ("ap_um", "dv_um", "lr_um")
"""Axes of BrainGlobe's Allen atlases: their origin is in front, on top and on the *right* (``asr``). The package
brainglobe-atlasapi states it as ATLAS_ORIENTATION; its ``hemispheres`` name the far half of the last axis left."""


def write_points(path: Path, points: pd.DataFrame) -> int:
    """Write points in the frame of BrainGlobe's Allen atlases and return their number.

    Parameters
    ----------
    path
        ``.npy``: (n, 3) float64, µm along `BRAINGLOBE_AXES`, which ``brainrender.actors.Points`` takes as a path and
        ``PointsDensity`` as an array. ``.csv``: the same with the ids and labels of the points.
    points
        `nh_platform.reading.searching.probe_positions.AXES` and any columns more; ML from left to right.

    Raises
    ------
    StoreError
        If the disk is full, or the file cannot be written.
    """
    ap, dv, ml = (points[axis].to_numpy(np.float64) for axis in AXES)
    placed = dict(zip(BRAINGLOBE_AXES, (ap, dv, mirrored_ml_um(ml))))
    if path.suffix.lower() == ".npy":
        held = io.BytesIO()
        np.save(held, np.column_stack(list(placed.values())), allow_pickle=False)
        content = held.getvalue()
    else:
        table = points.drop(columns=list(AXES)).assign(**placed)
        content = table.to_csv(index=False, lineterminator="\n").encode()
    with disk_in_words(path.absolute().parent):
        write_durably(path, content)
    return len(points)
