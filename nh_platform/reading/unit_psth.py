"""PSTHs of a stored session: which units, and the result with its labels.

Contains the choice of units and the labelled result. Add here what a person may say to choose units; events are chosen
by `nh_platform.reading.events.event_choice`. The averaging itself is `nh_platform.windows.psth`, invalid times are
`nh_platform.windows.valid_time`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Spikes, UnknownSession
from nh_platform.session.display import counted, html_rows
from nh_platform.session.errors import close_matches
from nh_platform.windows import psth
from nh_platform.windows.counts.binning import whole_microseconds
from nh_platform.windows.unit_valid_time import without_unit_intervals
from nh_platform.windows.valid_time import InvalidTimes, valid_windows

FloatArray = npt.NDArray[np.float64]
RowArray = npt.NDArray[np.int64]
UnitChoice: TypeAlias = (
    npt.NDArray[np.bool_] | npt.NDArray[np.integer] | Sequence[str] | Sequence[int] | pd.Series | None
)


@dataclass(frozen=True, repr=False)
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
        the whole session, overlaps the window around them, or upstream's table calls them invalid.
    bin_centers
        (n_bins,) seconds from the event.
    unit_ids
        (n_units,) ids.
    event
        ``table.column``; of a named event, its name before that; ``your times`` of times of one's own.
    """

    rate: FloatArray
    sem: FloatArray
    n_events: RowArray
    left_out: dict[str, int]
    bin_centers: FloatArray
    unit_ids: npt.NDArray[np.object_]
    event: str

    def __repr__(self) -> str:
        n_units, n_bins = self.rate.shape
        return f"UnitPsth({self.event!r}, units={n_units}, bins={n_bins}, events={self._n_averaged})"

    def _repr_html_(self) -> str:
        peaks = self.rate.max(axis=1, initial=-np.inf).tolist()
        rows = [(unit, int(n), f"{peak:.2f}") for unit, n, peak in zip(self.unit_ids, self.n_events, peaks)]
        return html_rows(repr(self), ("unit", "events", "largest rate [Hz]"), rows)

    @property
    def _n_averaged(self) -> str:
        """Events that were averaged for a unit, as a range where units differ."""
        fewest, most = int(self.n_events.min(initial=2**62)), int(self.n_events.max(initial=0))
        return f"{fewest}-{most}" if fewest < most else str(most)

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


def choose_units(unit_ids: pd.Series, units: UnitChoice) -> RowArray:
    """Return the rows of the units that were asked for: by mask, ids or rows, in that order; all where None.

    Integers are rows, or, as with Allen's ids, the ids of units as numbers: whichever of the two all of them are.

    Raises
    ------
    UnknownSession
        If an id or row is not of this session, integers can be both rows and ids and mean different units, or a mask
        has another length.

    Examples
    --------
    >>> choose_units(pd.Series(["950912406", "950912408"]), [950912408]).tolist()
    [1]
    """
    if units is None:
        return np.arange(len(unit_ids), dtype=np.int64)
    chosen = np.atleast_1d(np.asarray(units))
    if chosen.dtype == bool:
        if chosen.shape != (len(unit_ids),):
            raise UnknownSession("units", f"the mask has shape {chosen.shape} for {len(unit_ids)} units", "Match them.")
        return np.flatnonzero(chosen).astype(np.int64)
    if chosen.size == 0:
        return np.zeros(0, dtype=np.int64)
    row_of = {unit: row for row, unit in enumerate(unit_ids)}
    if np.issubdtype(chosen.dtype, np.integer):
        return _rows_of_integers(chosen, row_of)
    unknown = [str(unit) for unit in chosen if str(unit) not in row_of]
    if unknown:
        share = f"{len(unknown)} of {counted(len(chosen), 'unit')}"
        raise UnknownSession(
            f"unit {unknown[0]}",
            f"{share} {'is' if len(unknown) == 1 else 'are'} not of this session",
            f"Take ids from `units['unit_id']`.{close_matches(unknown[0], row_of)}",
        )
    return np.array([row_of[str(unit)] for unit in chosen], dtype=np.int64)


def _rows_of_integers(chosen: npt.NDArray[np.integer], row_of: dict[str, int]) -> RowArray:
    asked, n_units = chosen.tolist(), len(row_of)
    outside = [number for number in asked if not 0 <= number < n_units]
    of_ids = [row_of.get(str(number)) for number in asked]
    found = [row for row in of_ids if row is not None]
    if outside and len(found) == len(asked):
        return np.array(found, dtype=np.int64)
    if outside:
        neither = [number for number in outside if str(number) not in row_of]
        if not neither:
            raise UnknownSession(
                f"unit {outside[0]}",
                "it is the id of a unit, and other numbers beside it are rows",
                "Use rows or unit ids, not both at once.",
            )
        raise UnknownSession(
            f"unit {neither[0]}",
            f"it is neither a row, of which there are {n_units}, nor the id of a unit of this session",
            f"Take ids from `units['unit_id']`.{close_matches(str(neither[0]), row_of)}",
        )
    if len(found) == len(asked) and found != asked:
        raise UnknownSession(
            f"units {asked[0]}, …" if len(asked) > 1 else f"unit {asked[0]}",
            "the numbers are rows of some units and ids of others",
            "Give ids as text, or rows as a mask.",
        )
    return chosen.astype(np.int64)


def session_psth(
    spikes: Spikes,
    rows: RowArray,
    units: pd.DataFrame,
    times: FloatArray,
    invalid: InvalidTimes,
    of_units: Mapping[str, FloatArray],
    *,
    fit: npt.NDArray[np.bool_],
    event: str,
    start: float,
    stop: float,
    bin_s: float,
) -> UnitPsth:
    """Average the units in ``rows`` around ``times`` (s), over the events that are valid for their probe and for them.

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
    of_units
        Invalid intervals (n, 2) of single units by id.
    fit
        (n_events,) False where an event is invalid by itself.
    event, start, stop, bin_s
        Name of the event; window and bins in seconds, see `nh_platform.windows.psth`.
    """
    bin_us = whole_microseconds(bin_s, "bin_s")
    probes = units["probe"].to_numpy(dtype=object)[rows]
    names = list(dict.fromkeys(probes))
    unit_ids = units["unit_id"].to_numpy(dtype=object)[rows]
    of_probes = valid_windows(times, start, stop, names, invalid) & fit[:, None]
    valid = of_probes[:, [names.index(probe) for probe in probes]]
    valid = without_unit_intervals(valid, times, start, stop, unit_ids, of_units)
    timed = np.isfinite(times)
    # The shape and the bins, and the errors of wrong ones, also where no unit was chosen.
    empty = psth(spikes.take(rows[:0]), times[:0], start, stop, bin_us)
    rate = np.full((len(rows), len(empty.bin_centers)), np.nan)
    sem = rate.copy()
    n_events = np.zeros(len(rows), dtype=np.int64)
    alike: dict[bytes, list[int]] = {}
    for number, column in enumerate(valid.T):
        alike.setdefault(column.tobytes(), []).append(number)
    for usable, numbers in alike.items():
        result = psth(spikes.take(rows[numbers]), times[np.frombuffer(usable, dtype=bool)], start, stop, bin_us)
        rate[numbers], sem[numbers], n_events[numbers] = result.rate, result.sem, result.n_events
    return UnitPsth(
        rate=rate,
        sem=sem,
        n_events=n_events,
        left_out={name: int((timed & ~column).sum()) for name, column in zip(names, of_probes.T)},
        bin_centers=empty.bin_centers,
        unit_ids=unit_ids,
        event=event,
    )
