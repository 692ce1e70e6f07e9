"""A map has two dimensions of what vectors differ in; values that are absent take the mean, and outliers are cut."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.embeddings.flat_maps import LIMIT, has_umap, placed_vectors, principal_map, umap_map


def test_the_map_is_of_the_directions_in_which_vectors_differ_most() -> None:
    rng = np.random.default_rng(0)
    two = rng.normal(size=(100, 2))
    scaled, placed = placed_vectors(np.column_stack([two[:, [0]].repeat(3, axis=1), two[:, [1]].repeat(2, axis=1)]))
    assert placed.all()
    found = principal_map(scaled)
    assert found is not None
    places, shares = found
    assert abs(np.corrcoef(places[:, 0], two[:, 0])[0, 1]) > 0.9
    off = np.linalg.lstsq(places, scaled, rcond=None)[1]
    assert off.sum() < 1e-3
    assert sum(shares) == pytest.approx(1.0)
    assert shares[0] > shares[1]


def test_absent_values_are_means_and_a_vector_of_few_values_has_no_place() -> None:
    vectors = np.arange(40.0).reshape(10, 4)
    vectors[2, 0], vectors[4, :3] = np.nan, np.nan
    scaled, placed = placed_vectors(vectors)
    assert placed.tolist() == [row != 4 for row in range(10)]
    assert scaled.shape == (9, 4)
    assert scaled[2, 0] == 0
    assert np.isfinite(scaled).all()
    assert np.abs(scaled).max() <= LIMIT


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (3, 5), (10, 1)])
def test_too_few_vectors_or_columns_make_no_map(shape: tuple[int, int]) -> None:
    scaled, _ = placed_vectors(np.random.default_rng(0).normal(size=shape))
    assert principal_map(scaled) is None
    assert umap_map(scaled) is None


def test_vectors_that_are_all_alike_make_no_map() -> None:
    scaled, placed = placed_vectors(np.ones((10, 4)))
    assert placed.all()
    assert principal_map(scaled) is None


@pytest.mark.skipif(not has_umap(), reason="needs the extra umap")
def test_umap_keeps_groups_apart_and_is_always_the_same() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat([0.0, 4.0], 40)[:, None] + rng.normal(size=(80, 5))
    scaled, _ = placed_vectors(groups)
    first, again = umap_map(scaled), umap_map(scaled)
    assert first is not None
    np.testing.assert_array_equal(first, again)
    near = np.linalg.norm(first[:40].mean(axis=0) - first[40:].mean(axis=0))
    assert near > 2 * first[:40].std(axis=0).max()
