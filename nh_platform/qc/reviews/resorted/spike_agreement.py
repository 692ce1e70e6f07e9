"""Agreement of spike trains, the measure by which units of two sortings are compared.

Contains the kernel and the one-to-one match. Add here another measure of likeness. What is kept of a reviewed train is
`fingerprints.py`; what a match means for reviews is `carried_reviews.py`.

The measure is SpikeInterface's (`comparison/comparisontools.py`, 0.105; Buccino et al. 2020, eLife 9:e61834):
``matches / (n1 + n2 - matches)``, where two spikes match within 0.4 ms and each spike at most once; units are matched
one to one by the Hungarian method over agreements of at least 0.5.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.optimize import linear_sum_assignment

TICK_S = 1e-5
"""Times are compared as whole ticks of 10 µs, a third of a sample at 30 kHz: sums are exact on every machine."""
DELTA_TICKS = 40
"""0.4 ms, SpikeInterface's ``delta_time``."""
LEAST_AGREEMENT = 0.5
"""SpikeInterface's ``match_score``: above it a train can agree with one of several disjoint trains alone."""

BY_CHANCE = 0.1
"""SpikeInterface's ``chance_score``: less agreement says nothing, and is 0 here."""

Ticks = npt.NDArray[np.int64]
_BEYOND_S = 1e9  # 31 years: clock errors


def to_ticks(times: npt.NDArray[np.float64]) -> Ticks:
    """Return spike times (s) as sorted ticks; times that are NaN, infinite or beyond 1e9 s are left out."""
    usable = times[np.abs(times) < _BEYOND_S]
    return np.sort(np.rint(usable / TICK_S).astype(np.int64))


def agreements(
    stretches: list[Ticks], of_train: npt.NDArray[np.int64], n_trains: int, units: list[Ticks]
) -> npt.NDArray[np.float64]:
    """Return how far trains, known by stretches of them, agree with whole trains.

    Of a whole train the spikes count that lie within the stretches, 0.4 ms on both sides included.

    Parameters
    ----------
    stretches
        Stretches of consecutive spikes, sorted ticks.
    of_train
        (n_stretches,) which train each one is of.
    n_trains
        Number of trains that are known by stretches.
    units
        Whole trains, sorted ticks.

    Returns
    -------
    ndarray
        (n_trains, n_units) float64 from 0 to 1; 0 where it is less than `BY_CHANCE`.
    """
    starts, spikes = _joined(stretches)
    unit_starts, unit_spikes = _joined(units)
    own = np.bincount(of_train, weights=np.diff(starts), minlength=n_trains).astype(np.int64)
    matched, within = (np.zeros((n_trains, len(units)), dtype=np.int64) for _ in range(2))
    _tally(starts, spikes, of_train.astype(np.int64), own, unit_starts, unit_spikes, matched, within)
    union = own[:, None] + within - matched
    found = np.divide(matched, union, out=np.zeros(union.shape), where=union > 0)
    return np.where(found < BY_CHANCE, 0.0, found)


def _joined(trains: list[Ticks]) -> tuple[Ticks, Ticks]:
    """Return where each train begins, and all of them one after the other."""
    starts = np.concatenate([[0], np.cumsum([len(train) for train in trains])]).astype(np.int64)
    return starts, np.concatenate([*trains, np.empty(0, dtype=np.int64)])


@njit(cache=True, nogil=True)
def count_matches(first: Ticks, second: Ticks, delta: int) -> int:
    """Return how many spikes of two sorted trains match within ``delta``, each at most once."""
    one = other = matches = 0
    while one < len(first) and other < len(second):
        lag = second[other] - first[one]
        if lag < -delta:
            other += 1
        elif lag > delta:
            one += 1
        else:
            matches += 1
            one += 1
            other += 1
    return matches


@njit(cache=True, nogil=True)
def _tally(
    starts: Ticks,
    spikes: Ticks,
    of_train: Ticks,
    own: Ticks,
    unit_starts: Ticks,
    unit_spikes: Ticks,
    matched: Ticks,
    within: Ticks,
) -> None:
    """Add up, for every train and unit, the unit's spikes within the train's stretches, and the matches.

    A pair whose numbers of spikes alone keep it below `BY_CHANCE` is not matched: most pairs are such.
    """
    n_stretches, n_units = len(starts) - 1, len(unit_starts) - 1
    bounds = np.zeros((n_stretches, n_units, 2), dtype=np.int64)
    for unit in range(n_units):
        ticks = unit_spikes[unit_starts[unit] : unit_starts[unit + 1]]
        for number in range(n_stretches):
            if starts[number] < starts[number + 1]:
                first = np.searchsorted(ticks, spikes[starts[number]] - DELTA_TICKS)
                last = np.searchsorted(ticks, spikes[starts[number + 1] - 1] + DELTA_TICKS, side="right")
                bounds[number, unit, 0], bounds[number, unit, 1] = first, last
                within[of_train[number], unit] += last - first
    for number in range(n_stretches):
        stretch, train = spikes[starts[number] : starts[number + 1]], of_train[number]
        for unit in range(n_units):
            fewer, more = min(own[train], within[train, unit]), max(own[train], within[train, unit])
            if fewer > 0 and fewer >= BY_CHANCE * more:
                begin = unit_starts[unit]
                ticks = unit_spikes[begin + bounds[number, unit, 0] : begin + bounds[number, unit, 1]]
                matched[train, unit] += count_matches(stretch, ticks, DELTA_TICKS)


def matched_units(agreement: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the unit that each train is matched to, one to one; -1 where none agrees by `LEAST_AGREEMENT`.

    Parameters
    ----------
    agreement
        (n_trains, n_units) as of `agreements`.

    Returns
    -------
    ndarray
        (n_trains,) int64.
    """
    found = np.full(len(agreement), -1, dtype=np.int64)
    scores = np.where(agreement >= LEAST_AGREEMENT, agreement, 0.0)
    trains, units = linear_sum_assignment(-scores)
    sure = scores[trains, units] > 0
    found[trains[sure]] = units[sure]
    return found
