"""The targets of ``psth-forecast``: the spike counts of all repeats of a stimulus, and their means by split.

Contains the counts with what is valid for each unit. Add here what else is made of the repeats. Which presentations are
repeats is `repeats`; predictions are scored in `results`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nh_platform.reading.unit_psth import choose_units
from nh_platform.session import ConfigError
from nh_platform.tasks.task import TargetMissing
from nh_platform.tasks.visual.presented_windows import session_name
from nh_platform.tasks.visual.psth_forecast.conditions import ConditionColumns
from nh_platform.tasks.visual.psth_forecast.repeats import BIN_S, RepeatedStimulus, repeated_stimuli
from nh_platform.tasks.visual.repeat_splits import TEST, TRAIN

if TYPE_CHECKING:
    from nh_platform.reading import SessionView
    from nh_platform.reading.unit_psth import UnitChoice

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SATURATED = 255
"""Largest count that a bin can hold."""


@dataclass(frozen=True)
class UnitRepeats:
    """The repeats that some units, whose probes recorded well in the same ones, can be scored on.

    Parameters
    ----------
    units
        (n,) places of the units in the target.
    conditions
        (n_conditions,) places of the conditions in the target that have a repeat to train and one to test.
    condition
        (n_repeats,) which of ``conditions`` each repeat is of.
    counts
        (n_repeats, n_bins, n) uint8 spikes.
    split
        (n_repeats,) object.
    """

    units: IntArray
    conditions: IntArray
    condition: IntArray
    counts: npt.NDArray[np.uint8]
    split: npt.NDArray[np.object_]

    def repeats_of(self, split: str) -> IntArray:
        """Return (n_conditions,) how many repeats each condition has in a split."""
        return np.bincount(self.condition[self.split == split], minlength=len(self.conditions))

    def mean_counts(self, *splits: str) -> FloatArray:
        """Return (n_conditions, n_bins, n) the mean spikes per bin over repeats of the splits; NaN where none is."""
        inside = np.isin(self.split, splits)
        means = np.full((len(self.conditions), *self.counts.shape[1:]), np.nan)
        for row in range(len(self.conditions)):
            rows = inside & (self.condition == row)
            if rows.any():
                means[row] = self.counts[rows].sum(axis=0, dtype=np.int64) / rows.sum()
        return means


@dataclass(frozen=True, eq=False, repr=False)
class ForecastTarget:
    """Counts of all repeats of a stimulus.

    Parameters
    ----------
    source, session_id
        The session.
    repeats
        The repeats: conditions, times, splits.
    counts
        (n_repeats, n_bins, n_units) uint8 spikes.
    valid
        (n_repeats, n_units) False where the unit's probe, or the session, did not record well in the window.
    unit_ids, regions
        (n_units,) ids and Beryl acronyms, None where there is none.
    """

    source: str
    session_id: str
    repeats: RepeatedStimulus
    counts: npt.NDArray[np.uint8]
    valid: npt.NDArray[np.bool_]
    unit_ids: npt.NDArray[np.object_]
    regions: npt.NDArray[np.object_]

    def __repr__(self) -> str:
        n_bins, n_units = self.counts.shape[1:]
        return f"ForecastTarget({self.repeats!r}, bins={n_bins}, units={n_units})"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of conditions, bins and units: the shape of a prediction."""
        return len(self.repeats.conditions), *self.counts.shape[1:]

    @property
    def bin_centers(self) -> FloatArray:
        """(n_bins,) seconds from the start of the window."""
        return np.asarray((np.arange(self.counts.shape[1]) + 0.5) * self.repeats.bin_s, dtype=np.float64)

    def psth(self, split: str = TRAIN) -> FloatArray:
        """Return (n_conditions, n_bins, n_units) the mean rate in Hz over the repeats of a split.

        Of ``train`` that is the target of the task: no other repeat is in it. NaN where a unit has no valid repeat of a
        condition in the split, or the condition has none to train or none to test.
        """
        rates: FloatArray = np.full(self.shape, np.nan)
        for group in self.groups():
            hz = group.mean_counts(split) / self.repeats.bin_s
            rates[np.ix_(group.conditions, np.arange(self.shape[1]), group.units)] = hz
        return rates

    def groups(self) -> Iterator[UnitRepeats]:
        """Yield the units by the repeats in which their probe recorded well, with what they can be scored on.

        Units without a condition that has a valid repeat to train and one to test are in none.
        """
        columns, group_of = np.unique(self.valid, axis=1, return_inverse=True)
        for number in range(columns.shape[1]):
            units, rows = np.flatnonzero(group_of.ravel() == number), columns[:, number]
            condition, split = self.repeats.condition[rows], self.repeats.split[rows]
            n_conditions = len(self.repeats.conditions)
            has = [np.bincount(condition[split == name], minlength=n_conditions) > 0 for name in (TRAIN, TEST)]
            kept = np.flatnonzero(has[0] & has[1])
            if not len(kept):
                continue
            place = np.full(n_conditions, -1, dtype=np.int64)
            place[kept] = np.arange(len(kept))
            inside = place[condition] >= 0
            counts = self.counts[rows] if not rows.all() else self.counts
            counts = counts if inside.all() else counts[inside]
            counts = counts if len(units) == self.shape[2] else counts[:, :, units]
            yield UnitRepeats(units, kept, place[condition[inside]], counts, split[inside])


def forecast_targets(
    session: SessionView,
    stimuli: Sequence[str] = (),
    conditions: ConditionColumns = (),
    units: UnitChoice = None,
    *,
    bin_s: float = BIN_S,
    window_s: float | None = None,
    movie_step_s: float | None = None,
) -> list[ForecastTarget]:
    """Return the targets of every repeated stimulus of a session; parameters as of `repeats.repeated_stimuli`.

    Parameters
    ----------
    units
        Which units, as of `SessionView.psth`; all where None.

    Raises
    ------
    TargetMissing
        If nothing is repeated, or there is no unit.
    ConfigError
        As `repeated_stimuli` does, or if a bin holds more than 255 spikes.
    """
    repeated = repeated_stimuli(session, stimuli, conditions, bin_s=bin_s, window_s=window_s, movie_step_s=movie_step_s)
    table = session.units
    rows = choose_units(table["unit_id"], units)
    if not len(rows):
        raise TargetMissing(session_name(session), "there is no unit to predict", "Choose other units.")
    targets = []
    for one in repeated:
        windows = session.windows_around(one.times, 0.0, one.window_s, one.bin_s, units=units)
        if windows.maximum > SATURATED:
            raise ConfigError(
                f"bins of {one.bin_s:g} s", f"one of {one.stimulus} holds {windows.maximum} spikes", "Narrow them."
            )
        targets.append(
            ForecastTarget(
                source=session.source,
                session_id=session.session_id,
                repeats=one,
                counts=np.ascontiguousarray(windows.counts.transpose(0, 2, 1)),
                valid=windows.valid,
                unit_ids=windows.unit_ids,
                regions=table["region"].to_numpy(dtype=object)[rows],
            )
        )
    return targets
