"""Events of a source: table, column, and the rows that are the event.

Add here what an event may state. Which events a source has stands in its entry; windows around them are cut in
`nh_platform.windows`. Nothing heavy is imported: entries are loaded whenever the platform is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator


class EventFilter(BaseModel):
    """One condition on the rows of an event table.

    Parameters
    ----------
    column
        Column of the event table.
    minus
        Second column, subtracted before the comparison: a reaction time is ``firstMovement_times`` minus
        ``stimOn_times``.
    include, exclude
        Values that are kept, or dropped.
    minimum, maximum
        Inclusive bounds; a NaN never meets them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    minus: str | None = None
    include: tuple[str | float, ...] | None = None
    exclude: tuple[str | float, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.include is None and self.exclude is None and self.minimum is None and self.maximum is None:
            raise ValueError(f"the filter on {self.column} needs include, exclude, minimum or maximum")
        low, high = self.minimum, self.maximum
        if any(bound is not None and math.isnan(bound) for bound in (low, high)):
            raise ValueError(f"the filter on {self.column} has a bound that is no number, which nothing meets")
        if low is not None and high is not None and low > high:
            raise ValueError(f"the filter on {self.column} has a minimum, {low}, above its maximum, {high}")
        return self


@dataclass(frozen=True)
class EventTimes:
    """Place where a source keeps the times of one event.

    Parameters
    ----------
    table, column
        Event table (`nh_platform.session.tables.events.EVENTS`) and its column of times in seconds.
    filters
        Conditions that a row must meet to be the event; all must hold.
    whole_movies
        Whether the rows are presentations of which the frames of a movie, which follow each other, are one event.
    """

    table: str
    column: str
    filters: tuple[EventFilter, ...] = ()
    whole_movies: bool = False

    @property
    def label(self) -> str:
        """``table.column``, as written in the window index."""
        return f"{self.table}.{self.column}"
