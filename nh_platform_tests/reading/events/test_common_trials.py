"""Trials of every source have the same columns beside their own, and mean the same by them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nh_platform.reading.events.common_trials import COMMON_COLUMNS, common_trials
from nh_platform.reading.events.session_events import SessionEvents
from nh_platform.session.tables.events import EVENTS
from nh_platform.sources.events import EventTimes
from nh_platform.sources.registry import source_entry


def trials_of(source, **tables) -> pd.DataFrame | None:
    stored = {name: EVENTS[name].conform(pd.DataFrame(columns)) for name, columns in tables.items()}
    stated = source_entry(source).events if source else {"stimulus onset": EventTimes("lab_trials", "tone")}
    return common_trials(SessionEvents(lambda: stored, lambda: stated, "a session"))


def column(trials, name) -> list[float | None]:
    assert trials[name].dtype == np.float64
    return [None if np.isnan(value) else value for value in trials[name]]


def test_ibl() -> None:
    trials = trials_of(
        "ibl",
        trials={
            "start_time": [0.0, 10.0, 20.0],
            "stop_time": [9.0, 19.0, 29.0],
            "stimOn_times": [1.0, np.nan, 21.0],
            "response_times": [2.0, 12.0, 22.0],
            "feedback_times": [2.1, 12.1, 22.1],
            "feedbackType": [1.0, -1.0, np.nan],
        },
    )
    assert set(EVENTS["trials"].names) < set(trials)
    assert column(trials, "stimulus_onset") == [1.0, None, 21.0]
    assert column(trials, "response_time") == [2.0, 12.0, 22.0]
    assert column(trials, "reward_time") == [2.1, None, None]
    assert column(trials, "correct") == [1.0, 0.0, None]


def test_visual_behavior() -> None:
    flags = {name: [False] * 4 for name in ("hit", "miss", "false_alarm", "correct_reject")}
    trials = trials_of(
        "allen_vbn",
        change_trials={
            "trials_id": [0, 1, 2, 3],
            "start_time": [0.0, 10.0, 20.0, 30.0],
            "response_time": [1.6, np.nan, np.nan, 31.0],
            "reward_time": [1.7, np.nan, np.nan, np.nan],
            "change_time_no_display_delay": [0.9, 10.9, 20.9, np.nan],
            **flags,
            "hit": [True, False, False, False],
            "correct_reject": [False, True, False, False],
            "miss": [False, False, True, False],
        },
        presentations={
            "presentation_id": range(6),
            "start_time": [0.5, 1.0, 11.0, 21.0, 30.5, 50.0],
            "stop_time": [0.6, 1.1, 11.1, 21.1, 30.6, 50.1],
            "stimulus_name": ["images"] * 6,
            "valid": [True] * 6,
            "is_change": [0.0, 1.0, 0.0, 1.0, 0.0, 1.0],
            "is_sham_change": [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
            "trials_id": [0.0, 0.0, 1.0, 2.0, 3.0, np.nan],  # the last one is of the passive replay
        },
    )
    # times of the display, of real and sham changes; an aborted trial has neither
    assert column(trials, "stimulus_onset") == [1.0, 11.0, 21.0, None]
    assert column(trials, "correct") == [1.0, 1.0, 0.0, None]
    assert column(trials, "response_time") == [1.6, None, None, 31.0]
    assert column(trials, "stop_time") == [None] * 4


def test_visual_behavior_without_outcomes_or_presentations() -> None:
    trials = trials_of("allen_vbn", change_trials={"trials_id": [0], "start_time": [1.0]})
    assert {name: column(trials, name) for name in COMMON_COLUMNS} == {
        "start_time": [1.0],
        "stop_time": [None],
        "stimulus_onset": [None],
        "response_time": [None],
        "reward_time": [None],
        "correct": [None],
    }


def test_a_trial_of_visual_coding_is_a_presentation_and_a_movie_is_one() -> None:
    trials = trials_of(
        "allen_vc",
        presentations={
            "presentation_id": range(4),
            "start_time": [0.0, 1.0, 2.0, 3.0],
            "stop_time": [1.0, 2.0, 3.0, 4.0],
            "stimulus_name": ["spontaneous", "natural_movie_one", "natural_movie_one", "flashes"],
            "stimulus_block": [np.nan, 1.0, 1.0, 2.0],
            "frame": [np.nan, 0.0, 1.0, np.nan],
            "valid": [True] * 4,
        },
    )
    assert trials.index.tolist() == [1, 3]
    assert column(trials, "stimulus_onset") == column(trials, "start_time") == [1.0, 3.0]
    assert column(trials, "stop_time") == [3.0, 4.0]
    assert column(trials, "correct") == [None, None]


def test_a_lab_keeps_its_own_columns() -> None:
    trials = trials_of(
        None,
        lab_trials={
            "trial_id": [0, 1],
            "start_time": [0.0, 1.0],
            "stop_time": [0.9, 1.9],
            "tone": [0.1, 1.1],
            "correct": ["yes", "no"],
        },
    )
    assert column(trials, "stimulus_onset") == [0.1, 1.1]
    assert trials["correct"].tolist() == ["yes", "no"]
    assert column(trials, "reward_time") == [None, None]


def test_neither_trials_nor_presentations() -> None:
    assert trials_of("ibl", licks={"times": [1.0]}) is None


def test_no_rows() -> None:
    trials = trials_of("ibl", trials={name: [] for name in ("start_time", "stop_time", "feedbackType")})
    assert len(trials) == 0
    assert set(COMMON_COLUMNS) < set(trials)
