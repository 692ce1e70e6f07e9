"""A stretch of a session under the names of the whole: spikes, signals, events, trials, windows.

Contains `SessionSlice`, what `SessionView.between` returns. Add here what of a session lies in a stretch of time. Every
part is cut when it is first asked for, and times stay those of the session clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reading.events.session_events import SessionEvents, rows_within
from nh_platform.reading.windows.windows_view import WindowsView
from nh_platform.session import ConfigError, Signal, Spikes
from nh_platform.session.display import html_facts
from nh_platform.session.recorded_time import RecordedTime

if TYPE_CHECKING:
    from nh_platform.reading.session_view import SessionView

FloatArray = npt.NDArray[np.float64]


class WindowsWithin:
    """The windows of a preset that lie within a stretch, start and stop included in it.

    Parameters
    ----------
    whole
        The windows of the session.
    start, stop
        The stretch in seconds.
    """

    def __init__(self, whole: WindowsView, start: float, stop: float) -> None:
        self.whole = whole
        self._start, self._stop = start, stop

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        return f"WindowsWithin({self.whole.preset.id!r}, windows={len(self)} of {len(self.whole)})"

    def _repr_html_(self) -> str:
        facts = {"windows": f"{len(self)} of {len(self.whole)}", "from": self._start, "to": self._stop}
        return html_facts(f"Windows {self.whole.preset.id}", facts)

    @cached_property
    def index(self) -> pd.DataFrame:
        """Their rows of the index; ``window_id`` is that in the whole session."""
        rows = self.whole.index
        return rows[(rows["start"] >= self._start) & (rows["stop"] <= self._stop)].reset_index(drop=True)

    @cached_property
    def counts(self) -> npt.NDArray[np.uint8]:
        """(n_windows, n_units, n_bins) uint8 counts, as of `WindowsView.counts`.

        Raises
        ------
        ConfigError
            If the windows have no bins, or not all as many.
        """
        return self.whole.counts_of(self.index["window_id"].to_numpy())

    @property
    def unit_ids(self) -> tuple[str, ...]:
        """Ids of the unit axis."""
        return self.whole.unit_ids

    @property
    def bin_centers(self) -> FloatArray:
        """(n_bins,) centres in seconds, as of `WindowsView.bin_centers`."""
        return self.whole.bin_centers


class SessionSlice:
    """What of a session lies from ``start`` to ``stop``, without its end.

    Parameters
    ----------
    session
        The whole session.
    start, stop
        Seconds on the session clock.
    """

    def __init__(self, session: SessionView, start: float, stop: float) -> None:
        self.session = session
        self.start, self.stop = start, stop

    def __repr__(self) -> str:
        return f"SessionSlice({self.session.source!r}, {self.session.session_id!r}, {self.start:g} to {self.stop:g} s)"

    def _repr_html_(self) -> str:
        facts = {
            "source": self.session.source,
            "from": f"{self.start:g} s",
            "to": f"{self.stop:g} s",
            "assets": ", ".join(self.session.assets) or "none",
        }
        return html_facts(f"Part of session {self.session.session_id}", facts)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.stop - self.start

    @property
    def units(self) -> pd.DataFrame:
        """The units of the session, those without a spike here included."""
        return self.session.units

    @cached_property
    def spikes(self) -> Spikes:
        """Spikes with ``start <= time < stop``, of all units in the order of `units`."""
        return spikes_within(self.session.spikes, self.start, self.stop)

    @cached_property
    def signals(self) -> Mapping[str, Signal]:
        """Samples of every signal with ``start <= time < stop``."""
        return {name: signal_within(signal, self.start, self.stop) for name, signal in self.session.signals.items()}

    def signal(self, name: str) -> Signal:
        """Return one signal of the stretch.

        Raises
        ------
        UnknownSession
            If the session does not have it.
        """
        return signal_within(self.session.signal(name), self.start, self.stop)

    @property
    def events(self) -> SessionEvents:
        """Tables with the rows that overlap the stretch or whose time lies in it; named events by their time."""
        return self.session.events.between(self.start, self.stop)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """Trials that overlap the stretch, with the index that they have in the session."""
        return rows_within(self.session.trials, self.start, self.stop)

    @cached_property
    def presentations(self) -> pd.DataFrame:
        """Presentations that overlap the stretch, with the index that they have in the session."""
        return rows_within(self.session.presentations, self.start, self.stop)

    def windows(self, preset: str) -> WindowsWithin:
        """Return the windows of a preset that lie within the stretch.

        Raises
        ------
        UnknownSession, ConfigError
            As `SessionView.windows` does.
        """
        return WindowsWithin(self.session.windows(preset), self.start, self.stop)


def checked_stretch(start: float, stop: float, recorded: RecordedTime | None, session: str) -> tuple[float, float]:
    """Return start and stop of a stretch (s) as numbers.

    Parameters
    ----------
    start, stop
        As they were given.
    recorded
        Recorded time of the session; None where its spikes are not stored.
    session
        What the session is called in errors.

    Raises
    ------
    ConfigError
        If one is no finite number, the stretch is empty, or none of it was recorded.
    """
    thing = f"stretch {start} to {stop} s of {session}"
    numbers = (int, float, np.integer, np.floating)
    for name, value in (("start", start), ("stop", stop)):
        if isinstance(value, bool | np.bool_) or not isinstance(value, numbers) or not np.isfinite(value):
            raise ConfigError(thing, f"{name} is {value!r}, and no finite number", "Give seconds on the session clock.")
    if not start < stop:
        raise ConfigError(thing, "it does not end after it starts", "Give a start before the stop.")
    if recorded is not None and recorded.stop >= recorded.start and (start > recorded.stop or stop <= recorded.start):
        found = f"none of it was recorded: the recording lasts from {recorded.start:.3f} to {recorded.stop:.3f} s"
        raise ConfigError(thing, found, "Give seconds on the session clock within it.")
    return float(start), float(stop)


def spikes_within(spikes: Spikes, start: float, stop: float) -> Spikes:
    """Return the spikes with ``start <= time < stop``, of the same units; they ascend within each unit.

    Examples
    --------
    >>> nothing = np.full(4, np.nan, dtype=np.float32)
    >>> two_units = Spikes(np.array([0.0, 1.0, 2.0, 1.5]), np.array([0, 3, 4]), nothing, nothing)
    >>> part = spikes_within(two_units, 1.0, 2.0)
    >>> part.times.tolist(), part.offsets.tolist()
    ([1.0, 1.5], [0, 1, 2])
    """
    first, last = spikes.offsets[:-1].copy(), spikes.offsets[1:].copy()
    for unit in range(spikes.n_units):
        low, high = np.searchsorted(spikes.of_unit(unit), (start, stop), side="left")
        first[unit], last[unit] = spikes.offsets[unit] + low, spikes.offsets[unit] + high
    offsets = np.concatenate([[0], np.cumsum(last - first)]).astype(np.int64)
    rows = np.arange(offsets[-1]) + np.repeat(first - offsets[:-1], last - first)
    return Spikes(spikes.times[rows], offsets, spikes.amplitudes[rows], spikes.depths[rows])


def signal_within(signal: Signal, start: float, stop: float) -> Signal:
    """Return the samples of a signal with ``start <= time < stop``, whatever their order."""
    inside = (signal.timestamps >= start) & (signal.timestamps < stop)
    return Signal(signal.name, signal.timestamps[inside], signal.values[inside], signal.unit, signal.columns)
