"""How a column of a sampled signal is brought to other times: one table of ways and one rule of gaps for all layouts.

Add here a column whose values may not be interpolated on a line, or a signal that may be bridged at any distance.
Resampling itself is `nh_platform.windows.resampling`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nh_platform.session import Signal
from nh_platform.session.sampling_gaps import GAP_INTERVALS
from nh_platform.windows.presets.preset_fields import Resampling
from nh_platform.windows.resampling import resampled

WHEEL = "wheel_position"
"""Is sampled when it moves: between two samples it stood, however far apart they are."""

_TIMES = ("end_time",)
"""Ends of names of columns that are times of the samples, and no signal."""

_WAYS: tuple[tuple[str, Resampling], ...] = (("phi", "circular"), ("likely_blink", "hold"))
"""Ends of names of columns that are angles in radians or marks; all others lie on a line between two samples."""


def way_of(column: str) -> Resampling | None:
    """Return how a column is resampled, by its name; None of times of samples.

    Examples
    --------
    >>> way_of("pupil_phi"), way_of("likely_blink"), way_of("velocity"), way_of("end_time")
    ('circular', 'hold', 'linear', None)
    """
    if column.endswith(_TIMES):
        return None
    return next((way for end, way in _WAYS if column.endswith(end)), "linear")


def bridged_s(signal: Signal) -> float | None:
    """Return how far apart (s) samples may be and still have data between them; None where any distance is bridged.

    `GAP_INTERVALS` median steps of its own, as the readers note gaps.
    """
    steps = np.diff(signal.timestamps)
    return None if signal.name == WHEEL or not len(steps) else GAP_INTERVALS * float(np.median(steps))


def columns_at(signal: Signal, times: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.float64]]:
    """Return the (n,) values at ``times`` (s) of each column that is a signal, by its name; NaN without data.

    Raises
    ------
    BadUpstreamData
        If the times of the signal descend or are not finite.
    """
    values = signal.values if signal.values.ndim > 1 else signal.values[:, None]
    ways = {name: way_of(name) for name in signal.columns}
    gap = bridged_s(signal)
    return {
        name: resampled(signal.timestamps, values[:, place], times, way, gap)
        for place, (name, way) in enumerate(ways.items())
        if way is not None
    }
