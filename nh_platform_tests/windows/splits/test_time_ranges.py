"""Stretches within a session: in order, with a gap, without invalid time, and never empty."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.session import ConfigError
from nh_platform.windows.splits import block_folds, causal_ranges, task_time_ranges


def listed(ranges: dict[str, np.ndarray]) -> dict[str, list[list[float]]]:
    return {name: one.tolist() for name, one in ranges.items()}


def test_training_comes_first_and_a_gap_lies_between_two_splits() -> None:
    assert listed(causal_ranges(100.0, 1140.0)) == {
        "train": [[100.0, 900.0]],
        "valid": [[920.0, 1020.0]],
        "test": [[1040.0, 1140.0]],
    }


def test_invalid_time_is_cut_out() -> None:
    ranges = causal_ranges(0.0, 1040.0, invalid=np.array([[10.0, 20.0], [790.0, 830.0]]))
    assert listed(ranges) == {
        "train": [[0.0, 10.0], [20.0, 790.0]],
        "valid": [[830.0, 920.0]],
        "test": [[940.0, 1040.0]],
    }


@settings(deadline=None, derandomize=True)  # a busy machine draws slowly
@given(st.floats(0, 1000), st.floats(200, 10_000), st.floats(0, 30))
def test_no_time_is_in_two_splits_and_the_gap_is_kept(start, length, gap) -> None:
    ranges = causal_ranges(start, start + length, gap_s=gap)
    edges = np.concatenate([ranges[name][0] for name in ("train", "valid", "test")])
    assert (np.diff(edges) >= 0).all()
    assert edges[2] - edges[1] == pytest.approx(gap, abs=1e-6)
    assert edges[4] - edges[3] == pytest.approx(gap, abs=1e-6)
    assert (edges[0], edges[-1]) == (start, start + length)


def test_every_block_tests_once_and_nothing_near_it_trains() -> None:
    folds = block_folds(0.0, 1000.0, 5)
    assert [fold["test"].tolist() for fold in folds] == [
        [[low, low + 200.0]] for low in (0.0, 200.0, 400.0, 600.0, 800.0)
    ]
    assert folds[0]["train"].tolist() == [[220.0, 1000.0]]
    assert folds[2]["train"].tolist() == [[0.0, 380.0], [620.0, 1000.0]]


def test_the_benchmark_cuts_by_time_of_the_task_at_the_end_of_a_trial() -> None:
    starts = np.arange(10.0, 1010.0, 10.0)  # 100 trials of 1 s, 9 s apart
    trials = np.column_stack([starts, starts + 1])
    ranges = task_time_ranges(0.0, 1050.0, trials)
    # 40 % of the task have passed with the 40th trial, which ends at 401 s; 20 s later is within the trial at 420 s.
    assert listed(ranges) == {"train": [[0.0, 401.0]], "valid": [[421.0, 601.0]], "test": [[621.0, 1050.0]]}
    for name, share in (("train", 40), ("valid", 18), ("test", 38)):
        (low, high), *_ = ranges[name]
        assert int(((trials[:, 0] >= low) & (trials[:, 1] <= high)).sum()) == share


def test_a_cut_lies_at_the_nearer_edge_of_its_trial() -> None:
    trials = np.array([[0.0, 30.0], [100.0, 130.0], [200.0, 210.0], [300.0, 340.0], [400.0, 450.0]])
    # Of 160 s, 64 s have passed 4 s into the trial of 10 s, and 96 s 14 s before the end of that of 40 s.
    assert listed(task_time_ranges(0.0, 500.0, trials)) == {
        "train": [[0.0, 200.0]],
        "valid": [[220.0, 340.0]],
        "test": [[360.0, 500.0]],
    }


def test_of_a_trial_only_the_recorded_part_counts() -> None:
    trials = np.array([[-50.0, 10.0], [100.0, 110.0], [200.0, 210.0], [300.0, 310.0], [400.0, 410.0], [500.0, 590.0]])
    # 10 s each: 40 % of 50 s and of no more have passed with the second trial.
    assert listed(task_time_ranges(0.0, 500.0, trials))["train"] == [[0.0, 110.0]]


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (lambda: causal_ranges(0.0, 30.0), "split of 0 to 30 s with gaps of 20 s: nothing is left of train and valid"),
        (lambda: causal_ranges(0.0, 999.0, gap_s=-1.0), "gap of -1 s: it is negative"),
        (lambda: causal_ranges(0.0, 999.0, {"train": 0.5, "test": 0.4}), "they add up to 0.9"),
        (lambda: block_folds(0.0, 999.0, 1), "1 folds: nothing would train"),
        (lambda: block_folds(0.0, 40.0, 2), "nothing is left of train"),
        (lambda: task_time_ranges(0.0, 99.0, np.zeros((0, 2))), "there are none"),
        (lambda: task_time_ranges(0.0, 99.0, np.array([[5.0, 6.0], [5.5, 7.0]])), "they overlap, descend"),
        (lambda: task_time_ranges(9.0, 99.0, np.array([[1.0, 2.0]])), "none of them lies between 9 and 99 s"),
        (lambda: task_time_ranges(0.0, 9.0, np.array([[1.0, 2.0], [3.0, 4.0]])), "nothing is left of"),
    ],
)
def test_what_leaves_nothing_is_refused(call, found) -> None:
    with pytest.raises(ConfigError, match=found):
        call()
