"""Psychometric curves: shares of choices by signed contrast, their intervals, and the fitted curve.

Contains numbers alone; the chart is in `task_charts`. Add here another curve of choices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

Z_95 = 1.959963984540054
"""Standard normal quantile of a two-sided 95 % interval."""
FEWEST_CONTRASTS, FEWEST_TRIALS = 5, 50
"""For a fit of four parameters."""
_ROUNDED = 3
"""Decimals that fitted parameters keep: the optimiser's further ones differ between processors."""


@dataclass(frozen=True)
class ChoiceShares:
    """Choices by signed contrast.

    Parameters
    ----------
    contrasts
        (n,) %, ascending; negative on the left.
    right
        (n,) trials in which the stimulus was taken to be on the right.
    trials
        (n,) trials with a choice.
    """

    contrasts: Floats
    right: npt.NDArray[np.int64]
    trials: npt.NDArray[np.int64]

    @property
    def shares(self) -> Floats:
        """(n,) share of choices to the right, 0-1."""
        return self.right / self.trials


def choice_shares(trials: pd.DataFrame) -> ChoiceShares:
    """Return the choices of trials (schema `TRIALS`) by signed contrast; trials without a choice are left out.

    A choice of -1 turns the wheel counter-clockwise, which is right for a stimulus on the right.
    """
    left, right = (trials[name].to_numpy(dtype=np.float64) for name in ("contrastLeft", "contrastRight"))
    choice = trials["choice"].to_numpy(dtype=np.float64)
    signed = 100 * (np.nan_to_num(right) - np.nan_to_num(left))
    kept = np.isin(choice, (-1.0, 1.0)) & (np.isfinite(left) | np.isfinite(right))
    contrasts, place = np.unique(np.round(signed[kept], 6), return_inverse=True)
    chose_right = choice[kept] == -1
    counts = [
        np.bincount(place[chosen], minlength=len(contrasts)) for chosen in (chose_right, np.ones_like(chose_right))
    ]
    return ChoiceShares(contrasts, counts[0].astype(np.int64), counts[1].astype(np.int64))


def wilson_interval(successes: npt.ArrayLike, trials: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return the 95 % interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22:209); NaN without trials.

    Examples
    --------
    >>> low, high = wilson_interval([5], [10])
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (0.2366, 0.7634)
    """
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        share, z2 = k / n, Z_95**2
        middle = (share + z2 / (2 * n)) / (1 + z2 / n)
        half = Z_95 / (1 + z2 / n) * np.sqrt(share * (1 - share) / n + z2 / (4 * n**2))
    return middle - half, middle + half


@dataclass(frozen=True)
class PsychometricCurve:
    """A fitted curve: ``lapse_low + (1 - lapse_low - lapse_high) (1 + erf((c - bias) / threshold)) / 2``.

    ``bias`` and ``threshold`` are % contrast; the lapses are shares of choices against a clear stimulus.
    """

    bias: float
    threshold: float
    lapse_low: float
    lapse_high: float

    def at(self, contrasts: npt.ArrayLike) -> Floats:
        """Return the share of choices to the right at some contrasts (%)."""
        scaled = (np.asarray(contrasts, dtype=np.float64) - self.bias) / self.threshold
        rising = np.array([math.erf(one) for one in scaled.ravel()]).reshape(scaled.shape)
        return self.lapse_low + (1 - self.lapse_low - self.lapse_high) * (1 + rising) / 2


def fit_curve(shares: ChoiceShares) -> PsychometricCurve | None:
    """Return the curve of greatest likelihood, lapses up to 0.4; None with fewer than 5 contrasts or 50 trials.

    The form is that of IBL's behavioural papers, ``erf_psycho_2gammas`` of the package psychofit (IBL 2021, eLife
    10:e63711).
    """
    from scipy.optimize import minimize

    if len(shares.contrasts) < FEWEST_CONTRASTS or shares.trials.sum() < FEWEST_TRIALS:
        return None

    def misfit(stated: Floats) -> float:
        share = np.clip(PsychometricCurve(*stated).at(shares.contrasts), 1e-9, 1 - 1e-9)
        wrong = shares.trials - shares.right
        return float(-(shares.right * np.log(share) + wrong * np.log1p(-share)).sum())

    bounds = [(-100.0, 100.0), (1.0, 200.0), (0.0, 0.4), (0.0, 0.4)]
    starts = [(0.0, threshold, 0.05, 0.05) for threshold in (10.0, 40.0)]
    fits = [minimize(misfit, start, bounds=bounds, method="L-BFGS-B") for start in starts]
    best = min(fits, key=lambda fit: float(fit.fun))
    return PsychometricCurve(*(round(float(value), _ROUNDED) for value in best.x))
