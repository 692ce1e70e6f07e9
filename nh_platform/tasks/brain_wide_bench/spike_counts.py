"""Spike counts of the benchmark's windows, made for the rows that are asked for.

Contains counts in windows of 1 s around trials. Windows that follow each other by 20 ms are `window_strides`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from nh_platform.session import Spikes
from nh_platform.windows.binning import bin_events

BIN_US, N_BINS = 20_000, 50
"""Width (µs) and number of the bins of a window of 1 s."""

BIN_S = 0.02


def window_counts(
    spikes: Spikes, starts: npt.NDArray[np.float64]
) -> Callable[[npt.NDArray[np.int64]], npt.NDArray[np.uint8]]:
    """Return what gives the counts (m, 50, n_units) uint8 of the windows that it is given the rows of.

    Parameters
    ----------
    spikes
        Spikes of the units, grouped by unit.
    starts
        (n,) float64, s when each window starts.
    """

    def counts(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        found = bin_events(spikes, starts[rows], 0, N_BINS, BIN_US).counts
        return np.ascontiguousarray(found.transpose(0, 2, 1))

    return counts
