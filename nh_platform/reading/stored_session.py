"""The stored assets of one session: which there are, their folders and provenance, and what is read of them once.

Contains `StoredSession`, of which `SessionView` is what people use. Add here how another asset is found and opened.
The tables that people read of them belong to `session_tables`; nothing is written here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from nh_platform.history.manifest import SessionFiles
from nh_platform.history.snapshots import list_snapshots
from nh_platform.qc.gate import read_gate
from nh_platform.session import Events, RawRecording, Signals, StoreError, UnknownSession
from nh_platform.session.display import html_facts
from nh_platform.store import Provenance, Store
from nh_platform.store.codecs.recording_files import (
    read_events,
    read_recording,
    read_reviewed_intervals,
    read_signals,
)
from nh_platform.store.replaced_meanwhile import read_current
from nh_platform.windows import StoredWindows
from nh_platform.windows.valid_time import with_invalid

Read = TypeVar("Read")
GATED_BY = "raw_spikes"
"""Asset with the gate; it stops what was made from it, directly or through others, as planning does."""


class StoredSession:
    """The assets of one session of a store.

    Parameters
    ----------
    store
        The files.
    source, session_id
        The session.
    """

    def __init__(self, store: Store, source: str, session_id: str) -> None:
        self.source = source
        self.session_id = session_id
        self._store = store

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.source!r}, {self.session_id!r}, assets={self.assets})"

    def _repr_html_(self) -> str:
        listed = self._listed
        of = {} if listed is None else {name: getattr(listed.session, name) for name in ("subject", "lab", "date")}
        facts = {"source": self.source, **of, "assets": ", ".join(self.assets) or "none"}
        return html_facts(f"Session {self.session_id}", facts)

    @property
    def assets(self) -> list[str]:
        """Assets of the session that are in the store, sorted."""
        return self._store.assets(self.source, self.session_id)

    def folder(self, asset: str) -> Path:
        """Return the folder with the files of an asset.

        Raises
        ------
        UnknownSession
            If the asset was not made yet; the text has the command that makes it.
        StoreError
            If it was not made because the session's data are unusable; the text says why.
        """
        found = self._store.current(self.source, self.session_id, asset)
        record = self._store.provenance(self.source, self.session_id, asset)
        problems = self._gate_problems() if record is None or GATED_BY in self._read_by(record) else ()
        if found is not None and not problems:
            return found
        if problems:
            raise StoreError(
                f"{self.source} session {self.session_id}",
                f"it has no current {asset}, because its spikes are unusable: {'; '.join(problems)}",
                f"Correct the upstream files, then run `nh materialize {self.source} {self.session_id}`.",
            )
        return self._store.folder(self.source, self.session_id, asset)

    def _read(self, asset: str, read: Callable[[Path], Read]) -> Read:
        """Return what ``read`` makes of the folder of an asset, read anew where another version came meanwhile."""
        return read_current(lambda: self.folder(asset), read)

    def provenance(self, asset: str) -> Provenance:
        """Return the record of where an asset's bytes come from.

        Raises
        ------
        UnknownSession
            If the asset was not made yet.
        """
        return self._read(asset, Provenance.read)

    @cached_property
    def _listed(self) -> SessionFiles | None:
        """The session as the catalogue lists it, or last listed it; None in a store without a catalogue."""
        for snapshot in reversed(list_snapshots(self._store, self.source)):
            try:
                return snapshot.manifest().session(self.session_id)
            except UnknownSession:
                continue
        return None

    @cached_property
    def _recording(self) -> RawRecording:
        return self._read("raw_spikes", read_recording)

    @cached_property
    def _stored_events(self) -> Events:
        return self._read("events", read_events)

    @cached_property
    def _stored_signals(self) -> Signals:
        return self._read("signals", read_signals)

    @cached_property
    def _reviewed_events(self) -> Events:
        """The events with the intervals that counted reviews mark, as `units` was made with them."""
        marked = read_reviewed_intervals(self._store.current(self.source, self.session_id, "units"))
        return replace(self._stored_events, tables=with_invalid(self._stored_events.tables, marked))

    @cached_property
    def _windows(self) -> StoredWindows:
        return StoredWindows(self.folder("windows"))

    def _read_by(self, record: Provenance) -> set[str]:
        """Return what an asset was made from, directly or through others, as the stored records say."""
        found: set[str] = set()
        waiting = [*record.inputs]
        while waiting:
            name = waiting.pop()
            if name in found or "/" in name:  # seen, or upstream/<group>
                continue
            found.add(name)
            stored = self._store.provenance(self.source, self.session_id, name)
            waiting += [] if stored is None else stored.inputs
        return found

    def _gate_problems(self) -> tuple[str, ...]:
        gate = self._store.current(self.source, self.session_id, GATED_BY)
        return () if gate is None else read_gate(gate).problems
