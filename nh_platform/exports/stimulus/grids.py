"""The time bins of a stimulus: how many, where their edges lie, and their centres.

Contains the two grids, and how long a grid the presentations of one session need before the filter by duration is
known. Add here what the bins of a mode are. What is counted in them is `tensors`.

``exact``: bin ``k`` is ``[k · 20 ms, (k + 1) · 20 ms)`` with edges from whole microseconds, as many as the longest
presentation needs. ``mlynarski-compat``: edges ``np.arange(0, (n + 1) * 0.02, 0.02)``, whose end point is sometimes
included: a stimulus of 0.2502 s needs 13 bins and gets 15 edges, that is 14 bins up to 0.28 s, 30 ms into the next one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.windows.counts.binning import bin_edges, whole_microseconds
from nh_platform.windows.presentations.conventions import BIN_S, BIN_US, Mode, tolerance_s

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


def longest_beside(duration_s: float, stimulus_name: str) -> float:
    """Return the duration (s) that no presentation kept beside one of ``duration_s`` reaches, whatever the median is.

    Those that the filter keeps lie less than the tolerance from one median, and so less than two of them apart.
    """
    return duration_s + 2 * tolerance_s(stimulus_name)


def length_classes(presentations: pd.DataFrame, mode: Mode) -> dict[int, npt.NDArray[np.intp]]:
    """Return the rows of presentations of one type by the bins that they need, ascending.

    A presentation needs the bins of the longest one that may be kept beside it (`longest_beside`). One sweep of 60 s
    among those of 2 s is a class of its own: it gives the others no 3000 bins.

    Parameters
    ----------
    presentations
        Schema `STIMULUS_PRESENTATIONS`.
    mode
        Which grid.
    """
    needed = [
        len(time_edges(longest_beside(float(duration), name), mode)) - 1
        for duration, name in zip(presentations["duration"], presentations["stimulus_name"])
    ]
    bins = np.array(needed, dtype=np.int64)
    return {int(n_bins): np.flatnonzero(bins == n_bins) for n_bins in np.unique(bins)}
