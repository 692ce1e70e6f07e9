"""What a session's units do around events, and the session cut to a stretch of time.

Contains the part of `SessionView` that is the same loop for every source. Add here what is computed around events that
a person names. Counts of one stimulus' presentations, in AllenSDK's names, stay with `SessionView`.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, cast, overload

from nh_platform.reading.events.event_choice import EventChoice, MaskChoice, choose_events
from nh_platform.reading.events.event_windows import EventWindows, count_around
from nh_platform.reading.events.session_slice import SessionSlice, checked_stretch
from nh_platform.reading.recorded_slices import RecordedSlices
from nh_platform.reading.unit_psth import UnitChoice, UnitPsth, choose_units, session_psth
from nh_platform.session import StoreError, UnknownSession
from nh_platform.session.recorded_time import RecordedTime

if TYPE_CHECKING:
    from nh_platform.reading.session_view import SessionView

DEFAULT_EVENT = "stimulus onset"
"""Event that every source states."""


class AroundEvents(RecordedSlices):
    """Activity of one session around events. Parameters are those of `StoredSession`."""

    @overload
    def psth(
        self,
        event: EventChoice = ...,
        *,
        where: MaskChoice = ...,
        units: UnitChoice = ...,
        start: float = ...,
        stop: float = ...,
        bin_s: float = ...,
        by: None = ...,
    ) -> UnitPsth: ...

    @overload
    def psth(
        self,
        event: EventChoice = ...,
        *,
        where: MaskChoice = ...,
        units: UnitChoice = ...,
        start: float = ...,
        stop: float = ...,
        bin_s: float = ...,
        by: str,
    ) -> dict[Hashable, UnitPsth]: ...

    def psth(
        self,
        event: EventChoice = DEFAULT_EVENT,
        *,
        where: MaskChoice = None,
        units: UnitChoice = None,
        start: float = -0.5,
        stop: float = 0.5,
        bin_s: float = 0.02,
        by: str | None = None,
    ) -> UnitPsth | dict[Hashable, UnitPsth]:
        """Average the activity of units around an event.

        An event whose window overlaps an invalid interval is left out: of the units of its probe where the interval is
        the probe's, of one unit where reviews mark it of that unit alone, of all units where it is the session's, or
        where the window reaches beyond the recorded time. The result says how many per probe. Named events that
        upstream's table calls invalid are left out too.

        Parameters
        ----------
        event
            Name of an event (``events.names``), column of times in `trials` or `presentations`, ``(table, column)``,
            the result of ``events(name)``, or (n_events,) seconds of your own.
        where
            Mask of the events: one bool per event, or per row of the table that the event lies in, for example
            ``trials["contrastLeft"].notna()``.
        units
            Which units: a mask (n_units,), unit ids, or rows; all where not stated.
        start, stop, bin_s
            Window relative to the event and width of a bin, in seconds.
        by
            Column of the event's table: one PSTH per value of it, in ascending order; events where it is null are
            left out.

        Returns
        -------
        UnitPsth or dict
            Rates in Hz, (n_units, n_bins); with ``by`` a dictionary of them by value.

        Raises
        ------
        ConfigError
            If the session has no such event or column, times are not finite, a mask does not match, or the window is
            not a whole number of bins.
        UnknownSession
            If a unit is asked for that the session does not have.
        """
        chosen = choose_events(self.events, lambda: self._trials, event).where(where)
        recorded = self._recording.units
        rows = choose_units(recorded["unit_id"], units)
        made = {
            value: session_psth(
                self.spikes,
                rows,
                recorded,
                chosen.times[group],
                self._invalid_for_windows,
                self._unit_intervals,
                fit=chosen.fit[group],
                event=chosen.label,
                start=start,
                stop=stop,
                bin_s=bin_s,
            )
            for value, group in chosen.by(by).items()
        }
        return made[None] if by is None else made

    def windows_around(
        self,
        event: EventChoice = DEFAULT_EVENT,
        start: float = -0.5,
        stop: float = 0.5,
        bin_s: float = 0.02,
        *,
        where: MaskChoice = None,
        units: UnitChoice = None,
    ) -> EventWindows:
        """Count the spikes of units in windows around events or times of your own; nothing is stored.

        Parameters
        ----------
        event, where, units
            As in `psth`; rows of a column without a time are left out.
        start, stop, bin_s
            Window relative to the event and width of a bin, in seconds.

        Returns
        -------
        EventWindows
            Counts (n_events, n_units, n_bins), and which are valid for each unit and its probe.

        Raises
        ------
        ConfigError, UnknownSession
            As `psth` does.
        """
        chosen = choose_events(self.events, lambda: self._trials, event).where(where).timed()
        recorded = self._recording.units
        return count_around(
            self.spikes,
            choose_units(recorded["unit_id"], units),
            recorded,
            chosen.times,
            chosen.fit,
            self._invalid_for_windows,
            self._unit_intervals,
            event=chosen.label,
            start=start,
            stop=stop,
            bin_s=bin_s,
            table=chosen.rows,
        )

    def between(self, start: float, stop: float) -> SessionSlice:
        """Return the session from ``start`` to ``stop`` (s), without its end; times stay those of the session clock.

        Returns
        -------
        SessionSlice
            ``spikes``, ``signals``, ``events``, ``trials``, ``units``, ``windows(preset)``, each cut when asked for.

        Raises
        ------
        ConfigError
            If a limit is no finite number, the stretch is empty, or none of it was recorded.
        """
        name = f"{self.source} session {self.session_id}"
        return SessionSlice(cast("SessionView", self), *checked_stretch(start, stop, self._recorded, name))

    @property
    def _recorded(self) -> RecordedTime | None:
        try:
            return self.spikes.recorded_time
        except (UnknownSession, StoreError):  # behaviour is cut all the same
            return None
