"""Which windows train, validate and test in the benchmark's first and second suite.

Contains the benchmark's names of the splits and how a window gets one. The divisions themselves are
`nh_platform.windows.splits`; suite 3 is divided by animal, in `suite3`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nh_platform.tasks.lacking import lacking
from nh_platform.windows.splits import chunk_ranges, task_time_ranges
from nh_platform.windows.splits.time_ranges import Ranges, windows_within

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

FloatArray = npt.NDArray[np.float64]

NO_VAL = "no window is of val, so that nothing chooses hyperparameters: they are the standard ones"
"""Note of a session that is too short for ``val``, or none of whose windows there is kept."""

_NAMES = {"train": "train", "valid": "val", "test": "test"}
"""The benchmark's name of each split of the platform."""


def suite1_ranges(recorded: tuple[float, float], spans: FloatArray) -> Ranges:
    """Return the stretches (n, 2) of ``train``, ``val`` and ``test`` of suite 1: 40/20/40 of the task's time, in order.

    Parameters
    ----------
    recorded
        Recorded time (s): first and last spike of all units, without stray ones.
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

    A session that ends before its fourth chunk, in 15 minutes, has (0, 2) stretches of ``val``; one that ends before
    its second has none of ``test`` either.

    Parameters
    ----------
    recorded
        Times (s) of the first and the last spike of the selected units within the recorded time.
    spans
        As of `suite1_ranges`.
    """
    return {_NAMES[name]: found for name, found in chunk_ranges(*recorded, spans).items()}


def check_splits(session: SessionView, split: npt.NDArray[np.object_], left_out: Mapping[str, int]) -> tuple[str, ...]:
    """Return the note `NO_VAL` where no window is of ``val``.

    Parameters
    ----------
    session
        The session.
    split
        (n,) split of each window that is kept.
    left_out
        Why others were left out, for the error.

    Raises
    ------
    TargetMissing
        If no window is of ``train``, or none of ``test``.
    """
    found = set(split)
    missing = [name for name in ("train", "test") if name not in found]
    if missing:
        why = ", ".join(f"{reason} ({number})" for reason, number in left_out.items()) or "none was left out"
        raise lacking(session, f"no window is left of {' and '.join(missing)}: {why}", "Leave the session out.")
    return () if "val" in found else (NO_VAL,)


def split_of(starts: FloatArray, stops: FloatArray, ranges: Ranges) -> npt.NDArray[np.object_]:
    """Return (n_windows,) the split in which each window (s) lies as a whole; empty where it lies in none."""
    found = np.full(len(starts), "", dtype=object)
    for name, stretches in ranges.items():
        found[windows_within(starts, stops, stretches)] = name
    return found
