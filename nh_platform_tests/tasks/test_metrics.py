"""Metrics of tasks: known by hand, by scikit-learn and scipy, and where libraries differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, poisson
from sklearn.metrics import balanced_accuracy_score, d2_tweedie_score, mean_absolute_error, r2_score

from nh_platform.session import ConfigError, SchemaError
from nh_platform.tasks.metrics import (
    CLASS_METRICS,
    COUNT_METRICS,
    VALUE_METRICS,
    score_classes,
    score_counts,
    score_values,
)


def logits_of(predicted: list[int], n_classes: int) -> np.ndarray:
    return np.where(np.arange(n_classes) == np.array(predicted)[:, None], 2.0, -1.0)


def test_an_unknown_metric_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean bacc"):
        score_classes(["baccc"], np.zeros((2, 2)), np.array([0, 1]))
    with pytest.raises(ConfigError, match="it is none of values"):
        score_values(["bps"], np.zeros(2), np.ones(2))


def test_classes_by_hand() -> None:
    true, predicted = np.array([0, 0, 0, 1]), [0, 0, 1, 1]
    found = score_classes(["bacc", "f1"], logits_of(predicted, 2), true)
    assert found["bacc"] == pytest.approx((2 / 3 + 1) / 2)
    assert found["f1"] == pytest.approx((2 * 2 / 5 + 2 * 1 / 3) / 2)


def test_a_class_that_never_occurs_is_left_out_unless_it_is_predicted_or_the_metric_has_every_class() -> None:
    true = np.array([0, 0, 1, 1])
    without = score_classes(["bacc", "macro_recall", "macro_f1"], logits_of([0, 0, 1, 1], 3), true)
    assert without == pytest.approx({"bacc": 1.0, "macro_recall": 2 / 3, "macro_f1": 2 / 3})
    predicted = score_classes(["bacc"], logits_of([0, 0, 1, 2], 3), true)
    assert predicted["bacc"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert balanced_accuracy_score(true, [0, 0, 1, 2]) == pytest.approx(0.75)  # scikit-learn's own is another number


def test_average_precision_by_hand_takes_logits_and_probabilities_alike() -> None:
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]])
    true = np.array([0, 1, 0, 1])
    # Class 1 in the order of its scores: 1, 1, 0, 0 -> 1. Class 0: 0, 0, 1, 1 -> 1.
    assert score_classes(["ap"], probabilities, true)["ap"] == 1.0
    assert score_classes(["ap"], np.log(probabilities), true)["ap"] == 1.0
    # Class 1 ranks rows 3, 1, 2, 0, whose targets are 0, 1, 0, 1: (1/2 + 2/4) / 2; class 0 the other way round, too.
    other = np.array([1, 1, 0, 0])
    assert score_classes(["ap"], probabilities, other)["ap"] == pytest.approx((0.5 + 0.5) / 2)


def test_where_every_target_is_of_the_first_class_average_precision_counts_the_others_as_nothing() -> None:
    scores = np.array([[0.9, 0.05, 0.05], [0.5, 0.3, 0.2]])
    assert score_classes(["ap"], scores, np.array([0, 0]))["ap"] == pytest.approx(1 / 3)
    assert score_classes(["ap"], scores[:, [1, 0, 2]], np.array([1, 1]))["ap"] == 1.0


def test_values_are_scikit_learns_and_scipys() -> None:
    rng = np.random.default_rng(3)
    true = rng.normal(size=(20, 50, 1))
    given_ = true + 0.5 * rng.normal(size=true.shape)
    found = score_values(["r2", "mae", "pearson"], given_, true)
    assert found["r2"] == pytest.approx(r2_score(true.ravel(), given_.ravel()))
    assert found["mae"] == pytest.approx(mean_absolute_error(true.ravel(), given_.ravel()))
    assert found["pearson"] == pytest.approx(pearsonr(true.ravel(), given_.ravel()).statistic)


def test_constant_values_give_no_correlation_and_constant_targets_no_explained_variance() -> None:
    assert np.isnan(score_values(["pearson"], np.ones(5), np.arange(5.0))["pearson"])
    assert score_values(["r2"], np.arange(5.0), np.ones(5))["r2"] == 0.0
    assert score_values(["r2"], np.ones(5), np.ones(5))["r2"] == 1.0


def test_poisson_d2_is_scikit_learns_of_each_unit_averaged_over_units_with_spikes() -> None:
    rng = np.random.default_rng(5)
    rates = rng.uniform(0.1, 2, size=(400, 3))
    counts = rng.poisson(rates)
    counts[:, 2] = 0
    found = score_counts(["poisson_d2"], [(np.log(rates[:150]), counts[:150]), (np.log(rates[150:]), counts[150:])])
    each = [d2_tweedie_score(counts[:, unit], rates[:, unit], power=1) for unit in (0, 1)]
    assert found["poisson_d2"] == pytest.approx(np.mean(each))


def test_bits_per_spike_are_pooled_over_units_and_by_the_likelihood() -> None:
    rng = np.random.default_rng(6)
    rates = rng.uniform(0.1, 2, size=(300, 2))
    counts = rng.poisson(rates)
    mean = np.broadcast_to(counts.mean(axis=0), counts.shape)
    gain = poisson.logpmf(counts, rates).sum() - poisson.logpmf(counts, mean).sum()
    found = score_counts(["bps"], [(np.log(rates), counts)])
    assert found["bps"] == pytest.approx(gain / counts.sum() / np.log(2))


def test_the_mean_count_scores_nothing_and_a_rate_in_place_of_a_log_rate_something_finite_and_wrong() -> None:
    counts = np.random.default_rng(7).poisson(0.4, size=(500, 2))
    mean = np.broadcast_to(counts.mean(axis=0), counts.shape)
    found = score_counts(["poisson_d2", "bps"], [(np.log(mean), counts)])
    assert found == pytest.approx({"poisson_d2": 0.0, "bps": 0.0}, abs=1e-12)
    assert score_counts(["poisson_d2"], [(mean, counts)])["poisson_d2"] < -0.5


def test_log_rates_that_are_not_finite_and_counts_that_are_negative_are_refused() -> None:
    with pytest.raises(SchemaError, match="NaN or infinite"):
        score_counts(["bps"], [(np.full((2, 1), -np.inf), np.ones((2, 1)))])
    with pytest.raises(SchemaError, match="negative"):
        score_counts(["bps"], [(np.zeros((2, 1)), -np.ones((2, 1)))])
    with pytest.raises(SchemaError, match=r"\(2, 1\) of counts \(3, 1\)"):
        score_counts(["bps"], [(np.zeros((2, 1)), np.ones((3, 1)))])


def test_nothing_to_score_is_nan_not_an_error() -> None:
    assert np.isnan(score_classes(["bacc"], np.zeros((0, 2)), np.zeros(0, dtype=int))["bacc"])
    assert np.isnan(score_values(["r2"], np.zeros(0), np.zeros(0))["r2"])
    assert np.isnan(score_counts(["bps"], [])["bps"])
    silent = score_counts(["poisson_d2", "bps"], [(np.zeros((4, 1)), np.zeros((4, 1)))])
    assert np.isnan(silent["poisson_d2"])
    assert np.isnan(silent["bps"])


@settings(max_examples=25)
@given(st.integers(2, 5), st.integers(5, 40), st.integers(0, 10_000))
def test_metrics_do_not_depend_on_the_order_of_rows_and_the_right_answer_is_best(
    n_classes: int, n: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    true, logits, order = rng.integers(0, n_classes, n), rng.normal(size=(n, n_classes)), rng.permutation(n)
    found = score_classes(list(CLASS_METRICS), logits, true)
    assert score_classes(list(CLASS_METRICS), logits[order], true[order]) == pytest.approx(found)
    assert all(0 <= value <= 1 for value in found.values())
    assert score_classes(["bacc", "f1"], logits_of(list(true), n_classes), true) == {"bacc": 1.0, "f1": 1.0}
    values = rng.normal(size=n)
    best = score_values(list(VALUE_METRICS), values, values)
    assert best == pytest.approx({"r2": 1.0, "mae": 0.0, "pearson": 1.0})
    rates = rng.uniform(0.2, 2, size=(n, 2))
    counts = rng.poisson(rates)
    whole = score_counts(list(COUNT_METRICS), [(np.log(rates), counts)])
    parts = score_counts(
        list(COUNT_METRICS),
        [(np.log(rates[order][:2]), counts[order][:2]), (np.log(rates[order][2:]), counts[order][2:])],
    )
    assert parts == pytest.approx(whole, nan_ok=True)
