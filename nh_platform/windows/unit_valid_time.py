"""Valid time of single units: the intervals that reviews mark of one unit, and the windows that they overlap.

Add here what an interval of one unit does. Intervals of probes and of the session are `valid_time.py`, the rule of
overlap is `intervals.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Spikes
from nh_platform.windows.intervals import BoolArray, FloatArray, merged_pairs, overlapping, within


def intervals_by_unit(table: pd.DataFrame) -> dict[str, FloatArray]:
    """Return the merged intervals (n, 2) in seconds in which each unit of a table `UNIT_INVALID_TIMES` is invalid."""
    return {
        str(unit): merged_pairs(rows[["start_time", "stop_time"]].to_numpy(dtype=np.float64).tolist())
        for unit, rows in table.groupby("unit_id", sort=True)
    }


def without_unit_spikes(
    spikes: Spikes, unit_ids: Sequence[str] | npt.NDArray[np.object_], intervals: Mapping[str, FloatArray]
) -> Spikes:
    """Return the spikes that lie in no interval of their own unit; ``spikes`` itself where no unit has one.

    Parameters
    ----------
    spikes
        Spikes by unit.
    unit_ids
        (n_units,) unit of each.
    intervals
        As of `intervals_by_unit`; a spike at the end of an interval is kept.

    Examples
    --------
    >>> nothing = np.full(3, np.nan, dtype=np.float32)
    >>> one_unit = Spikes(np.array([0.0, 1.0, 2.0]), np.array([0, 3]), nothing, nothing)
    >>> without_unit_spikes(one_unit, ["a"], {"a": np.array([[0.5, 2.0]])}).times.tolist()
    [0.0, 2.0]
    """
    rows = [row for row, unit in enumerate(unit_ids) if str(unit) in intervals]
    if not rows:
        return spikes
    kept = np.ones(len(spikes.times), dtype=bool)
    for row in rows:
        part = slice(int(spikes.offsets[row]), int(spikes.offsets[row + 1]))
        kept[part] = ~within(spikes.times[part], intervals[str(unit_ids[row])])
    return spikes.where(kept)


def without_unit_intervals(
    valid: BoolArray,
    times: FloatArray,
    start: float,
    stop: float,
    unit_ids: Sequence[str] | npt.NDArray[np.object_],
    intervals: Mapping[str, FloatArray],
) -> BoolArray:
    """Return which windows around events are valid for each unit, its own intervals considered.

    Parameters
    ----------
    valid
        (n_events, n_units) whether the window is valid for the unit's probe.
    times
        (n_events,) seconds; the window of an event without a time (NaN) stays as it is.
    start, stop
        Window relative to the event in seconds.
    unit_ids
        Unit of each column.
    intervals
        As of `intervals_by_unit`.

    Returns
    -------
    ndarray
        (n_events, n_units) bool; ``valid`` itself where no unit of the columns has an interval.
    """
    columns = [column for column, unit in enumerate(unit_ids) if str(unit) in intervals]
    if not columns:
        return valid
    found = valid.copy()
    for column in columns:
        found[:, column] &= ~overlapping(times + start, times + stop, intervals[str(unit_ids[column])])
    return found
