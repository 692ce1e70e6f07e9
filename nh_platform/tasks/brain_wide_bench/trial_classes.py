"""Suite 1, one class per trial: choice, reward and contrast of the stimulus.

Contains the classes and how they follow from the trials. Signals over time are `trial_signals`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.tasks.brain_wide_bench.spike_counts import BIN_S, INVALID, recorded_well, window_counts
from nh_platform.tasks.brain_wide_bench.splits import check_splits, split_of, suite1_ranges
from nh_platform.tasks.brain_wide_bench.trials import WINDOW_S, BenchmarkTrials, Window, benchmark_trials
from nh_platform.tasks.lacking import lacking, says_what_lacks
from nh_platform.tasks.task import TaskData

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

IntArray = npt.NDArray[np.int64]

CHOICES = ("right", "left")
"""Choice −1 (right) is class 0, +1 (left) is class 1 (``CHOICE_MAP``)."""

REWARDS = ("error", "reward")
"""Feedback −1 is class 0, +1 is class 1 (``REWARD_MAP``)."""

CONTRASTS = (0.0, 0.0625, 0.125, 0.25, 1.0)
"""Contrast of either side by class (``CONTRAST_MAP``)."""

NO_CLASS = -1
_LEAVE_OUT = "Leave the session out."


@says_what_lacks
def choice(session: SessionView) -> TaskData:
    """``ts1-choice``: to which side the animal turned, from the second before its first movement.

    Window: ``firstMovement_times`` − 1 s to ``firstMovement_times``. Classes: ``choice`` −1 is 0 (right), +1 is 1
    (left). Units: all. Split: causal, 40/20/40 of the task's time with 20 s between.

    Raises
    ------
    TargetMissing
        If the session has no spikes, no valid trials, too few for three splits, or none is left to train or test. Where
        none is left of ``val``, a note says so.
    """
    return _classes(session, "ts1-choice", "choice", CHOICES, lambda trials: _signs(trials["choice"]))


@says_what_lacks
def reward(session: SessionView) -> TaskData:
    """``ts1-reward``: whether the animal was rewarded, from the second after the feedback.

    Window: ``feedback_times`` to ``feedback_times`` + 1 s. Classes: ``feedbackType`` −1 is 0 (error), +1 is 1 (reward).
    Units, split and errors as of `choice`.
    """
    return _classes(session, "ts1-reward", "feedback", REWARDS, lambda trials: _signs(trials["feedbackType"]))


@says_what_lacks
def stimulus_contrast(session: SessionView) -> TaskData:
    """``ts1-stimulus_contrast``: how strong the stimulus was, whatever its side, from around its onset.

    Window: ``stimOn_times`` − 0.9 s to ``stimOn_times`` + 0.1 s. Classes: 0, 0.0625, 0.125, 0.25 and 1 are 0 to 4; a
    trial with another contrast, or none, is left out. Units, split and errors as of `choice`.
    """
    labels = tuple(f"{contrast:g}" for contrast in CONTRASTS)
    return _classes(session, "ts1-stimulus_contrast", "stimulus", labels, _contrast_classes)


def suite1_rows(
    session: SessionView, window: Window
) -> tuple[BenchmarkTrials, npt.NDArray[np.bool_], npt.NDArray[np.object_], dict[str, int]]:
    """Return the valid trials, which of their windows lie in valid time, the split of each, and what is left out.

    Every probe must be valid in all of a window, since all units are read.

    Raises
    ------
    TargetMissing
        If the session has no spikes or no valid trials, or they cannot be divided.
    """
    trials, spikes = benchmark_trials(session), session.spikes
    if not len(spikes.times):
        raise lacking(session, "it has no spikes", _LEAVE_OUT)
    recorded = spikes.recorded_time
    ranges = suite1_ranges((recorded.start, recorded.stop), trials.spans)
    starts = trials.starts[window]
    valid = recorded_well(session, starts)
    left_out = {**trials.left_out, **({INVALID: int((~valid).sum())} if not valid.all() else {})}
    return trials, valid, split_of(starts, starts + WINDOW_S, ranges), left_out


def _classes(
    session: SessionView,
    task: str,
    window: Window,
    labels: tuple[str, ...],
    classes_of: Callable[[pd.DataFrame], IntArray],
) -> TaskData:
    trials, valid, split, left_out = suite1_rows(session, window)
    classes = classes_of(trials.table)
    none = valid & (classes == NO_CLASS)
    if none.any():
        left_out["of none of the classes"] = int(none.sum())
    kept = np.flatnonzero(valid & (classes != NO_CLASS))
    if not len(kept):
        raise lacking(session, f"none of its valid trials is of one of the classes {', '.join(labels)}", _LEAVE_OUT)
    starts = trials.starts[window][kept]
    unit_ids = session.units["unit_id"].to_numpy(dtype=object)
    return TaskData(
        task=task,
        source=session.source,
        session_id=session.session_id,
        row_ids=trials.rows[kept],
        starts=starts,
        window_s=WINDOW_S,
        bin_s=BIN_S,
        n_valid=int((split == "test").sum()),
        inputs=window_counts(session.valid_spikes.spikes, starts),
        outputs=classes[kept].__getitem__,
        input_ids=unit_ids,
        timestamps=np.zeros(0),
        mask=np.ones(len(kept), dtype=bool),
        split=split[kept],
        label_names=labels,
        left_out=left_out,
        notes=check_splits(session, split[kept], left_out),
    )


def _signs(values: pd.Series) -> IntArray:
    """Return 0 for −1 and 1 for +1."""
    numbers = values.to_numpy(dtype=np.float64)
    return np.select([numbers == -1, numbers == 1], [0, 1], NO_CLASS).astype(np.int64)


def _contrast_classes(trials: pd.DataFrame) -> IntArray:
    left, right = (trials[f"contrast{side}"].to_numpy(dtype=np.float64) for side in ("Left", "Right"))
    contrast = np.where(np.isnan(left), right, left)
    return np.select([contrast == known for known in CONTRASTS], range(len(CONTRASTS)), NO_CLASS).astype(np.int64)
