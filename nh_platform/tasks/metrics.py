"""Metrics of benchmark tasks, equal to those of BrainWideBench's scorer (`ibl-bwb-eval` 0.1.0) on the same arrays.

Contains every metric that a task may name, by its name. Add a metric here with its case of absent classes, silent units
and constant values, which is where libraries differ. How sessions and seeds are averaged is
`nh_platform.tasks.running`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt

from nh_platform.session import ConfigError, SchemaError
from nh_platform.session.errors import close_matches

_Array = npt.NDArray[np.generic]
Metric = TypeVar("Metric")

EPS = 1e-9
"""Rates and deviances below it count as none, in both metrics of spike counts of `ibl-bwb-eval` 0.1.0."""

NEARLY_ZERO = 1e-4
"""Sums of squares up to it count as none, in `R2Score` of torchmetrics 1.9.0, which that scorer uses."""


def balanced_accuracy(logits: _Array, classes: _Array) -> float:
    """Return the mean recall of the classes that occur in the targets or among the predictions.

    Parameters
    ----------
    logits
        (n, n_classes) logits or probabilities; the largest is the prediction, the first of equal ones.
    classes
        (n,) true classes.
    """
    from sklearn.metrics import recall_score

    return float(recall_score(classes, np.argmax(logits, axis=1), average="macro", zero_division=0))


def f1(logits: _Array, classes: _Array) -> float:
    """Return the mean F1 of the classes that occur in the targets or among the predictions; shapes as above."""
    from sklearn.metrics import f1_score

    return float(f1_score(classes, np.argmax(logits, axis=1), average="macro", zero_division=0))


def average_precision(logits: _Array, classes: _Array) -> float:
    """Return the mean over classes of the area below precision over recall, without interpolation.

    Values outside of 0 to 1 are taken as logits and put through a softmax (in float32, as the scorer does, so that ties
    are the same). A class that never occurs is left out; where every target is of class 0 the others count 0.
    """
    from scipy.special import softmax
    from sklearn.metrics import average_precision_score

    given = np.asarray(logits, dtype=np.float32)
    if not bool(np.all((given >= 0) & (given <= 1))):
        given = softmax(given, axis=1)
    only_first = bool(np.all(classes == 0))
    found = [
        float(average_precision_score(classes == one, given[:, one])) if np.any(classes == one) else 0.0
        for one in range(given.shape[1])
        if only_first or np.any(classes == one)
    ]
    return float(np.mean(found))


def _of_every_class(name: str) -> Callable[[_Array, _Array], float]:
    """Return a metric that is averaged over all classes of the task; one that does not occur counts 0."""

    def metric(scores: _Array, classes: _Array) -> float:
        from sklearn import metrics

        kept = {"labels": list(range(scores.shape[1])), "average": "macro", "zero_division": 0}
        return float(getattr(metrics, name)(classes, np.argmax(scores, axis=1), **kept))

    return metric


def r2(values: _Array, targets: _Array) -> float:
    """Return the share of the targets' variance that is predicted: 1 less the residual over the total sum of squares.

    Targets that hardly vary give 0, or 1 where the residual is nothing too (`NEARLY_ZERO`).
    """
    given, true = _floats(values), _floats(targets)
    residual, total = float(np.sum((true - given) ** 2)), float(np.sum((true - true.mean()) ** 2))
    if residual <= NEARLY_ZERO:
        return 1.0
    return 0.0 if total <= NEARLY_ZERO else 1.0 - residual / total


def mean_absolute_error(values: _Array, targets: _Array) -> float:
    """Return the mean absolute difference, in the unit of the targets.

    Of counts the benchmark's scorer takes the log-rates as they are written, so this one does.
    """
    return float(np.mean(np.abs(_floats(values) - _floats(targets))))


def pearson(values: _Array, targets: _Array) -> float:
    """Return Pearson's correlation over all samples; NaN where one side is constant."""
    from scipy.stats import pearsonr

    given, true = _floats(values), _floats(targets)
    if given.size < 2 or np.ptp(given) == 0 or np.ptp(true) == 0:
        return float("nan")
    return float(pearsonr(given, true).statistic)


class PoissonSums:
    """Sums over samples that the metrics of spike counts need, so that a session's windows need not be held at once.

    Parameters
    ----------
    n_units
        Number of units (or of event trains) that are predicted.
    """

    def __init__(self, n_units: int) -> None:
        self.n_samples = 0
        self.rate, self.product, self.count, self.count_log_count, self.absolute = np.zeros((5, n_units))

    def add(self, log_rates: _Array, counts: _Array) -> None:
        """Add samples.

        Parameters
        ----------
        log_rates, counts
            (n_samples, n_units) natural logarithm of the expected count in a bin; counts in the bin.

        Raises
        ------
        SchemaError
            If a log-rate is not finite, or a count is negative.
        """
        from scipy.special import xlogy

        given, true = np.asarray(log_rates, dtype=np.float64), np.asarray(counts, dtype=np.float64)
        if given.shape != true.shape:
            raise SchemaError("log-rates", f"{given.shape} of counts {true.shape}", "Predict every sample of a unit.")
        if not np.isfinite(given).all():
            raise SchemaError(
                "log-rates", "some are NaN or infinite", "Bound the rates from below before the logarithm."
            )
        if (true < 0).any():
            raise SchemaError("counts", "some are negative", "Score counts per bin, not z-scored ones.")
        self.n_samples += len(given)
        self.rate += np.exp(given).sum(axis=0)
        self.product += (given * true).sum(axis=0)
        self.count += true.sum(axis=0)
        self.count_log_count += xlogy(true, true).sum(axis=0)
        self.absolute += np.abs(given - true).sum(axis=0)

    def poisson_d2(self) -> float:
        """Return the explained share of the Poisson deviance against each unit's mean count: mean over units.

        ``D² = 1 - (L_model - L_saturated) / (L_mean - L_saturated)`` with the negative log-likelihood ``L = Σ (rate -
        count · log rate)``. Units without spikes, or with the same count in every bin, are left out; NaN without any.
        """
        mean = self.count / max(self.n_samples, 1)
        total = self.count_log_count - self.count * np.log(np.maximum(mean, EPS))
        used = (self.count > 0) & (np.abs(total) >= EPS)
        if not used.any():
            return float("nan")
        left = self.rate - self.product - (self.count - self.count_log_count)
        return float(np.mean(1 - left[used] / total[used]))

    def bps(self) -> float:
        """Return bits per spike over each unit's mean count, pooled over units (Pei & Ye et al. 2021, eq. 3).

        ``(L_mean - L_model) / (n_spikes · ln 2)``, both summed over the units with spikes; NaN without any.
        """
        mean = self.count / max(self.n_samples, 1)
        used = mean >= EPS
        if not used.any():
            return float("nan")
        of_mean = np.sum(self.count[used] * (1 - np.log(mean[used])))
        return float((of_mean - np.sum((self.rate - self.product)[used])) / (self.count[used].sum() * np.log(2)))

    def mae(self) -> float:
        """Return the mean absolute difference of log-rates and counts, as `mean_absolute_error` has it."""
        return float(self.absolute.sum() / max(self.n_samples * len(self.absolute), 1))


CLASS_METRICS: dict[str, Callable[[_Array, _Array], float]] = {
    "bacc": balanced_accuracy,
    "f1": f1,
    "ap": average_precision,
    "macro_f1": _of_every_class("f1_score"),
    "macro_precision": _of_every_class("precision_score"),
    "macro_recall": _of_every_class("recall_score"),
}
"""Metrics of logits (n, n_classes) and classes (n,). ``macro_…`` counts classes that do not occur as 0."""

VALUE_METRICS: dict[str, Callable[[_Array, _Array], float]] = {"r2": r2, "mae": mean_absolute_error, "pearson": pearson}
"""Metrics of values and targets of one shape."""

COUNT_METRICS: dict[str, Callable[[PoissonSums], float]] = {
    "poisson_d2": PoissonSums.poisson_d2,
    "bps": PoissonSums.bps,
    "mae": PoissonSums.mae,
}
"""Metrics of log-rates and counts, by their sums."""


def score_classes(names: Sequence[str], logits: _Array, classes: _Array) -> dict[str, float]:
    """Return metrics of a task of classes, shapes as of `balanced_accuracy`; NaN each where there is no row."""
    return _scored(names, CLASS_METRICS, "classes", len(classes), lambda metric: metric(logits, classes))


def score_values(names: Sequence[str], values: _Array, targets: _Array) -> dict[str, float]:
    """Return metrics of predicted values and targets of one shape; NaN each where there is none."""
    return _scored(names, VALUE_METRICS, "values", np.size(targets), lambda metric: metric(values, targets))


def score_counts(names: Sequence[str], blocks: Iterable[tuple[_Array, _Array]]) -> dict[str, float]:
    """Return metrics of counts from blocks of log-rates and counts, both (n_samples, n_units); NaN where none comes."""
    sums: PoissonSums | None = None
    for log_rates, counts in blocks:
        sums = sums or PoissonSums(counts.shape[-1])
        sums.add(log_rates, counts)
    n_samples = 0 if sums is None else sums.n_samples
    return _scored(names, COUNT_METRICS, "counts", n_samples, lambda metric: metric(cast("PoissonSums", sums)))


def _scored(
    names: Sequence[str], known: dict[str, Metric], kind: str, n_samples: int, compute: Callable[[Metric], float]
) -> dict[str, float]:
    for name in names:
        if name not in known:
            action = f"Use {', '.join(known)}.{close_matches(name, known)}"
            raise ConfigError(f"metric {name}", f"it is none of {kind}", action)
    return {name: compute(known[name]) if n_samples else float("nan") for name in names}


def _floats(values: _Array) -> npt.NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64).ravel()
