"""Vectors are measured whatever they describe: values that are none, columns of one value, dimensions, duplicates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.embeddings.vector_quality import constant_columns, effective_rank, vector_quality


@settings(deadline=None)
@given(n_columns=st.integers(1, 8), n_dimensions=st.integers(1, 8), seed=st.integers(0, 99))
def test_the_effective_rank_is_at_most_the_dimensions_that_were_mixed(
    n_columns: int, n_dimensions: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    n_dimensions = min(n_dimensions, n_columns)
    mixed = rng.normal(size=(200, n_dimensions)) @ rng.normal(size=(n_dimensions, n_columns))
    assert 1.0 <= effective_rank(mixed) <= n_dimensions + 1e-3


def test_independent_columns_fill_as_many_dimensions_as_there_are() -> None:
    assert effective_rank(np.random.default_rng(0).normal(size=(5000, 6))) > 5.98


def test_vectors_that_are_not_finite_are_counted_and_left_out_of_the_rest() -> None:
    vectors = [[0.0, 5.0, 1.0], [1.0, 5.0, 0.0], [1.0, 5.0, 0.0], [np.nan, 4.0, 3.0]]
    found = vector_quality(vectors)
    assert (found.n_vectors, found.n_not_finite, found.n_duplicates) == (4, 1, 1)
    assert found.n_constant == 1
    assert constant_columns(vectors, ("a", "b", "c")) == ("b",)
    assert found.effective_rank == 1.0


def test_no_vector_has_no_rank_and_no_constant_column() -> None:
    found = vector_quality(np.zeros((0, 2)))
    assert (found.n_vectors, found.n_not_finite, found.n_duplicates, found.n_constant) == (0, 0, 0, 0)
    assert np.isnan(found.effective_rank)


@given(st.integers(2, 30), st.integers(2, 30), st.booleans())
@settings(deadline=None)
def test_the_effective_rank_is_that_of_the_singular_values_whatever_the_shape(n: int, m: int, scaled: bool) -> None:
    vectors = np.random.default_rng(n * 31 + m).normal(size=(n, m)).astype(np.float32)
    centred = vectors - vectors.mean(axis=0, dtype=np.float64)
    centred = centred / centred.std(axis=0) if scaled else centred
    shares = np.linalg.svd(centred, compute_uv=False)
    shares = shares[shares > 1e-9 * shares.max()] / shares.sum()
    expected = np.exp(-(shares * np.log(shares)).sum())
    assert effective_rank(vectors, scaled=scaled) == pytest.approx(expected, abs=2e-3)


@given(
    n=st.integers(3, 400),
    n_columns=st.integers(2, 200),
    n_dimensions=st.integers(1, 3),
    offset=st.sampled_from([0.0, 1.0, 300.0]),
    scaled=st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_the_rounding_of_float32_is_no_dimension(
    n: int, n_columns: int, n_dimensions: int, offset: float, scaled: bool
) -> None:
    rng = np.random.default_rng(n * 1000 + n_columns)
    mixed = rng.normal(size=(n, n_dimensions)) @ rng.normal(size=(n_dimensions, n_columns)) + offset
    rounded = mixed.astype(np.float32)
    assert effective_rank(rounded, scaled=scaled) <= n_dimensions
    assert effective_rank(rounded.astype(np.float64), scaled=scaled, dtype=np.float32) <= n_dimensions


def test_a_dimension_that_is_small_and_not_rounding_counts() -> None:
    vectors = np.random.default_rng(0).normal(size=(500, 4)) * np.array([1.0, 1e-3, 1e-3, 1e-3])
    assert effective_rank(vectors.astype(np.float32), scaled=False) > 1.01
    assert effective_rank(vectors.astype(np.float32)) > 3.9


def test_a_column_that_flickers_by_its_last_digit_is_constant() -> None:
    flickering = np.full((50, 2), 0.1, dtype=np.float32)
    flickering[::2, 0] = np.nextafter(np.float32(0.1), np.float32(1))
    flickering[:, 1] = np.arange(50)
    assert vector_quality(flickering).n_constant == 1
    assert constant_columns(flickering, ("flicker", "count")) == ("flicker",)
    assert vector_quality(flickering.astype(np.float64)).n_constant == 0
