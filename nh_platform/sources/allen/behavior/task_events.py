"""Trials, licks and rewards of a Visual Behavior NWB file.

Contains the readers of ``/intervals/trials``, ``/processing/licking`` and ``/processing/rewards``. Add here what the
change detection task records. Stimulus presentations are `nh_platform.sources.allen.nwb.stimulus_presentations`; no
performance is computed here.
"""

from __future__ import annotations

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session.tables.change_detection import CHANGE_TRIALS, REWARDS, TRIAL_LICKS
from nh_platform.session.tables.events import LICKS
from nh_platform.sources.nwb.nwb_file import NULL_TEXTS, NwbFile, ragged_columns, ragged_offsets
from nh_platform.sources.nwb.nwb_table import NwbTable, read_table

TRIALS = "intervals/trials"
LICKING = "processing/licking/licks"
REWARD_MODULE = "processing/rewards"
UL_PER_ML = 1000.0
NULL_INTEGER = -99
"""Stands for "no value" in whole-number columns of the release (AllenSDK, `enforce_df_int_typing`)."""

CHANGE_TIME = "change_time_no_display_delay"
OLDER_NAMES = {"is_change": "stimulus_change", CHANGE_TIME: "change_time"}
"""Columns of the table and their other name in the file. Both names of the change time are that without display delay:
the release has only such times in its trials (AllenSDK 2.16.2, `VBNTrials`)."""
OUTCOMES = ("is_change", "go", "catch", "aborted", "auto_rewarded", "hit", "miss", "false_alarm", "correct_reject")
TIMES = ("trial_length", CHANGE_TIME, "response_time", "reward_time")
UNKNOWN_MARK = "the table has no such column"


def read_trials(nwb: NwbFile) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Return the trials and the licks of each, or None for both and a note where the file has none.

    A trial without a start is left out, and trials are brought into the order of their starts. A time, volume or name
    that cannot be used is NaN or null; an outcome that cannot, which is a boolean, is no column of the table, and
    ``n_licks`` is none where the licks of the trials cannot be read. Notes say so.

    Returns
    -------
    trials
        Schema `CHANGE_TRIALS`; reward volumes in µL (mL in the file).
    licks
        Schema `TRIAL_LICKS`; None where the trials have none that can be used.
    """
    if not nwb.has(TRIALS):
        nwb.note("change_trials", "no trials in the NWB file")
        return None, None
    return nwb.optional("change_trials", _read_trials, nwb) or (None, None)


def _read_trials(nwb: NwbFile) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    stated = read_table(nwb, TRIALS, "change_trials", key="start_time", ignored={"lick_times", "tags", "timeseries"})
    table = pd.DataFrame({"trials_id": np.arange(stated.n_rows, dtype=np.int64)})
    table["start_time"], table["stop_time"] = stated.required("start_time"), stated.numbers("stop_time")
    for name in TIMES:
        table[name] = stated.numbers(_name_in(stated, name))
    for name in OUTCOMES:
        marks = stated.marks(_name_in(stated, name), UNKNOWN_MARK)
        if marks is not None:
            table[name] = marks
    table["reward_volume"] = stated.numbers("reward_volume") * UL_PER_ML
    frames = stated.numbers("change_frame")
    table["change_frame"] = np.where(frames == NULL_INTEGER, np.nan, frames)
    for name in ("initial_image_name", "change_image_name"):
        table[name] = pd.Series(stated.texts(name), dtype=object)
    table = _timed(stated, table)
    length = table["trial_length"]
    table["trial_length"] = length.where(np.isfinite(length), table["stop_time"] - table["start_time"])
    licks = nwb.optional("trial_licks", _trial_licks, nwb, stated, table)
    if licks is not None:
        counts = np.bincount(licks["trials_id"], minlength=stated.n_rows)
        table["n_licks"] = counts[table["trials_id"].to_numpy()].astype(np.int64)
    return nwb.conform(CHANGE_TRIALS, table, TRIALS), licks


def _name_in(stated: NwbTable, name: str) -> str:
    """Return the name of a column in the file."""
    older = OLDER_NAMES.get(name, name)
    return older if older in stated.columns or older in stated.left_out else name


def _timed(stated: NwbTable, table: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that have a start, in order of it; notes count what is wrong with starts and ends."""
    started = np.isfinite(table["start_time"]).to_numpy()
    if not started.all():
        stated.note("start_time", f"no time in {int((~started).sum())} of {len(table)} rows; left out")
        table = table[started]
    if (np.diff(table["start_time"]) < 0).any():
        stated.note("start_time", "rows are not in order of time; sorted")
        table = table.sort_values("start_time", kind="stable")
    stop = table["stop_time"].where(np.isfinite(table["stop_time"]))
    for wrong, found in ((stop.isna(), "no time"), (stop < table["start_time"], "a time before start_time")):
        if wrong.any():
            stated.note("stop_time", f"{found} in {int(wrong.sum())} of {len(table)} rows; kept as it is")
    return table.assign(stop_time=stop).reset_index(drop=True)


def read_licks(nwb: NwbFile) -> pd.DataFrame | None:
    """Return every lick of the session that has a time (schema `LICKS`), or None and a note where the file has none."""
    if not nwb.has(LICKING):
        nwb.note("licks", "no licks in the NWB file")
        return None
    path = f"{LICKING}/timestamps"
    times = nwb.optional("licks", nwb.numbers, path)
    if times is None:
        return None
    frames = nwb.found(f"{LICKING}/data")
    if isinstance(frames, h5py.Dataset) and frames.shape != times.shape:
        nwb.note("licks", f"{path} has {len(times)} times, and {LICKING}/data {frames.shape} frames; times are kept")
    return LICKS.conform(_in_time_order(nwb, "licks", path, pd.DataFrame({"times": times})))


def read_rewards(nwb: NwbFile) -> pd.DataFrame | None:
    """Return every reward that has a time (schema `REWARDS`; µL, mL in the file), or None and a note without any.

    Volumes that cannot be used are NaN; without usable ``autorewarded`` the table has no ``auto_rewarded``.
    """
    if not nwb.has(REWARD_MODULE):
        nwb.note("rewards", "no rewards in the NWB file")
        return None
    path = f"{REWARD_MODULE}/volume/timestamps"
    times = nwb.optional("rewards", nwb.numbers, path)
    if times is None:
        return None
    table = pd.DataFrame({"times": times})
    volume = nwb.optional("rewards", _beside_times, nwb, f"{REWARD_MODULE}/volume/data", len(times))
    table["volume"] = np.nan if volume is None else volume * UL_PER_ML
    marks = nwb.optional("rewards", _beside_times, nwb, f"{REWARD_MODULE}/autorewarded/data", len(times))
    if marks is not None:
        table["auto_rewarded"] = marks == 1
    return nwb.conform(REWARDS, _in_time_order(nwb, "rewards", path, table), REWARD_MODULE)


def _beside_times(nwb: NwbFile, path: str, n_times: int) -> npt.NDArray[np.float64]:
    values = nwb.numbers(path)
    if len(values) != n_times:
        raise nwb.bad(f"{path} has {len(values)} values for {n_times} rewards")
    if n_times and np.isnan(values).all():
        raise nwb.bad(f"{path} has no value for any of {n_times} rewards")
    return values


def _in_time_order(nwb: NwbFile, subject: str, path: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that have a time, in order of it; notes say where some have none or lie otherwise."""
    timed = np.isfinite(table["times"]).to_numpy()
    if not timed.all():
        nwb.note(subject, f"{path}: {int((~timed).sum())} of {len(table)} are NaN or infinite; left out")
    table = table[timed]
    if (np.diff(table["times"]) < 0).any():
        nwb.note(subject, f"{path}: not in order of time; sorted")
        table = table.sort_values("times", kind="stable")
    return table.reset_index(drop=True)


def _trial_licks(nwb: NwbFile, stated: NwbTable, trials: pd.DataFrame) -> pd.DataFrame:
    """Return the licks of every trial; a note where their trials follow from the times alone.

    AllenSDK's writer leaves out the index of ``lick_times`` where the session happens to have as many licks as trials,
    so that one lick seems to belong to each; and it writes one empty text where there was no lick.

    Raises
    ------
    BadUpstreamData
        If lick times are missing, are no times, or cannot be divided among the trials.
    """
    path = f"{TRIALS}/lick_times"
    dataset = nwb.found(path)
    if isinstance(dataset, h5py.Dataset) and dataset.dtype.kind != "f" and set(nwb.array(path).flat) <= NULL_TEXTS:
        return TRIAL_LICKS.empty()
    values = nwb.numbers(path)
    if "lick_times" in ragged_columns(nwb.group(TRIALS)):
        counts = np.diff(ragged_offsets(nwb, TRIALS, "lick_times", stated.n_rows))
        trial = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    else:
        start, stop = trials["start_time"].to_numpy(), trials["stop_time"].to_numpy()
        row = np.searchsorted(start, values, side="right") - 1
        inside = (row >= 0) & (values <= stop[np.maximum(row, 0)]) if len(start) else np.zeros(len(values), dtype=bool)
        given = "each lick was given to the trial of its time"
        if not inside.all():
            given += f", and {int((~inside).sum())} of {len(values)} lie in no trial and are left out"
        nwb.note("trial_licks", f"{path} has no index in the NWB file; {given}")
        trial, values = trials["trials_id"].to_numpy()[row[inside]], values[inside]
    kept = np.isfinite(values) & np.isin(trial, trials["trials_id"])
    if not kept.all():
        nwb.note("trial_licks", f"{path}: {int((~kept).sum())} of {len(kept)} have no time or no trial; left out")
    licks = pd.DataFrame({"trials_id": trial[kept], "times": values[kept]})
    in_order = licks.sort_values(["trials_id", "times"], kind="stable", ignore_index=True)
    if not in_order.equals(licks):
        nwb.note("trial_licks", f"{path}: not in order of time within each trial; sorted")
    return nwb.conform(TRIAL_LICKS, in_order, path)
