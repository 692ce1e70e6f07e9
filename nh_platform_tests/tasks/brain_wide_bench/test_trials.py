"""The benchmark's trials: which count, their windows to the edge, their spans, and sessions without any."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.tasks.brain_wide_bench.trials import NOT_VALID, OVERLAPPING, benchmark_trials
from nh_platform.tasks.task import TargetMissing
from nh_platform_tests.tasks.brain_wide_bench.hand_made import session_of, spikes_of, trials_at

SPIKES = spikes_of([0.0, 100.0])


def kept(trials) -> list[int]:
    return benchmark_trials(session_of(SPIKES, trials)).rows.tolist()


@pytest.mark.parametrize(
    ("reaction", "valid"), [(-0.001, False), (0.0, True), (10.0, True), (10.001, False), (np.nan, False)]
)
def test_a_reaction_time_of_0_to_10_s_counts_both_included(reaction, valid) -> None:
    trials = trials_at([8.0, 32.0])
    trials.loc[1, ["firstMovement_times", "feedback_times"]] = 32.0 + reaction, 44.0
    assert kept(trials) == ([0, 1] if valid else [0])


@pytest.mark.parametrize(
    "column",
    ["stimOn_times", "choice", "feedback_times", "probabilityLeft", "firstMovement_times", "feedbackType"],
)
def test_a_trial_with_a_missing_value_is_left_out_and_ids_are_rows_of_all_trials(column) -> None:
    trials = trials_at([10.0, 20.0, 30.0])
    trials.loc[1, column] = np.nan
    found = benchmark_trials(session_of(SPIKES, trials))
    assert found.rows.tolist() == [0, 2]
    assert found.left_out == {NOT_VALID: 1}


def test_no_choice_is_left_out_and_long_trials_are_not() -> None:
    trials = trials_at([10.0, 20.0, 150.0], choice=[1, 0, -1])
    trials.loc[2, "feedback_times"] = 290.0
    assert kept(trials) == [0, 2]


def test_windows_start_at_their_events_and_spans_hold_all_of_them() -> None:
    trials = trials_at([10.0, 20.0], probabilityLeft=[0.5, 0.8])
    found = benchmark_trials(session_of(SPIKES, trials))
    assert {name: start.tolist() for name, start in found.starts.items()} == {
        "choice": [9.5, 19.5],
        "feedback": [11.0, 21.0],
        "stimulus": [9.1, 19.1],
        "movement": [10.5, 20.5],
        "block": [9.0, 19.0],
    }
    # Without a window of the block the stimulus' is the first one.
    assert found.spans.tolist() == [[9.1, 12.0], [19.0, 22.0]]


def test_of_two_trials_whose_windows_overlap_the_later_is_left_out() -> None:
    found = benchmark_trials(session_of(SPIKES, trials_at([10.0, 12.5, 15.0])))
    assert found.rows.tolist() == [0, 2]
    assert found.left_out == {OVERLAPPING: 1}


@pytest.mark.parametrize(
    ("trials", "found"),
    [
        (None, "it has no trials of the IBL task; it has no tables of events"),
        (trials_at([10.0], choice=[0]), "none of its 1 trials is valid"),
        (trials_at([10.0]).drop(columns="probabilityLeft"), "columns missing: probabilityLeft"),
    ],
)
def test_a_session_without_trials_is_named_with_what_it_has(trials, found) -> None:
    with pytest.raises(TargetMissing, match=f"ibl session by-hand: .*{found}"):
        benchmark_trials(session_of(SPIKES, trials))
