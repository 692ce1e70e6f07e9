"""Rates of units in windows of any length, counted from the spikes themselves.

Counts of stored windows are in bins and saturate at 255, and windows of movies or of spikes have bins of other
numbers or none; what is described here is one number per unit and window.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nh_platform.session import Spikes

FloatArray = npt.NDArray[np.float64]


def root_rates(spikes: Spikes, rows: npt.NDArray[np.int64], start: FloatArray, stop: FloatArray) -> FloatArray:
    """Return the square root of the firing rate of units in windows.

    Of Poisson counts the square root has the same variance at every rate, so that the units that fire most do not
    decide alone (Yu et al. 2009, J Neurophysiol 102:614, take it as well).

    Parameters
    ----------
    spikes
        Spikes, ascending within each unit.
    rows
        (n_units,) units to count.
    start, stop
        (n_windows,) seconds on the session clock, ``start <= t < stop``; windows may overlap.

    Returns
    -------
    numpy.ndarray
        (n_windows, n_units) float64, √Hz.
    """
    found = np.empty((len(start), len(rows)), dtype=np.float64)
    for place, row in enumerate(rows):
        times = spikes.times[spikes.offsets[row] : spikes.offsets[row + 1]]
        found[:, place] = np.searchsorted(times, stop) - np.searchsorted(times, start)
    return np.sqrt(found / (stop - start)[:, None])
