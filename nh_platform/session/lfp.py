"""A slice of the local field potential of one probe in memory, alike for every source.

Contains the container and what a slice is asked by. Nothing of a source here; what reads slices is in its folder.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session.columns import TableSchema
from nh_platform.session.errors import ConfigError
from nh_platform.session.recording import Note
from nh_platform.session.tables.spikes import RAW_CHANNELS
from nh_platform.session.tables.units import CHANNEL_POSITIONS

LFP_CHANNELS = TableSchema(
    "lfp_channels", (*RAW_CHANNELS.columns, *CHANNEL_POSITIONS.columns[2:]), key=("probe", "channel")
)
"""The columns of `SessionView.channels`, one row per channel of a slice."""


MOST_BYTES = 4 << 30
"""Largest slice: 18 minutes of a probe's 384 channels at 2,500 Hz. An hour is 14 GB, more than most machines have."""


@dataclass(frozen=True)
class LfpSlice:
    """The local field potential of one probe over some seconds.

    Parameters
    ----------
    values
        (n_channels, n_samples) float32, volts; NaN where the time is invalid and was masked.
    times
        (n_samples,) float64, seconds on the session clock.
    sampling_rate
        Hz.
    channels
        One row per row of ``values``, schema `LFP_CHANNELS`: channel id, position on the probe, region, CCF.
    notes
        What was missing or assumed.
    """

    values: npt.NDArray[np.float32]
    times: npt.NDArray[np.float64]
    sampling_rate: float
    channels: pd.DataFrame
    notes: tuple[Note, ...] = ()

    def __repr__(self) -> str:
        n_channels, n_samples = self.values.shape
        span = f", {self.times[0]:.3f}-{self.times[-1]:.3f} s" if n_samples else ""
        return f"LfpSlice({n_channels} channels, {n_samples} samples at {self.sampling_rate:g} Hz{span})"

    def masked(self, intervals: pd.DataFrame) -> LfpSlice:
        """Return the slice with NaN in some intervals, both ends included.

        Parameters
        ----------
        intervals
            ``start_time`` and ``stop_time`` (s); AllenSDK's `EcephysSession.get_lfp` (2.16.2) masks likewise those
            tagged with ``all_probes`` or the probe's name.
        """
        invalid = np.zeros(len(self.times), dtype=bool)
        for start, stop in intervals[["start_time", "stop_time"]].itertuples(index=False):
            invalid |= (self.times >= start) & (self.times <= stop)
        if not invalid.any():
            return self
        text = f"{int(invalid.sum())} of {len(invalid)} samples lie in invalid intervals; NaN"
        return replace(
            self,
            values=np.where(invalid, np.float32(np.nan), self.values),
            notes=(*self.notes, Note("invalid_times", text)),
        )


def require_window(start: float, stop: float) -> None:
    """Check that a window of time is one.

    Raises
    ------
    ConfigError
        If a limit is no finite number, or the window does not end after it starts.
    """
    if not (math.isfinite(start) and math.isfinite(stop)):
        raise ConfigError(f"window {start} to {stop} s", "a limit is no finite number", "State seconds.")
    if start >= stop:
        raise ConfigError(f"window {start:g} to {stop:g} s", "it does not end after it starts", "State start < stop.")


def require_memory(start: float, stop: float, n_channels: int, n_samples: int, what: str) -> None:
    """Check that a slice is one that memory holds.

    Parameters
    ----------
    start, stop
        The window (s).
    n_channels, n_samples
        Samples that it would hold.
    what
        What is read, for the error's text.

    Raises
    ------
    ConfigError
        If the values would take more than `MOST_BYTES`; the text says how long a window may be.
    """
    n_bytes = n_channels * n_samples * np.dtype(np.float32).itemsize
    if n_bytes > MOST_BYTES:
        seconds = int((stop - start) * MOST_BYTES / n_bytes)
        found = f"{n_channels} channels of {n_samples} samples would take {n_bytes / 1e9:.1f} GB of memory"
        action = f"Read it in pieces of at most {seconds} s."
        raise ConfigError(f"window {start:g} to {stop:g} s of {what}", found, action)


def require_overlap(start: float, stop: float, first: float, last: float, what: str) -> tuple[Note, ...]:
    """Check that a window lies in what was recorded, and return a note where it reaches beyond.

    Parameters
    ----------
    start, stop
        The window (s), its end not part of it.
    first, last
        Times of the first and the last sample (s).
    what
        What was recorded, for the error's text.

    Raises
    ------
    ConfigError
        If no part of it does; the text says from when to when was recorded.
    """
    recorded = f"{first:.3f} to {last:.3f} s"
    if stop <= first or start > last:
        found = f"it lies outside of the recording, {recorded}"
        raise ConfigError(f"window {start:g} to {stop:g} s of {what}", found, "State a window within it.")
    if start >= first and stop <= last:
        return ()
    return (Note("window", f"{start:g} to {stop:g} s reaches beyond the recording, {recorded}; what there is"),)
