"""One session's responses to one stimulus type as arrays: presentations × time × units, running, eyes.

Contains the choice of units and the making of a tensor in either mode. Add here what a tensor holds. Which
presentations there are is `cleaning`, the files are `tensor_files`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.exports.stimulus.grids import time_centers, time_edges
from nh_platform.exports.stimulus.netcdf import Group, Variable
from nh_platform.exports.stimulus.signals_at_bins import eye_columns, running_speed
from nh_platform.session import ConfigError, Events, Signals, Spikes
from nh_platform.session.recorded_time import RecordedTime
from nh_platform.session.tables.stimulus import STIMULUS_UNITS
from nh_platform.windows.intervals import masked_ranges, overlapping
from nh_platform.windows.presentations.conventions import PARAMETERS, Mode, eye_group, is_movie
from nh_platform.windows.presentations.presentation_counts import count_in_presentations, presentation_domain
from nh_platform.windows.unrecorded_time import with_unrecorded
from nh_platform.windows.valid_time import invalid_times

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TensorInput:
    """What the tensors of one session are made from.

    Parameters
    ----------
    spikes
        Spikes of the units in ``units``, in that order.
    units
        Schema `STIMULUS_UNITS`.
    events
        Invalid times of the session.
    signals
        Running, pupil and gaze.
    recorded
        The recorded time of the session, all units considered.
    """

    spikes: Spikes
    units: pd.DataFrame
    events: Events
    signals: Signals
    recorded: RecordedTime


def tensor_units(units: pd.DataFrame, good: npt.NDArray[np.bool_]) -> tuple[pd.DataFrame, int]:
    """Return the good units that lie in a structure, by structure and ascending id, and how many lie in none.

    Parameters
    ----------
    units
        Schema `UNITS`.
    good
        (n_units,) which units to take.

    Returns
    -------
    table
        Schema `STIMULUS_UNITS`.
    int
        Good units without a structure; they have no group to be filed under.
    """
    placed = units["acronym"].notna().to_numpy() & good
    rows = np.flatnonzero(placed)
    table = pd.DataFrame(
        {
            "unit_id": units["unit_id"].to_numpy(dtype=object)[rows],
            "probe": units["probe"].to_numpy(dtype=object)[rows],
            "structure": units["acronym"].to_numpy(dtype=object)[rows],
            "row": rows.astype(np.int64),
        }
    )
    table["order"] = unit_numbers(table["unit_id"])
    table = table.sort_values(["structure", "order"], kind="stable", ignore_index=True).drop(columns="order")
    return STIMULUS_UNITS.conform(table), int(good.sum() - len(rows))


def unit_numbers(unit_ids: pd.Series) -> npt.NDArray[np.int64]:
    """Return Allen's unit ids as the numbers that they are.

    Raises
    ------
    ConfigError
        If an id is no number.
    """
    if not all(str(unit).isdigit() for unit in unit_ids):
        first = next(unit for unit in unit_ids if not str(unit).isdigit())
        raise ConfigError(f"unit {first}", "its id is not a number, which tensors need", "Use an Allen source.")
    return unit_ids.astype(np.int64).to_numpy()


def make_tensor(
    given: TensorInput, presentations: pd.DataFrame, mode: Mode, longest_s: float | None = None
) -> dict[str, Group]:
    """Return the groups of one stimulus type: ``spike_data``, ``speed``, ``presentations`` and the eyes'.

    Parameters
    ----------
    given
        The session.
    presentations
        Schema `STIMULUS_PRESENTATIONS`, rows of one type without blanks, at least one.
    mode
        ``exact``: bins ``[a, b)`` on whole microseconds; ``spike_data`` is 0 or 1 and ``spike_counts`` the count
        (both presentation × time × unit, uint8 or uint16); bins in an invalid interval of the unit's probe are 0 and
        ``valid`` (presentation × unit) is False; running at the middle of its samples; running and eyes NaN outside
        the recording and in gaps; times float64. ``mlynarski-compat``: 0 or 1 in AllenSDK's bins, closed at both
        ends; running at the start of its samples, constant beyond the recording; everything of a presentation float32.
    longest_s
        Duration (s) that the bins cover; that of the longest presentation where None.

    Returns
    -------
    dict
        Groups by name; ``speed`` and the eyes' only where the session has them.
    """
    edges = time_edges(float(presentations["duration"].max()) if longest_s is None else longest_s, mode)
    ids = presentations["presentation_id"].to_numpy(dtype=np.int64)
    coordinates = {
        "presentation_id": Variable(("presentation_id",), ids),
        "time": Variable(("time",), time_centers(edges), _exact(mode, units="s", long_name="centre of the bin")),
    }
    groups: dict[str, Group] = {"spike_data": {**coordinates, **_spikes(given, presentations, edges, mode)}}
    at = presentations["start_time"].to_numpy()[:, None] + time_centers(edges)
    speed = running_speed(given.signals.signals, mode)
    if speed is not None:
        attributes = _exact(mode, units="cm/s", long_name="running speed")
        groups["speed"] = {**coordinates, speed.name: _over_time(speed.at(at, mode), mode, attributes)}
    groups["presentations"] = _presentations(presentations, mode)
    eyes = eye_columns(given.signals.signals, mode)
    if eyes:
        sampled = {column.name: _over_time(column.at(at, mode), mode) for column in eyes}
        groups[eye_group(mode)] = {**coordinates, **sampled}
    return groups


def _spikes(given: TensorInput, table: pd.DataFrame, edges: FloatArray, mode: Mode) -> dict[str, Variable]:
    starts, stops = table["start_time"].to_numpy(), table["stop_time"].to_numpy()
    # Only movies end with their presentation; elsewhere the last bin reaches into what follows.
    clip = stops if is_movie(table["stimulus_name"].iloc[0]) else None
    counts = count_in_presentations(given.spikes, starts, edges, clip, closed=mode == "mlynarski-compat")
    axes = ("presentation_id", "time", "unit_id")
    unit = Variable(("unit_id",), unit_numbers(given.units["unit_id"]))
    if mode == "mlynarski-compat":
        return {"unit_id": unit, "spike_data": Variable(axes, (counts > 0).view(np.uint8))}
    valid = np.ones((len(table), len(given.units)), dtype=np.uint8)
    domain = presentation_domain(starts, edges, np.full(len(table), np.inf) if clip is None else clip)
    probes = given.units["probe"].to_numpy(dtype=object)
    invalid = with_unrecorded(invalid_times(given.events, list(dict.fromkeys(probes))), given.recorded)
    for probe in dict.fromkeys(probes):
        columns = np.flatnonzero(probes == probe)
        for row, first, end in _masked_bins(domain, invalid.of_windows(probe)):
            counts[row, first:end, columns] = 0
            valid[row, columns] = 0
    return {
        "unit_id": unit,
        "spike_data": Variable(axes, (counts > 0).view(np.uint8), {"long_name": "whether the unit fired in the bin"}),
        "spike_counts": Variable(axes, counts, {"long_name": "spikes of the unit in the bin"}),
        "valid": Variable(
            ("presentation_id", "unit_id"),
            valid,
            {"long_name": "0 where an invalid interval overlaps or nothing was recorded; its bins are 0"},
        ),
    }


def _masked_bins(domain: FloatArray, intervals: FloatArray) -> list[tuple[int, int, int]]:
    """Return presentation, first and end (excluded) of the bins that the intervals overlap."""
    found = []
    for interval in intervals:
        for row in np.flatnonzero(overlapping(domain[:, 0], domain[:, -1], interval[None, :])):
            found += [(int(row), first, end) for first, end in masked_ranges(domain[row], interval[None, :])]
    return found


def _presentations(table: pd.DataFrame, mode: Mode) -> dict[str, Variable]:
    name = str(table["stimulus_name"].iloc[0])
    rows = ("presentation_id",)
    columns = [*PARAMETERS[name], "stimulus_block", "start_time", "stop_time", "duration"]
    out = {"presentation_id": Variable(rows, table["presentation_id"].to_numpy(dtype=np.int64))}
    if mode == "mlynarski-compat":
        return out | {column: Variable(rows, table[column].to_numpy(dtype=np.float32)) for column in columns}
    if is_movie(name):
        columns.remove("frame")
    times = ("start_time", "stop_time", "duration")
    for column in columns:
        out[column] = Variable(rows, table[column].to_numpy(), {"units": "s"} if column in times else {})
    out["n_frames"] = Variable(rows, table["n_frames"].to_numpy())
    out["stimulus_name"] = Variable(rows, table["stimulus_name"].to_numpy(dtype=object))
    return out


def _over_time(values: npt.NDArray[np.float32], mode: Mode, attributes: Mapping[str, str] | None = None) -> Variable:
    """Return presentation × time; that data set has time first on disk and presentation first in its README."""
    if mode == "mlynarski-compat":
        return Variable(("time", "presentation_id"), values.T)
    return Variable(("presentation_id", "time"), values, attributes or {})


def _exact(mode: Mode, **attributes: str) -> Mapping[str, str]:
    return attributes if mode == "exact" else {}
