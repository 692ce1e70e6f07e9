"""Poisson regression of counts, on the features of moments: one regression per unit, or of licks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.tasks.baselines.fitting import Rows
from nh_platform.tasks.baselines.moments import MomentFeatures
from nh_platform.tasks.baselines.samples import Samples, fitted_samples, predicted
from nh_platform.tasks.task import TaskData

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Strengths of the L2 penalty (scikit-learn's alpha) of features with a standard deviation of 1."""

STANDARD = 1e-2
"""What is taken where there are no rows of ``val``."""

N_UNITS_TUNED = 16
"""Units whose likelihood chooses the strength, drawn by the seed: one strength serves all units of a session."""


class Poisson:
    """Poisson regression with an L2 penalty, whose strength has the highest likelihood on ``val``.

    Where a task holds other units out for tuning (`TaskData.tuning`), the strength is chosen with those. The seed
    decides which training windows and moments are fitted on, the units that tune, and the randomised decomposition.

    Parameters
    ----------
    data
        A task of counts.
    seed
        See above.

    Raises
    ------
    NoFit
        If there is no training window with a target.
    """

    label = "nh-poisson"

    def __init__(self, data: TaskData, seed: int) -> None:
        self._design, self._n_times = _Design(data, seed), data.mask.shape[1]
        tuning = None if data.tuning is None else data.tuning()
        self._strength = _chosen(data, self._design, seed) if tuning is None else _chosen(tuning, None, seed)

    def fit(self, targets_from: Rows | None = None) -> PoissonModel:
        """Fit on the training rows, as `Baseline.fit` says."""
        true, counts = self._design.samples.targets(targets_from)
        weights, shift = self._design.fitted(true, counts, self._strength)
        lowest, highest = _bounds(true[counts])
        scaler = self._design.scaler
        weights = weights / scaler.scale_[:, None]
        return PoissonModel(
            self._design.features, self._n_times, weights, shift - scaler.mean_ @ weights, lowest, highest
        )


class _Design:
    """Scaled training samples, and the fit of units on them."""

    def __init__(self, data: TaskData, seed: int) -> None:
        from sklearn.preprocessing import StandardScaler

        self.features, self.samples = fitted_samples(data, seed)
        self.scaler = StandardScaler().fit(self.samples.values)
        self._scaled = self.scaler.transform(self.samples.values)

    def fitted(
        self, true: npt.NDArray[np.float64], counts: npt.NDArray[np.bool_], strength: float
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return (n_features, k) weights and (k,) intercepts; a unit without spikes has no weights."""
        from sklearn.linear_model import PoissonRegressor

        given = self._scaled[counts]
        weights = np.zeros((given.shape[1], true.shape[1]))
        shift = np.zeros(true.shape[1])
        lowest, _ = _bounds(true[counts])
        for unit in range(true.shape[1]):
            spikes = true[counts, unit]
            if not spikes.any():
                shift[unit] = lowest[unit]
                continue
            model = PoissonRegressor(alpha=strength, solver="newton-cholesky", max_iter=50, tol=1e-4)
            model.fit(given, spikes)
            weights[:, unit], shift[unit] = model.coef_, model.intercept_
        return weights, shift


def _chosen(data: TaskData, design: _Design | None, seed: int) -> float:
    """Return the strength with the highest likelihood of the counts of ``val``."""
    if not len(data.rows("val")):
        return STANDARD
    design = design or _Design(data, seed)
    held = Samples(data, design.features, "val", seed)
    if not len(held.chosen):
        return STANDARD
    (train, fits), (true, counts) = design.samples.targets(), held.targets()
    units = np.sort(np.random.default_rng(seed).permutation(train.shape[1])[:N_UNITS_TUNED])
    given, true = design.scaler.transform(held.values)[counts], true[counts][:, units]
    lowest, highest = _bounds(train[fits][:, units])
    losses = {}
    for strength in STRENGTHS:
        weights, shift = design.fitted(train[:, units], fits, strength)
        logs = np.clip(given @ weights + shift, lowest, highest)
        losses[strength] = float(np.sum(np.exp(logs) - true * logs))
    return min(losses, key=lambda one: losses[one])


def _bounds(true: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return (k,) log-rates that no prediction leaves: half a spike in all training bins, one more than the most."""
    return np.full(true.shape[1], np.log(0.5 / max(len(true), 1))), np.log(true.max(axis=0, initial=0.0) + 1.0)


@dataclass(frozen=True)
class PoissonModel:
    """Fitted Poisson regressions."""

    features: MomentFeatures
    n_times: int
    weights: npt.NDArray[np.float64]
    shift: npt.NDArray[np.float64]
    lowest: npt.NDArray[np.float64]
    highest: npt.NDArray[np.float64]

    def predict(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return (m, n_times, k) natural logarithms of the expected counts; float16 of several units."""
        kind = np.float16 if len(self.shift) > 1 else np.float32
        found = np.zeros((len(rows), self.n_times, len(self.shift)), dtype=kind)
        for place, logs in predicted(self.features, rows, self.n_times, self.weights, self.shift):
            found[place] = np.clip(logs, self.lowest, self.highest)
        return found
