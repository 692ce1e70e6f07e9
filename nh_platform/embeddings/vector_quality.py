"""What can be wrong with vectors, whatever they describe: not finite, constant, of few dimensions, twice the same.

Contains the measures, and the outcome of a check in words. Add here a measure that every kind of embedding has. Which
limits hold is said by the asset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class VectorQuality:
    """Measures of a set of vectors.

    Parameters
    ----------
    n_vectors, n_columns
        Vectors, and their columns.
    n_not_finite
        Vectors with a value that is NaN or infinite.
    constant
        Names of the columns that have one value alone; none of fewer than two finite vectors.
    effective_rank
        Dimensions that the finite vectors fill (`effective_rank`); NaN of fewer than two.
    n_duplicates
        Finite vectors that equal an earlier one.
    """

    n_vectors: int
    n_columns: int
    n_not_finite: int
    constant: tuple[str, ...]
    effective_rank: float
    n_duplicates: int


def vector_quality(vectors: npt.ArrayLike, names: tuple[str, ...]) -> VectorQuality:
    """Measure vectors (n_vectors, n_columns) whose columns have ``names``.

    Examples
    --------
    >>> vector_quality([[0.0, 1.0], [1.0, 1.0], [1.0, 1.0]], ("rate", "depth"))
    VectorQuality(n_vectors=3, n_columns=2, n_not_finite=0, constant=('depth',), effective_rank=1.0, n_duplicates=1)
    """
    values = np.asarray(vectors, dtype=np.float64)
    finite = values[np.isfinite(values).all(axis=1)]
    several = len(finite) > 1
    varies = np.ptp(finite, axis=0) > 0 if several else np.ones(values.shape[1], dtype=bool)
    return VectorQuality(
        n_vectors=len(values),
        n_columns=values.shape[1],
        n_not_finite=len(values) - len(finite),
        constant=tuple(name for name, one in zip(names, varies) if not one),
        effective_rank=effective_rank(finite[:, varies]) if several else float("nan"),
        n_duplicates=len(finite) - len(np.unique(finite, axis=0)),
    )


def effective_rank(vectors: npt.ArrayLike, *, standardised: bool = True) -> float:
    """Return how many dimensions finite vectors (n_vectors, n_columns) fill: between 1 and the number of columns.

    The exponential of the entropy of the singular values' shares, of centred and, where ``standardised``, scaled
    columns (Roy & Vetterli 2007, EUSIPCO, 606-610, "The effective rank"); 0 where no column varies. It has three
    decimals: another processor's eigenvalues differ behind them.

    Examples
    --------
    >>> effective_rank(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    2.0
    """
    values = np.asarray(vectors, dtype=np.float64)
    centred = values - values.mean(axis=0)
    if standardised:
        deviation = centred.std(axis=0)
        centred = centred[:, deviation > 0] / deviation[deviation > 0]
    # Of the smaller product of the matrix with itself: 60,000 windows of 100 columns are as quick as 1,000.
    square = centred @ centred.T if len(centred) < centred.shape[1] else centred.T @ centred
    values = np.sqrt(np.maximum(np.linalg.eigvalsh(square), 0.0)) if centred.size else np.zeros(0)
    if not values.sum() > 0:
        return 0.0
    shares = values[values > 1e-12 * values.max()] / values.sum()
    return round(float(np.exp(-(shares * np.log(shares)).sum())), 3)
