"""Scores of predicted mean responses: against scikit-learn and scipy, calibrated on noise, and where undefined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import r2_score

from nh_platform.tasks.visual.psth_forecast.scores import (
    correlations,
    interval_over_points,
    interval_over_repeats,
    permutation_p,
    r_squared,
)


def test_r2_and_correlation_are_those_of_other_libraries() -> None:
    rng = np.random.default_rng(1)
    target = rng.normal(size=(6, 7, 4))
    prediction = target * 0.5 + rng.normal(size=target.shape)
    for unit in range(4):
        ours, theirs = prediction[:, :, unit].ravel(), target[:, :, unit].ravel()
        np.testing.assert_allclose(r_squared(prediction, target)[unit], r2_score(theirs, ours))
        np.testing.assert_allclose(correlations(prediction, target)[unit], stats.pearsonr(ours, theirs)[0])


def test_what_does_not_vary_has_no_score() -> None:
    varied, constant = np.arange(6.0).reshape(2, 3, 1), np.full((2, 3, 1), 0.1)
    assert np.isnan(r_squared(varied, constant)).all()
    assert r_squared(constant + 2.4, varied).tolist() == [0.0]
    for pair in ((varied, constant), (constant, varied)):
        assert np.isnan(correlations(*pair)).all()
        assert np.isnan(permutation_p(*pair)).all()
    many = np.tile(constant, (5, 1, 1))
    assert np.isnan(permutation_p(many, many)).all()
    assert np.isnan(interval_over_points(many, many)).all()


def test_a_unit_with_nan_does_not_spoil_the_others() -> None:
    rng = np.random.default_rng(2)
    target = rng.normal(size=(6, 5, 2))
    prediction = target.copy()
    prediction[0, 0, 0] = np.nan
    assert np.isnan(r_squared(prediction, target)).tolist() == [True, False]
    assert np.isnan(correlations(prediction, target)).tolist() == [True, False]
    assert np.isnan(permutation_p(prediction, target, n_permutations=20)).tolist() == [True, False]


@pytest.mark.parametrize("n_conditions", [1, 3, 20])
def test_p_of_noise_is_uniform(n_conditions) -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(2, n_conditions, 60, 400))
    p = permutation_p(noise[0], noise[1], n_permutations=199)
    assert abs((p <= 0.05).mean() - 0.05) < 0.03
    assert stats.kstest(p, "uniform").statistic < 0.08
    assert p.min() > 0


def test_p_of_a_movie_is_the_share_of_rotations_that_correlate_as_well() -> None:
    target = np.array([0.0, 0.0, 1.0, 5.0, 0.0, 0.0])
    found = np.corrcoef(np.roll(target, 1), target)[0, 1]
    rotated = [np.corrcoef(np.roll(target, 1 + shift), target)[0, 1] for shift in range(6)]
    expected = sum(value >= found - 1e-12 for value in rotated) / 6
    p = permutation_p(np.roll(target, 1)[None, :, None], target[None, :, None])
    assert p.tolist() == [expected] == [3 / 6]
    assert permutation_p(target[None, :, None], target[None, :, None]).tolist() == [1 / 6]


def test_p_of_conditions_is_small_where_they_are_told_apart_and_not_where_they_share_a_time_course() -> None:
    rng = np.random.default_rng(4)
    course = np.array([0.0, 4.0, 2.0, 0.0])[None, :, None]
    tuned = course * rng.gamma(1.0, 1.0, size=(30, 1, 1))
    noise = [rng.normal(size=(30, 4, 1)) * 0.3 for _ in range(2)]
    assert permutation_p(tuned + noise[0], tuned + noise[1])[0] < 0.01
    shared = permutation_p(np.tile(course, (30, 1, 1)) + noise[0], np.tile(course, (30, 1, 1)) + noise[1])[0]
    assert shared > 0.02


@given(st.integers(0, 1000))
def test_the_order_of_units_does_not_matter(seed) -> None:
    rng = np.random.default_rng(seed)
    prediction, target = rng.normal(size=(2, 6, 4, 5))
    units = rng.permutation(5)
    for score in (r_squared, correlations, lambda a, b: permutation_p(a, b, n_permutations=30)):
        np.testing.assert_allclose(
            score(prediction[:, :, units], target[:, :, units]), score(prediction, target)[units]
        )


def test_the_interval_over_repeats_holds_what_further_repeats_give() -> None:
    rng = np.random.default_rng(5)
    means, conditions = rng.normal(size=(20, 6, 200)), np.repeat(np.arange(20), 10)

    def held_out() -> tuple:
        repeats = means[conditions] + 3.0 * rng.normal(size=(200, 6, 200))
        return repeats, repeats.reshape(20, 10, 6, 200).mean(axis=1)

    repeats, target = held_out()
    low, high = interval_over_repeats(means, repeats, conditions, target, n_draws=400)
    truth = np.mean([correlations(means, held_out()[1]) for _ in range(40)], axis=0)
    inside = ((truth >= low) & (truth <= high)).mean()
    assert 0.88 < inside < 0.99
    assert (low < correlations(means, target)).all()
    assert (high > correlations(means, target)).all()


def test_the_interval_over_conditions_holds_what_further_conditions_give() -> None:
    rng = np.random.default_rng(6)
    target = rng.normal(size=(60, 5, 300))
    prediction = target + rng.normal(size=target.shape)
    low, high = interval_over_points(prediction, target, n_draws=400)
    inside = ((low <= np.sqrt(0.5)) & (high >= np.sqrt(0.5))).mean()
    assert 0.88 < inside < 0.99


def test_a_movie_is_drawn_by_stretches_and_one_too_short_has_no_interval() -> None:
    rng = np.random.default_rng(7)
    target = rng.normal(size=(1, 103, 3))
    low, high = interval_over_points(target + 0.3 * rng.normal(size=target.shape), target, block=10)
    assert (low < high).all()
    assert np.isnan(interval_over_points(target, target, block=30)).all()
    assert np.isnan(interval_over_points(target[:, :4], target[:, :4])).all()
