"""Split-half reliability of mean responses: how well the means of two halves of the repeats agree.

Contains the correlation over random halves, corrected for their length. Add here another measure of agreement between
repeats. The noise ceiling is `signal_power`.

The repeats of every condition are divided at random into two halves of ``floor(n / 2)`` (of an odd number one repeat
stays out), and the mean responses of the halves are correlated over all bins of all conditions. The mean of this
correlation over many divisions, ``r``, is the reliability of half of the repeats; that of both halves together is
``2 r / (1 + r)`` (Spearman 1910, Brown 1910, British Journal of Psychology 3). A negative ``r``, for which the formula
means nothing, is returned as it is.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

N_DIVISIONS = 100
"""The standard error of the mean over divisions is a tenth of the spread between them."""

SUMS_AT_ONCE = 4_000_000
"""Sums of halves in memory at a time, 16 MB each of the two."""


def split_half_reliability(
    responses: npt.NDArray[np.generic], conditions: IntArray, seed: int = 43, n_divisions: int = N_DIVISIONS
) -> FloatArray:
    """Return (n_units,) the corrected correlation between halves of the repeats; NaN where a half never varies.

    Parameters
    ----------
    responses
        (n_repeats, n_bins, n_units) spike counts, up to 65,535 a bin.
    conditions
        (n_repeats,) which condition each is of; every one has two repeats at least.
    seed
        Of the divisions, which are the same for all units.
    n_divisions
        Number of random divisions.

    Examples
    --------
    >>> counts = np.array([[[1], [3]], [[1], [3]], [[1], [3]], [[1], [3]]])
    >>> split_half_reliability(counts, np.zeros(4, dtype=int)).tolist()
    [1.0]
    """
    n_bins, n_units = responses.shape[1:]
    moments = np.zeros((5, n_divisions, n_units))
    values = np.unique(conditions)
    # Counted in whole spikes, sums of halves are exact in float32 and the order in which they are added is no matter.
    for value, first, second in _halves(conditions, values, np.random.default_rng(seed), n_divisions):
        part = responses[conditions == value]
        n_half = float(first[0].sum())
        step = max(1, SUMS_AT_ONCE // (n_divisions * n_bins))
        for low in range(0, n_units, step):
            chosen = np.ascontiguousarray(part[:, :, low : low + step], dtype=np.float32).reshape(len(part), -1)
            a, b = (
                (half @ chosen).astype(np.float64).reshape(n_divisions, n_bins, -1) / n_half for half in (first, second)
            )
            products = [np.einsum("dbu,dbu->du", one, other) for one, other in ((a, a), (b, b), (a, b))]
            for row, found in enumerate((a.sum(axis=1), b.sum(axis=1), *products)):
                moments[row, :, low : low + step] += found
    n_points = len(values) * n_bins
    a, b, aa, bb, ab = moments / n_points
    variances = np.maximum(aa - a**2, 0.0) * np.maximum(bb - b**2, 0.0)
    # A half that does not vary leaves rounding errors behind.
    varies = variances > 1e-20 * np.maximum(aa * bb, 1e-300)
    correlation = np.divide(ab - a * b, np.sqrt(variances), out=np.full_like(a, np.nan), where=varies)
    known = np.isfinite(correlation)
    counted = known.sum(axis=0)
    mean = np.divide(
        np.where(known, correlation, 0.0).sum(axis=0), counted, out=np.full(n_units, np.nan), where=counted > 0
    )
    return spearman_brown(mean)


def spearman_brown(half: FloatArray) -> FloatArray:
    """Return the reliability of twice the repeats; a negative one as it is.

    Examples
    --------
    >>> spearman_brown(np.array([1.0, 0.5, -0.2])).round(3).tolist()
    [1.0, 0.667, -0.2]
    """
    return np.where(half > 0, 2 * half / (1 + np.maximum(half, 0.0)), half)


def _halves(
    conditions: IntArray, values: IntArray, rng: np.random.Generator, n_divisions: int
) -> Iterator[tuple[int, npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Yield each condition with (n_divisions, n_repeats) 1 where a repeat is in the first half, and in the second."""
    for value in values:
        n = int((conditions == value).sum())
        order = rng.random((n_divisions, n)).argsort(axis=1)
        yield int(value), (order < n // 2).astype(np.float32), (order // (n // 2) == 1).astype(np.float32)
