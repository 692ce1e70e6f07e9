"""PSTHs of a stored session: which events, which units, and the result with its labels.

Contains the choice of events and units and the labelled result. Add here what a person may say to choose them. The
averaging itself is `nh_platform.windows.psth`, invalid times are `nh_platform.windows.valid_time`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import ConfigError, Spikes, UnknownSession
from nh_platform.windows import psth
from nh_platform.windows.binning import whole_microseconds
from nh_platform.windows.valid_time import InvalidTimes, valid_windows

FloatArray = npt.NDArray[np.float64]
RowArray = npt.NDArray[np.int64]
UnitChoice: TypeAlias = (
    npt.NDArray[np.bool_] | npt.NDArray[np.integer] | Sequence[str] | Sequence[int] | pd.Series | None
)

DEFAULT_TABLES = ("trials", "presentations")
"""Where a column is looked up that is named without its table."""


@dataclass(frozen=True)
class UnitPsth:
    """Mean rate of units around an event.

    Parameters
    ----------
    rate, sem
        (n_units, n_bins) Hz: mean over events and its standard error.
    n_events
        (n_units,) int64, events that were averaged for each unit.
    left_out
        Events with a time that were left out, by probe of the units: an interval that is invalid for the probe, or for
        the whole session, overlaps the window around them.
    bin_centers
        (n_bins,) seconds from the event.
    unit_ids
        (n_units,) ids.
    event
        ``table.column``.
    """

    rate: FloatArray
    sem: FloatArray
    n_events: RowArray
    left_out: dict[str, int]
    bin_centers: FloatArray
    unit_ids: npt.NDArray[np.object_]
    event: str

    def to_xarray(self) -> Any:
        """Return an `xarray.Dataset`: ``rate`` and ``sem`` over ``unit`` and ``time``, ``n_events`` over ``unit``."""
        import xarray as xr

        return xr.Dataset(
            {
                "rate": (("unit", "time"), self.rate, {"units": "Hz"}),
                "sem": (("unit", "time"), self.sem, {"units": "Hz"}),
                "n_events": ("unit", self.n_events),
            },
            coords={"unit": self.unit_ids, "time": ("time", self.bin_centers, {"units": "s"})},
            attrs={
                "event": self.event,
                "events_left_out": ", ".join(f"{probe}: {number}" for probe, number in self.left_out.items()),
            },
        )


def event_column(events: Mapping[str, pd.DataFrame], event: str | tuple[str, str]) -> tuple[str, str]:
    """Return table and column of an event; a column alone is looked up in trials, then presentations.

    Raises
    ------
    ConfigError
        If there is no such table or column; the text names what could be meant.
    """
    if isinstance(event, str):
        for table in DEFAULT_TABLES:
            if table in events and event in events[table]:
                return table, event
        found = f"is in neither {' nor '.join(DEFAULT_TABLES)}"
    else:
        if event[0] in events and event[1] in events[event[0]]:
            return event
        found = "is no table and column of this session"
    times = sorted(
        f"({name!r}, {column!r})"
        for name, table in events.items()
        for column in table.columns
        if column == "times" or column.endswith(("_time", "_times"))
    )
    raise ConfigError(f"event {event!r}", found, f"Use one of {', '.join(times) or 'none: there are no events'}.")


def choose_units(unit_ids: pd.Series, units: UnitChoice) -> RowArray:
    """Return the rows of the units that were asked for: by mask, ids or rows, in that order; all where None.

    Raises
    ------
    UnknownSession
        If an id or row is not of this session, or a mask has another length.
    """
    if units is None:
        return np.arange(len(unit_ids), dtype=np.int64)
    chosen = np.asarray(units)
    if chosen.dtype == bool:
        if chosen.shape != (len(unit_ids),):
            raise UnknownSession("units", f"the mask has shape {chosen.shape} for {len(unit_ids)} units", "Match them.")
        return np.flatnonzero(chosen).astype(np.int64)
    if chosen.size == 0:
        return np.zeros(0, dtype=np.int64)
    if np.issubdtype(chosen.dtype, np.integer):
        outside = chosen[(chosen < 0) | (chosen >= len(unit_ids))]
        if len(outside):
            raise UnknownSession(f"unit row {outside[0]}", f"there are {len(unit_ids)} units", "Use rows or unit ids.")
        return chosen.astype(np.int64)
    row_of = {unit: row for row, unit in enumerate(unit_ids)}
    unknown = [str(unit) for unit in chosen if str(unit) not in row_of]
    if unknown:
        raise UnknownSession(
            f"unit {unknown[0]}",
            f"{len(unknown)} of {len(chosen)} units are not of this session",
            "Take ids from `units['unit_id']`.",
        )
    return np.array([row_of[str(unit)] for unit in chosen], dtype=np.int64)


def values_of(table: pd.DataFrame, by: str, table_name: str) -> dict[Hashable, npt.NDArray[np.bool_]]:
    """Return a mask of rows for every value of a column, in ascending order; nulls belong to none.

    Raises
    ------
    ConfigError
        If the table has no such column.
    """
    if by not in table:
        raise ConfigError(
            f"by={by!r}", f"table {table_name} has no such column", f"Use one of {', '.join(table.columns)}."
        )
    return {value: (table[by] == value).to_numpy() for value in sorted(table[by].dropna().unique())}


def session_psth(
    spikes: Spikes,
    rows: RowArray,
    units: pd.DataFrame,
    times: FloatArray,
    invalid: InvalidTimes,
    *,
    event: str,
    start: float,
    stop: float,
    bin_s: float,
) -> UnitPsth:
    """Average the units in ``rows`` around ``times`` (s), over the events that are valid for their probe.

    Parameters
    ----------
    spikes
        Spikes of all units.
    rows
        (n_chosen,) rows of the units to average.
    units
        Units in the order of ``spikes.offsets``, with ``unit_id`` and ``probe``.
    times
        (n_events,) seconds; NaN where an event has none.
    invalid
        Invalid intervals of the session.
    event, start, stop, bin_s
        Name of the event; window and bins in seconds, see `nh_platform.windows.psth`.
    """
    bin_us = whole_microseconds(bin_s, "bin_s")
    probes = units["probe"].to_numpy(dtype=object)[rows]
    names = list(dict.fromkeys(probes))
    valid = valid_windows(times, start, stop, names, invalid)
    timed = np.isfinite(times)
    # The shape and the bins, and the errors of wrong ones, also where no unit was chosen.
    empty = psth(spikes.take(rows[:0]), times[:0], start, stop, bin_us)
    rate = np.full((len(rows), len(empty.bin_centers)), np.nan)
    sem = rate.copy()
    n_events = np.zeros(len(rows), dtype=np.int64)
    for usable in dict.fromkeys(column.tobytes() for column in valid.T):
        chosen = np.frombuffer(usable, dtype=bool)
        same = [name for name, column in zip(names, valid.T) if column.tobytes() == usable]
        of_probes = np.flatnonzero(np.isin(probes, np.array(same, dtype=object)))
        result = psth(spikes.take(rows[of_probes]), times[chosen], start, stop, bin_us)
        rate[of_probes], sem[of_probes], n_events[of_probes] = result.rate, result.sem, result.n_events
    return UnitPsth(
        rate=rate,
        sem=sem,
        n_events=n_events,
        left_out={name: int((timed & ~column).sum()) for name, column in zip(names, valid.T)},
        bin_centers=empty.bin_centers,
        unit_ids=units["unit_id"].to_numpy(dtype=object)[rows],
        event=event,
    )
