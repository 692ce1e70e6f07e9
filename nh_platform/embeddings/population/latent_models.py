"""Latent models of a population: principal components and factor analysis, in one form that readers can apply.

Contains the fitted model and the two methods, both scikit-learn's. Add a method here when it describes windows by a
Gaussian with few shared dimensions; its name goes into `METHODS` and the columns of the stored table.

With the rates ``x`` (n_units,) of a window, their means ``μ`` over the windows of the fit, and ``k`` components:

- PCA is the probabilistic model of Tipping & Bishop 1999 (J R Stat Soc B 61:611) with loadings ``U`` (n_units, k),
  orthonormal columns: latents are ``Uᵀ (x − μ)``;
- factor analysis has ``x = μ + W z + ε``, ``z ~ N(0, 1)``, ``ε ~ N(0, Ψ)``, ``Ψ`` diagonal. Latents are the posterior
  means of ``z``, turned by the singular values of ``W = U S Vᵀ`` to ``S Vᵀ z``, so that loadings ``U`` are orthonormal
  and components are in the order of the variance that units share (Yu et al. 2009, J Neurophysiol 102:614).

In both a latent is a weighted sum of ``x − μ``, has the unit of measure of ``x``, and ``μ + U latent`` is the model's
``x``. Factor analysis leaves each unit its own noise, so that one unit that fires much decides little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

METHODS = ("pca", "fa")
"""Principal components, factor analysis."""

DECIMALS = 6
"""Decimals of what is stored of a model: the last bits of linear algebra are of the machine, not of the data."""

TOLERANCE = 1e-6
"""Gain in log likelihood per window at which factor analysis stops; scikit-learn's 0.01 for 10,000 windows."""


@dataclass(frozen=True)
class LatentModel:
    """A fitted model of the rates of some units.

    Parameters
    ----------
    mean
        (n_units,) mean rate.
    loadings
        (n_units, n_components) orthonormal columns: how far each unit goes with a component.
    weights
        (n_units, n_components) by which a latent is summed from the units.
    noise
        (n_units,) variance that a unit shares with no other.
    shared
        (n_components,) variance of each component.
    explained
        (n_components,) share of the variance of all units over the windows of the fit.
    """

    mean: FloatArray
    loadings: FloatArray
    weights: FloatArray
    noise: FloatArray
    shared: FloatArray
    explained: FloatArray

    @property
    def n_components(self) -> int:
        """Number of components."""
        return self.loadings.shape[1]

    @property
    def precision(self) -> FloatArray:
        """(n_units, n_units) inverse of the covariance that the model states."""
        scaled = self.loadings / self.noise[:, None]
        inner = np.diag(1.0 / self.shared) + self.loadings.T @ scaled
        return np.diag(1.0 / self.noise) - scaled @ np.linalg.solve(inner, scaled.T)

    def latents(self, rates: FloatArray) -> FloatArray:
        """Return (n_windows, n_components) the latents of windows with ``rates`` (n_windows, n_units)."""
        return latents_of(rates, self.mean, self.weights)


def latents_of(rates: FloatArray, mean: FloatArray, weights: FloatArray) -> FloatArray:
    """Return (n_windows, n_components) the latents of ``rates`` by a model's ``mean`` and ``weights``.

    Of a model that is stored these two are at hand, and not the rest.
    """
    return (rates - mean) @ weights


def fit_latents(rates: FloatArray, method: str, n_components: int) -> LatentModel:
    """Fit a model to the rates of windows.

    Parameters
    ----------
    rates
        (n_windows, n_units) rates of which every unit's vary; more windows than components.
    method
        One of `METHODS`.
    n_components
        Components, fewer than units.

    Returns
    -------
    LatentModel
        Signs are such that the largest loading of each component is positive.

    Raises
    ------
    ValueError
        If the method is unknown, or there are as many components as units or windows.
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r}: use {' or '.join(METHODS)}")
    if not 0 < n_components < min(rates.shape):
        raise ValueError(f"{n_components} components of {rates.shape[1]} units in {rates.shape[0]} windows")
    model = _principal_components(rates, n_components) if method == "pca" else _factors(rates, n_components)
    largest = model.loadings[np.abs(model.loadings).argmax(axis=0), np.arange(n_components)]
    signs = np.where(largest < 0, -1.0, 1.0)
    return LatentModel(
        mean=np.round(model.mean, DECIMALS),
        loadings=np.round(model.loadings * signs, DECIMALS),
        weights=np.round(model.weights * signs, DECIMALS),
        noise=model.noise,
        shared=model.shared,
        explained=np.round(model.explained, DECIMALS),
    )


def _principal_components(rates: FloatArray, n_components: int) -> LatentModel:
    from sklearn.decomposition import PCA

    fitted = PCA(n_components, svd_solver="covariance_eigh").fit(rates)
    loadings = fitted.components_.T
    # Of units that are sums of others nothing is left as noise; the floor keeps the covariance invertible.
    noise = max(float(fitted.noise_variance_), 1e-9 * float(fitted.explained_variance_[0]))
    return LatentModel(
        mean=fitted.mean_,
        loadings=loadings,
        weights=loadings,
        noise=np.full(rates.shape[1], noise),
        shared=np.maximum(fitted.explained_variance_ - noise, 1e-3 * noise),
        explained=fitted.explained_variance_ratio_,
    )


def _factors(rates: FloatArray, n_components: int) -> LatentModel:
    from sklearn.decomposition import FactorAnalysis

    mean = rates.mean(axis=0)
    root = _covariance_root(rates - mean)
    # Mirrored, the rows have mean 0 and the covariance of the windows: the model needs no more of them. 4,200 windows
    # of 70 units took 0.52 CPU s as they are, and 0.035 so, with a covariance that differs by 1e-14.
    mirrored = np.concatenate([root, -root])
    fitted = FactorAnalysis(n_components, tol=TOLERANCE * len(mirrored), svd_method="lapack")
    _fit_quietly(fitted, mirrored)
    noise = np.maximum(fitted.noise_variance_, 1e-9 * float(fitted.noise_variance_.max()))
    w = fitted.components_.T
    loadings, singular, turned = np.linalg.svd(w, full_matrices=False)
    scaled = w / noise[:, None]
    posterior = np.linalg.solve(np.eye(n_components) + w.T @ scaled, scaled.T)
    shared = np.maximum(singular**2, 1e-9 * float(noise.max()))
    return LatentModel(
        mean=mean,
        loadings=loadings,
        weights=(np.diag(singular) @ turned @ posterior).T,
        noise=noise,
        shared=shared,
        explained=singular**2 / float(np.var(rates, axis=0).sum()),
    )


def _fit_quietly(fitted: object, rows: FloatArray) -> None:
    """Fit without scikit-learn's warning that the last step gained more than the tolerance."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted.fit(rows)  # type: ignore[attr-defined]


def _covariance_root(centred: FloatArray) -> FloatArray:
    """Return ``R`` (n_units, n_units) with ``Rᵀ R / n_units`` the covariance of the rows of ``centred``."""
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0) * len(values))).T)
