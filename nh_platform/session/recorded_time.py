"""The time in which a session was recorded, as its spikes tell it: what windows and rates run over.

No release states when a recording began, paused and ended, and single spikes lie outside of it: before 0 s, where a
sorter or an alignment extrapolates, or far behind all others. Add here what tells spikes of the recording from others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from nh_platform.session.recording import Spikes

LONGEST_PAUSE_S = 600.0
"""Spikes behind a longer silence of every unit than this are not of the recording, if few: hundreds of units are not
silent for ten minutes, and the pauses within published sessions are shorter."""

FEW = 0.001
"""Share of a session's spikes up to which those behind such a silence count as stray; more are a second stretch."""


PAUSE_S = 10.0
"""A silence of every unit that lasts less is taken for firing. The 126,437 spikes of 262 units of a real insertion are
at most 0.05 s apart, but for the two gaps in it."""

PAUSE_SPIKES = 1000
"""Spikes that a pause would hold at the session's mean rate; of a few slow units a longer silence is still firing."""

MOST_HALVINGS = 64
"""Of a stretch of time: as many as a float64 can be told apart by."""


@dataclass(frozen=True)
class RecordedTime:
    """From when to when a session was recorded.

    Parameters
    ----------
    start, stop
        Seconds on the session clock: of the first spike that is neither before 0 s nor stray, and of the last one that
        is not stray. NaN without spikes.
    n_before, n_after
        Spikes before ``start`` and behind ``stop``.
    n_negative
        Those of ``n_before`` that are before 0 s.
    pauses
        (start, stop) seconds between two spikes where no unit fires for so long that nothing was recorded: 0 counts
        are no data there. In order of time.
    """

    start: float
    stop: float
    n_before: int = 0
    n_after: int = 0
    n_negative: int = 0
    pauses: tuple[tuple[float, float], ...] = ()

    @property
    def duration_s(self) -> float:
        """Seconds from start to stop; 0 without spikes."""
        return self.stop - self.start if self.stop >= self.start else 0.0


def find_recorded_time(spikes: Spikes) -> RecordedTime:
    """Return the recorded time of a session; `Spikes.recorded_time` has it, found once.

    Parameters
    ----------
    spikes
        Spikes, ascending within each unit.

    Examples
    --------
    >>> from nh_platform.session import Spikes
    >>> nothing = np.full(4, np.nan, dtype=np.float32)
    >>> find_recorded_time(Spikes(np.array([-0.5, 1.0, 2.0, 3.0]), np.array([0, 4]), nothing, nothing))
    RecordedTime(start=1.0, stop=3.0, n_before=1, n_after=0, n_negative=1, pauses=())
    """
    first, last = spikes.time_range
    if not last >= 0:  # no spikes, or none that could be of the recording
        return RecordedTime(first, last)
    n_negative = _n_below(spikes, 0.0) if first < 0 else 0
    if not n_negative and _one_unit_is_never_silent(spikes, first, last):
        return RecordedTime(first, last, pauses=_pauses(spikes, first, last, len(spikes.times)))
    n_few = int(FEW * len(spikes.times))
    n_left = len(spikes.times) - n_negative
    head = _ranked(spikes, n_negative, n_negative + n_few + 1)
    tail = _ranked(spikes, n_negative + max(n_left - n_few - 1, 0), len(spikes.times))
    n_ahead = _last_silence(head, n_few)
    n_after = _last_silence(-tail[::-1], n_few)
    if n_ahead + n_after >= n_left:
        n_ahead = n_after = 0
    start, stop = float(head[n_ahead]), float(tail[len(tail) - 1 - n_after])
    pauses = _pauses(spikes, start, stop, n_left - n_ahead - n_after)
    return RecordedTime(start, stop, n_negative + n_ahead, n_after, n_negative, pauses)


def spikes_of_recording(spikes: Spikes) -> Spikes:
    """Return the spikes within the recorded time; the same object where none is outside."""
    recorded = spikes.recorded_time
    if not recorded.n_before + recorded.n_after:
        return spikes
    return spikes.where((spikes.times >= recorded.start) & (spikes.times <= recorded.stop))


def _pauses(spikes: Spikes, start: float, stop: float, n_spikes: int) -> tuple[tuple[float, float], ...]:
    """Return the silences of every unit between ``start`` and ``stop`` (s) that are no firing."""
    shortest = max(PAUSE_S, PAUSE_SPIKES * (stop - start) / n_spikes)
    silences = [(start, stop)]
    for unit in np.argsort(-spikes.counts, kind="stable").tolist():  # those that fire most leave few silences
        silences = [one for one in silences if one[1] - one[0] >= shortest]
        if not silences:
            break
        times, cut = spikes.of_unit(unit), []
        for low, high in silences:
            inside = times[np.searchsorted(times, low) : np.searchsorted(times, high, side="right")]
            edges = np.concatenate([[low], inside, [high]])
            long = np.flatnonzero(np.diff(edges) >= shortest)
            cut += list(zip(edges[long].tolist(), edges[long + 1].tolist()))
        silences = cut
    return tuple(silences)


def _one_unit_is_never_silent(spikes: Spikes, first: float, last: float) -> bool:
    """Return whether the unit with most spikes has no long silence: then all have none, and no spike is stray.

    It holds for nearly every session, and what follows takes fifty times as long.
    """
    busiest = int(np.argmax(spikes.counts))
    times = spikes.of_unit(busiest)
    pauses = np.diff(times, prepend=first, append=last)
    return bool((pauses <= LONGEST_PAUSE_S).all())


def _last_silence(times: npt.NDArray[np.float64], at_most: int) -> int:
    """Return how many of ascending ``times`` come before the last long silence that at most so many precede."""
    silences = np.flatnonzero(np.diff(times[: at_most + 1]) > LONGEST_PAUSE_S)
    return int(silences[-1]) + 1 if len(silences) else 0


def _n_below(spikes: Spikes, time: float) -> int:
    return int(_below(spikes, time).sum())


def _below(spikes: Spikes, time: float) -> npt.NDArray[np.int64]:
    """Return (n_units,) how many spikes of each unit lie before ``time`` (s)."""
    pairs = zip(spikes.offsets[:-1], spikes.offsets[1:])
    return np.array([np.searchsorted(spikes.times[low:high], time) for low, high in pairs], dtype=np.int64)


def _ranked(spikes: Spikes, first: int, stop: int) -> npt.NDArray[np.float64]:
    """Return the times of all units from rank ``first`` to before rank ``stop``, ascending.

    Bounds are found by halving the time, so that only a little more than what is asked for is sorted.
    """
    low, n_low = _halved(spikes, first, below=True)
    high, _ = _halved(spikes, stop, below=False)
    starts, ends = spikes.offsets[:-1] + _below(spikes, low), spikes.offsets[:-1] + _below(spikes, high)
    parts = [spikes.times[start:end] for start, end in zip(starts, ends)]
    return np.sort(np.concatenate(parts))[first - n_low : stop - n_low]


def _halved(spikes: Spikes, rank: int, *, below: bool) -> tuple[float, int]:
    """Return a time that at most (``below``) or at least ``rank`` spikes precede, close to that, and how many do."""
    slack = max(20_000, int(4 * FEW * len(spikes.times)))
    earliest, latest = spikes.time_range
    low, high = (earliest, 0), (float(np.nextafter(latest, np.inf)), len(spikes.times))
    for _ in range(MOST_HALVINGS):
        if (rank - low[1] if below else high[1] - rank) <= slack:
            break
        middle = low[0] + (high[0] - low[0]) / 2
        n = _n_below(spikes, middle)
        if n <= rank if below else n < rank:
            low = (middle, n)
        else:
            high = (middle, n)
    return low if below else high
