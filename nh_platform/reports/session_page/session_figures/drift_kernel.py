"""The compiled loop that averages a value of spikes by depth and time.

Importing this module imports numba: do so inside functions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]


@njit(cache=True, nogil=True)
def add_to_map(
    times: Floats,
    depths: npt.NDArray[np.float32],
    values: npt.NDArray[np.float32],
    fixed_depth: float,
    start: float,
    stop: float,
    low: float,
    high: float,
    counts: Floats,
    sums: Floats,
) -> None:
    """Add the spikes of one unit to two images of depth and time: their number, and the sum of a value.

    Parameters
    ----------
    times, depths, values
        (n,) s, µm and any unit of measure; a spike whose depth is no number, or that lies outside, is left out.
    fixed_depth
        Depth of all of them in place of ``depths``, µm; NaN where their own count.
    start, stop, low, high
        Ranges of columns and rows, their ends included.
    counts, sums
        (n_rows, n_columns), added to; ``sums`` only by values that are finite.
    """
    n_rows, n_columns = counts.shape
    per_s = n_columns / (stop - start) if stop > start else 0.0
    per_um = n_rows / (high - low) if high > low else 0.0
    own = np.isnan(fixed_depth)
    for i in range(times.size):
        depth = float(depths[i]) if own else fixed_depth
        if not (low <= depth <= high and start <= times[i] <= stop):
            continue
        row = min(int((depth - low) * per_um), n_rows - 1)
        column = min(int((times[i] - start) * per_s), n_columns - 1)
        counts[row, column] += 1
        if np.isfinite(values[i]):
            sums[row, column] += values[i]
