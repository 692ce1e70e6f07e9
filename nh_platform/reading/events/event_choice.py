"""Which events a person means: a name, a column of times, the rows of an event, or times of their own, and a mask.

Contains that one choice. Add here another way to say around what is averaged or counted. What is done around the
events is `around_events`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reading.events.session_events import EventRows, SessionEvents
from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
EventChoice: TypeAlias = "str | tuple[str, str] | EventRows | Sequence[float] | npt.NDArray[np.floating] | pd.Series"
MaskChoice: TypeAlias = "npt.NDArray[np.bool_] | Sequence[bool] | pd.Series | None"

DEFAULT_TABLES = ("trials", "presentations")
"""Where a column is looked up that is named without its table."""

OWN_TIMES = "your times"
"""What a result calls times that are no event of the session."""


@dataclass(frozen=True)
class ChosenEvents:
    """The events that were chosen.

    Parameters
    ----------
    label
        Name of the event, or ``table.column``.
    times
        (n,) seconds; NaN where a row of a column has none.
    fit
        (n,) False where upstream's table calls the event invalid.
    rows
        The rows that the times are of; None for times of one's own.
    index
        Index of all rows of their table.
    """

    label: str
    times: FloatArray
    fit: BoolArray
    rows: pd.DataFrame | None
    index: pd.Index

    def where(self, mask: MaskChoice) -> ChosenEvents:
        """Return the events of which a mask is true; all of them where it is None.

        Parameters
        ----------
        mask
            One bool per event, or per row of the table that the events are rows of. A Series is read by its index.

        Raises
        ------
        ConfigError
            If it is no mask, or has another length.
        """
        if mask is None:
            return self
        values, thing = np.asarray(mask), f"where= of event {self.label}"
        if values.dtype == object and values.size and all(isinstance(value, bool | np.bool_) for value in values.flat):
            values = values.astype(bool)
        if values.dtype != bool or values.ndim != 1:
            found = f"it is {values.dtype} of shape {values.shape}, and a mask has one bool per event"
            raise ConfigError(thing, found, "Compare a column, for example `trials['correct'] == 1`.")
        n, own = len(self.times), self.rows is None
        if len(values) not in (n, len(self.index)):
            of_table = "" if own or len(self.index) == n else f", rows of a table of {len(self.index)}"
            where = "Match the times." if own else "Take it from the rows of the event: `session.events(name).rows`."
            raise ConfigError(thing, f"the mask has {len(values)} values for {n} events{of_table}", where)
        labels = self.index if self.rows is None else self.rows.index
        named = pd.Series(values, index=mask.index) if isinstance(mask, pd.Series) else None
        if named is not None and not own and named.index.is_unique and labels.isin(named.index).all():
            chosen = named.loc[labels].to_numpy()
        elif len(values) == n:
            chosen = values
        else:
            chosen = values[self.index.get_indexer(labels)]
        rows = None if self.rows is None else self.rows[chosen]
        return ChosenEvents(self.label, self.times[chosen], self.fit[chosen], rows, self.index)

    def timed(self) -> ChosenEvents:
        """Return the events that have a time."""
        known = np.isfinite(self.times)
        rows = None if self.rows is None else self.rows[known]
        return ChosenEvents(self.label, self.times[known], self.fit[known], rows, self.index)

    def by(self, column: str | None) -> dict[Hashable, BoolArray]:
        """Return a mask of events for every value of a column, in ascending order; nulls belong to none.

        Raises
        ------
        ConfigError
            If the events have no such column.
        """
        if column is None:
            return {None: np.ones(len(self.times), dtype=bool)}
        if self.rows is None:
            raise ConfigError(f"by={column!r}", "times of your own have no columns", "Give a mask: `where=`.")
        if column not in self.rows:
            known = list(map(str, self.rows.columns))
            raise ConfigError(
                f"by={column!r}",
                f"the table of {self.label} has no such column",
                f"Use one of {', '.join(known)}.{close_matches(str(column), known)}",
            )
        values = self.rows[column]
        return {value: (values == value).to_numpy(dtype=bool) for value in sorted(values.dropna().unique())}


def choose_events(
    events: SessionEvents, read_trials: Callable[[], pd.DataFrame | None], event: EventChoice
) -> ChosenEvents:
    """Return the events that are meant.

    Parameters
    ----------
    events
        Those of the session.
    read_trials
        Returns the trials of the session, with the common columns; None where it has none.
    event
        Name of an event; a column of times in the trials or presentations; ``(table, column)``; `EventRows`; or times
        in seconds.

    Raises
    ------
    ConfigError
        If the session has no such event; the text names what could be meant. If times are not finite numbers.
    """
    if isinstance(event, EventRows):
        return _of_rows(event)
    if isinstance(event, str):
        if event in events.names:
            return _of_rows(events(event))
        for table in DEFAULT_TABLES:
            rows = _table(events, read_trials, table)
            if rows is not None and event in rows:
                return _of_column(table, event, rows)
        raise _unknown(events, read_trials, event)
    if isinstance(event, tuple) and any(isinstance(part, str) for part in event):
        if len(event) == 2 and all(isinstance(part, str) for part in event):
            rows = _table(events, read_trials, str(event[0]))
            if rows is not None and event[1] in rows:
                return _of_column(str(event[0]), str(event[1]), rows)
        raise _unknown(events, read_trials, event)
    return _of_times(event)


def _of_rows(event: EventRows) -> ChosenEvents:
    return ChosenEvents(f"{event.name} ({event.label})", event.times, event.valid, event.rows, event.index)


def _of_column(table: str, column: str, rows: pd.DataFrame) -> ChosenEvents:
    label = f"{table}.{column}"
    try:
        times = rows[column].to_numpy(dtype=np.float64)
    except (ValueError, TypeError):
        found = f"its values are {rows[column].dtype}, and no times in seconds"
        raise ConfigError(f"event {label}", found, "Name a column of times.") from None
    return ChosenEvents(label, times, np.ones(len(rows), dtype=bool), rows, rows.index)


def _of_times(given: Sequence[float] | npt.NDArray[np.floating] | pd.Series) -> ChosenEvents:
    thing, action = "times of events", "Give seconds on the session clock, for example `events.times`."
    try:
        values = np.atleast_1d(np.asarray(given))
        numbers = values.astype(np.float64) if values.dtype.kind in "iuf" or values.size == 0 else None
    except (ValueError, TypeError):
        values, numbers = np.empty(0), None
    if numbers is None:
        mask = values.dtype == bool
        found = "they are a mask" if mask else f"they are {type(given).__name__}, and no numbers"
        raise ConfigError(thing, found, "A mask is given with an event: `where=mask`." if mask else action)
    if numbers.ndim != 1:
        raise ConfigError(thing, f"they have the shape {numbers.shape}", "Give one time per event.")
    unknown = int((~np.isfinite(numbers)).sum())
    if unknown:
        found = f"{unknown} of {len(numbers)} are not finite"
        raise ConfigError(thing, found, "Leave them out: `times[np.isfinite(times)]`.")
    return ChosenEvents(OWN_TIMES, numbers, np.ones(len(numbers), dtype=bool), None, pd.RangeIndex(len(numbers)))


def _table(events: SessionEvents, read_trials: Callable[[], pd.DataFrame | None], name: str) -> pd.DataFrame | None:
    if name == DEFAULT_TABLES[0]:
        return read_trials()
    return events.get(name)


def _unknown(events: SessionEvents, read_trials: Callable[[], pd.DataFrame | None], event: object) -> ConfigError:
    trials = read_trials()
    tables = {name: events[name] for name in events}
    if trials is not None:
        tables["trials"] = trials
    columns = sorted(
        f"({name!r}, {column!r})"
        for name, table in tables.items()
        for column in map(str, table.columns)
        if column == "times" or column.endswith(("_time", "_times"))
    )
    names = events.names
    asked = event if isinstance(event, str) else " ".join(map(str, event)) if isinstance(event, tuple) else ""
    known = f"Use one of {', '.join(map(repr, names))}, or" if names else "Use one of"
    stated = events.stated.get(asked)
    found = "is no event, table and column of this session"
    if stated is not None:
        found = f"the source states it at {stated.label}, which this session does not have"
    near = close_matches(asked, [*names, *(name for table in tables.values() for name in map(str, table.columns))])
    return ConfigError(f"event {event!r}", found, f"{known} {', '.join(columns) or 'none: there are no events'}.{near}")
