"""The events of a session: its tables by name, and named events such as ``stimulus onset`` with their times.

Contains `SessionEvents` and the rows of one event. What an event is, is stated by the source's entry
(`nh_platform.sources.events.EventTimes`); filters and whole movies are applied as windows apply them. Add here what
finds the rows of an event. Which of them a PSTH takes is `event_choice`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import ConfigError
from nh_platform.session.display import html_rows
from nh_platform.session.errors import close_matches
from nh_platform.sources.events import EventTimes
from nh_platform.windows.presentations.showings import whole_movies

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, repr=False, eq=False)
class EventRows:
    """The rows of one event and their times; `numpy.asarray` gives the times.

    Parameters
    ----------
    name
        Name of the event, for example ``stimulus onset``.
    label
        Where it lies, ``table.column``.
    rows
        Rows of the table that are the event, with the index that they have there; of a movie, one per showing. A row
        without a time is no event.
    times
        (n,) seconds on the session clock, one per row.
    index
        Index of all rows of the table.
    """

    name: str
    label: str
    rows: pd.DataFrame
    times: FloatArray
    index: pd.Index

    @property
    def valid(self) -> BoolArray:
        """(n,) False where upstream's table says that the event was not as it should be."""
        return self.rows["valid"].to_numpy(dtype=bool) if "valid" in self.rows else np.ones(len(self), dtype=bool)

    def within(self, start: float, stop: float) -> EventRows:
        """Return the events from ``start`` to ``stop`` (s), without its end."""
        inside = (self.times >= start) & (self.times < stop)
        return EventRows(self.name, self.label, self.rows[inside], self.times[inside], self.index)

    def __len__(self) -> int:
        return len(self.times)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.times, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"EventRows({self.name!r}, {len(self)} of {self.label}{_span(self.times)})"

    def _repr_html_(self) -> str:
        rows = [(index, f"{time:.4f}") for index, time in zip(self.rows.index, self.times.tolist())]
        return html_rows(repr(self), ("row", "time [s]"), rows)


class SessionEvents(Mapping[str, pd.DataFrame]):
    """Event tables of a session by name; called with the name of an event, it returns its rows and times.

    Parameters
    ----------
    read_tables
        Returns the tables by name. They are read when one is first asked for.
    stated
        Returns where the source states its events, by their names (`SourceEntry.events`).
    session
        What the session is called in errors.
    within
        Returns what of a table belongs to a stretch of time, and the stretch; everything where None.

    Examples
    --------
    >>> trials = pd.DataFrame({"stim": [1.0, np.nan, 3.0]})
    >>> events = SessionEvents(lambda: {"trials": trials}, lambda: {"onset": EventTimes("trials", "stim")}, "a session")
    >>> events
    SessionEvents(tables: trials (3); events: onset)
    >>> events("onset").times.tolist(), events("onset").rows.index.tolist()
    ([1.0, 3.0], [0, 2])
    """

    def __init__(
        self,
        read_tables: Callable[[], Mapping[str, pd.DataFrame]],
        stated: Callable[[], Mapping[str, EventTimes]],
        session: str,
        within: tuple[float, float] | None = None,
    ) -> None:
        self._read_tables = read_tables
        self._read_stated = stated
        self._session = session
        self._within = within
        self._found: dict[str, EventRows] = {}

    def __getitem__(self, table: str) -> pd.DataFrame:
        found = self._read_tables()[table]
        return found if self._within is None else rows_within(found, *self._within)

    def __iter__(self) -> Iterator[str]:
        return iter(self._read_tables())

    def __len__(self) -> int:
        return len(self._read_tables())

    def __contains__(self, table: object) -> bool:
        return table in self._read_tables()

    @property
    def stated(self) -> Mapping[str, EventTimes]:
        """Where the source states its events, by name, whether the session has them or not."""
        return self._read_stated()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the events that the session has."""
        return tuple(name for name, where in self.stated.items() if not self._lacking(where))

    def __call__(self, name: str) -> EventRows:
        """Return the rows and times of a named event, in the order of the table.

        Raises
        ------
        ConfigError
            If the session has no such event; the text says why, and names the nearest that it has.
        """
        where = self.stated.get(name) if isinstance(name, str) else None
        if where is None or self._lacking(where):
            raise self._no_such_event(name, where)
        if name not in self._found:  # whole movies are found in a loop over rows
            self._found[name] = self._rows_of(name, where)
        return self._found[name] if self._within is None else self._found[name].within(*self._within)

    def between(self, start: float, stop: float) -> SessionEvents:
        """Return the events of a stretch (s): rows of tables by `rows_within`, named events by their time."""
        if self._within is not None:
            start, stop = max(start, self._within[0]), min(stop, self._within[1])
        part = SessionEvents(self._read_tables, self._read_stated, self._session, (start, stop))
        part._found = self._found
        return part

    def __repr__(self) -> str:
        tables = ", ".join(f"{name} ({len(self[name])})" for name in self) or "none"
        return f"SessionEvents(tables: {tables}; events: {', '.join(self.names) or 'none'})"

    def _repr_html_(self) -> str:
        rows: list[tuple[object, ...]] = [
            ("event", name, len(self(name)), self.stated[name].label) for name in self.names
        ]
        rows += [("table", name, len(self[name]), ", ".join(map(str, self[name].columns[:6]))) for name in self]
        return html_rows(f"Events of {self._session}", ("", "name", "rows", "where, or columns"), rows)

    def _rows_of(self, name: str, where: EventTimes) -> EventRows:
        table = self._read_tables()[where.table]
        rows = whole_movies(table).table if where.whole_movies else table
        times = pd.to_numeric(rows[where.column], errors="coerce").to_numpy(dtype=np.float64)
        met = np.isfinite(times)
        for condition in where.filters:
            met &= condition.met_by(rows)
        return EventRows(name, where.label, rows[met], times[met], table.index)

    def _lacking(self, where: EventTimes) -> str:
        """Return what the session lacks of an event; empty where it has it."""
        table = self._read_tables().get(where.table)
        if table is None:
            return f"the session has no {where.table}"
        lacking = [name for name in where.columns if name not in table]
        return f"{where.table} has no column {lacking[0]!r}" if lacking else ""

    def _no_such_event(self, name: object, where: EventTimes | None) -> ConfigError:
        thing, names = f"event {name!r} of {self._session}", self.names
        if where is not None:
            found = f"the source states it at {where.label}, and {self._lacking(where)}"
        elif isinstance(name, str) and name in self:
            return ConfigError(thing, "it is a table", f"Read the table: `session.events[{name!r}]`.")
        elif not self.stated:
            found = "its source states no events here: it is served neither by an installed package nor by the home"
        else:
            found = "its source states no such event"
        known = f"Use one of {', '.join(names)}." if names else f"It has no named event; {self._times_to_take()}"
        return ConfigError(thing, found, known + close_matches(str(name), names))

    def _times_to_take(self) -> str:
        """Return the columns of times that the session has, in the words of an action."""
        columns = [
            f"({table!r}, {column!r})"
            for table in self
            for column in ("start_time", "times")
            if column in self._read_tables()[table]
        ]
        return f"use a column of times: {', '.join(columns)}." if columns else "give times of your own."


def rows_within(table: pd.DataFrame, start: float, stop: float) -> pd.DataFrame:
    """Return the rows of a table that belong to ``start`` to ``stop`` (s), without its end, with their index.

    Rows with ``times`` lie in it; rows with a start overlap it, since a trial or an invalid interval that began before
    still goes on. A table without times, such as parameters of the task, is returned whole.

    Examples
    --------
    >>> table = pd.DataFrame({"start_time": [0.0, 2.0, 4.0], "stop_time": [2.0, 5.0, np.nan]})
    >>> rows_within(table, 2.0, 4.0).index.tolist(), rows_within(table, 4.0, 5.0).index.tolist()
    ([1], [1, 2])
    """
    if "times" in table:
        times = table["times"].to_numpy(dtype=np.float64)
        return table[(times >= start) & (times < stop)]
    if "start_time" not in table:
        return table
    begin = table["start_time"].to_numpy(dtype=np.float64)
    end = table["stop_time"].to_numpy(dtype=np.float64) if "stop_time" in table else begin
    return table[(begin < stop) & ((begin >= start) | (end > start))]


def _span(times: FloatArray) -> str:
    return f", {times.min():.3f} to {times.max():.3f} s" if len(times) else ""
