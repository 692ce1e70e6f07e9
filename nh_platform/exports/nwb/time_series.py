"""A sampled signal as time series of the standard: an even clock as start and rate, any other as timestamps.

Add here what every sampled signal needs. Which signals there are, and under which names, is `behavior`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pynwb import TimeSeries
from pynwb.behavior import SpatialSeries

from nh_platform.exports.nwb.arrays import stored

EVEN_S = 1e-6
"""A clock is even where no sample is further from start and rate: a thirtieth of a sample of the recording itself."""

EQUAL_STEPS_DECIMALS = 9
"""Steps that are equal to so many decimals are called even by the standard's inspector."""


@dataclass(frozen=True)
class Clock:
    """When the samples are: timestamps (n,) in seconds, or the time of the first one and the rate in Hz."""

    timestamps: npt.NDArray[np.float64] | None
    starting_time: float = 0.0
    rate: float = 0.0

    def arguments(self, shared: TimeSeries | None, compression: str) -> dict[str, Any]:
        """Return what a time series takes; timestamps are those of ``shared`` where it is given, stored once."""
        if self.timestamps is None:
            return {"starting_time": self.starting_time, "rate": self.rate}
        return {"timestamps": stored(self.timestamps, compression) if shared is None else shared}


def clock_of(times: npt.NDArray[np.float64]) -> Clock:
    """Return the clock of samples at ``times`` (s), in order of time.

    Even is one whose every sample is within `EVEN_S` of start + number / rate, or whose steps are all equal to
    1 ns and no sample is a hundredth of a step away: what was a rate before it was written down.
    """
    n = len(times)
    if n < 3 or not times[-1] > times[0]:
        return Clock(times)
    rate = (n - 1) / (times[-1] - times[0])
    away = float(np.abs(times - (times[0] + np.arange(n) / rate)).max())
    equal = len(np.unique(np.diff(times).round(EQUAL_STEPS_DECIMALS))) == 1
    if away <= EVEN_S or (equal and away * rate <= 0.01):
        return Clock(None, float(times[0]), float(rate))
    return Clock(times)


def in_order(
    name: str, times: npt.NDArray[np.float64], values: npt.NDArray[Any], notes: list[str]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[Any]]:
    """Return samples that have a time, in its order; a note says what was left out or moved.

    Parameters
    ----------
    name
        Of the signal.
    times, values
        (n,) s, and (n, …).
    notes
        Takes what was done.
    """
    known = np.isfinite(times)
    if not known.all():
        notes.append(f"{name}: {int((~known).sum())} of {len(times)} samples have no time; left out")
        times, values = times[known], values[known]
    if (np.diff(times) < 0).any():
        notes.append(f"{name}: samples were not in order of time; sorted")
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
    return times, values


def series(
    name: str,
    clock: Clock,
    values: npt.NDArray[Any],
    unit: str,
    description: str,
    compression: str,
    shared: TimeSeries | None = None,
) -> TimeSeries:
    """Return one time series.

    Parameters
    ----------
    name, unit, description
        Of the series.
    clock
        Of its samples.
    values
        (n_samples,) or (n_samples, n_columns).
    compression
        ``none`` or ``gzip``.
    shared
        A series of the file with the same timestamps.
    """
    return TimeSeries(**_arguments(name, clock, values, unit, description, compression, shared))


def positions(
    name: str, clock: Clock, values: npt.NDArray[Any], description: str, compression: str, shared: TimeSeries | None
) -> SpatialSeries:
    """Return x and y in pixels of a video, (n_samples, 2), as a series of positions."""
    frame = "(0, 0) is a corner of the video frame, as the tracker has it"
    given = _arguments(name, clock, values, "pixels", description, compression, shared)
    return SpatialSeries(**given, reference_frame=frame)


def _arguments(
    name: str,
    clock: Clock,
    values: npt.NDArray[Any],
    unit: str,
    description: str,
    compression: str,
    shared: TimeSeries | None,
) -> Mapping[str, Any]:
    return {
        "name": name,
        "description": description,
        "data": stored(values, compression),
        "unit": unit or "n.a.",
        **clock.arguments(shared, compression),
    }
