"""Numbers that say how alike two embeddings are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.embeddings.comparison import feature_correlations, linear_cka, neighbour_overlap
from nh_platform.embeddings.standardised import standardised

RNG = np.random.default_rng(3)
POINTS = RNG.normal(size=(200, 6))


def test_the_same_embedding_in_other_units_of_measure_is_the_same() -> None:
    other = POINTS * np.array([1.0, 10.0, 1e-6, 3.0, 2.0, 0.5]) + 7.0
    assert linear_cka(POINTS, other) == pytest.approx(1.0)
    assert neighbour_overlap(POINTS, other) == pytest.approx(1.0)


def test_unrelated_embeddings_are_near_chance() -> None:
    other = RNG.normal(size=(200, 6))
    assert linear_cka(POINTS, other) < 0.1
    assert neighbour_overlap(POINTS, other) == pytest.approx(10 / 199, abs=0.03)


def test_cka_is_that_of_centred_kernels() -> None:
    other = POINTS @ RNG.normal(size=(6, 4))
    x, y = standardised(POINTS), standardised(other)
    centring = np.eye(len(x)) - 1 / len(x)
    k, m = (centring @ one @ one.T @ centring for one in (x, y))
    expected = (k * m).sum() / np.sqrt((k * k).sum() * (m * m).sum())
    assert linear_cka(POINTS, other) == pytest.approx(expected)


def test_what_does_not_vary_or_is_undefined_takes_no_part() -> None:
    with_more = np.column_stack([POINTS, np.full(200, 5.0), np.full(200, np.nan)])
    assert linear_cka(POINTS, with_more) == pytest.approx(1.0)
    assert np.isnan(linear_cka(POINTS, np.full((200, 2), np.nan)))
    assert np.isnan(linear_cka(POINTS[:1], POINTS[:1]))
    assert np.isnan(neighbour_overlap(POINTS[:2], POINTS[:2]))


def test_features_correlate_over_what_both_know() -> None:
    one = pd.DataFrame({"rate": [1.0, 2.0, np.nan, 4.0], "flat": 1.0, "own": 0.0})
    other = pd.DataFrame({"flat": 1.0, "rate": [2.0, 4.0, 5.0, 8.0]}, index=range(4))
    found = feature_correlations(one, other).set_index("feature")
    assert found.index.tolist() == ["rate", "flat"]
    assert found.loc["rate", ["r", "rows", "largest_difference"]].tolist() == [pytest.approx(1.0), 3, 4.0]
    assert np.isnan(found.loc["flat", "r"])


@settings(deadline=None, max_examples=20)
@given(n=st.integers(3, 30), seed=st.integers(0, 2**16))
def test_both_numbers_are_symmetric_and_from_0_to_1(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = rng.normal(size=(n, 3)), rng.normal(size=(n, 5))
    for number in (linear_cka, neighbour_overlap):
        assert 0.0 <= number(one, other) <= 1.0 + 1e-12
        assert number(one, other) == pytest.approx(number(other, one))
