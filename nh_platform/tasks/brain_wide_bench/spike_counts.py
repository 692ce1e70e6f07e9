"""Spike counts of the benchmark's windows, made for the rows that are asked for, and which windows can be counted.

Contains counts in windows of 1 s around trials, and which windows of 1 s lie in valid time. Windows that follow each
other by 20 ms are `window_strides`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nh_platform.session import Spikes
from nh_platform.tasks.brain_wide_bench.trials import WINDOW_S
from nh_platform.windows.counts.binning import bin_events
from nh_platform.windows.valid_time import valid_windows

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

BIN_US, N_BINS = 20_000, 50
"""Width (µs) and number of the bins of a window of 1 s."""

BIN_S = 0.02

INVALID = "in invalid time of the session or of a probe that is read"
"""Why a window is left out: 0 counts are no data where a probe did not record well."""


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


def recorded_well(
    session: SessionView, starts: npt.NDArray[np.float64], units: npt.NDArray[np.intp] | None = None
) -> npt.NDArray[np.bool_]:
    """Return (n,) whether each window of 1 s lies as a whole in valid time of the session and of every probe read.

    Parameters
    ----------
    session
        The session.
    starts
        (n,) float64, s when each window starts.
    units
        Rows of the units that the task reads or predicts; all where not stated. Probes without any do not matter.
    """
    probes = session.units["probe"] if units is None else session.units["probe"].iloc[units]
    valid = valid_windows(starts, 0.0, WINDOW_S, list(dict.fromkeys(probes)), session.invalid_times)
    return np.asarray(valid.all(axis=1), dtype=bool)
