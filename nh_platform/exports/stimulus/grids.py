"""The time bins of a stimulus: how many, where their edges lie, and their centres.

Contains the two grids. Add here what the bins of a mode are. What is counted in them is `tensors`.

``exact``: bin ``k`` is ``[k · 20 ms, (k + 1) · 20 ms)`` with edges from whole microseconds, as many as the longest
presentation needs. ``mlynarski-compat``: edges ``np.arange(0, (n + 1) * 0.02, 0.02)``, whose end point is sometimes
included: a stimulus of 0.2502 s needs 13 bins and gets 15 edges, that is 14 bins up to 0.28 s, 30 ms into the next one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nh_platform.windows.binning import bin_edges, whole_microseconds
from nh_platform.windows.presentations.conventions import BIN_S, BIN_US, Mode

FloatArray = npt.NDArray[np.float64]


def time_edges(longest_s: float, mode: Mode) -> FloatArray:
    """Return the (n_bins + 1,) edges in seconds from the start of presentations of which the longest lasts so long.

    Edges of a shorter stimulus are the first ones of a longer one, so that tensors can be cut.

    Examples
    --------
    >>> len(time_edges(0.2502, "exact")) - 1, len(time_edges(0.2502, "mlynarski-compat")) - 1
    (13, 14)
    """
    if mode == "mlynarski-compat":
        n_bins = int(np.ceil(longest_s / BIN_S))
        return np.arange(0, (n_bins + 1) * BIN_S, BIN_S)
    longest_us = whole_microseconds(round(longest_s, 6), "duration")
    return bin_edges(0, -(-longest_us // BIN_US), BIN_US)


def time_centers(edges: FloatArray) -> FloatArray:
    """Return the (n_bins,) centres in seconds, as AllenSDK computes them."""
    return edges[:-1] + np.diff(edges) / 2
