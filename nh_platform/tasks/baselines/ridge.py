"""Ridge regression of values over time, on the features of moments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.tasks.baselines.fitting import Rows
from nh_platform.tasks.baselines.moments import MomentFeatures
from nh_platform.tasks.baselines.samples import Samples, fitted_samples, predicted
from nh_platform.tasks.task import TaskData

STRENGTHS = (1.0, 1e1, 1e2, 1e3, 1e4, 1e5)
"""Strengths of the L2 penalty of features with a standard deviation of 1, for some thousands of moments."""

STANDARD = 1e3
"""What is taken where there are no rows of ``val``."""


class Ridge:
    """Linear regression of values with an L2 penalty, whose strength has the least squared error on ``val``.

    The seed decides which training windows and moments are fitted on, and the randomised decomposition into components.

    Parameters
    ----------
    data
        A task of values.
    seed
        See above.

    Raises
    ------
    NoFit
        If there is no training window with a target.
    """

    label = "nh-ridge"

    def __init__(self, data: TaskData, seed: int) -> None:
        from sklearn.preprocessing import StandardScaler

        self._features, self._samples = fitted_samples(data, seed)
        self._scaler = StandardScaler().fit(self._samples.values)
        self._scaled = self._scaler.transform(self._samples.values)
        self._held = Samples(data, self._features, "val", seed)
        self._scaled_held = self._scaler.transform(self._held.values) if len(self._held.chosen) else None
        self._n_times = data.mask.shape[1]

    def fit(self, targets_from: Rows | None = None) -> RidgeModel:
        """Choose and fit, as `Baseline.fit` says."""
        fitted = self._fitted(STANDARD, targets_from)
        if self._scaled_held is not None:
            true, counts = self._held.targets(targets_from)
            every = [self._fitted(one, targets_from) for one in STRENGTHS]
            errors = [
                np.mean((one.predict(self._scaled_held[counts]).reshape(-1, true.shape[1]) - true[counts]) ** 2)
                for one in every
            ]
            fitted = every[int(np.argmin(errors))]
        weights = (np.atleast_2d(fitted.coef_) / self._scaler.scale_).T  # one output has one axis less
        return RidgeModel(
            self._features, self._n_times, weights, np.atleast_1d(fitted.intercept_) - self._scaler.mean_ @ weights
        )

    def _fitted(self, strength: float, targets_from: Rows | None = None) -> Any:
        from sklearn.linear_model import Ridge as Fitted

        true, counts = self._samples.targets(targets_from)
        return Fitted(alpha=strength).fit(self._scaled[counts], true[counts])


@dataclass(frozen=True)
class RidgeModel:
    """A fitted ridge regression."""

    features: MomentFeatures
    n_times: int
    weights: npt.NDArray[np.float64]
    shift: npt.NDArray[np.float64]

    def predict(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return (m, n_times, k) float32 in the unit of the targets."""
        found = np.zeros((len(rows), self.n_times, len(self.shift)), dtype=np.float32)
        for place, values in predicted(self.features, rows, self.n_times, self.weights, self.shift):
            found[place] = values
        return found
