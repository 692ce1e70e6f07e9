"""How robust a unit's vector is: whether another stretch of the session gives the same, and tells the unit from others.

Contains the comparison of two disjoint windows. Add here another number that says how far a vector can be relied on.
Nothing is stored: whoever asks computes it from the stored spikes.

Only what firing says is compared; where a unit lies on the probe and its waveform would tell it from others whatever it
does. Features are standardised over the units of both windows, the rate by its logarithm, and limited to five standard
deviations; what is undefined is at the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.embeddings.standardised import standardised
from nh_platform.embeddings.units.reference_windows import UsedWindow
from nh_platform.embeddings.units.unit_encoding import unit_embeddings
from nh_platform.embeddings.units.unit_features import FEATURES, FIRING
from nh_platform.session import ConfigError, Spikes
from nh_platform.windows.counts.binning import Grid
from nh_platform.windows.intervals import duration_s, merged_pairs, valid_stretches
from nh_platform.windows.valid_time import NOTHING_INVALID, InvalidTimes

FloatArray = npt.NDArray[np.float64]

COMPARED = tuple(column.name for column in FEATURES if column.name not in ("rate_hz", "rate_std_hz"))
"""Features that are compared: the rate by its logarithm alone."""

LARGEST = 5.0
"""Standard deviations at which a standardised feature is cut off."""


@dataclass(frozen=True)
class Robustness:
    """What two windows of a session say of the same units.

    Parameters
    ----------
    first, second
        The windows.
    unit_ids
        (n_units,) units that are silent in neither.
    correlation
        (n_units,) Pearson's r of each unit's vectors in both windows.
    other_correlation
        (n_units,) mean r of its vector in the first window with those of the other units in the second.
    rank
        (n_units,) units whose vector in the second window is nearer to the unit's in the first than its own is; 0 where
        the unit is identified.
    n_silent
        Units that were left out.
    """

    first: UsedWindow
    second: UsedWindow
    unit_ids: npt.NDArray[np.object_]
    correlation: FloatArray
    other_correlation: FloatArray
    rank: npt.NDArray[np.int64]
    n_silent: int

    @property
    def identified(self) -> float:
        """Share of the units whose nearest vector in the other window is their own; NaN without units."""
        return float((self.rank == 0).mean()) if len(self.rank) else np.nan

    @property
    def chance(self) -> float:
        """Share that guessing would identify: one of the number of units."""
        return 1 / len(self.rank) if len(self.rank) else np.nan

    @property
    def times_chance(self) -> float:
        """`identified` over `chance`."""
        return self.identified / self.chance


def robustness(
    spikes: Spikes,
    units: pd.DataFrame,
    first: UsedWindow,
    second: UsedWindow,
    invalid: InvalidTimes = NOTHING_INVALID,
    grid: Grid | None = None,
) -> Robustness:
    """Compare the vectors of a session's units in two disjoint windows.

    Parameters
    ----------
    spikes, units, invalid, grid
        As of `unit_embeddings`.
    first, second
        The windows.

    Raises
    ------
    ConfigError
        If the windows overlap: spikes of both would make them alike.
    """
    for start, stop in first.stretches:
        if ((second.stretches[:, 0] < stop) & (second.stretches[:, 1] > start)).any():
            thing = f"reference windows {first.id} and {second.id}"
            raise ConfigError(thing, f"both hold {start:.3f} to {stop:.3f} s, or part of it", "Compare disjoint ones.")
    tables = [unit_embeddings(spikes, units, one, invalid, grid, [FIRING]) for one in (first, second)]
    fires = ~(tables[0]["is_silent"] | tables[1]["is_silent"]).to_numpy(dtype=bool)
    here, there = _standardised([table.loc[fires, list(COMPARED)].to_numpy(dtype=np.float64) for table in tables])
    similar = _correlations(here, there)
    own = np.diagonal(similar).copy()
    n = len(own)
    others = (similar.sum(axis=1) - own) / (n - 1) if n > 1 else np.full(n, np.nan)
    distances = np.array([np.square(there - vector).sum(axis=1) for vector in here]).reshape(n, n)
    rank = (distances < np.diagonal(distances)[:, None]).sum(axis=1)
    ids = tables[0]["unit_id"].to_numpy(dtype=object)[fires]
    return Robustness(first, second, ids, own, others, rank.astype(np.int64), int((~fires).sum()))


def disjoint_windows(spikes: Spikes, used: UsedWindow | None = None) -> list[tuple[UsedWindow, UsedWindow]]:
    """Return pairs of windows to compare: the halves of the session, and the window with its like further on.

    Parameters
    ----------
    spikes
        Spikes, for the recorded time.
    used
        A reference window of one stretch or several; its likes have as many seconds and begin at one, two and three
        quarters of the time that is left behind it. Where less than its length is left there is none.

    Pauses of the recording are no part of any of them.
    """
    recorded = spikes.recorded_time
    if not recorded.stop > recorded.start:
        return []
    pauses, end = merged_pairs(recorded.pauses), float(np.nextafter(recorded.stop, np.inf))
    whole = valid_stretches(recorded.start, end, pauses)
    half = duration_s(whole) / 2
    pairs = [(_part(whole, 0, half, "first half"), _part(whole, half, 2 * half, "second half"))]
    if used is None or not used.available_s > 0:
        return pairs
    left, length = valid_stretches(used.stop, max(end, used.stop), pauses), used.available_s
    for quarter in (1, 2, 3):
        start = quarter / 4 * duration_s(left)
        if start + length <= duration_s(left):
            like = _part(left, start, start + length, "")
            pairs.append((used, replace(like, id=f"{length:g} s from {like.start:.0f} s")))
    return pairs


def _part(stretches: FloatArray, start_s: float, stop_s: float, name: str) -> UsedWindow:
    """Return a window from ``start_s`` to ``stop_s`` of stretches that are joined in time."""
    before = np.cumsum(stretches[:, 1] - stretches[:, 0]) - (stretches[:, 1] - stretches[:, 0])
    begins = stretches[:, 0] + np.maximum(start_s - before, 0)
    ends = np.minimum(stretches[:, 1], stretches[:, 0] + (stop_s - before))
    kept = [(float(begin), float(end)) for begin, end in zip(begins, ends) if end > begin]
    return UsedWindow(name, kept[0][0], kept[-1][1], tuple(kept) if len(kept) > 1 else ())


def robustness_rows(found: Sequence[Robustness]) -> list[dict[str, object]]:
    """Return a row per pair of windows: seconds of each, units, median correlations, share identified, chance."""
    return [
        {
            "window": one.first.id,
            "other window": one.second.id,
            "seconds": round(min(one.first.available_s, one.second.available_s), 1),
            "units": len(one.unit_ids),
            "silent units": one.n_silent,
            "correlation": _rounded(_median(one.correlation)),
            "with other units": _rounded(_median(one.other_correlation)),
            "identified": _rounded(one.identified),
            "chance": _rounded(one.chance),
            "times chance": _rounded(one.times_chance),
        }
        for one in found
    ]


def _standardised(vectors: Sequence[FloatArray]) -> list[FloatArray]:
    both = np.clip(standardised(np.concatenate(vectors)), -LARGEST, LARGEST)
    return np.split(both, np.cumsum([len(one) for one in vectors])[:-1])


def _correlations(here: FloatArray, there: FloatArray) -> FloatArray:
    """Return (n, n) Pearson's r of each row of one with each row of the other; 0 where a row is constant."""
    scaled = []
    for one in (here, there):
        centred = one - one.mean(axis=1, keepdims=True)
        norm = np.sqrt(np.square(centred).sum(axis=1, keepdims=True))
        scaled.append(centred / np.where(norm > 0, norm, np.inf))
    return np.asarray(scaled[0] @ scaled[1].T, dtype=np.float64)


def _median(values: FloatArray) -> float:
    return float(np.median(values)) if len(values) else np.nan


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else float(f"{value:.3g}")
