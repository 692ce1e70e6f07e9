"""Logistic regression of classes: counts in parts of a window, or the features of a unit, on principal components."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.tasks.baselines.fitting import NoFit, Rows
from nh_platform.tasks.task import TaskData

PARTS = (1, 4)
"""Parts that a window's counts are added up in, as equal as whole bins allow (50 bins: 12, 13, 12, 13); one number of
them is chosen on ``val``."""

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1)
"""Inverse strengths of the L2 penalty (scikit-learn's C) of features with a standard deviation of 1."""

STANDARD = (1, 1e-2)
"""What is taken where there are no rows of ``val``."""

N_COMPONENTS = 100
"""Largest number of principal components."""

LOWEST = float(np.log(1e-12))
"""Log-probability of a class that no training row is of; no probability is below it."""


@dataclass(frozen=True)
class _Design:
    """Components (n, k) of every row that is used, and where it stands in them; -1 of others."""

    values: npt.NDArray[np.float64]
    at: npt.NDArray[np.int64]

    def of(self, rows: Rows) -> npt.NDArray[np.float64]:
        return self.values[self.at[rows]]


class Logistic:
    """Multinomial logistic regression with weights that make all classes count alike.

    The seed decides the randomised decomposition into components. Number of parts and strength are those with the
    lowest cross-entropy on the rows of ``val``, each class weighing the same.

    Parameters
    ----------
    data
        A task of classes.
    seed
        See above.

    Raises
    ------
    NoFit
        If the training rows are of fewer than two classes.
    """

    label = "nh-logistic"

    def __init__(self, data: TaskData, seed: int) -> None:
        used = np.asarray(data.mask, dtype=bool)
        self._data, self._n_classes = data, len(data.label_names)
        self._train, self._val = (rows[used[rows]] for rows in (data.rows("train"), data.rows("val")))
        classes = data.outputs(self._train)
        found = np.unique(classes)
        if len(found) < 2:
            names = ", ".join(data.label_names[one] for one in found) or "none"
            about = f"{len(self._train)} training rows of {data.task}, of classes: {names}"
            action = "A classifier needs two classes: choose a longer session."
            raise NoFit(f"{data.source} {data.session_id}", about, action)
        rows = np.flatnonzero(data.split != "")
        self._designs = {parts: _design(data, rows, self._train, parts, seed) for parts in _parts_of(data)}

    def fit(self, targets_from: Rows | None = None) -> LogisticModel:
        """Choose and fit, as `Baseline.fit` says."""
        classes, true = (
            self._data.outputs(rows if targets_from is None else targets_from[rows])
            for rows in (self._train, self._val)
        )
        if not len(true):
            parts, strength = STANDARD
            design = self._designs[parts]
            return LogisticModel(design, _fitted(design.of(self._train), classes, strength), self._n_classes)
        best, lowest = None, np.inf
        for design in self._designs.values():
            for strength in STRENGTHS:
                model = LogisticModel(design, _fitted(design.of(self._train), classes, strength), self._n_classes)
                loss = _cross_entropy(model.predict(self._val), true)
                if best is None or loss < lowest:
                    best, lowest = model, loss
        assert best is not None
        return best


@dataclass(frozen=True)
class LogisticModel:
    """A fitted logistic regression."""

    design: _Design
    fitted: Any
    n_classes: int

    def predict(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return (m, n_classes) float32 log-probabilities."""
        return _log_probabilities(self.fitted, self.design.of(rows), self.n_classes)


def _parts_of(data: TaskData) -> tuple[int, ...]:
    """Return the numbers of parts that can be: one where the inputs are features of a unit."""
    return PARTS if data.inputs(np.zeros(1, dtype=np.int64)).ndim == 3 else (1,)


def _design(data: TaskData, rows: Rows, train: Rows, parts: int, seed: int) -> _Design:
    """Return the components of rows: scaled by the training rows, decomposed in the training rows."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    given = data.inputs(rows)
    if given.ndim == 3:
        edges = np.linspace(0, given.shape[1], parts + 1).astype(int)[:-1]
        given = np.add.reduceat(given, edges, axis=1, dtype=np.float32).reshape(len(rows), -1)
    at = np.full(len(data), -1, dtype=np.int64)
    at[rows] = np.arange(len(rows))
    scaler = StandardScaler().fit(given[at[train]].astype(np.float64))
    scaled = scaler.transform(given.astype(np.float64))
    n_components = min(N_COMPONENTS, scaled.shape[1], len(train) - 1)
    found = PCA(n_components, svd_solver="randomized", random_state=seed).fit(scaled[at[train]])
    return _Design(found.transform(scaled), at)


def _fitted(values: npt.NDArray[np.float64], classes: npt.NDArray[np.generic], strength: float) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # A shuffled fit of 118 classes needs not be exact.
        return LogisticRegression(C=strength, class_weight="balanced", max_iter=200).fit(values, classes)


def _log_probabilities(fitted: Any, values: npt.NDArray[np.float64], n_classes: int) -> npt.NDArray[np.float32]:
    logs = np.full((len(values), n_classes), LOWEST)
    if len(values):
        logs[:, fitted.classes_] = np.maximum(fitted.predict_log_proba(values), LOWEST)
    return logs.astype(np.float32)


def _cross_entropy(logs: npt.NDArray[np.float32], classes: npt.NDArray[np.generic]) -> float:
    """Return the cross-entropy with the same weight for every class that occurs."""
    each = -logs[np.arange(len(classes)), classes.astype(np.int64)]
    return float(np.mean([each[classes == one].mean() for one in np.unique(classes)]))
