"""What a family of metrics is: the ids whose work is shared, and the function that computes them for a chunk of units.

Contains the record type. Families themselves stand in the `families_*` modules; what they mean in `definition`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.qc.metrics.unit_blocks import Flags, UnitChunk

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Family:
    """Metrics that are computed together.

    Parameters
    ----------
    ids
        Definition ids, in the order of the columns.
    compute
        Fills the columns of an (n_units, n_ids) array, NaN beforehand, for the units that its second argument marks:
        those with spikes (or all, with ``empty``) whose properties of ``needs`` are usable.
    needs
        Spike properties it reads: ``times``, ``amplitudes``, ``depths``.
    empty
        Whether units without spikes are marked too; elsewhere such a unit is NaN.
    """

    ids: tuple[str, ...]
    compute: Callable[[UnitChunk, Flags, Values], None]
    needs: tuple[str, ...]
    empty: bool = False

    def of(self, chunk: UnitChunk) -> Values:
        """Return (n_units, n_ids) float64 values of a chunk."""
        values = np.full((len(chunk.tmin), len(self.ids)), np.nan)
        self.compute(chunk, chunk.usable(self.needs, self.empty), values)
        return values
