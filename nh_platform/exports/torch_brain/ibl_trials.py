"""IBL's trials under BrainWideBench's names and with its classes, so that its models read them.

Contains names and classes as of the brainset ``ibl_brain_wide_bench_2026`` 0.1.0 (`brainbench-org/ibl-bwb`,
``load_trials``). Add a column here when it states one more. Trials of other tasks keep their own names.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.qc.rules.session_rules import trial_mask
from nh_platform.windows.presets.preset_files import load_preset
from nh_platform.windows.presets.preset_model import AlignedPreset

NAMES = {
    "stimOn_times": "stim_on_time",
    "goCueTrigger_times": "go_cue_trigger_time",
    "goCue_times": "go_cue_time",
    "firstMovement_times": "movement_onset_time",
    "response_times": "response_time",
    "feedback_times": "feedback_time",
    "stimOff_times": "stim_off_time",
    "probabilityLeft": "probability_left",
    "feedbackType": "feedback_type",
    "rewardVolume": "reward_volume",
    "contrastLeft": "contrast_left",
    "contrastRight": "contrast_right",
}
"""The benchmark's name of each column (``TRIAL_KEYS_REMAPPING``)."""

UNKNOWN = -1
"""Class of a value that is missing, or that the benchmark has no class for."""

_SIDES = {1.0: 1, -1.0: 0, 0.0: 2}  # left, right, no choice: CHOICE_MAP
_REWARDS = {-1.0: 0, 1.0: 1}  # REWARD_MAP
_CONTRASTS = {0.0: 0, 0.0625: 1, 0.125: 2, 0.25: 3, 1.0: 4}  # CONTRAST_MAP
_PRIORS = {0.2: 0, 0.5: UNKNOWN, 0.8: 1}  # BLOCK_PRIOR_MAP


def benchmark_columns(trials: pd.DataFrame) -> dict[str, npt.NDArray[Any]]:
    """Return the columns that the benchmark makes of trials, schema `TRIALS`.

    Returns
    -------
    dict
        ``choice`` (0 right, 1 left, 2 none), ``reward`` (0, 1), ``block_prior`` (0 right, 1 left), ``stimulus_side``
        (0 right, 1 left) and ``stimulus_contrast`` (0 to 4), int64 with `UNKNOWN` where there is none, and
        ``is_valid``, bool: a reaction time of 0 to 10 s, no missing value, and a choice.
    """
    left, right = (trials[f"contrast{side}"].to_numpy(dtype=np.float64) for side in ("Left", "Right"))
    shown = np.isfinite(left) | np.isfinite(right)
    preset = load_preset("bwb-2026-choice")
    assert isinstance(preset, AlignedPreset)
    assert preset.mask is not None
    return {
        "choice": _classes(trials["choice"], _SIDES),
        "reward": _classes(trials["feedbackType"], _REWARDS),
        "block_prior": _classes(trials["probabilityLeft"], _PRIORS),
        "stimulus_side": np.where(shown, np.where(np.isnan(left), 0, 1), UNKNOWN).astype(np.int64),
        "stimulus_contrast": _classes(pd.Series(np.where(np.isnan(left), right, left)), _CONTRASTS),
        "is_valid": trial_mask(trials, preset.mask),
    }


def _classes(values: pd.Series, classes: dict[float, int]) -> npt.NDArray[np.int64]:
    return values.astype(np.float64).map(classes).fillna(UNKNOWN).to_numpy(dtype=np.int64)
