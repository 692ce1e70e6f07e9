"""Values of spikes in the order of time → the same grouped by unit: a counting sort.

Contains the sort of the reader of ALF's arrays, IBL's and a lab's own alike. Allen's spikes come grouped.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Scalar = TypeVar("Scalar", bound=np.generic)


class ByUnit:
    """Groups values of spikes by their unit, and keeps their order within each.

    One pass in the order of time that writes to as many places as there are units; sorting the units and taking each
    value from its place reads every 700th value of a session of 700 units, which took three times as long.

    Parameters
    ----------
    units
        (n_spikes,) row of each spike's unit, integers of 0 to ``n_units - 1``.
    n_units
        Number of units, those without spikes included.

    Examples
    --------
    >>> ByUnit(np.array([1, 0, 1]), 3)(np.array([0.1, 0.2, 0.3])).tolist()
    [0.2, 0.1, 0.3]
    """

    def __init__(self, units: npt.NDArray[np.integer], n_units: int) -> None:
        self._rows, self._n_units = units.astype(np.int32), n_units
        self._places = np.arange(len(units), dtype=np.int32)

    def __call__(self, values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """Return (n_spikes,) floats grouped by unit."""
        from scipy.sparse import coo_array

        if not len(values):
            return values
        table: Any = coo_array((values, (self._rows, self._places)), shape=(self._n_units, len(values)))
        table.has_canonical_format = True  # no two spikes are in one place: nothing is looked for
        grouped: npt.NDArray[Scalar] = table.tocsr().data
        return grouped
