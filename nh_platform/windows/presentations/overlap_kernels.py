"""Compiled loops that find which presentations overlap which windows.

Contains numba kernels; `nh_platform.windows.presentations.window_presentations` sorts the rows and calls them. Import
this module inside a function: numba costs 0.9 s at import. One presentation whose end is wrong by hours lies over all
windows behind it: in arrays of pairs that were gigabytes, in a loop it is time alone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def count_overlaps(low: IntArray, high: IntArray, stops: FloatArray, start: FloatArray, offsets: IntArray) -> None:
    """Write how many presentations overlap all windows up to each into ``offsets`` (n_windows + 1,), whose first is 0.

    ``low`` to ``high`` are the presentations that begin before the end of a window and may end after its ``start``.
    """
    n = 0
    for window in range(len(start)):
        for row in range(low[window], high[window]):
            n += stops[row] > start[window]
        offsets[window + 1] = n


@njit(cache=True, nogil=True)
def fill_overlaps(low: IntArray, high: IntArray, stops: FloatArray, start: FloatArray, rows: IntArray) -> None:
    """Write the presentations that `count_overlaps` counted, window by window."""
    n = 0
    for window in range(len(start)):
        for row in range(low[window], high[window]):
            if stops[row] > start[window]:
                rows[n] = row
                n += 1
