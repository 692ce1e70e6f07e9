"""Maps of vectors in two dimensions: principal components, and UMAP where the extra `umap` is installed.

Contains which vectors have a place, and the maps. They are for looking: distances in a map of UMAP mean nothing but
who is near. Which vectors are drawn, and how, is the matter of `nh_platform.reports`.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from nh_platform.embeddings.standardised import standardised

FloatArray = npt.NDArray[np.float64]

MIN_VECTORS = 5
"""Fewest vectors that make a map."""
MIN_UMAP = 20
"""Fewest that UMAP is asked for: it takes 15 neighbours of each."""
MOST_ABSENT = 0.5
"""Share of a vector's values that may be NaN."""
DECIMALS = 3
"""Of places in a map: the last bits of linear algebra are of the machine, not of the data."""
LIMIT = 5.0
"""Standard deviations at which values are cut: one unit of 40 spikes would else squeeze all others into a point."""


@cache
def has_umap() -> bool:
    """Return whether umap-learn is installed."""
    return find_spec("umap") is not None


def placed_vectors(
    vectors: npt.ArrayLike, dtype: npt.DTypeLike | None = None
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return standardised vectors that have a place in a map, cut at `LIMIT`, and which these are.

    Parameters
    ----------
    vectors
        (n_vectors, n_columns); NaN where undefined.
    dtype
        In which they are stored; that of the array where None.

    Returns
    -------
    tuple
        (n_placed, n_varying) float64, NaN taken as the mean of the column; (n_vectors,) bool, False where more than
        `MOST_ABSENT` of the values are NaN.
    """
    values = np.asarray(vectors)
    absent = ~np.isfinite(values)
    placed = absent.mean(axis=1) <= MOST_ABSENT if values.shape[1] else np.zeros(len(values), dtype=bool)
    return np.clip(standardised(values[placed], dtype), -LIMIT, LIMIT), placed


def principal_map(scaled: FloatArray) -> tuple[FloatArray, tuple[float, float]] | None:
    """Return (n_vectors, 2) the first two principal components and their shares of the variance; None of too few."""
    if len(scaled) < MIN_VECTORS or scaled.shape[1] < 2:
        return None
    centred = scaled - scaled.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    axes = vectors[:, ::-1][:, :2]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
    total = float(values.sum())
    if not total > 0:
        return None
    return np.round(centred @ axes, DECIMALS), (float(values[-1]) / total, float(values[-2]) / total)


def umap_map(scaled: FloatArray) -> FloatArray | None:
    """Return (n_vectors, 2) a map by UMAP with its defaults; None where it is not installed.

    It is always the same on one kind of processor, and may be another on the next: nothing that is stored has it.
    """
    if not has_umap() or len(scaled) < MIN_UMAP:
        return None
    import warnings

    from umap import UMAP

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a stated seed means one thread
        found = np.asarray(UMAP(random_state=0, n_jobs=1).fit_transform(scaled)).astype(np.float64)
    rounded: FloatArray = np.round(found, DECIMALS)
    return rounded
