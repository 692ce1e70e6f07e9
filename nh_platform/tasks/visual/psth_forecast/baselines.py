"""Baselines of ``psth-forecast``: what a prediction has to beat, made from repeats that do not test.

Contains the training PSTH, the mean rate and a linear model. Add a baseline here. How they are scored is `results`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from nh_platform.tasks.visual.psth_forecast.forecast_target import UnitRepeats
from nh_platform.tasks.visual.repeat_splits import TRAIN, VAL

FloatArray = npt.NDArray[np.float64]


def training_psth(repeats: UnitRepeats) -> FloatArray:
    """Return (n_conditions, n_bins, n) the mean spikes per bin over the training repeats."""
    return repeats.mean_counts(TRAIN)


def mean_rate(repeats: UnitRepeats) -> FloatArray:
    """Return the same shape, every unit's mean over all conditions and bins of the training repeats."""
    found = repeats.mean_counts(TRAIN)
    return np.broadcast_to(found.mean(axis=(0, 1)), found.shape).copy()


def linear(repeats: UnitRepeats) -> FloatArray:
    """Return the same shape, the training PSTH shrunk part by part towards the mean rate.

    The training PSTH is the sum of four parts: the mean rate, the effect of the condition (the same in all bins), the
    effect of time (the same in all conditions), and what is left of each point. The parts are orthogonal, so that the
    least-squares weight of each in the PSTH of the validation repeats is its product with it over its square; weights
    are kept within 0 to 1. Noise, which the validation repeats do not share, so gets no weight. The mean rate is that
    of training and validation repeats. Conditions without a validation repeat take no part in the weights; where none
    has one, it is the training PSTH.
    """
    found, checked = repeats.mean_counts(TRAIN), repeats.mean_counts(VAL)
    known = np.isfinite(checked).all(axis=(1, 2))
    if not known.any():
        return found
    mean = found.mean(axis=(0, 1))
    of_condition = np.broadcast_to(found.mean(axis=1, keepdims=True) - mean, found.shape)
    of_time = np.broadcast_to(found.mean(axis=0, keepdims=True) - mean, found.shape)
    prediction = np.broadcast_to(repeats.mean_counts(TRAIN, VAL).mean(axis=(0, 1)), found.shape).copy()
    residual = checked[known] - checked[known].mean(axis=(0, 1))
    for part in (of_condition, of_time, found - of_condition - of_time - mean):
        inside = part[known]
        square = (inside**2).sum(axis=(0, 1))
        weight = np.divide((inside * residual).sum(axis=(0, 1)), square, out=np.zeros_like(square), where=square > 0)
        prediction += np.clip(weight, 0.0, 1.0) * part
    return prediction


BASELINES: Mapping[str, Callable[[UnitRepeats], FloatArray]] = {
    "training-psth": training_psth,
    "mean-rate": mean_rate,
    "linear": linear,
}
"""Predictions in spikes per bin, by name."""
