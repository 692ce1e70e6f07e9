"""The mean response of a unit to drifting gratings, by their direction.

Contains the platform's own encoder of responses, for the reference window ``drifting-gratings``; of every other window
its columns are NaN, as a response would have been seen outside of it.

Both types of Visual Coding sessions show sweeps of 2 s, eight directions or four of them; frequencies and contrasts of
a direction are averaged, as the types share no other condition.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nh_platform.embeddings.units.unit_encoder import UnitActivity, UnitEncoder
from nh_platform.session.columns import Column

DIRECTIONS_DEG = tuple(range(0, 360, 45))

RESPONSES = tuple(
    Column(
        f"grating_{direction:03d}_hz",
        "float32",
        "Hz",
        f"Mean rate while gratings drift towards {direction} degrees; NaN unless the window is drifting-gratings",
        nullable=True,
    )
    for direction in DIRECTIONS_DEG
)
"""Columns, one per direction, NaN where it was not shown."""


def grating_responses(activity: UnitActivity) -> npt.NDArray[np.float64]:
    """Return the (n_units, n_directions) mean rates (Hz) over all sweeps that are wholly valid for the unit's probe."""
    found = np.full((len(activity.units), len(DIRECTIONS_DEG)), np.nan)
    if activity.gratings is None:
        return found
    starts, stops, orientation = (
        activity.gratings[name].to_numpy(dtype=np.float64) for name in ("start_time", "stop_time", "orientation")
    )
    probes = activity.units["probe"].tolist()
    valid = {probe: _within(starts, stops, stretches) for probe, stretches in activity.stretches.items()}
    for unit, probe in enumerate(probes):
        times = activity.spikes.of_unit(unit)
        counts = np.searchsorted(times, stops) - np.searchsorted(times, starts)
        for column, direction in enumerate(DIRECTIONS_DEG):
            chosen = valid[probe] & (orientation == direction)
            if chosen.any():
                found[unit, column] = counts[chosen].sum() / (stops - starts)[chosen].sum()
    return found


def _within(
    starts: npt.NDArray[np.float64], stops: npt.NDArray[np.float64], stretches: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Return (n,) whether each sweep lies in one stretch."""
    if not len(stretches):
        return np.zeros(len(starts), dtype=bool)
    last = np.searchsorted(stretches[:, 0], starts, side="right") - 1
    return (last >= 0) & (stops <= stretches[last, 1])


GRATING_RESPONSES = UnitEncoder("grating-responses", "1", RESPONSES, grating_responses)
"""The platform's own encoder of responses."""
