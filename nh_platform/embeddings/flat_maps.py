"""Maps of vectors in two dimensions: principal components always, UMAP where the extra `umap` is installed.

Contains the scaling that both share and the maps. They are for looking: distances in a map of UMAP mean nothing but
who is near. Which vectors are drawn, and how, is the matter of `nh_platform.reports`.
"""

from __future__ import annotations

from functools import cache
from importlib import metadata
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

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
def umap_version() -> str:
    """Return the version of umap-learn; empty where it is not installed."""
    return metadata.version("umap-learn") if find_spec("umap") is not None else ""


def standardised(vectors: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return vectors with columns of mean 0 and deviation 1, and which of them have a place in a map.

    Parameters
    ----------
    vectors
        (n_vectors, n_columns); NaN where undefined.

    Returns
    -------
    tuple
        (n_placed, n_varying) float64, NaN taken as the mean of the column; (n_vectors,) bool, False where more than
        `MOST_ABSENT` of the values are NaN.
    """
    values = np.asarray(vectors, dtype=np.float64)
    absent = ~np.isfinite(values)
    placed = absent.mean(axis=1) <= MOST_ABSENT if values.shape[1] else np.zeros(len(values), dtype=bool)
    kept = np.where(absent, np.nan, values)[placed]
    kept = kept[:, np.isfinite(kept).any(axis=0)] if len(kept) else kept
    if not kept.size:
        return np.zeros((len(kept), 0)), placed
    deviation = np.nanstd(kept, axis=0)
    kept, deviation = kept[:, deviation > 0], deviation[deviation > 0]
    scaled = (kept - np.nanmean(kept, axis=0)) / deviation
    return np.clip(np.nan_to_num(scaled), -LIMIT, LIMIT), placed


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

    It is always the same on one kind of processor, and may be another on the next.
    """
    if not umap_version() or len(scaled) < MIN_UMAP:
        return None
    import warnings

    from umap import UMAP

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a stated seed means one thread
        found = np.asarray(UMAP(random_state=0, n_jobs=1).fit_transform(scaled)).astype(np.float64)
    rounded: FloatArray = np.round(found, DECIMALS)
    return rounded
