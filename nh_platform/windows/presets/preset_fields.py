"""Fields of a window preset that are models of their own: named parts of a window, and signals in its bins.

Add a field here when both kinds of preset may state it. The presets themselves are `preset_model.py`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", description="Lower-case words joined by hyphens")]

DAY_US = 24 * 3600 * 1_000_000
"""Longest length and furthest offset in µs: no recording is longer."""

Offset = Annotated[int, Field(ge=-DAY_US, le=DAY_US)]

Resampling = Literal["linear", "hold", "count", "circular"]
"""How a signal comes to the bins; each is a function of `nh_platform.windows.resampling`."""

SampleTime = Literal["centre", "end"]


class Part(BaseModel):
    """Named stretch of a window.

    Parameters
    ----------
    start_us, stop_us
        Start (included) and stop (excluded) in µs from the window's event, or from its start where it has none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    start_us: Offset
    stop_us: Offset

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.stop_us <= self.start_us:
            raise ValueError(f"stop_us, {self.stop_us}, is not after start_us, {self.start_us}")
        return self


class SignalSampling(BaseModel):
    """Signal that is resampled to the bins of a window.

    Parameters
    ----------
    signal
        Name of a signal of the session, such as ``wheel_velocity``; with ``count``, of a table of events, ``licks``.
    how
        ``linear`` interpolation between the two samples around the time; ``hold``, the last sample at or before it;
        ``count``, events in the bin; ``circular``, linear along the shorter way round of an angle in radians.
    at
        Where in the bin it is taken: its ``centre``, or its ``end``.
    max_gap_us
        Samples further apart than this have no data between them: NaN, as before the first and after the last. Of a
        camera some frames' time; of a wheel, which is sampled when it moves, no limit (the default).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    signal: str = Field(min_length=1)
    how: Resampling
    at: SampleTime = "centre"
    max_gap_us: int | None = Field(default=None, gt=0, le=DAY_US)
