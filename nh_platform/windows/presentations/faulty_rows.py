"""Presentations that cannot have been shown as the table states them: without an end, for hours, or at the same time.

Contains the rules and the words. Add here what makes one row of a table of presentations unusable by its times. What is
no stimulus at all is left out in `cleaning`; readers mark rows that upstream itself calls invalid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import BadUpstreamData
from nh_platform.session.presentation_overlap import PRESENTATION_OVERLAP_S, slight_overlaps

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

LONGEST_S = 1200.0
"""Ten times the longest stimulus, a movie of 120 s. What is stated to last longer has a wrong end, and the bins up to
it would fill the memory: one day is 4,320,000 of 20 ms for every unit."""


@dataclass(frozen=True)
class FaultyRows:
    """Rows of a table of presentations that are faulty in one way.

    Parameters
    ----------
    why
        What is wrong with them, for "… presentations left out: they …".
    rows
        (n_presentations,) which.
    """

    why: str
    rows: BoolArray


def faulty_rows(presentations: pd.DataFrame) -> tuple[FaultyRows, ...]:
    """Return the rows of stimuli that cannot be used, by what is wrong with them; no row is in two of them.

    Parameters
    ----------
    presentations
        Schema `PRESENTATIONS`, rows of stimuli alone: spontaneous activity may well surround them.
    """
    starts = presentations["start_time"].to_numpy(dtype=np.float64)
    stops = presentations["stop_time"].to_numpy(dtype=np.float64)
    endless = ~(np.isfinite(starts) & np.isfinite(stops) & (stops > starts))
    too_long = ~endless & (stops - starts > LONGEST_S)
    plausible = ~(endless | too_long)
    at_once = np.zeros(len(presentations), dtype=bool)
    at_once[plausible] = overlapping_rows(starts[plausible], stops[plausible])
    return (
        FaultyRows("do not end after they start", endless),
        FaultyRows(f"are stated to last longer than {LONGEST_S:.0f} s", too_long),
        FaultyRows("overlap others", at_once),
    )


def overlapping_rows(starts: FloatArray, stops: FloatArray) -> BoolArray:
    """Return which rows to leave out so that no two of the others overlap by more than slightly.

    Those that overlap most others go first: a row whose end is wrong lies over many that agree with each other. Where
    all overlap as many, nothing tells which is right, and all of them go.

    Parameters
    ----------
    starts, stops
        (n,) seconds, each stop after its start, in any order.

    Examples
    --------
    >>> overlapping_rows(np.array([0.0, 1.0, 1.0, 2.0]), np.array([1.0, 2.0, 2.0, 3.0])).tolist()
    [False, True, True, False]
    >>> overlapping_rows(np.array([0.0, 1.0, 2.0]), np.array([9.0, 2.0, 3.0])).tolist()
    [True, False, False]
    """
    stops = stops - slight_overlaps(starts, stops)
    left = np.arange(len(starts))
    while len(left):
        overlaps = _overlaps_of_each(starts[left], stops[left])
        if not overlaps.any():
            break
        left = left[overlaps < overlaps.max()]
    gone = np.ones(len(starts), dtype=bool)
    gone[left] = False
    return gone


def check_overlap(presentations: pd.DataFrame, session: str = "") -> None:
    """Check that no presentation begins before the one before it ends.

    Raises
    ------
    BadUpstreamData
        Naming the first two rows that overlap by more than slightly.
    """
    table = presentations.sort_values("start_time", kind="stable")
    starts, stops = table["start_time"].to_numpy(), table["stop_time"].to_numpy()
    overlap = (stops - slight_overlaps(starts, stops))[:-1] - starts[1:]
    bad = np.flatnonzero(overlap > PRESENTATION_OVERLAP_S)
    if len(bad):
        first, second = table.iloc[bad[0]], table.iloc[bad[0] + 1]
        raise BadUpstreamData(
            f"{session} presentations".strip(),
            f"presentation {first['presentation_id']} ({first['stimulus_name']}) lasts until {first['stop_time']} s "
            f"and presentation {second['presentation_id']} ({second['stimulus_name']}) begins at "
            f"{second['start_time']} s; {len(bad)} rows overlap",
            "Correct the upstream table: two stimuli cannot be shown at once.",
        )


def _overlaps_of_each(starts: FloatArray, stops: FloatArray) -> npt.NDArray[np.int64]:
    """Return with how many others each row overlaps: all but those that end before it and those that start after it.

    So a row shorter than the tolerance overlaps the one that it lies in.
    """
    ended = np.searchsorted(np.sort(stops), starts + PRESENTATION_OVERLAP_S, side="right")
    not_begun = len(starts) - np.searchsorted(np.sort(starts), stops - PRESENTATION_OVERLAP_S, side="left")
    # A row shorter than the tolerance is among its own "ended" and "not begun".
    own = (stops <= starts + PRESENTATION_OVERLAP_S).astype(np.int64) + (starts >= stops - PRESENTATION_OVERLAP_S)
    return np.maximum(len(starts) - 1 - (ended + not_begun - own), 0)
