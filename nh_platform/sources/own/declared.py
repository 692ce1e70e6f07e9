"""What may be stated of any source that is declared without code: its title, its lab, and where its events lie.

Add here what does not depend on the layout of the files. What a layout needs besides is the settings model of its
folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from nh_platform.sources.events import EventFilter, EventTimes


def _place_alone(value: object) -> object:
    """Read ``trials.stim_on`` as the place of an event without conditions."""
    return {"at": value} if isinstance(value, str) else value


class EventPlace(BaseModel):
    """Place of an event, and the conditions on its rows.

    Parameters
    ----------
    at
        ``<table>.<column>``: a table of `DeclaredSettings.tables`, and its column of times in seconds.
    filters
        Conditions that a row must meet to be the event; all must hold.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: str
    filters: tuple[EventFilter, ...] = ()

    @property
    def table(self) -> str:
        """The table, in the word of ``sources.yaml``."""
        return self.at.partition(".")[0]

    @property
    def column(self) -> str:
        """The column of times."""
        return self.at.partition(".")[2]

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is named."""
        of_filters = (name for one in self.filters for name in (one.column, one.minus) if name)
        return tuple(dict.fromkeys((self.column, *of_filters)))


class DeclaredSettings(BaseModel):
    """Settings of a declared source, whatever its files.

    Parameters
    ----------
    title
        What the pages call it; its name where not stated.
    lab
        Laboratory of its sessions, where their files do not say.
    events
        Where its events lie, by their names; window presets align to a name.
    cache_dir
        Where md5 sums are remembered between runs.

    Attributes
    ----------
    tables
        Tables that an event may lie in: the word of ``sources.yaml``, and the name of the event table.
    default_events
        Events that every source of the layout has, by name: ``<table>.<column>``, or the place with its filters.
    """

    tables: ClassVar[Mapping[str, str]] = {"trials": "lab_trials", "presentations": "presentations"}
    default_events: ClassVar[Mapping[str, str | EventPlace]] = {
        "trial start": "trials.start_time",
        "stimulus onset": "presentations.start_time",
    }

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str | None = None
    lab: str | None = None
    events: dict[str, Annotated[EventPlace, BeforeValidator(_place_alone)]] = Field(default_factory=dict)
    cache_dir: Path | None = None

    @field_validator("events")
    @classmethod
    def _events_lie_in_tables(cls, value: dict[str, EventPlace]) -> dict[str, EventPlace]:
        for place in value.values():
            if place.table not in cls.tables or not place.column:
                places = " or ".join(f"{one}.<column>" for one in cls.tables)
                raise ValueError(f"{place.at!r} is no place of an event: write {places}")
        return value

    def event_places(self) -> Mapping[str, EventPlace]:
        """Return where each event lies: what is stated, and what every source of the layout has."""
        by_default = {
            name: EventPlace(at=place) if isinstance(place, str) else place
            for name, place in self.default_events.items()
        }
        return {**by_default, **self.events}

    def event_times(self) -> Mapping[str, EventTimes]:
        """Return the events as an entry states them."""
        return {
            name: EventTimes(self.tables[place.table], place.column, place.filters)
            for name, place in self.event_places().items()
        }
