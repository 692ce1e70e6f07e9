"""Agreement of the metrics that a release states with those that the platform recomputes from the same spikes.

Contains the comparison. Which released column stands for which definition, and with what tolerance, is said by the
source's entry. Nothing here decides whether a unit is good, and neither side is ever replaced by the other.

Why the two can differ although both are right: a release keeps the numbers of the vintage of the code that wrote it
(IBL changed `noise_cutoff` and the refractory test in October 2022, ibllib commit 96d6c631), may state metrics of an
earlier sorting or of a recording from which spikes were removed afterwards, and computes in float64 what the platform
stores as float32 amplitudes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.sources.counterparts import Counterpart

FloatArray = npt.NDArray[np.float64]

ALLOWED_SHARE = 0.01
"""A metric agrees where at most one unit in a hundred differs: float32 moves single spikes over a histogram edge."""

N_WORST = 3


@dataclass(frozen=True)
class DifferingUnit:
    """A unit whose released and recomputed value differ beyond tolerance."""

    unit: str
    released: float
    recomputed: float


@dataclass(frozen=True)
class MetricAgreement:
    """Agreement of one metric over the units of a table.

    Parameters
    ----------
    counterpart
        What is compared, and the tolerance.
    n_both
        Units with a finite value on both sides.
    n_differ
        Units among them that differ beyond tolerance.
    n_only_released, n_only_recomputed
        Units with a finite value on one side alone.
    largest
        Largest relative difference, ``|a - b| / max(|a|, |b|)``; NaN where no unit has both.
    worst
        Up to three differing units, largest difference first.
    decides
        False where the table is of another vintage than the definition (see `Counterpart`).
    """

    counterpart: Counterpart
    n_both: int
    n_differ: int
    n_only_released: int
    n_only_recomputed: int
    largest: float
    worst: tuple[DifferingUnit, ...]
    decides: bool

    @property
    def n_disagree(self) -> int:
        """Units that differ beyond tolerance or have a value on one side alone."""
        return self.n_differ + self.n_only_released + self.n_only_recomputed

    @property
    def agrees(self) -> bool:
        """Whether at most `ALLOWED_SHARE` of the units with a value disagree."""
        n_units = self.n_both + self.n_only_released + self.n_only_recomputed
        return self.n_disagree <= ALLOWED_SHARE * n_units


@dataclass(frozen=True)
class Agreement:
    """Agreement of every comparable metric of a units table.

    Parameters
    ----------
    metrics
        One entry per released column that has a definition and stands in the table.
    n_units
        Units compared: those with spikes.
    n_silent
        Units without spikes, which are left out. Upstream states nothing about them; the definitions say 0 Hz.
    without_definition
        Released columns that no definition of the platform recomputes, sorted.
    """

    metrics: tuple[MetricAgreement, ...]
    n_units: int
    n_silent: int
    without_definition: tuple[str, ...]

    @property
    def disagreeing(self) -> tuple[MetricAgreement, ...]:
        """Metrics that decide and do not agree."""
        return tuple(metric for metric in self.metrics if metric.decides and not metric.agrees)

    @property
    def passed(self) -> bool:
        """Whether every metric that decides agrees."""
        return not self.disagreeing

    def text(self) -> str:
        """Return the outcome in one sentence."""
        if not self.metrics:
            return "The release states no metric that the platform recomputes."
        if self.passed:
            other = sum(not metric.decides for metric in self.metrics)
            vintage = f"; {other} more are of another vintage and only shown" if other else ""
            return f"{len(self.metrics) - other} metrics agree in {self.n_units} units{vintage}."
        parts = [
            f"{metric.counterpart.column} in {metric.n_disagree} of {self.n_units} units" for metric in self.disagreeing
        ]
        return f"Released and recomputed values differ: {', '.join(parts)}."


def released_agreement(units: pd.DataFrame, counterparts: Iterable[Counterpart]) -> Agreement:
    """Compare the released with the recomputed metrics of a session's units.

    Parameters
    ----------
    units
        Schema `UNITS`: ``released.<name>`` and definition-id columns side by side, and ``n_spikes``.
    counterparts
        Which column stands for which definition: those of the source's entry.

    Returns
    -------
    Agreement
        In the order of ``counterparts``. A value that is infinite counts as not available: brainbox divides by a
        duration of zero where the platform says NaN.
    """
    spiking = units[units["n_spikes"].to_numpy() > 0]
    compared = [
        counterpart
        for counterpart in counterparts
        if f"released.{counterpart.column}" in units and counterpart.definition in units
    ]
    stated = {str(name).removeprefix("released.") for name in units.columns if str(name).startswith("released.")}
    return Agreement(
        metrics=tuple(_compare(spiking, counterpart, stated) for counterpart in compared),
        n_units=len(spiking),
        n_silent=len(units) - len(spiking),
        without_definition=tuple(sorted(stated - {counterpart.column for counterpart in compared})),
    )


def units_agree(units: pd.DataFrame, counterparts: Iterable[Counterpart]) -> dict[Counterpart, pd.Series]:
    """Return of each comparable metric, per unit, whether the released and the recomputed value agree.

    Parameters
    ----------
    units, counterparts
        As of `released_agreement`.

    Returns
    -------
    dict
        (n_units,) nullable booleans on the index of ``units``: null where a side has no value, where the unit has no
        spikes, and where the released column is of another vintage than the definition.
    """
    stated = {str(name).removeprefix("released.") for name in units.columns if str(name).startswith("released.")}
    spiking = units["n_spikes"].to_numpy() > 0
    found = {}
    for counterpart in counterparts:
        if counterpart.column in stated and counterpart.definition in units:
            released, recomputed = _both_sides(units, counterpart)
            beyond, both, _ = _beyond(released, recomputed, counterpart)
            known = both & spiking & _decides(counterpart, stated)
            found[counterpart] = pd.Series(~beyond, index=units.index, dtype="boolean").where(known)
    return found


def _both_sides(units: pd.DataFrame, counterpart: Counterpart) -> tuple[FloatArray, FloatArray]:
    return _finite(units[f"released.{counterpart.column}"]), _finite(units[counterpart.definition])


def _beyond(
    released: FloatArray, recomputed: FloatArray, counterpart: Counterpart
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], FloatArray]:
    """Return per unit whether the values differ beyond tolerance, whether both are there, and by how much."""
    both = ~np.isnan(released) & ~np.isnan(recomputed)
    difference = np.abs(released - recomputed)
    scale = np.fmax(np.abs(released), np.abs(recomputed))
    beyond = both & (difference > np.fmax(counterpart.absolute, counterpart.relative * scale))
    return beyond, both, np.divide(difference, scale, out=np.zeros_like(difference), where=both & (scale > 0))


def _decides(counterpart: Counterpart, stated: set[str]) -> bool:
    return not counterpart.only_with or counterpart.only_with in stated


def _compare(units: pd.DataFrame, counterpart: Counterpart, stated: set[str]) -> MetricAgreement:
    released, recomputed = _both_sides(units, counterpart)
    has_released, has_recomputed = ~np.isnan(released), ~np.isnan(recomputed)
    beyond, both, relative = _beyond(released, recomputed, counterpart)
    rows = np.flatnonzero(beyond)
    rows = rows[np.lexsort((rows, -relative[rows]))[:N_WORST]]
    names = units["unit_id"].astype(str).tolist()
    return MetricAgreement(
        counterpart=counterpart,
        n_both=int(both.sum()),
        n_differ=int(beyond.sum()),
        n_only_released=int((has_released & ~has_recomputed).sum()),
        n_only_recomputed=int((has_recomputed & ~has_released).sum()),
        largest=float(relative[both].max()) if both.any() else float("nan"),
        worst=tuple(DifferingUnit(names[row], float(released[row]), float(recomputed[row])) for row in rows),
        decides=_decides(counterpart, stated),
    )


def _finite(values: pd.Series) -> FloatArray:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)
