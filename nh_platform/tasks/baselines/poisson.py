"""Poisson regression of counts, on the features of moments: one regression per unit, or of licks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.tasks.baselines.fitting import Rows
from nh_platform.tasks.baselines.moments import MomentFeatures
from nh_platform.tasks.baselines.samples import Samples, fitted_samples, predicted
from nh_platform.tasks.task import TaskData

STRENGTHS = (10.0, 1.0, 1e-1, 1e-2, 1e-3)
"""Strengths of the L2 penalty (scikit-learn's alpha) of features with a standard deviation of 1; the first one predicts
hardly more than the mean."""

STANDARD = 1e-2
"""What is taken where there are no rows of ``val``."""

N_UNITS_TUNED = 8
"""Units whose likelihood chooses the strength, drawn by the seed: one strength serves all units of a session."""


class Poisson:
    """Poisson regression with an L2 penalty, whose strength has the highest likelihood on ``val``.

    Where a task draws the units it hides anew for tuning (`TaskData.tuning`), the strength is chosen with those. The
    seed decides which training windows and moments are fitted on, the units that tune, and the randomised
    decomposition.

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
        self._tuned = self._design if tuning is None else _Design(tuning, seed)

    def fit(self, targets_from: Rows | None = None) -> PoissonModel:
        """Choose and fit, as `Baseline.fit` says; units that tune are moved like those that are predicted."""
        strength = self._tuned.best_strength(targets_from)
        true, counts = self._design.samples.targets(targets_from)
        ((weights, shift),) = self._design.fitted(true, counts, (strength,))
        lowest, highest = _bounds(true[counts])
        scaler = self._design.scaler
        weights = weights / scaler.scale_[:, None]
        return PoissonModel(
            self._design.features, self._n_times, weights, shift - scaler.mean_ @ weights, lowest, highest
        )


class _Design:
    """Scaled training samples, the fit of units on them, and the strength that predicts those of ``val`` best."""

    def __init__(self, data: TaskData, seed: int) -> None:
        from sklearn.preprocessing import StandardScaler

        self.features, self.samples = fitted_samples(data, seed)
        self.scaler = StandardScaler().fit(self.samples.values)
        self._scaled = self.scaler.transform(self.samples.values)
        self._held = Samples(data, self.features, "val", seed)
        self._scaled_held = self.scaler.transform(self._held.values) if len(self._held.chosen) else None
        n_outputs = max(len(data.target_ids), 1)
        self._tuning_units = np.sort(np.random.default_rng(seed).permutation(n_outputs)[:N_UNITS_TUNED])

    def fitted(
        self, true: npt.NDArray[np.float64], counts: npt.NDArray[np.bool_], strengths: Sequence[float]
    ) -> list[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
        """Return (n_features, k) weights and (k,) intercepts for each strength; a silent unit has no weights."""
        from sklearn.linear_model import PoissonRegressor

        given = self._scaled[counts]
        lowest, _ = _bounds(true[counts])
        found = [(np.zeros((given.shape[1], true.shape[1])), lowest.copy()) for _ in strengths]
        for unit in range(true.shape[1]):
            spikes = true[counts, unit]
            if not spikes.any():
                continue
            # Each strength begins where the one before ended, which saves half of the steps.
            model = PoissonRegressor(solver="newton-cholesky", max_iter=50, tol=1e-4, warm_start=True)
            for strength, (weights, shift) in zip(strengths, found):
                model.set_params(alpha=strength).fit(given, spikes)
                weights[:, unit], shift[unit] = model.coef_, model.intercept_
        return found

    def best_strength(self, targets_from: Rows | None) -> float:
        """Return the strength with the highest likelihood of the counts of ``val``."""
        if self._scaled_held is None:
            return STANDARD
        (train, fits), (true, counts) = self.samples.targets(targets_from), self._held.targets(targets_from)
        train, true = train[:, self._tuning_units], true[counts][:, self._tuning_units]
        lowest, highest = _bounds(train[fits])
        losses = []
        for weights, shift in self.fitted(train, fits, STRENGTHS):
            logs = np.clip(self._scaled_held[counts] @ weights + shift, lowest, highest)
            losses.append(float(np.sum(np.exp(logs) - true * logs)))
        return STRENGTHS[int(np.argmin(losses))]


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
