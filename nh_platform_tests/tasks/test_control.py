"""Targets are moved within their split, and the p value counts the observation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from nh_platform.tasks.baselines import baseline_of
from nh_platform.tasks.control import moved_targets, p_value
from nh_platform.tasks.scoring import scores, truth_rows
from nh_platform_tests.tasks import made_up


def test_p_by_hand() -> None:
    assert p_value(0.9, [0.1] * 99) == pytest.approx(0.01)
    assert p_value(0.5, [0.5, 0.4, 0.6, 0.1]) == pytest.approx(3 / 5)
    assert p_value(0.5, [float("nan"), 0.4]) == pytest.approx(1 / 2)
    assert np.isnan(p_value(0.5, []))
    assert np.isnan(p_value(float("nan"), [0.1]))


def test_classes_are_shuffled_within_training_and_within_val_and_test_keeps_its_own() -> None:
    data = made_up.classes()
    moves = list(moved_targets(data, "classes", 5, seed=1))
    assert len(moves) == 5
    for moved in moves:
        for split in ("train", "val"):
            rows = data.rows(split)
            assert sorted(moved[rows]) == rows.tolist()
            assert (moved[rows] != rows).any()
        np.testing.assert_array_equal(moved[data.rows("test")], data.rows("test"))
    assert len({moved.tobytes() for moved in moves}) == 5
    again = list(moved_targets(data, "classes", 5, seed=1))
    np.testing.assert_array_equal(again, moves)


def test_signals_are_rolled_by_a_tenth_at_least_each_roll_once() -> None:
    data = made_up.moments()
    moves = list(moved_targets(data, "values", 1_000, seed=1))
    rows = data.rows("train")
    steps = sorted(int(moved[rows[0]] - rows[0]) for moved in moves)
    assert steps == list(range(6, 55))  # of 60 windows: 10 to 90 %, so that 49 are all there are
    for moved in moves:
        assert sorted(np.diff(moved[rows])) == [1 - len(rows), *[1] * (len(rows) - 2)]  # neighbours stay neighbours


@pytest.mark.slow
def test_p_is_even_where_the_spikes_say_nothing() -> None:
    found = []
    for seed in range(40):
        data = made_up.classes(n=60, strength=0, seed=seed)
        task, rows = made_up.task({"": data}), truth_rows(data)
        baseline = baseline_of("classes", data, 43)

        def score(moved: np.ndarray | None) -> float:
            return scores(task, data, rows, baseline.fit(moved).predict(rows))["bacc"]  # noqa: B023

        control = [score(moved) for moved in moved_targets(data, "classes", 19, seed)]
        found.append(p_value(score(None), control))
    assert kstest(found, "uniform").pvalue > 0.001
    assert np.mean(np.array(found) <= 0.05) < 0.2
