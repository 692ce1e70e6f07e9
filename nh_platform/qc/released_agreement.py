"""How far the metrics that a release states agree with those that the platform recomputes from the same spikes.

Contains which released column stands for which definition id, the tolerance of each, and the comparison. Add a
counterpart here when a source states a metric that has a definition. Nothing here decides whether a unit is good, and
neither side is ever replaced by the other.

Why the two can differ although both are right: a release keeps the numbers of the vintage of the code that wrote it
(IBL changed `noise_cutoff` and the refractory test in October 2022, ibllib commit 96d6c631), may state metrics of an
earlier sorting or of a recording from which spikes were removed afterwards, and computes in float64 what the platform
stores as float32 amplitudes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

ALLOWED_SHARE = 0.01
"""A metric agrees where at most one unit in a hundred differs: float32 moves single spikes over a histogram edge."""

N_WORST = 3
EXACT = 1e-9
"""Counts, flags and sums over float64 times: only the order of summation may differ."""
STORED_AMPLITUDES = 1e-6
"""Amplitudes are stored as float32 (relative step 6e-8)."""
HISTOGRAM_OF_AMPLITUDES = 0.02
"""One spike that float32 moves to the next bin changes a bin of 50 spikes by 2 %."""


@dataclass(frozen=True)
class Counterpart:
    """A released column and the definition that it stands for.

    Parameters
    ----------
    column
        Upstream's name; the units table has it as ``released.<column>``.
    definition
        Definition id of the recomputed metric.
    relative
        Largest difference, as share of the larger of the two values, that still counts as agreement.
    absolute
        Difference, in the metric's unit of measure, that always counts as agreement.
    only_with
        Released column that a table of the same vintage also has. In a table without it the metric is compared and
        shown, and does not decide the check.
    """

    column: str
    definition: str
    relative: float = EXACT
    absolute: float = 0.0
    only_with: str = ""


def _ibl(column: str, relative: float = EXACT, absolute: float = 0.0, only_with: str = "") -> Counterpart:
    return Counterpart(column, f"ibl.{column}@2022-10", relative, absolute, only_with)


IBL = (
    _ibl("spike_count"),
    _ibl("firing_rate"),
    _ibl("presence_ratio"),
    _ibl("presence_ratio_std"),
    _ibl("contamination"),
    _ibl("contamination_alt"),
    # Before ibllib stored the confidence, the column of this name held the outcome of another test.
    _ibl("slidingRP_viol", only_with="max_confidence"),
    _ibl("slidingRP_viol_forced"),
    _ibl("max_confidence", absolute=1e-6),
    _ibl("min_contamination"),
    _ibl("n_spikes_below2"),
    _ibl("amp_min", STORED_AMPLITUDES),
    _ibl("amp_max", STORED_AMPLITUDES),
    _ibl("amp_median", STORED_AMPLITUDES),
    _ibl("amp_std_dB", 1e-5),
    # 0.05 is a hundredth of the threshold of the label.
    _ibl("noise_cutoff", HISTOGRAM_OF_AMPLITUDES, 0.05, only_with="max_confidence"),
    _ibl("missed_spikes_est", HISTOGRAM_OF_AMPLITUDES, 0.005),
    _ibl("drift", 1e-5),
    _ibl("label", only_with="max_confidence"),
    _ibl("bitwise_fail", only_with="max_confidence"),
)
"""Columns of ``clusters.metrics`` as brainbox writes them (ibllib 4.1.0)."""

ALLEN = (
    Counterpart("firing_rate", "allen.firing_rate@2019", 1e-6),
    Counterpart("isi_violations", "allen.isi_violations@2019", 1e-6),
    Counterpart("presence_ratio", "allen.presence_ratio@2019", absolute=1e-9),
    Counterpart("amplitude_cutoff", "allen.amplitude_cutoff@2019", HISTOGRAM_OF_AMPLITUDES, 0.005),
)
"""Columns of ``/units`` that spike times and amplitudes decide (AllenInstitute/ecephys_spike_sorting)."""

COUNTERPARTS: dict[str, tuple[Counterpart, ...]] = {"ibl": IBL, "allen_vc": ALLEN, "allen_vbn": ALLEN}
"""By source; a source that is not listed has nothing to compare."""


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


def released_agreement(units: pd.DataFrame, source: str) -> Agreement:
    """Compare the released with the recomputed metrics of a session's units.

    Parameters
    ----------
    units
        Schema `UNITS`: ``released.<name>`` and definition-id columns side by side, and ``n_spikes``.
    source
        Name of the source; decides which column stands for which definition.

    Returns
    -------
    Agreement
        In the order of `COUNTERPARTS`. A value that is infinite counts as not available: brainbox divides by a
        duration of zero where the platform says NaN.
    """
    spiking = units[units["n_spikes"].to_numpy() > 0]
    known = COUNTERPARTS.get(source, ())
    compared = [
        counterpart
        for counterpart in known
        if f"released.{counterpart.column}" in units and counterpart.definition in units
    ]
    stated = {str(name).removeprefix("released.") for name in units.columns if str(name).startswith("released.")}
    return Agreement(
        metrics=tuple(_compare(spiking, counterpart, stated) for counterpart in compared),
        n_units=len(spiking),
        n_silent=len(units) - len(spiking),
        without_definition=tuple(sorted(stated - {counterpart.column for counterpart in compared})),
    )


def _compare(units: pd.DataFrame, counterpart: Counterpart, stated: set[str]) -> MetricAgreement:
    released = _finite(units[f"released.{counterpart.column}"])
    recomputed = _finite(units[counterpart.definition])
    has_released, has_recomputed = ~np.isnan(released), ~np.isnan(recomputed)
    both = has_released & has_recomputed
    difference = np.abs(released - recomputed)
    scale = np.fmax(np.abs(released), np.abs(recomputed))
    beyond = both & (difference > np.fmax(counterpart.absolute, counterpart.relative * scale))
    relative = np.divide(difference, scale, out=np.zeros_like(difference), where=both & (scale > 0))
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
        decides=not counterpart.only_with or counterpart.only_with in stated,
    )


def _finite(values: pd.Series) -> npt.NDArray[np.float64]:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)
