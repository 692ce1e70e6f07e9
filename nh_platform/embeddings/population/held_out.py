"""How well a latent model rebuilds windows that it has not seen, against the same windows shuffled.

Contains the score and its control. Each unit is rebuilt from the other units alone, as in Yu et al. 2009 (J
Neurophysiol 102:614): a unit that is among its own predictors is rebuilt by any model, structure or not. For a Gaussian
with precision ``Λ`` the error of unit ``i`` given all others is ``(Λ (x − μ))_i / Λ_ii``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nh_platform.embeddings.population.latent_models import LatentModel

FloatArray = npt.NDArray[np.float64]

N_SHUFFLES = 10
"""Shuffles of the control; the best of them is what the model must beat."""


def rebuilt_share(model: LatentModel, rates: FloatArray) -> float:
    """Return R² of every unit's rates rebuilt from those of the others.

    Parameters
    ----------
    model
        The model.
    rates
        (n_windows, n_units) rates of windows that it was not fitted to.

    Returns
    -------
    float
        1 − errors² / (rates − mean)², summed over windows and units; below 0 where a unit's mean is closer than what
        the other units say; NaN where no rate differs from it. Means are those of the held-out windows: what a unit's
        rate has drifted by since the fit, or what another stimulus does to it, is nothing that units share from one
        window to the next, and gave shuffled windows 0.34 of the end of a session.
    """
    off = rates - rates.mean(axis=0)
    total = float((off**2).sum())
    if not total:
        return float("nan")
    precision = model.precision
    errors = (off @ precision) / np.diag(precision)
    return 1.0 - float((errors**2).sum()) / total


def shuffled_shares(model: LatentModel, rates: FloatArray, seed: int = 0, n_shuffles: int = N_SHUFFLES) -> FloatArray:
    """Return (n_shuffles,) the same where the windows of each unit are shuffled for themselves.

    Each unit's own rates stay, and what it does together with others goes.
    """
    rng = np.random.default_rng(seed)
    return np.array([rebuilt_share(model, rng.permuted(rates, axis=0)) for _ in range(n_shuffles)])
