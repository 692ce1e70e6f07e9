"""Suite 1, a value per 20 ms of a trial: licks, whisker, wheel and paws.

Contains the windows of the signals, their normalisation, and the tasks. The signals themselves are `behaviour`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.tasks.brain_wide_bench import behaviour
from nh_platform.tasks.brain_wide_bench.qc_labels import check_behaviour
from nh_platform.tasks.brain_wide_bench.signals import GridSignal
from nh_platform.tasks.brain_wide_bench.spike_counts import BIN_S, N_BINS, window_counts
from nh_platform.tasks.brain_wide_bench.splits import check_splits
from nh_platform.tasks.brain_wide_bench.trial_classes import suite1_rows
from nh_platform.tasks.brain_wide_bench.trials import WINDOW_S, Window
from nh_platform.tasks.lacking import lacking, says_what_lacks
from nh_platform.tasks.task import TaskData

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

SMALLEST_STD = 1e-8
"""Least standard deviation that values are divided by (``_get_behavior_normalization``)."""

NOT_SPANNED = "the signal does not span the window"
NOT_CONFIDENT = "no sample of the paw is confident"


@says_what_lacks
def licking_rate(session: SessionView, qc_labels: pd.DataFrame | None = None) -> TaskData:
    """``ts1-licking_rate``: licks per 20 ms in the second after the feedback.

    Window: ``feedback_times`` to ``feedback_times`` + 1 s. Target: counts (50, 1) on the grid of the left camera, of
    the licks from a sample's time on, before the next. Units: all. Split: causal, 40/20/40 of the task's time.

    Parameters
    ----------
    session
        The session.
    qc_labels
        The benchmark's ``bwm_qc.csv``; a session whose licks fail there is refused. A note says where there is none.

    Raises
    ------
    TargetMissing
        If the session has no licks, left camera, valid trials or spikes, or the left camera's rate is not 60 or 150 Hz.
    """
    notes = check_behaviour(session, qc_labels, "licks")
    return _windows(session, "ts1-licking_rate", "feedback", behaviour.licks(session), notes)


@says_what_lacks
def whisker_motion_energy(session: SessionView, qc_labels: pd.DataFrame | None = None) -> TaskData:
    """``ts1-whisker_motion_energy``: motion energy of the whisker pad in the second from the first movement on.

    Window: ``firstMovement_times`` to ``firstMovement_times`` + 1 s. Target: (50, 1) values of the left camera at
    50 Hz, z-scored by mean and standard deviation of the training windows; frames without a value are bridged. Units,
    split, parameters and errors as of `licking_rate`.
    """
    notes = check_behaviour(session, qc_labels, "whisker")
    signal = behaviour.whisker_motion_energy(session)
    return _windows(session, "ts1-whisker_motion_energy", "movement", signal, notes, z_scored=True)


@says_what_lacks
def wheel_speed(session: SessionView, qc_labels: pd.DataFrame | None = None) -> TaskData:
    """``ts1-wheel_speed``: speed of the wheel in rad/s, as it is, in the same window.

    Window, split, parameters and errors as of `whisker_motion_energy`; it lacks where the session has no wheel.
    """
    notes = check_behaviour(session, qc_labels, "wheel")
    return _windows(session, "ts1-wheel_speed", "movement", behaviour.wheel_speed(session), notes)


@says_what_lacks
def left_paw_speed(session: SessionView, qc_labels: pd.DataFrame | None = None) -> TaskData:
    """``ts1-left_paw_speed``: speed of the animal's left front paw, z-scored, where Lightning Pose is sure of it.

    Window and split as of `whisker_motion_energy`. ``mask`` is False where the likelihood of a sample or of one beside
    it is below 0.9; a trial without any other sample is left out. Frames without a value are bridged. Mean and standard
    deviation are those of the training windows' confident samples; a window that has none counts with all of its
    samples, as in the benchmark.

    Raises
    ------
    TargetMissing
        As of `licking_rate`; also where the asset `pose` was not made, and the text says how it is asked for.
    """
    return _paw(session, "left", qc_labels)


@says_what_lacks
def right_paw_speed(session: SessionView, qc_labels: pd.DataFrame | None = None) -> TaskData:
    """``ts1-right_paw_speed``: the same of the animal's right front paw, which the image shows on the left."""
    return _paw(session, "right", qc_labels)


def _paw(session: SessionView, side: behaviour.Side, qc_labels: pd.DataFrame | None) -> TaskData:
    notes = check_behaviour(session, qc_labels, "paws")
    signal = behaviour.paw_speed(session, side)
    return _windows(session, f"ts1-{side}_paw_speed", "movement", signal, notes, z_scored=True)


def _windows(
    session: SessionView,
    task: str,
    window: Window,
    signal: GridSignal,
    notes: tuple[str, ...],
    *,
    z_scored: bool = False,
) -> TaskData:
    trials, valid, split, left_out = suite1_rows(session, window)
    starts = trials.starts[window]
    samples, spanned = signal.samples(starts, N_BINS)
    n_valid = int((split == "test").sum())
    _count(left_out, NOT_SPANNED, valid & ~spanned)
    kept = np.flatnonzero(valid & spanned)
    samples, starts, split = samples[kept], starts[kept], split[kept]
    values = signal.values[samples]
    mask = np.ones(values.shape, dtype=bool) if signal.confident is None else signal.confident[samples]
    normalisation = None
    if z_scored:
        normalisation = _mean_and_std(values[split == "train"], mask[split == "train"])
        if normalisation is None:
            raise lacking(session, "no training window has a value to normalise by", "Leave the session out.")
        values = (values - normalisation[0]) / normalisation[1]
    counted: BoolArray = np.asarray(mask.any(axis=1))
    _count(left_out, NOT_CONFIDENT, np.logical_not(counted))
    if not counted.any():
        why = ", ".join(f"{reason} ({number})" for reason, number in left_out.items())
        raise lacking(session, f"no window is left: {why}", "Leave the session out.")
    unit_ids = session.units["unit_id"].to_numpy(dtype=object)
    return TaskData(
        task=task,
        source=session.source,
        session_id=session.session_id,
        row_ids=trials.rows[kept][counted],
        starts=starts[counted],
        window_s=WINDOW_S,
        bin_s=BIN_S,
        n_valid=n_valid,
        inputs=window_counts(session.valid_spikes.spikes, starts[counted]),
        outputs=values[counted][:, :, None].__getitem__,
        input_ids=unit_ids,
        timestamps=(signal.times(samples) - starts[:, None])[counted],
        mask=mask[counted],
        split=split[counted],
        left_out=left_out,
        normalisation=normalisation,
        notes=(*notes, *check_splits(session, split[counted], left_out)),
    )


def _count(left_out: dict[str, int], reason: str, which: BoolArray) -> None:
    if which.any():
        left_out[reason] = int(which.sum())


def _mean_and_std(values: FloatArray, mask: BoolArray) -> tuple[float, float] | None:
    """Return mean and standard deviation of the (n, 50) values that count; None without any."""
    used = values[mask | ~mask.any(axis=1, keepdims=True)]
    return (float(used.mean()), max(float(used.std()), SMALLEST_STD)) if len(used) else None
