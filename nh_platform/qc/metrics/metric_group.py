"""Metrics that are computed together: their definitions, and the function that computes them for a block of units.

Contains the record. The platform's own are `nh_platform.qc.metrics.compute.GROUPS`; an installed package brings one
by an entry point of the group `ENTRY_POINTS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.qc.metrics.definitions.metric_definition import MetricDefinition
from nh_platform.qc.metrics.unit_blocks import Flags, UnitBlock
from nh_platform.session.installed import package_named

ENTRY_POINTS = "nh_platform.metrics"
"""Group of the entry points by which an installed package brings metrics; each names a `MetricGroup`."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MetricGroup:
    """Metrics whose work is shared.

    Parameters
    ----------
    definitions
        What they are, in the order of the columns; all need the same spike properties.
    compute
        Fills the columns of an (n_units, n_metrics) float64 array, NaN beforehand, for the units that its second
        argument marks: those with spikes (or all, with ``empty``) whose properties are usable. Called from several
        threads, with a block of units each.
    empty
        Whether units without spikes are marked too; elsewhere such a unit is NaN.

    Raises
    ------
    ValueError
        If there is no definition, two need different properties, or one is no float64.
    """

    definitions: tuple[MetricDefinition, ...]
    compute: Callable[[UnitBlock, Flags, Values], None]
    empty: bool = False

    def __post_init__(self) -> None:
        if len({known.needs for known in self.definitions}) != 1:
            raise ValueError(f"metrics {', '.join(self.ids) or '(none)'}: not the same needs; make a group of each")
        if any(known.dtype != "float64" for known in self.definitions):
            raise ValueError(f"metrics {', '.join(self.ids)}: a dtype is not float64, which NaN needs")

    @property
    def ids(self) -> tuple[str, ...]:
        """Definition ids, in the order of the columns."""
        return tuple(known.id for known in self.definitions)

    @property
    def name(self) -> str:
        """The first of the ids, by which an installed package is told from another."""
        return self.ids[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The ids, which no other package may use."""
        return self.ids

    @property
    def needs(self) -> tuple[str, ...]:
        """Spike properties that are read: ``times``, ``amplitudes``, ``depths``."""
        return self.definitions[0].needs

    def of(self, block: UnitBlock, package: str | None = None) -> Values:
        """Return the (n_units, n_metrics) values of a block.

        Parameters
        ----------
        block
            The units.
        package
            The installed package that brought the group; None for the platform's own.

        Raises
        ------
        ConfigError
            Naming metrics and package, where the code of a package raises.
        """
        values = np.full((len(block.tmin), len(self.definitions)), np.nan)
        with package_named(f"metric {', '.join(self.ids)}", package, "it cannot be computed"):
            self.compute(block, block.usable(self.needs, self.empty), values)
        return values
