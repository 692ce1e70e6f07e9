"""Trials of IBL's task under the column names of ONE, and in the words of brainbox's tidy style.

Contains these two tables. Add a column here when the store has another one of ALF's.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from nh_platform.session import BadUpstreamData, SchemaError

TABLE_COLUMNS = {
    "goCue_times": "goCue_times",
    "response_times": "response_times",
    "choice": "choice",
    "stimOn_times": "stimOn_times",
    "contrastLeft": "contrastLeft",
    "contrastRight": "contrastRight",
    "feedback_times": "feedback_times",
    "feedbackType": "feedbackType",
    "rewardVolume": "rewardVolume",
    "probabilityLeft": "probabilityLeft",
    "firstMovement_times": "firstMovement_times",
    "start_time": "intervals_0",
    "stop_time": "intervals_1",
}
"""Columns of ``_ibl_trials.table.pqt`` (ONE's name by ours), in its order; every session has them."""

OWN_FILES = (
    "quiescencePeriod",
    "errorCueTrigger_times",
    "goCueTrigger_times",
    "stimOnTrigger_times",
    "stimFreezeTrigger_times",
    "stimOff_times",
    "stimOffTrigger_times",
    "laserStimulation",
    "laserProbability",
)
"""Columns that have a file of their own, ``_ibl_trials.<name>.npy``, in some sessions."""

_BPOD = {"bpod_start": "intervals_bpod_0", "bpod_stop": "intervals_bpod_1"}
_WORDS_OF_CHOICE = {-1.0: "counter_clockwise", 0.0: "none", 1.0: "clockwise"}
_WORDS_OF_BLOCK = {0.5: "unbiased", 0.8: "left_block", 0.2: "right_block"}


def trials_as_one(trials: pd.DataFrame, files: Collection[str]) -> pd.DataFrame:
    """Return the trials as ONE's ``load_object(eid, "trials").to_df()`` has them.

    Parameters
    ----------
    trials
        Table `TRIALS` of a session.
    files
        Names of the files that it was read from: a column of an own file is there where the file was, or a value is.

    Returns
    -------
    pandas.DataFrame
        float64, seconds on the session clock; ``choice`` -1, 0, 1, as upstream.

    Raises
    ------
    SchemaError
        If the trials are of another task.
    """
    if lacking := [name for name in TABLE_COLUMNS if name not in trials]:
        raise SchemaError("trials", f"they have no {', '.join(lacking)}", "Read `SessionView.trials`.")

    def is_there(file: str, *columns: str) -> bool:
        return f"_ibl_trials.{file}.npy" in files or bool(trials[list(columns)].notna().any(axis=None))

    names = dict(_BPOD) if is_there("intervals_bpod", *_BPOD) else {}
    names |= {name: name for name in OWN_FILES if is_there(name, name)} | TABLE_COLUMNS
    return trials[list(names)].rename(columns=names).reset_index(drop=True)


def trials_tidied(trials: pd.DataFrame) -> pd.DataFrame:
    """Return trials with columns in words, as brainbox's `apply_tidy_transformations` (ibllib 4.1.0).

    Parameters
    ----------
    trials
        As `trials_as_one` returns them.

    Returns
    -------
    pandas.DataFrame
        ``choice`` in words, and added ``is_mouse_rewarded`` bool, ``gabor_stimulus_side`` (``left``, ``right``,
        ``none``), ``gabor_stimulus_contrast`` in percent, ``block_index`` int64 from 0, ``block_type``.

    Raises
    ------
    BadUpstreamData
        If the block of a trial is not known.

    Examples
    --------
    >>> nan = float("nan")
    >>> one = pd.DataFrame({"choice": [1.0], "feedbackType": [1.0], "contrastLeft": [0.25], "contrastRight": [nan]})
    >>> trials_tidied(one.assign(probabilityLeft=0.8)).iloc[0, -4:].tolist()
    ['left', np.float64(25.0), np.int64(0), 'left_block']
    """
    left, right = trials["contrastLeft"], trials["contrastRight"]
    block = trials["probabilityLeft"].to_numpy(dtype=np.float64)
    if (unknown := np.flatnonzero(np.isnan(block))).size:
        raise BadUpstreamData(
            "trials", f"probabilityLeft of trial {unknown[0]} is not known ({unknown.size} in all)", "Use style='one'."
        )
    is_left = left.notna() & ~(right > left)
    words = [next((word for p, word in _WORDS_OF_BLOCK.items() if np.isclose(one, p)), f"p={one}") for one in block]
    steps = ~np.isclose(block[1:], block[:-1])
    return trials.assign(
        choice=trials["choice"].map(_WORDS_OF_CHOICE),
        is_mouse_rewarded=trials["feedbackType"] == 1.0,
        gabor_stimulus_side=np.select([is_left, right.notna()], ["left", "right"], default="none"),
        gabor_stimulus_contrast=(left.fillna(right) * 100).round(2),
        block_index=np.concatenate([[0], np.cumsum(steps)]).astype(np.int64)[: len(trials)],
        block_type=np.array(words, dtype=object),
    )
