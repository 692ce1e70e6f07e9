"""Targets are moved within their split, and the p value counts the observation."""

from __future__ import annotations

from dataclasses import replace

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


def test_classes_are_shuffled_within_each_split_and_those_that_do_not_count_stay() -> None:
    data = made_up.classes()
    mask = np.arange(200) % 10 > 0
    data = replace(data, mask=mask)
    moves = list(moved_targets(data, "classes", 5, seed=1))
    assert len(moves) == 5
    for moved in moves:
        np.testing.assert_array_equal(moved[~mask], np.flatnonzero(~mask))
        for split in ("train", "val", "test"):
            rows = np.intersect1d(data.rows(split), np.flatnonzero(mask))
            assert sorted(moved[rows]) == rows.tolist()
            assert (moved[rows] != rows).any()
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
    for seed in range(24):
        data = made_up.classes(n=50, strength=0, seed=seed)
        task, rows = made_up.task({"": data}), truth_rows(data)
        baseline = baseline_of("classes", data, 43)

        def score(moved: np.ndarray | None) -> float:
            predictions = baseline.fit(moved).predict(rows)  # noqa: B023
            true = replace(data, outputs=lambda at: data.outputs(at if moved is None else moved[at]))  # noqa: B023
            return scores(task, true, rows, predictions)["bacc"]  # noqa: B023

        control = [score(moved) for moved in moved_targets(data, "classes", 9, seed)]
        found.append(p_value(score(None), control))
    assert kstest(found, "uniform").pvalue > 0.001
    assert 0.3 < np.mean(found) < 0.75
