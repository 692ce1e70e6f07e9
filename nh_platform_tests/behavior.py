"""Events and signals of one session together, for tests that look at both."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from nh_platform.history.manifest import SessionFiles
from nh_platform.session import Events, Note, Session, Signal, Signals
from nh_platform.session.tables.events import DETECTED, EVENTS
from nh_platform.sources.source import Source


@dataclass(frozen=True)
class Behavior:
    """Event tables (those detected in signals too), signals, and the notes of both."""

    session: Session
    events: dict[str, pd.DataFrame]
    signals: dict[str, Signal]
    notes: tuple[Note, ...] = ()

    @property
    def parts(self) -> tuple[Events, Signals]:
        """The two of them, as the platform passes them on."""
        tables = {name: table for name, table in self.events.items() if name in EVENTS}
        detected = {name: table for name, table in self.events.items() if name in DETECTED}
        return Events(self.session, tables), Signals(self.session, self.signals, detected)


def read_behavior(source: Source, session: SessionFiles) -> Behavior:
    """Read events and signals of a session."""
    events, signals = source.read_events(session), source.read_signals(session)
    tables = {**events.tables, **signals.tables}
    return Behavior(events.session, tables, signals.signals, (*events.notes, *signals.notes))
