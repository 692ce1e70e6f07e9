"""What a family of metrics is: the ids whose work is shared, and the function that computes them for one unit.

Contains the record type. Families themselves stand in the `families_*` modules; what they mean in `definition`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nh_platform.qc.metrics.unit_spikes import UnitSpikes

NAN = float("nan")


@dataclass(frozen=True)
class Family:
    """Metrics that are computed together.

    Parameters
    ----------
    ids
        Definition ids, in the order of the values.
    compute
        Gives one value per id for a unit; only called where the unit has spikes (or ``empty``) and the properties of
        ``needs`` are usable.
    needs
        Spike properties it reads: ``times``, ``amplitudes``, ``depths``.
    empty
        Whether ``compute`` is also called for a unit without spikes; elsewhere such a unit is NaN.
    """

    ids: tuple[str, ...]
    compute: Callable[[UnitSpikes], tuple[float, ...]]
    needs: tuple[str, ...]
    empty: bool = False
