"""Presentations of a stored session: those of one stimulus, and what a signal was on average during each.

Contains the choice of presentations and the labelled means. Add here what a person may say to choose them. Counting is
`nh_platform.windows.presentations.presentation_counts`; whole stimulus types in fixed bins are the asset
`stimulus_tensors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from nh_platform.session import Signal
from nh_platform.windows.presentations.cleaning import unknown_stimulus
from nh_platform.windows.presentations.faulty_rows import check_overlap
from nh_platform.windows.presentations.presentation_counts import presentation_means
from nh_platform.windows.valid_time import InvalidTimes, valid_windows

BLINKS = "likely_blink"
"""Column of the pupil signal that marks likely blinks, where upstream states them."""


def choose_presentations(presentations: pd.DataFrame, stimulus: str) -> pd.DataFrame:
    """Return the rows of a stimulus, without those that were not shown as they should be (``valid`` False).

    Raises
    ------
    ConfigError
        If the session does not have the stimulus; the text names close ones.
    BadUpstreamData
        If rows overlap.
    """
    names = presentations["stimulus_name"]
    if stimulus not in set(names):
        raise unknown_stimulus(stimulus, names.unique())
    chosen = presentations[(names == stimulus) & presentations["valid"]].reset_index(drop=True)
    check_overlap(chosen, stimulus)
    return chosen


def without_blinks(signal: Signal) -> Signal:
    """Return a signal with NaN where upstream marks a likely blink, but for the marks themselves.

    Visual Behavior's files mark blinks and keep the areas in them (``area_raw``); a lid that closes is no pupil that
    narrows. The mean of the marks stays: the share of the time that was blink. A signal without marks, as Visual
    Coding's, is returned as it is: its fits are NaN where there is none.

    Examples
    --------
    >>> pupil = Signal("pupil", np.arange(3.0), np.array([[9.0, 0], [1.0, 1], [7.0, 0]]), "", ("area", "likely_blink"))
    >>> without_blinks(pupil).values.tolist()
    [[9.0, 0.0], [nan, 1.0], [7.0, 0.0]]
    """
    if BLINKS not in signal.columns:
        return signal
    marks = signal.columns.index(BLINKS)
    values = np.array(signal.values, dtype=np.float64)
    others = np.arange(values.shape[1]) != marks
    values[np.ix_(values[:, marks] > 0, others)] = np.nan
    return replace(signal, values=values)


def stimulus_means(
    signal: Signal,
    presentations: pd.DataFrame,
    probes: Sequence[str],
    invalid: InvalidTimes,
    start: float,
    stop: float,
) -> pd.DataFrame:
    """Average a signal over presentations; see `SessionView.presentation_means`."""
    signal = without_blinks(signal)
    onsets = presentations["start_time"].to_numpy(dtype=np.float64)
    index = pd.Index(presentations["presentation_id"].to_numpy(), name="presentation_id")
    means = pd.DataFrame(presentation_means(signal, onsets, start, stop), columns=list(signal.columns), index=index)
    valid = valid_windows(onsets, start, stop, probes, invalid)
    return means.assign(**{f"valid.{probe}": valid[:, column] for column, probe in enumerate(probes)})
