"""Trials, licks and rewards of a Visual Behavior NWB file.

Contains the readers of ``/intervals/trials``, ``/processing/licking`` and ``/processing/rewards``. Add here what the
change detection task records. Stimulus presentations are `nh_platform.sources.allen.nwb.stimulus_presentations`; no
performance is computed here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Note
from nh_platform.session.tables.change_detection import CHANGE_TRIALS, REWARDS, TRIAL_LICKS
from nh_platform.session.tables.events import LICKS
from nh_platform.sources.allen.nwb.nwb_file import NwbFile, plain_columns, ragged_columns, ragged_offsets, texts_or_none

TRIALS = "intervals/trials"
LICKING = "processing/licking/licks"
REWARD_MODULE = "processing/rewards"
UL_PER_ML = 1000.0
NULL_INTEGER = -99
"""Stands for "no value" in whole-number columns of the release (AllenSDK, `enforce_df_int_typing`)."""

RENAMED = {"stimulus_change": "is_change", "change_time": "change_time_no_display_delay"}
"""Columns of the file and their names in the table. Both names of the change time are that without display delay: the
release has only such times in its trials (AllenSDK 2.16.2, `VBNTrials`)."""
OUTCOMES = ("is_change", "go", "catch", "aborted", "auto_rewarded", "hit", "miss", "false_alarm", "correct_reject")
TIMES = ("start_time", "stop_time", "trial_length", "change_time_no_display_delay", "response_time", "reward_time")


def read_trials(nwb: NwbFile) -> tuple[pd.DataFrame | None, pd.DataFrame | None, list[Note]]:
    """Return the trials and the licks of each, or None for both and a note where the file has none.

    Returns
    -------
    trials
        Schema `CHANGE_TRIALS`, in the file's order; reward volumes in µL (mL in the file).
    licks
        Schema `TRIAL_LICKS`.
    notes
        Where the licks of the trials had to be found by their times.

    Raises
    ------
    BadUpstreamData
        If a column is missing, or a trial's start or stop is NaN.
    """
    if not nwb.has(TRIALS):
        return None, None, [Note("change_trials", "no trials in the NWB file")]
    columns = {RENAMED.get(name, name): values for name, values in plain_columns(nwb, TRIALS).items()}
    missing = [name for name in ("start_time", "stop_time", *OUTCOMES) if name not in columns]
    if missing:
        raise nwb.bad(f"{TRIALS} lacks {', '.join(missing)}", "Use a Visual Behavior Neuropixels file.")
    n_trials = len(columns["id"])
    unknown = np.full(n_trials, np.nan)
    table: dict[str, Any] = {"trials_id": np.arange(n_trials, dtype=np.int64)}
    table |= {name: columns.get(name, unknown).astype(np.float64) for name in TIMES}
    table |= {name: columns[name].astype(bool) for name in OUTCOMES}
    table["reward_volume"] = columns.get("reward_volume", unknown).astype(np.float64) * UL_PER_ML
    frames = columns.get("change_frame", unknown).astype(np.float64)
    table["change_frame"] = np.where(frames == NULL_INTEGER, np.nan, frames)
    for name in ("initial_image_name", "change_image_name"):
        names = columns.get(name, np.full(n_trials, "", dtype=object)).astype(object)
        table[name] = pd.Series(texts_or_none(names), dtype=object)
    if not (np.isfinite(table["start_time"]).all() and np.isfinite(table["stop_time"]).all()):
        raise nwb.bad(f"{TRIALS} has start or stop times that are NaN or infinite")
    table["trial_length"] = np.where(
        np.isfinite(table["trial_length"]), table["trial_length"], table["stop_time"] - table["start_time"]
    )
    licks, notes = _trial_licks(nwb, table["start_time"], table["stop_time"])
    table["n_licks"] = np.bincount(licks["trials_id"], minlength=n_trials).astype(np.int64)
    return CHANGE_TRIALS.conform(pd.DataFrame(table)), licks, notes


def read_licks(nwb: NwbFile) -> tuple[pd.DataFrame | None, list[Note]]:
    """Return every lick of the session (schema `LICKS`), or None and a note where the file has none."""
    if not nwb.has(LICKING):
        return None, [Note("licks", "no licks in the NWB file")]
    times = nwb.array(f"{LICKING}/timestamps").astype(np.float64)
    if not np.isfinite(times).all():
        raise nwb.bad(f"{LICKING} has times that are NaN or infinite")
    return LICKS.conform(pd.DataFrame({"times": times})), []


def read_rewards(nwb: NwbFile) -> tuple[pd.DataFrame | None, list[Note]]:
    """Return every reward (schema `REWARDS`; µL, mL in the file), or None and a note where the file has none."""
    if not nwb.has(REWARD_MODULE):
        return None, [Note("rewards", "no rewards in the NWB file")]
    times = nwb.array(f"{REWARD_MODULE}/volume/timestamps").astype(np.float64)
    volume = nwb.array(f"{REWARD_MODULE}/volume/data").astype(np.float64)
    auto = nwb.array(f"{REWARD_MODULE}/autorewarded/data").astype(bool)
    if not len(times) == len(volume) == len(auto):
        raise nwb.bad(f"{REWARD_MODULE} has {len(times)} times, {len(volume)} volumes, {len(auto)} flags")
    return REWARDS.conform(pd.DataFrame({"times": times, "volume": volume * UL_PER_ML, "auto_rewarded": auto})), []


def _trial_licks(
    nwb: NwbFile, start: npt.NDArray[np.float64], stop: npt.NDArray[np.float64]
) -> tuple[pd.DataFrame, list[Note]]:
    """Return the licks of every trial, and a note where their trials follow from the times alone.

    AllenSDK's writer leaves out the index of ``lick_times`` where the session happens to have as many licks as trials,
    so that one lick seems to belong to each; and it writes one empty text where there was no lick.
    """
    group = nwb.group(TRIALS)
    if "lick_times" not in group:
        return TRIAL_LICKS.empty(), [Note("trial_licks", "no lick times in the trials of the NWB file")]
    values = nwb.array(f"{TRIALS}/lick_times")
    if values.dtype.kind != "f":
        return TRIAL_LICKS.empty(), []
    if "lick_times" in ragged_columns(group):
        counts = np.diff(ragged_offsets(nwb, TRIALS, "lick_times"))
        trial = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
        return _lick_table(trial, values), []
    trial = np.searchsorted(start, values, side="right").astype(np.int64) - 1
    inside = (trial >= 0) & (values <= stop[np.maximum(trial, 0)])
    note = Note("trial_licks", "lick_times has no index in the NWB file; each lick was given to the trial of its time")
    return _lick_table(trial[inside], values[inside]), [note]


def _lick_table(trial: npt.NDArray[np.int64], times: npt.NDArray[Any]) -> pd.DataFrame:
    return TRIAL_LICKS.conform(pd.DataFrame({"trials_id": trial, "times": times.astype(np.float64)}))
