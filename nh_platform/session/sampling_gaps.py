"""Gaps of a sampled signal: stretches of time in which samples are missing.

Contains the one definition of a gap, which the readers of signals note and tensors leave empty. Nothing is interpolated
here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

GAP_INTERVALS = 5.0
"""Samples further apart than so many median intervals have a gap between them. Running is sampled every 17 ms and the
eyes every 33 ms: 0.08 and 0.17 s, less than the shortest stimulus (0.25 s), so that no presentation is made of
interpolation alone, and a few lost frames of a camera are bridged."""


def gaps_of(times: FloatArray) -> FloatArray:
    """Return (n_gaps, 2) where samples at ``times`` (s) are missing: after the last sample before, up to the next one.

    Examples
    --------
    >>> gaps_of(np.array([0.0, 1.0, 2.0, 8.0, 9.0])).tolist()
    [[2.0, 8.0]]
    """
    steps = np.diff(times)
    if not len(steps):
        return np.zeros((0, 2))
    before = np.flatnonzero(steps > GAP_INTERVALS * np.median(steps))
    return np.column_stack([times[before], times[before + 1]])
