"""Values of spikes in the order of time → the same grouped by unit: a counting sort.

Contains the sort of the reader of ALF's arrays, IBL's and a lab's own alike. Allen's spikes come grouped.
"""

from __future__ import annotations

from typing import TypeVar

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

    Attributes
    ----------
    counts
        (n_units,) int64, spikes of each unit.

    Raises
    ------
    IndexError
        If a spike has a row that is none of 0 to ``n_units - 1``.

    Examples
    --------
    >>> ByUnit(np.array([1, 0, 1]), 3)(np.array([0.1, 0.2, 0.3])).tolist()
    [0.2, 0.1, 0.3]
    """

    def __init__(self, units: npt.NDArray[np.integer], n_units: int) -> None:
        from nh_platform.sources.ibl.session.grouping_kernels import count_rows

        self._rows = np.ascontiguousarray(units, dtype=np.int32)
        self.counts = np.zeros(n_units, dtype=np.int64)
        stray = count_rows(self._rows, self.counts)
        if stray >= 0:
            raise IndexError(f"spike {stray} is of row {units[stray]}, and there are {n_units} units")

    def __call__(self, values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """Return (n_spikes,) floats grouped by unit.

        Raises
        ------
        ValueError
            If there are more or fewer values than spikes.
        """
        from nh_platform.sources.ibl.session.grouping_kernels import scatter

        if values.shape != self._rows.shape:
            raise ValueError(f"{values.shape} values for {self._rows.shape} spikes")
        grouped = np.empty_like(values)
        scatter(values, self._rows, np.cumsum(self.counts) - self.counts, grouped)
        return grouped
