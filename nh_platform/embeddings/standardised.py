"""Columns of mean 0 and standard deviation 1, and what of vectors is only the rounding of how they are stored.

Contains the one z-score of vectors that are looked at or compared, and the bounds of rounding. Scaling by the
statistics of training units is `unit_vectors`: there mean and spread are stored, and applied to others.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

LEAST_SPREAD = 1e-12
"""Standard deviation over the largest magnitude of a column below which float64 sums make it, not the data."""


def epsilon(dtype: npt.DTypeLike) -> float:
    """Return the spacing of numbers of a type around 1; that of float64 for whole numbers.

    Examples
    --------
    >>> epsilon(np.float32) > 1e-8 > epsilon(np.int64)
    True
    """
    found = np.dtype(dtype)
    return float(np.finfo(found if found.kind == "f" else np.float64).eps)


def varying(vectors: npt.ArrayLike, dtype: npt.DTypeLike | None = None) -> npt.NDArray[np.bool_]:
    """Return (n_columns,) which columns vary by more than the rounding of what they are stored in.

    Parameters
    ----------
    vectors
        (n_vectors, n_columns); NaN and infinite values are passed over.
    dtype
        In which they are stored; that of the array where None.
    """
    values = np.asarray(vectors)
    spread, largest = _spread(values.astype(np.float64))
    return spread > max(LEAST_SPREAD, epsilon(values.dtype if dtype is None else dtype)) * largest


def standardised(vectors: npt.ArrayLike, dtype: npt.DTypeLike | None = None) -> FloatArray:
    """Return (n_vectors, n_varying) columns of mean 0 and standard deviation 1 where known; those that vary alone.

    Parameters
    ----------
    vectors
        (n_vectors, n_columns); NaN where undefined, which becomes 0, the mean.
    dtype
        In which they are stored; that of the array where None.

    Examples
    --------
    >>> standardised([[1.0, 5.0], [3.0, 5.0], [float("nan"), 5.0]]).tolist()
    [[-1.0], [1.0], [0.0]]
    """
    values = np.asarray(vectors)
    kept = varying(values, dtype)
    table = values.astype(np.float64)[:, kept]
    centred = _centred(table)
    return centred / _spread(table)[0]


def rounding_norm(scaled: FloatArray, dtype: npt.DTypeLike) -> float:
    """Return the largest singular value that the rounding of a matrix, stored in ``dtype``, can have.

    Parameters
    ----------
    scaled
        (n_vectors, n_columns) values, scaled as those whose singular values are looked at, and not centred: a value is
        rounded by its own magnitude.
    dtype
        In which they are stored.

    Returns
    -------
    float
        Epsilon times the Frobenius norm: a matrix of errors of at most epsilon of each value has no larger singular
        value, and moves none by more (Weyl's inequality; Golub & Van Loan, Matrix Computations, 8.6.1).
    """
    return epsilon(dtype) * float(np.sqrt(np.square(scaled).sum()))


def _centred(table: FloatArray) -> FloatArray:
    known = np.isfinite(table)
    n = np.maximum(known.sum(axis=0), 1)
    inside = np.where(known, table, 0.0)
    return np.where(known, inside - inside.sum(axis=0) / n, 0.0)


def _spread(table: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the standard deviation and the largest magnitude of what is known in each column."""
    known = np.isfinite(table)
    spread = np.sqrt((_centred(table) ** 2).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
    return spread, np.abs(np.where(known, table, 0.0)).max(axis=0, initial=0.0)
