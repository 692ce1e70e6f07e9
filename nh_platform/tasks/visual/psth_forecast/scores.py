"""Scores of a predicted mean response against held-out repeats: R2, correlation, permutation p, bootstrap interval.

Contains each score over the points (all bins of all conditions) of every unit. Add here another score. Ceilings are
`signal_power`; what is predicted is made in `baselines`.

With the prediction ``p`` and the mean ``x`` of the held-out repeats, K points each: ``R2 = 1 - sum((x - p)^2) /
sum((x - mean(x))^2)``, which is negative where the unit's held-out mean rate would have been better; ``r`` is Pearson's
correlation; the normalised correlation is ``r / sqrt(ceiling)`` (``CC_norm`` of Schoppe et al. 2016), 1 for a
prediction that is the true mean, and not cut there because the ceiling is an estimate.

The permutation p is the share of permuted predictions whose ``r`` is at least as large as that found, the one found
among them, ``(1 + k) / (1 + n)``. With five conditions or more the conditions of the prediction are shuffled: that
tests whether the unit tells them apart, since a time course that all have in common survives. With two to four the
prediction is rotated in time, each condition by a number of bins of its own, which tests the time course alone. With
one, a movie, every rotation is tried once: p is exact, and at least ``1 / n_bins``.

The interval is a bootstrap of ``r``. Where every condition has five held-out repeats or more, they are drawn anew
within each condition. The mean of drawn repeats is noisier than that of the repeats themselves and would correlate
less, so that not its ``r`` is taken but the change of ``r`` to first order: the derivative of ``r`` by the held-out
mean times the change of that mean. Where there are fewer repeats the points are drawn instead: whole conditions, or
seconds of a movie.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FEWEST_CONDITIONS = 5
"""Conditions that can be shuffled: five have 120 orders, four only 24, of which the best p is 0.04."""
FEWEST_REPEATS = 5
"""Held-out repeats that can be drawn anew: the spread over n drawn ones is too small by sqrt((n - 1) / n), of 5 by a
tenth."""
FEWEST_BLOCKS = 5
"""Conditions or seconds that can be drawn anew."""
CONFIDENCE = 0.95
ROUNDING = 1e-9
"""By which a permutation that is the prediction itself may correlate less, as its sums are added in another order."""
PRODUCTS_AT_ONCE = 8_000_000
"""Products of conditions with each other in memory at a time, 64 MB: of 243 gabors those of 135 units."""


def r_squared(prediction: FloatArray, target: FloatArray) -> FloatArray:
    """Return (n_units,) the share of the target's variance over points that the prediction explains, at most 1.

    Parameters
    ----------
    prediction, target
        (n_conditions, n_bins, n_units), without NaN of units that are to be scored.

    Examples
    --------
    >>> target = np.array([[[1.0], [3.0]]])
    >>> r_squared(target, target).tolist(), r_squared(target * 0 + 2, target).tolist()
    ([1.0], [0.0])
    """
    error = ((target - prediction) ** 2).sum(axis=(0, 1))
    spread = (_centred(target) ** 2).sum(axis=(0, 1))
    return 1 - np.divide(error, spread, out=np.full(len(spread), np.nan), where=_varies(target))


def correlations(prediction: FloatArray, target: FloatArray) -> FloatArray:
    """Return (n_units,) Pearson's correlation over points; NaN where either does not vary. Shapes as `r_squared`.

    Examples
    --------
    >>> correlations(np.array([[[1.0], [2.0], [3.0]]]), np.array([[[2.0], [4.0], [6.0]]])).round(12).tolist()
    [1.0]
    """
    return (_standard(prediction) * _standard(target)).sum(axis=(0, 1))


def permutation_p(prediction: FloatArray, target: FloatArray, seed: int = 43, n_permutations: int = 1000) -> FloatArray:
    """Return (n_units,) the permutation p of the correlation; NaN where there is none.

    Parameters
    ----------
    prediction, target
        As of `r_squared`.
    seed
        Of the permutations, which are the same for all units.
    n_permutations
        Times that the conditions are shuffled or rotated; the rotations of one alone are as many as it has bins.
    """
    n_conditions, n_bins, n_units = prediction.shape
    ours, theirs = _standard(prediction), _standard(target)
    found = (ours * theirs).sum(axis=(0, 1))
    rng = np.random.default_rng(seed)
    if n_conditions < FEWEST_CONDITIONS:
        spectrum = np.fft.rfft(ours, axis=1) * np.conj(np.fft.rfft(theirs, axis=1))
        by_shift = np.fft.irfft(spectrum, n=n_bins, axis=1)  # (n_conditions, n_bins, n_units)
        if n_conditions == 1:
            at_least = (by_shift[0] >= found - ROUNDING).sum(axis=0)
            return np.where(np.isfinite(found), np.maximum(at_least, 1) / n_bins, np.nan)
        shifts = rng.integers(n_bins, size=(n_conditions, n_permutations))
        rotated = np.sum([of_one[by] for of_one, by in zip(by_shift, shifts)], axis=0)
        exceeded = (rotated >= found - ROUNDING).sum(axis=0)
        return np.where(np.isfinite(found), (1 + exceeded) / (1 + n_permutations), np.nan)
    orders = rng.permuted(np.tile(np.arange(n_conditions), (n_permutations, 1)), axis=1)
    p = np.full(n_units, np.nan)
    defined = np.flatnonzero(np.isfinite(found))
    step = max(1, PRODUCTS_AT_ONCE // n_conditions**2)
    for units in (defined[low : low + step] for low in range(0, len(defined), step)):
        pairs = ours[:, :, units].transpose(2, 0, 1) @ theirs[:, :, units].transpose(2, 1, 0)
        pairs = np.ascontiguousarray(pairs.transpose(1, 2, 0)).reshape(n_conditions**2, -1)
        exceeded = np.zeros(len(units), dtype=np.int64)
        for order in orders:
            together = pairs[order * n_conditions + np.arange(n_conditions)].sum(axis=0)
            exceeded += together >= found[units] - ROUNDING
        p[units] = (1 + exceeded) / (1 + n_permutations)
    return p


def interval_over_repeats(
    prediction: FloatArray,
    held_out: npt.NDArray[np.generic],
    conditions: IntArray,
    target: FloatArray,
    seed: int = 43,
    n_draws: int = 1000,
) -> FloatArray:
    """Return (2, n_units) the interval of the correlation when held-out repeats are drawn anew in every condition.

    Parameters
    ----------
    prediction, target
        As of `r_squared`; ``target`` is the mean of ``held_out``.
    held_out
        (n_repeats, n_bins, n_units) held-out responses in the target's unit.
    conditions
        (n_repeats,) row of ``prediction`` that each is of.
    seed, n_draws
        Of the draws, which are the same for all units.
    """
    ours, theirs = _standard(prediction), _standard(target)
    found = (ours * theirs).sum(axis=(0, 1))
    spread = np.sqrt((_centred(target) ** 2).sum(axis=(0, 1)))
    # Derivative of r by the held-out mean, times the spread; the second part is that of the spread itself.
    slope = ours - found * theirs
    shares = np.stack([(slope[row] * (repeat - target[row])).sum(axis=0) for row, repeat in zip(conditions, held_out)])
    rng = np.random.default_rng(seed)
    weights = np.zeros((n_draws, len(conditions)))
    for value in np.unique(conditions):
        rows = np.flatnonzero(conditions == value)
        weights[:, rows] = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=n_draws) / len(rows)
    change = np.divide(weights @ shares, spread, out=np.full((n_draws, len(spread)), np.nan), where=spread > 0)
    return np.clip(_interval(found + change), -1.0, 1.0)


def interval_over_points(
    prediction: FloatArray, target: FloatArray, block: int = 0, seed: int = 43, n_draws: int = 1000
) -> FloatArray:
    """Return (2, n_units) the interval of the correlation when conditions, or stretches of them, are drawn anew.

    Parameters
    ----------
    prediction, target
        As of `r_squared`.
    block
        Bins of a stretch, for example those of 1 s; what is left at the end is not drawn. 0 draws whole conditions.
    seed, n_draws
        Of the draws, which are the same for all units.

    Returns
    -------
    numpy.ndarray
        NaN where there are fewer than five to draw from.
    """
    n_units = prediction.shape[2]
    length = block or prediction.shape[1]
    whole = prediction.shape[1] // length * length
    p, x = (values[:, :whole].reshape(-1, length, n_units) for values in (prediction, target))
    if len(p) < FEWEST_BLOCKS:
        return np.full((2, n_units), np.nan)
    p, x = p - p.mean(axis=(0, 1)), x - x.mean(axis=(0, 1))
    sums = np.stack([values.sum(axis=1) for values in (p, x, p * p, x * x, p * x)])
    weights = np.random.default_rng(seed).multinomial(len(p), np.full(len(p), 1 / len(p)), size=n_draws)
    mean_p, mean_x, pp, xx, px = (weights / (len(p) * length)) @ sums
    variances = (pp - mean_p**2) * (xx - mean_x**2)
    varies = variances > 1e-20 * np.maximum(pp * xx, 1e-300)
    drawn = np.divide(px - mean_p * mean_x, np.sqrt(np.abs(variances)), out=np.full_like(px, np.nan), where=varies)
    return _interval(drawn)


def _interval(drawn: FloatArray) -> FloatArray:
    """Return (2, n_units) the percentiles of draws (n_draws, n_units); NaN of units where a draw is."""
    tail = (1 - CONFIDENCE) / 2
    return np.quantile(drawn, [tail, 1 - tail], axis=0)


def _centred(values: FloatArray) -> FloatArray:
    return values - values.mean(axis=(0, 1))


def _varies(values: FloatArray) -> npt.NDArray[np.bool_]:
    """Return (n_units,) which units are not the same in all points, but for what rounding leaves."""
    span = values.max(axis=(0, 1)) - values.min(axis=(0, 1))
    return np.asarray(span > 1e-12 * np.abs(values).max(axis=(0, 1)), dtype=bool)


def _standard(values: FloatArray) -> FloatArray:
    """Return values with mean 0 and sum of squares 1 over points of each unit; NaN of those that do not vary."""
    centred = _centred(values)
    length = np.sqrt((centred**2).sum(axis=(0, 1)))
    return np.divide(centred, length, out=np.full_like(centred, np.nan), where=_varies(values))
