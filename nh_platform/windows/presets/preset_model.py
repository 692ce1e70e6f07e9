"""What a window preset can state: which stretches of a session become windows, and in which bins.

Contains the models of a preset. A new preset is an entry in `presets.yaml`, which `presets.py` reads; add a field here
only when a published way of cutting windows cannot be written with those there are. No spike is counted here.

Lengths and offsets are whole microseconds: bins must divide windows exactly, and 0.02 is no exact float.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nh_platform.session import ConfigError

SourceNames = tuple[str, ...]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", description="Lower-case words joined by hyphens")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class EventFilter(_Strict):
    """One condition that an event must meet to get a window.

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

    column: str
    minus: str | None = None
    include: tuple[str | float, ...] | None = None
    exclude: tuple[str | float, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.include is None and self.exclude is None and self.minimum is None and self.maximum is None:
            raise ValueError("needs include, exclude, minimum or maximum")
        return self


class Alignment(_Strict):
    """Where the events of an aligned preset come from, for some sources.

    Parameters
    ----------
    sources
        Names of the sources that have this table.
    table, column
        Event table (`nh_platform.session.tables.events.EVENTS`) and its column of times in seconds.
    filters
        Conditions that all must hold.
    """

    sources: SourceNames = Field(min_length=1)
    table: str
    column: str
    filters: tuple[EventFilter, ...] = ()

    @property
    def label(self) -> str:
        """``table.column``, as written in the window index."""
        return f"{self.table}.{self.column}"


class WindowPreset(_Strict):
    """What both kinds of preset state.

    Parameters
    ----------
    id, version
        Name and whole-number version; together (``definition``) they identify the preset.
    bin_us
        Width of a bin in µs; windows are a whole number of bins.
    binarise
        Whether readers get 0/1 instead of counts; counts are stored.
    description, why, references
        What it is, why it is so, where it comes from.
    """

    id: Name
    version: int = Field(ge=1)
    bin_us: int = Field(gt=0)
    binarise: bool = False
    description: str = Field(min_length=1)
    why: str = Field(min_length=1)
    references: tuple[str, ...] = ()

    @property
    def definition(self) -> str:
        """``id@version``."""
        return f"{self.id}@{self.version}"

    @abstractmethod
    def suits(self, source: str) -> bool:
        """Return whether the preset says how to cut sessions of ``source``."""

    @property
    def content_version(self) -> str:
        """Identity of what the preset states: sha256 over all fields that shape the windows, for the data version.

        The words (description, why, references) are left out: better wording makes nothing stale.
        """
        text = json.dumps(self.model_dump(mode="json", exclude={"description", "why", "references"}), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


class ContinuousPreset(WindowPreset):
    """Windows that follow each other through the session.

    Parameters
    ----------
    length_us
        Length of a window in µs.
    step_us
        From one start to the next in µs; the length where not stated. Windows start at multiples of it.
    sources
        Sources it suits, or ``all``.
    """

    kind: Literal["continuous"]
    length_us: int = Field(gt=0)
    step_us: int | None = Field(default=None, gt=0)
    sources: SourceNames | Literal["all"]

    @property
    def step(self) -> int:
        """From one start to the next, in µs."""
        return self.length_us if self.step_us is None else self.step_us

    @property
    def n_bins(self) -> int:
        """Bins of a window."""
        return self.length_us // self.bin_us

    def suits(self, source: str) -> bool:
        """Return whether the preset names ``source`` or all sources."""
        return self.sources == "all" or source in self.sources

    @model_validator(mode="after")
    def _whole_bins(self) -> Self:
        for name in ("length_us", "step"):
            value = getattr(self, name)
            if value % self.bin_us:
                raise ValueError(f"{name} {value} is not a whole number of bins of {self.bin_us} us")
        return self


class AlignedPreset(WindowPreset):
    """Windows around events.

    Parameters
    ----------
    start_us, stop_us
        Start (included) and stop (excluded) of the window relative to the event, in µs.
    stop_column
        Instead of ``stop_us``: column with the end of the event; windows end with the first bin edge at or after the
        longest event of the session, as the binned Allen datasets have it.
    alignments
        Events per source; the first entry that names a source counts.
    """

    kind: Literal["aligned"]
    start_us: int
    stop_us: int | None = None
    stop_column: str | None = None
    alignments: tuple[Alignment, ...] = Field(min_length=1)

    def suits(self, source: str) -> bool:
        """Return whether an alignment is stated for ``source``."""
        return any(source in alignment.sources for alignment in self.alignments)

    def alignment(self, source: str) -> Alignment:
        """Return the alignment for ``source``.

        Raises
        ------
        ConfigError
            If the preset states none.
        """
        for alignment in self.alignments:
            if source in alignment.sources:
                return alignment
        raise ConfigError(f"preset {self.id}", f"no alignment for source {source!r}", "Add one to presets.yaml.")

    @model_validator(mode="after")
    def _whole_bins(self) -> Self:
        if (self.stop_us is None) == (self.stop_column is None):
            raise ValueError("needs either stop_us or stop_column")
        if self.stop_us is None:
            return self
        if self.stop_us <= self.start_us:
            raise ValueError(f"stop_us {self.stop_us} is not after start_us {self.start_us}")
        if (self.stop_us - self.start_us) % self.bin_us:
            raise ValueError(f"{self.stop_us - self.start_us} us is not a whole number of bins of {self.bin_us} us")
        return self


Preset = ContinuousPreset | AlignedPreset
"""A preset of either kind; ``kind`` tells which."""
