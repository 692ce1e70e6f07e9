"""The time in which a session was recorded, as its spikes tell it: what windows and rates run over.

No release states when a recording began and ended, and single spikes lie outside of it: before 0 s, where a sorter
or an alignment extrapolates, or far behind all others. Add here what tells spikes of the recording from others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.session.recording import Spikes

LONGEST_PAUSE_S = 600.0
"""Spikes behind a longer silence of every unit than this are not of the recording, if few: hundreds of units are not
silent for ten minutes, and the pauses within published sessions are shorter."""

FEW = 0.001
"""Share of a session's spikes up to which those behind such a silence count as stray; more are a second stretch."""


@dataclass(frozen=True)
class RecordedTime:
    """From when to when a session was recorded.

    Parameters
    ----------
    start, stop
        Seconds on the session clock: of the first spike that is not before 0 s, and of the last one that is not stray.
        NaN without spikes.
    n_before, n_after
        Spikes before ``start`` and behind ``stop``.
    """

    start: float
    stop: float
    n_before: int = 0
    n_after: int = 0

    @property
    def duration_s(self) -> float:
        """Seconds from start to stop; 0 without spikes."""
        return self.stop - self.start if self.stop >= self.start else 0.0


def recorded_time(spikes: Spikes) -> RecordedTime:
    """Return the recorded time of a session.

    Parameters
    ----------
    spikes
        Spikes, ascending within each unit.

    Examples
    --------
    >>> nothing = np.full(4, np.nan, dtype=np.float32)
    >>> recorded_time(Spikes(np.array([-0.5, 1.0, 2.0, 3.0]), np.array([0, 4]), nothing, nothing))
    RecordedTime(start=1.0, stop=3.0, n_before=1, n_after=0)
    """
    first, last = spikes.time_range
    if not last >= 0:  # no spikes, or none that could be of the recording
        return RecordedTime(first, last)
    n_before = 0
    if first < 0:
        before = _below(spikes, 0.0)
        n_before, times = int(before.sum()), spikes.times
        starts = spikes.offsets[:-1] + before
        first = float(times[starts[starts < spikes.offsets[1:]]].min())
    tail = _tail(spikes)
    silences = np.flatnonzero(np.diff(tail) > LONGEST_PAUSE_S)
    for silence in silences:
        n_after = len(tail) - 1 - int(silence)
        if n_after <= FEW * len(spikes.times):
            return RecordedTime(first, float(tail[silence]), n_before, n_after)
    return RecordedTime(first, last, n_before)


def _below(spikes: Spikes, time: float) -> npt.NDArray[np.int64]:
    """Return (n_units,) how many spikes of each unit lie before ``time`` (s)."""
    pairs = zip(spikes.offsets[:-1], spikes.offsets[1:])
    return np.array([np.searchsorted(spikes.times[low:high], time) for low, high in pairs], dtype=np.int64)


def _tail(spikes: Spikes) -> npt.NDArray[np.float64]:
    """Return the spikes of all units from the median of the units' last spikes on, sorted."""
    fired = spikes.counts > 0
    from_time = float(np.quantile(spikes.times[spikes.offsets[1:][fired] - 1], 0.5, method="lower"))
    starts = spikes.offsets[:-1] + _below(spikes, from_time)
    parts = [spikes.times[start:stop] for start, stop in zip(starts, spikes.offsets[1:])]
    return np.sort(np.concatenate(parts))
