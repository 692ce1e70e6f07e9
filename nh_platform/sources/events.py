"""Events of a source: table, column, and the rows that are the event.

Add here what an event may state. Which events a source has stands in its entry; windows around them are cut in
`nh_platform.windows`. Nothing heavy is imported: entries are loaded whenever the platform is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, model_validator

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd


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

    def met_by(self, table: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Return (n_rows,) which rows meet the condition; what is no number is NaN where a bound is stated."""
        import numpy as np
        import pandas as pd

        def numbers(column: pd.Series) -> npt.NDArray[np.float64]:
            return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)

        values = table[self.column]
        if self.minus is not None:
            values = pd.Series(numbers(values) - numbers(table[self.minus]))
        met = np.ones(len(table), dtype=bool)
        if self.include is not None:
            met &= values.isin(self.include).to_numpy()
        if self.exclude is not None:
            met &= ~values.isin(self.exclude).to_numpy()
        if self.minimum is not None:
            met &= numbers(values) >= self.minimum
        if self.maximum is not None:
            met &= numbers(values) <= self.maximum
        return met


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

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the table must have: of the times, and of the filters."""
        read = (name for one in self.filters for name in (one.column, one.minus) if name is not None)
        return tuple(dict.fromkeys((self.column, *read)))
