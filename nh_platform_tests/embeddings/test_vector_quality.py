"""Vectors are measured whatever they describe: values that are none, columns of one value, dimensions, duplicates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.embeddings.vector_quality import effective_rank, vector_quality


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
    found = vector_quality([[0.0, 5.0, 1.0], [1.0, 5.0, 0.0], [1.0, 5.0, 0.0], [np.nan, 4.0, 3.0]], ("a", "b", "c"))
    assert (found.n_vectors, found.n_not_finite, found.n_duplicates) == (4, 1, 1)
    assert found.constant == ("b",)
    assert found.effective_rank == 1.0


def test_no_vector_has_no_rank_and_no_constant_column() -> None:
    found = vector_quality(np.zeros((0, 2)), ("a", "b"))
    assert (found.n_vectors, found.n_not_finite, found.n_duplicates, found.constant) == (0, 0, 0, ())
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
    assert effective_rank(vectors, standardised=scaled) == pytest.approx(expected, abs=2e-3)
