"""Model of a window preset: which stretches of a session become windows, and in which bins.

Contains the models of a preset, which `preset_files.py` reads. Add a field here only when a published way of cutting
windows cannot be written with those there are, and something reads it. No spike is counted here.

Lengths and offsets are whole microseconds: bins must divide windows exactly, and 0.02 is no exact float.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import to_jsonable_python

from nh_platform.sources.events import EventFilter, EventTimes

Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", description="Lower-case words joined by hyphens")]


DAY_US = 24 * 3600 * 1_000_000
"""Longest length and furthest offset in µs: no recording is longer."""

Offset = Annotated[int, Field(ge=-DAY_US, le=DAY_US)]


class WindowPreset(BaseModel):
    """Fields of both kinds of preset.

    Parameters
    ----------
    id, version
        Name and whole-number version, both written into the windows.
    bin_us
        Width of a bin in µs; windows are a whole number of bins.
    binarise
        Whether readers get 0/1 instead of counts; counts are stored.
    description, why, references
        What it is, why it is so, where it comes from: for people, no part of its identity.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Name
    version: int = Field(ge=1)
    bin_us: int = Field(gt=0)
    binarise: bool = False
    description: str = Field(min_length=1)
    why: str = Field(min_length=1)
    references: tuple[str, ...] = ()

    @property
    def stated(self) -> dict[str, Any]:
        """Every field but the words."""
        return self.model_dump(mode="json", exclude={"description", "why", "references"})

    def content_version(self, events: Mapping[str, EventTimes]) -> str:
        """Return the identity of what the preset makes of a source: sha256 over all that shapes the stored windows.

        Better wording makes nothing stale; another definition of the event by the source does.

        Parameters
        ----------
        events
            Events of the source.
        """
        text = json.dumps(self.stated | self._resolved(events), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @abstractmethod
    def _resolved(self, events: Mapping[str, EventTimes]) -> dict[str, Any]:
        """Return the fields that mean another thing than what they state."""


class ContinuousPreset(WindowPreset):
    """Windows that follow each other through the session.

    Parameters
    ----------
    length_us
        Length of a window in µs.
    step_us
        From one start to the next in µs; the length where not stated. Windows start at multiples of it.
    """

    kind: Literal["continuous"]
    length_us: int = Field(gt=0, le=DAY_US)
    step_us: int | None = Field(default=None, gt=0, le=DAY_US)

    @property
    def step(self) -> int:
        """From one start to the next, in µs."""
        return self.length_us if self.step_us is None else self.step_us

    @property
    def n_bins(self) -> int:
        """Bins of a window."""
        return self.length_us // self.bin_us

    def _resolved(self, events: Mapping[str, EventTimes]) -> dict[str, Any]:
        return {"step_us": self.step}

    @field_validator("length_us", "step_us")
    @classmethod
    def _whole_bins(cls, value: int | None, info: ValidationInfo) -> int | None:
        return value if value is None else _whole(value, info)


class AlignedPreset(WindowPreset):
    """Windows around events.

    Parameters
    ----------
    event
        Name of the event, for example ``stimulus onset``; each source says where it lies (`SourceEntry.events`).
    filters
        Conditions that an event must meet to get a window, beyond those of the source; all must hold.
    start_us, stop_us
        Start (included) and stop (excluded) of the window relative to the event, in µs.
    stop_column
        Instead of ``stop_us``: column with the end of the event; windows end with the first bin edge at or after the
        longest event of the session, as the binned Allen datasets have it.
    """

    kind: Literal["aligned"]
    event: str = Field(min_length=1)
    filters: tuple[EventFilter, ...] = ()
    start_us: Offset
    stop_us: Offset | None = None
    stop_column: str | None = None

    def times(self, events: Mapping[str, EventTimes]) -> EventTimes | None:
        """Return where a source with these events keeps the preset's, with the filters of both; None if it has none."""
        times = events.get(self.event)
        return times and replace(times, filters=(*times.filters, *self.filters))

    def _resolved(self, events: Mapping[str, EventTimes]) -> dict[str, Any]:
        # Without the event the windows hold a note, which lists those that the source has.
        times = self.times(events)
        found = [self.event, *sorted(events)] if times is None else to_jsonable_python(times)
        return {"event": found, "filters": None}

    @field_validator("stop_us")
    @classmethod
    def _after_start(cls, value: int | None, info: ValidationInfo) -> int | None:
        start = info.data.get("start_us")
        if value is None or start is None:
            return value
        if value <= start:
            raise ValueError(f"{value} is not after start_us, {start}")
        return start + _whole(value - start, info)

    @model_validator(mode="after")
    def _one_stop(self) -> Self:
        if (self.stop_us is None) == (self.stop_column is None):
            raise ValueError("it needs either stop_us or stop_column")
        return self


def _whole(length: int, info: ValidationInfo) -> int:
    """Return a length that is a whole number of bins; where the bins are wrong themselves, that was said already."""
    bin_us = info.data.get("bin_us", 1)
    if length % bin_us:
        raise ValueError(f"a length of {length} us is not a whole number of bins of {bin_us} us")
    return length


Preset = ContinuousPreset | AlignedPreset
"""A preset of either kind; ``kind`` tells which."""
