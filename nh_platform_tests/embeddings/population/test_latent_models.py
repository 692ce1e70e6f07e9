"""Both methods find the shared dimensions, say what each window is in them, and can be applied from what is stored."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA, FactorAnalysis

from nh_platform.embeddings.population.held_out import rebuilt_share, shuffled_shares
from nh_platform.embeddings.population.latent_models import METHODS, fit_latents


def mixed(n_windows: int, n_units: int, n_latents: int, seed: int = 0, noise: float = 1.0) -> np.ndarray:
    """Return rates that follow latents, each unit with noise of its own size."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n_windows, n_latents)) @ rng.normal(size=(n_latents, n_units))
    return 5.0 + shared + noise * rng.uniform(0.2, 2.0, n_units) * rng.normal(size=(n_windows, n_units))


def test_principal_components_are_scikit_learns() -> None:
    rates = mixed(400, 9, 3)
    model, peer = fit_latents(rates, "pca", 3), PCA(3).fit(rates)
    signs = np.sign((model.loadings * peer.components_.T).sum(axis=0))
    np.testing.assert_allclose(model.latents(rates) * signs, peer.transform(rates), atol=1e-4)
    np.testing.assert_allclose(model.explained, peer.explained_variance_ratio_, atol=1e-6)
    np.testing.assert_allclose(model.precision, peer.get_precision(), rtol=1e-3, atol=1e-4)


def test_factor_analysis_of_the_covariance_is_that_of_the_windows() -> None:
    rates = mixed(3000, 12, 2)
    model = fit_latents(rates, "fa", 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = FactorAnalysis(2, tol=1e-6 * len(rates)).fit(rates)
    covariance = model.loadings @ np.diag(model.shared) @ model.loadings.T + np.diag(model.noise)
    np.testing.assert_allclose(covariance, peer.get_covariance(), atol=2e-3)
    np.testing.assert_allclose(model.noise, peer.noise_variance_, atol=2e-3)
    # Turned by an orthogonal matrix alone: the shared part of each window is the same.
    shared = peer.transform(rates) @ peer.components_
    np.testing.assert_allclose(model.latents(rates) @ model.loadings.T, shared, atol=0.02)


@settings(deadline=None, max_examples=20)
@given(
    method=st.sampled_from(METHODS),
    n_units=st.integers(5, 12),
    n_components=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_loadings_are_orthonormal_and_components_descend(
    method: str, n_units: int, n_components: int, seed: int
) -> None:
    model = fit_latents(mixed(150, n_units, 2, seed), method, n_components)
    np.testing.assert_allclose(model.loadings.T @ model.loadings, np.eye(n_components), atol=1e-4)
    assert (np.diff(model.explained) <= 1e-6).all()
    assert 0 <= model.explained.sum() <= 1.001
    assert (model.loadings.max(axis=0) >= -model.loadings.min(axis=0)).all()


@pytest.mark.parametrize("method", METHODS)
def test_each_unit_is_rebuilt_from_the_others_alone(method: str) -> None:
    rates = mixed(300, 8, 2)
    model = fit_latents(rates[:200], method, 2)
    covariance = model.loadings @ np.diag(model.shared) @ model.loadings.T + np.diag(model.noise)
    off, errors = rates[200:] - rates[200:].mean(axis=0), np.empty((100, 8))
    for unit in range(8):
        others = np.arange(8) != unit
        by = np.linalg.solve(covariance[np.ix_(others, others)], covariance[others, unit])
        errors[:, unit] = off[:, unit] - off[:, others] @ by
    expected = 1 - (errors**2).sum() / (off**2).sum()
    assert rebuilt_share(model, rates[200:]) == pytest.approx(expected, abs=1e-9)
    assert expected > 0.3


@pytest.mark.parametrize("method", METHODS)
def test_units_that_share_nothing_are_rebuilt_no_better_than_their_mean(method: str) -> None:
    rates = np.random.default_rng(3).normal(size=(3000, 10))
    model = fit_latents(rates[:2000], method, 2)
    assert rebuilt_share(model, rates[2000:]) < 0.02
    assert abs(rebuilt_share(model, rates[2000:]) - shuffled_shares(model, rates[2000:]).mean()) < 0.02


def test_a_unit_that_is_the_sum_of_others_and_an_unknown_method_are_no_surprise() -> None:
    rates = mixed(100, 5, 1)
    rates = np.column_stack([rates, rates[:, 0] + rates[:, 1]])
    for method in METHODS:
        assert np.isfinite(fit_latents(rates, method, 3).latents(rates)).all()
    with pytest.raises(ValueError, match="'umap': use pca or fa"):
        fit_latents(rates, "umap", 2)
    with pytest.raises(ValueError, match="6 components of 6 units"):
        fit_latents(rates, "pca", 6)
