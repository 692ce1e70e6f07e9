"""Model of a window preset: which stretches of a session become windows, and in which bins.

Contains the two kinds of preset, which `preset_files.py` reads; their fields are `preset_fields.py`. Add a field only
when a published way of cutting windows cannot be written with those there are, and something reads it. No spike is
counted here.

Lengths and offsets are whole microseconds: bins must divide windows exactly, and 0.02 is no exact float.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import to_jsonable_python

from nh_platform.qc.rules.rulebook_model import TrialMask
from nh_platform.sources.events import EventFilter, EventTimes
from nh_platform.windows.presets.preset_fields import DAY_US, Name, Offset, Part, SignalSampling
from nh_platform.windows.presets.trial_masks import stated_mask


class WindowPreset(BaseModel):
    """Fields of both kinds of preset.

    Parameters
    ----------
    id, version
        Name and whole-number version, both written into the windows.
    aliases
        Ids that it had before; they are still read.
    bin_us
        Width of a bin in µs; windows are a whole number of bins. With ``null`` windows have no bins: readers get the
        spikes themselves.
    binarise
        Whether readers get 0/1 instead of counts; counts are stored.
    parts
        Stretches of the window that have a name, such as ``input`` and ``target``, in µs from its event, or from its
        start where it has none. They may overlap.
    marks
        Moments of the window that have a name, in µs from the same.
    signals
        Behaviour that is resampled to the bins.
    minimum_rate_hz
        Units are left out whose mean rate in the windows is not above it.
    description, why, references
        What it is, why it is so, where it comes from: for people, no part of its identity.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Name
    version: int = Field(ge=1)
    aliases: tuple[Name, ...] = ()
    bin_us: int | None = Field(gt=0)
    binarise: bool = False
    parts: dict[Name, Part] = {}
    marks: dict[Name, Offset] = {}
    signals: tuple[SignalSampling, ...] = ()
    minimum_rate_hz: float | None = Field(default=None, ge=0)
    description: str = Field(min_length=1)
    why: str = Field(min_length=1)
    references: tuple[str, ...] = ()

    @property
    def stated(self) -> dict[str, Any]:
        """Every field but the words."""
        return self.model_dump(mode="json", exclude={"description", "why", "references", "aliases"})

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

    @model_validator(mode="after")
    def _bins_for_what_needs_them(self) -> Self:
        if self.bin_us is None and (self.binarise or self.signals):
            raise ValueError(f"{'binarise' if self.binarise else 'signals'} needs bins, and bin_us is null")
        for name, part in self.parts.items():
            self._check_part(name, part)
        return self

    def _check_part(self, name: str, part: Part) -> None:
        first, stop = self.limits_us
        if part.start_us < first or (stop is not None and part.stop_us > stop):
            end = "its end" if stop is None else f"{stop} us"
            raise ValueError(f"part {name} is {part.start_us} to {part.stop_us} us, and the window {first} us to {end}")
        for edge in (part.start_us, part.stop_us):
            if self.bin_us is not None and (edge - first) % self.bin_us:
                raise ValueError(f"part {name} has an edge at {edge} us, which is no edge of a bin of {self.bin_us} us")

    @property
    @abstractmethod
    def limits_us(self) -> tuple[int, int | None]:
        """Start and stop of the window in µs from its event or start; None where the stop is that of the event."""

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
        """Bins of a window; 0 where it has none."""
        return 0 if self.bin_us is None else self.length_us // self.bin_us

    @property
    def limits_us(self) -> tuple[int, int | None]:
        """0 and the length, in µs."""
        return 0, self.length_us

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
        longest event of the session, as the binned Allen datasets have it. With ``every_us`` it says where they end.
    stop_by
        Column by which the events are of one kind; the longest event of its kind counts for ``stop_column``.
    every_us
        Windows follow each other by this many µs from the event on; the last one ends by ``stop_column``.
    trial_mask
        Trials that are used: a mask, or the id of the rulebook that has it.
    dense
        Whether the counts are stored beside the index. Without it they are made from the spikes when they are read.
    """

    kind: Literal["aligned"]
    event: str = Field(min_length=1)
    filters: tuple[EventFilter, ...] = ()
    start_us: Offset
    stop_us: Offset | None = None
    stop_column: str | None = None
    stop_by: str | None = None
    every_us: int | None = Field(default=None, gt=0, le=DAY_US)
    trial_mask: str | TrialMask | None = None
    dense: bool = False

    @property
    def limits_us(self) -> tuple[int, int | None]:
        """``start_us`` and ``stop_us``."""
        return self.start_us, self.stop_us

    @property
    def n_bins(self) -> int:
        """Bins of a window; 0 where it has none, or its event says how many."""
        if self.bin_us is None or self.stop_us is None:
            return 0
        return (self.stop_us - self.start_us) // self.bin_us

    @property
    def mask(self) -> TrialMask | None:
        """The mask of trials that is meant; None where every trial is used.

        Raises
        ------
        ConfigError
            If the rulebook that is named does not exist or has none.
        """
        return None if self.trial_mask is None else stated_mask(self.trial_mask)

    def times(self, events: Mapping[str, EventTimes]) -> EventTimes | None:
        """Return where a source with these events keeps the preset's, with the filters of both; None if it has none."""
        times = events.get(self.event)
        return times and replace(times, filters=(*times.filters, *self.filters))

    def _resolved(self, events: Mapping[str, EventTimes]) -> dict[str, Any]:
        # Without the event the windows hold a note, which lists those that the source has.
        times = self.times(events)
        found = [self.event, *sorted(events)] if times is None else to_jsonable_python(times)
        used = self.mask and self.mask.model_dump(mode="json", exclude={"why", "references"})
        return {"event": found, "filters": None, "trial_mask": used}

    @field_validator("stop_us")
    @classmethod
    def _after_start(cls, value: int | None, info: ValidationInfo) -> int | None:
        start = info.data.get("start_us")
        if value is None or start is None:
            return value
        if value <= start:
            least = start + (info.data.get("bin_us") or 1)
            raise ValueError(f"{value} is not after start_us, {start}; the least is {least}")
        return start + _whole(value - start, info)

    @model_validator(mode="after")
    def _one_stop(self) -> Self:
        if self.every_us is not None:
            if self.stop_us is None or self.stop_column is None:
                raise ValueError("every_us needs stop_us, where each window ends, and stop_column, where the last does")
        elif (self.stop_us is None) == (self.stop_column is None):
            raise ValueError("it needs either stop_us or stop_column")
        if self.stop_by is not None and self.stop_us is not None:
            raise ValueError("stop_by says whose longest event ends the windows, and stop_us says when they end")
        if self.dense and self.stop_by is not None:
            raise ValueError("dense needs windows of one length, and stop_by makes several")
        if self.bin_us is None and (self.stop_us is None or self.dense):
            raise ValueError(f"{'dense' if self.dense else 'stop_column'} needs bins, and bin_us is null")
        return self


def _whole(length: int, info: ValidationInfo) -> int:
    """Return a length that is a whole number of bins; where the bins are wrong themselves, that was said already."""
    bin_us = info.data.get("bin_us")
    if bin_us and length % bin_us:
        near = [str(bins * bin_us) for bins in (length // bin_us, length // bin_us + 1) if bins]
        found = f"a length of {length} us is not a whole number of bins of {bin_us} us"
        raise ValueError(f"{found}; {' and '.join(near)} {'are' if len(near) > 1 else 'is'}")
    return length


class PresetFamily(BaseModel):
    """Presets that are used together under one id, such as the five windows of a benchmark.

    Parameters
    ----------
    id, version, aliases, description, why, references
        As of a preset.
    members
        Ids of the presets.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Name
    version: int = Field(ge=1)
    kind: Literal["family"]
    aliases: tuple[Name, ...] = ()
    members: tuple[Name, ...] = Field(min_length=1)
    description: str = Field(min_length=1)
    why: str = Field(min_length=1)
    references: tuple[str, ...] = ()

    @property
    def stated(self) -> dict[str, Any]:
        """Every field but the words."""
        return self.model_dump(mode="json", exclude={"description", "why", "references", "aliases"})


Preset = ContinuousPreset | AlignedPreset
"""A preset of either kind; ``kind`` tells which."""
