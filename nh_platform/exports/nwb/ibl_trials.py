"""Trials of IBL's task under the names of IBL's NWB files (DANDI 000409; catalystneuro/IBL-to-nwb).

Add a column here when those files have a name for one more of ours. All others keep the names of ALF.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nh_platform.session.columns import describe
from nh_platform.session.display import counted
from nh_platform.session.tables.events import TRIALS

NAMES = {
    "quiescencePeriod": "quiescence_period",
    "stimOn_times": "gabor_stimulus_onset_time",
    "goCue_times": "auditory_cue_time",
    "firstMovement_times": "wheel_movement_onset_time",
    "response_times": "choice_registration_time",
    "feedback_times": "feedback_time",
    "stimOff_times": "gabor_stimulus_offset_time",
    "rewardVolume": "reward_volume_uL",
    "probabilityLeft": "probability_left",
}
"""Columns that are renamed as they are."""

_MADE_OF = ("contrastLeft", "contrastRight", "choice", "feedbackType")
"""Columns that are written in another form."""

CHOICES = {1.0: "clockwise", -1.0: "counter_clockwise", 0.0: "none"}
BLOCKS = {0.5: "unbiased", 0.8: "left_block", 0.2: "right_block"}

_DERIVED = {
    "gabor_stimulus_contrast": "Contrast of the Gabor patch in percent",
    "gabor_stimulus_side": "Side of the Gabor patch: left or right, stated at a contrast of 0 as well",
    "mouse_wheel_choice": "clockwise (correct for a stimulus on the left), counter_clockwise, or none",
    "is_mouse_rewarded": "Whether water was given; False after noise and where the feedback is not known",
    "block_type": "left_block (probability_left 0.8), right_block (0.2) or unbiased (0.5)",
    "block_index": "Number of the block, from 0; it moves where probability_left does",
}

WORDS = {
    NAMES.get(one.name, one.name): one.meaning + (f" [{one.unit}]" if one.unit not in ("-", "1") else "")
    for one in describe(TRIALS, TRIALS.names)
} | _DERIVED
"""Description of every column."""


def as_ibl_trials(trials: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Return trials of schema `TRIALS` in the columns of IBL's files, and ours that these have no name for.

    Parameters
    ----------
    trials
        (n_trials, …) schema `TRIALS`.
    notes
        Takes what had to be assumed.
    """
    left, right = trials["contrastLeft"].to_numpy(np.float64), trials["contrastRight"].to_numpy(np.float64)
    side = np.full(len(trials), None, dtype=object)
    side[np.isfinite(right)], side[np.isfinite(left)] = "right", "left"
    unknown = int(trials["feedbackType"].isna().sum())
    if unknown:
        notes.append(f"trials: {unknown} of {counted(len(trials), 'trial')} have no feedbackType; not rewarded there")
    probability = trials["probabilityLeft"]
    # Unknown at single trials, the block goes on: NaN differs from NaN, and would begin one at each.
    held = probability.ffill().bfill()
    derived = {
        "gabor_stimulus_contrast": np.round(100 * np.where(np.isfinite(left), left, right), 2),
        "gabor_stimulus_side": side,
        "mouse_wheel_choice": trials["choice"].map(CHOICES),
        "is_mouse_rewarded": (trials["feedbackType"] == 1).to_numpy(bool),
        "block_type": probability.map(BLOCKS),
        "block_index": ((held != held.shift()) & held.notna()).cumsum().clip(lower=1).to_numpy(np.int64) - 1,
    }
    rest = trials.drop(columns=list(_MADE_OF)).rename(columns=NAMES)
    return rest.assign(**derived)
