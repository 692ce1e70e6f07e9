"""Medians and quantiles from the values at two neighbouring ranks, bit by bit as numpy has them.

Contains the ranks, and what lies between their values by numpy's method ``linear``. The values are found by
`nh_platform.qc.metrics.kernels.order_kernels`. Add another method here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.qc.metrics.unit_blocks import Flags, Floats, Integers


def middle_ranks(counts: npt.ArrayLike) -> Integers:
    """Return (n_units, 2) ranks whose values' mean is the median; the same one twice for an odd number."""
    n = np.asarray(counts)
    return np.stack([(n - 1) // 2, n // 2], axis=-1)


def quantile_ranks(counts: npt.ArrayLike, share: float) -> tuple[Integers, Floats]:
    """Return the two ranks that a quantile lies between, and how far from the first one to the second.

    Parameters
    ----------
    counts
        (n_units,) number of values.
    share
        The quantile, 0-1.

    Returns
    -------
    tuple
        (n_units, 2) ranks from 0, and (n_units,) 0-1.
    """
    last = np.asarray(counts) - 1
    place = last * share
    below = np.floor(place)
    first = below.astype(np.int64)
    return np.stack([first, np.minimum(first + 1, last)], axis=-1), place - below


def between(values: Floats, share: Floats) -> Floats:
    """Return (n_units,) what lies ``share`` of the way between (n_units, 2) values, as `numpy.quantile` rounds it."""
    first, second = values[:, 0], values[:, 1]
    step = second - first
    return np.where(share >= 0.5, second - step * (1 - share), first + step * share)


def population_deviation(values: npt.NDArray[Any], mean: float) -> float:
    """Return the standard deviation around the mean as `numpy.std`, whose checks take longer than 100 values' sums."""
    away = values - mean
    return math.sqrt(np.add.reduce(away * away) / len(values))


def values_at(x: Floats, begins: Integers, ends: Integers, marked: Flags, ranks: Integers) -> Floats:
    """Return (n_units, n_pairs, 2) values at pairs of ranks of parts of ``x``, NaN where a unit is not marked.

    Parameters
    ----------
    x, begins, ends, marked, ranks
        As of `nh_platform.qc.metrics.kernels.order_kernels.select_pairs`, which reorders ``x``.
    """
    from nh_platform.qc.metrics.kernels.order_kernels import select_pairs

    values = np.full(ranks.shape, np.nan)
    select_pairs(x, begins, ends, marked, ranks, values)
    return values
