"""What can be wrong with vectors, whatever they describe: not finite, constant, of few dimensions, twice the same.

Contains the measures, and the outcome of a check in words. Add here a measure that every kind of embedding has. Which
limits hold is said by the asset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.embeddings.standardised import rounding_norm, varying

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class VectorQuality:
    """Measures of a set of vectors, whatever they are of.

    Parameters
    ----------
    n_vectors, n_columns
        Vectors, and their columns.
    n_not_finite
        Vectors with a value that is NaN or infinite.
    n_constant
        Columns that have one value alone, up to its rounding; none of fewer than two finite vectors.
    effective_rank
        Dimensions that the finite vectors fill (`effective_rank`); NaN of fewer than two.
    n_duplicates
        Finite vectors that equal an earlier one, though what they are of differs.
    """

    n_vectors: int
    n_columns: int
    n_not_finite: int
    n_constant: int
    effective_rank: float
    n_duplicates: int


def vector_quality(
    vectors: npt.ArrayLike,
    *,
    scaled: bool = True,
    n_distinct: int | None = None,
    dtype: npt.DTypeLike | None = None,
) -> VectorQuality:
    """Measure vectors (n_vectors, n_columns).

    Parameters
    ----------
    vectors
        The vectors.
    scaled
        Whether the effective rank is of columns of equal variance: of features with units of measure of their own.
    n_distinct
        Things that differ among those that the vectors are of; all where None.
    dtype
        In which they are stored; that of the array where None.

    Examples
    --------
    >>> vector_quality([[0.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    VectorQuality(n_vectors=3, n_columns=2, n_not_finite=0, n_constant=1, effective_rank=1.0, n_duplicates=1)
    """
    values = np.asarray(vectors)
    finite = values[np.isfinite(values).all(axis=1)]
    several = len(finite) > 1
    distinct = len(finite) if n_distinct is None else min(n_distinct, len(finite))
    return VectorQuality(
        n_vectors=len(values),
        n_columns=values.shape[1],
        n_not_finite=len(values) - len(finite),
        n_constant=int((~varying(finite, dtype)).sum()) if several else 0,
        effective_rank=effective_rank(finite, scaled=scaled, dtype=dtype) if several else float("nan"),
        n_duplicates=max(distinct - len(np.unique(finite, axis=0)), 0),
    )


def constant_columns(
    vectors: npt.ArrayLike, names: Sequence[str], dtype: npt.DTypeLike | None = None
) -> tuple[str, ...]:
    """Return the names of the columns that `vector_quality` counts as constant.

    Examples
    --------
    >>> constant_columns([[0.0, 1.0], [1.0, 1.0]], ["rate", "depth"])
    ('depth',)
    """
    values = np.asarray(vectors)
    finite = values[np.isfinite(values).all(axis=1)]
    if len(finite) < 2:
        return ()
    return tuple(name for name, varies in zip(names, varying(finite, dtype)) if not varies)


def effective_rank(vectors: npt.ArrayLike, *, scaled: bool = True, dtype: npt.DTypeLike | None = None) -> float:
    """Return how many dimensions finite vectors (n_vectors, n_columns) fill: between 1 and the number of columns.

    The exponential of the entropy of the singular values' shares, of centred and, where ``scaled``, standardised
    columns (Roy & Vetterli 2007, EUSIPCO, 606-610, "The effective rank"); 0 where no column varies. Singular values
    that the rounding of the stored type can make (`rounding_norm`) are no dimensions: hundreds of columns of float32
    that lie in two have hundreds of them. It has three decimals: another processor's eigenvalues differ behind them.

    Parameters
    ----------
    vectors
        The vectors.
    scaled
        Whether columns are brought to equal variance.
    dtype
        In which the vectors are stored; that of the array where None.

    Examples
    --------
    >>> effective_rank(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    2.0
    """
    stored = np.asarray(vectors)
    kind = stored.dtype if dtype is None else dtype
    values = stored.astype(np.float64)[:, varying(stored, kind)]
    if not values.size:
        return 0.0
    centred = values - values.mean(axis=0)
    deviation = values.std(axis=0) if scaled else np.ones(values.shape[1])
    centred = centred / deviation
    # Of the smaller product of the matrix with itself: 60,000 windows of 100 columns are as quick as 1,000.
    square = centred @ centred.T if len(centred) < centred.shape[1] else centred.T @ centred
    singular = np.sqrt(np.maximum(np.linalg.eigvalsh(square), 0.0))
    # The product itself is rounded: below the root of its own rounding nothing of it is known.
    of_product = np.sqrt(len(square) * np.finfo(np.float64).eps) * singular.max()
    kept = singular[singular > max(rounding_norm(values / deviation, kind), of_product)]
    if not len(kept):
        return 0.0
    shares = kept / kept.sum()
    return round(float(np.exp(-(shares * np.log(shares)).sum())), 3)
