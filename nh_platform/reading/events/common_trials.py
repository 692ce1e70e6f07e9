"""Trials of every source with one set of common columns beside those of the source.

A trial is the row of the source's table of trials; of a source without a task it is a presentation, a movie's showing
being one. Add a column to `COMMON_COLUMNS` where what it means is the same in two sources.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reading.events.session_events import SessionEvents
from nh_platform.session.tables.events import CHANGE_TRIALS, PRESENTATIONS, TRIAL_TABLES, TRIALS

FloatArray = npt.NDArray[np.float64]

COMMON_COLUMNS: Mapping[str, str] = {
    "start_time": "Start of the trial in s",
    "stop_time": "End of the trial in s; NaN where it is not known",
    "stimulus_onset": "Onset of the stimulus in s: of the change, real or sham, in change detection; NaN without one",
    "response_time": "Response of the animal in s; NaN without one",
    "reward_time": "Reward in s; NaN without one",
    "correct": "1 where the response, or its absence, was right, 0 where it was wrong; NaN where there was no choice",
}
"""Columns that the trials of every source have, float64; those that a source cannot fill are NaN."""

_EVENT_OF = {"stimulus_onset": "stimulus onset", "response_time": "response", "reward_time": "reward"}


def common_trials(events: SessionEvents) -> pd.DataFrame | None:
    """Return the trials of a session with `COMMON_COLUMNS`; None where it has neither trials nor presentations.

    A column that the table has already keeps its values. The index is that of the table which the trials are rows of.
    """
    name = next((table for table in TRIAL_TABLES if table in events), PRESENTATIONS.name)
    if name not in events:
        return None
    table = events[name]
    if name == PRESENTATIONS.name and "stimulus onset" in events.names:
        onset = events("stimulus onset")
        table = onset.rows if onset.label.startswith(f"{name}.") else table
    added: dict[str, FloatArray] = {}
    for column, event in _EVENT_OF.items():
        if event in events.names and events.stated[event].table == name:
            found = events(event)
            added[column] = pd.Series(found.times, index=found.rows.index).reindex(table.index).to_numpy(np.float64)
    if name == CHANGE_TRIALS.name and PRESENTATIONS.name in events:
        added["stimulus_onset"] = _change_onsets(table, events[PRESENTATIONS.name])
    if name == TRIALS.name:
        feedback = table["feedbackType"].to_numpy(dtype=np.float64)
        added["correct"] = np.select([feedback > 0, feedback < 0], [1.0, 0.0], np.nan)
    elif name == CHANGE_TRIALS.name:
        added["correct"] = _change_outcomes(table)
    missing = {
        column: added.get(column, np.full(len(table), np.nan)) for column in COMMON_COLUMNS if column not in table
    }
    return table.assign(**missing)


def _change_onsets(trials: pd.DataFrame, presentations: pd.DataFrame) -> FloatArray:
    """Return (n_trials,) s when the changed image of a trial came on, or in a catch trial the image that stayed.

    Presentations have the time of the display; the trials' own ``change_time_no_display_delay`` is before it.
    """
    nothing = np.full(len(trials), np.nan)
    changes = np.zeros(len(presentations), dtype=bool)
    for column in ("is_change", "is_sham_change"):
        if column in presentations:
            changes |= pd.to_numeric(presentations[column], errors="coerce").to_numpy(dtype=np.float64) >= 1
    if "trials_id" not in presentations:
        return nothing
    shown = presentations[changes & presentations["trials_id"].notna()].drop_duplicates("trials_id")
    onsets = pd.Series(shown["start_time"].to_numpy(), index=shown["trials_id"].astype("int64"))
    return onsets.reindex(trials["trials_id"]).to_numpy(dtype=np.float64)


def _change_outcomes(trials: pd.DataFrame) -> FloatArray:
    """Return (n_trials,) 1 for hits and correct rejects, 0 for misses and false alarms, else NaN."""
    outcomes = {"hit": 1.0, "correct_reject": 1.0, "miss": 0.0, "false_alarm": 0.0}
    correct = np.full(len(trials), np.nan)
    for column, value in outcomes.items():
        if column in trials:
            correct[trials[column].to_numpy(dtype=bool)] = value
    return correct
