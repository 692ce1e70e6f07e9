"""Compiled loops of the counting sort that groups spikes by unit.

Contains numba kernels and nothing else; `nh_platform.sources.ibl.session.grouping` makes the arrays and calls them.
Import this module inside a function: numba costs 0.9 s at import.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit


@njit(cache=True, nogil=True)
def count_rows(rows: npt.NDArray[np.int32], counts: npt.NDArray[np.int64]) -> int:
    """Add the spikes of each row to ``counts`` (n_units,); return the first spike whose row is none of them, or -1."""
    n_units = len(counts)
    for spike in range(len(rows)):
        if not 0 <= rows[spike] < n_units:
            return spike
        counts[rows[spike]] += 1
    return -1


@njit(cache=True, nogil=True)
def scatter(
    values: npt.NDArray[Any], rows: npt.NDArray[np.int32], places: npt.NDArray[np.int64], grouped: npt.NDArray[Any]
) -> None:
    """Write each value to the next place of its row; ``places`` is where each row begins, then where it ends."""
    for spike in range(len(values)):
        place = places[rows[spike]]
        grouped[place] = values[spike]
        places[rows[spike]] = place + 1
