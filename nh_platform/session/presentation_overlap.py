"""Ends of presentations that reach slightly into the next one: what readers and windows alike do not call an overlap.

Contains the two bounds and the one comparison. Add here what tells a late end from two stimuli at once. Which rows that
do overlap are unusable is decided where they are read (`nh_platform.sources`) and used
(`nh_platform.windows.presentations`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

PRESENTATION_OVERLAP_S = 0.001
"""Presentations may overlap by the tolerance that durations have; real tables meet exactly (gabors of two sessions:
0.0 s)."""

SLIGHT_SHARE = 0.1
"""An end may be late by less than this share of the shorter of the two presentations. Ends that are all 2 ms late would
else take 8 of 10 flashes away, and no two of them were shown at once."""


def slight_overlaps(starts: FloatArray, stops: FloatArray) -> FloatArray:
    """Return (n,) by how many seconds each presentation reaches slightly into the next one; 0 where it does not.

    The next one is that of the next later start. More than `PRESENTATION_OVERLAP_S` counts, and less than
    `SLIGHT_SHARE` of the shorter duration of both; what overlaps by more, or starts together, does so in earnest.

    Parameters
    ----------
    starts, stops
        (n,) seconds, in any order; a stop may be NaN.

    Examples
    --------
    >>> slight_overlaps(np.array([0.0, 1.0, 2.0]), np.array([1.0625, 2.5, 3.0])).tolist()
    [0.0625, 0.0, 0.0]
    """
    order = np.argsort(starts, kind="stable")
    later = np.searchsorted(starts[order], starts, side="right")
    found = np.zeros(len(starts), dtype=np.float64)
    rows = np.flatnonzero(later < len(starts))
    following = order[later[rows]]
    overlap = stops[rows] - starts[following]
    shorter = np.minimum(stops[rows] - starts[rows], stops[following] - starts[following])
    slight = (overlap > PRESENTATION_OVERLAP_S) & (overlap < SLIGHT_SHARE * shorter)
    found[rows[slight]] = overlap[slight]
    return found
