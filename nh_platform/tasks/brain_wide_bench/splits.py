"""Which windows train, validate and test in the benchmark's first and second suite.

Contains the benchmark's names of the splits and how a window gets one. The divisions themselves are
`nh_platform.windows.splits`; suite 3 is divided by animal, in `suite3`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nh_platform.windows.splits import chunk_ranges, task_time_ranges
from nh_platform.windows.splits.time_ranges import Ranges, windows_within

FloatArray = npt.NDArray[np.float64]

_NAMES = {"train": "train", "valid": "val", "test": "test"}
"""The benchmark's name of each split of the platform."""


def suite1_ranges(recorded: tuple[float, float], spans: FloatArray) -> Ranges:
    """Return the stretches (n, 2) of ``train``, ``val`` and ``test`` of suite 1: 40/20/40 of the task's time, in order.

    Parameters
    ----------
    recorded
        Times (s) of the first and the last spike of all units.
    spans
        (n_trials, 2) spans of the valid trials in s.

    Raises
    ------
    ConfigError
        If nothing is left of a split.
    """
    return {_NAMES[name]: found for name, found in task_time_ranges(*recorded, spans).items()}


def suite2_ranges(recorded: tuple[float, float], spans: FloatArray) -> Ranges:
    """Return the same of suite 2: chunks of 5 minutes in the order train, test, train, val, test.

    Parameters
    ----------
    recorded
        Times (s) of the first and the last spike of the selected units.
    spans
        As of `suite1_ranges`.
    """
    return {_NAMES[name]: found for name, found in chunk_ranges(*recorded, spans).items()}


def split_of(starts: FloatArray, stops: FloatArray, ranges: Ranges) -> npt.NDArray[np.object_]:
    """Return (n_windows,) the split in which each window (s) lies as a whole; empty where it lies in none."""
    found = np.full(len(starts), "", dtype=object)
    for name, stretches in ranges.items():
        found[windows_within(starts, stops, stretches)] = name
    return found
