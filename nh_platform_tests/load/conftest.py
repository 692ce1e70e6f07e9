"""A home of two sessions that one trains with; add a fixture here when the tests of the loader share it."""

from __future__ import annotations

import json

import pytest

from nh_platform.embeddings import unit_embeddings
from nh_platform.embeddings.units.window_places import used_window
from nh_platform.reading import SessionView
from nh_platform.session import Session
from nh_platform.session.tables.embeddings import UNIT_EMBEDDINGS
from nh_platform.session.tables.units import UNITS
from nh_platform.store import Store
from nh_platform.store.codecs.parquet import write_table
from nh_platform.store.codecs.recording_files import write_events, write_recording
from nh_platform.store.codecs.spike_event_files import SpikeEvents, write_spike_events
from nh_platform.windows import write_windows
from nh_platform.windows.splits.audited_record import WHOLE_SESSION
from nh_platform.windows.time_order import ordered_spikes
from nh_platform_tests.reading.conftest import a_behavior, a_recording, judged, publish
from nh_platform_tests.windows.trains import windows_of

AT_START = "start-10s"
"""What the embeddings of the second session describe, which was recorded from 2 to 12 s; of the others all of it."""

FIRST, SECOND, WITHOUT = "11112222-aaaa", "22223333-bbbb", "33334444-cccc"


@pytest.fixture(scope="package")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Store of two sessions with time-ordered spikes, and one without."""
    made = Store(tmp_path_factory.mktemp("home") / "store")
    for session_id in (FIRST, SECOND, WITHOUT):
        fill(made, session_id)
    return made


def fill(store, session_id, source="ibl") -> None:
    session = Session(source, session_id, "m1", lab="lab", date="2024-01-02")
    recording, (events, _) = a_recording(session), a_behavior(session).parts
    with publish(store, session_id, "raw_spikes", source) as target:
        write_recording(target, recording)
        (target / "gate.json").write_text(json.dumps({"problems": []}))
    with publish(store, session_id, "events", source) as target:
        write_events(target, events)
    units = judged(recording.units)
    with publish(store, session_id, "units", source) as target:
        write_table(target / "units.parquet", units, UNITS)
    with publish(store, session_id, "windows", source) as target:
        write_windows(target, windows_of(recording.spikes, units, events))
    with publish(store, session_id, "unit_embeddings", source) as target:
        window = AT_START if session_id == SECOND else WHOLE_SESSION
        table = unit_embeddings(recording.spikes, units, window)
        write_table(target / "unit_embeddings.parquet", table, UNIT_EMBEDDINGS)
        used_window(recording.spikes, window).write(target)
    if session_id != WITHOUT:
        with publish(store, session_id, "spike_events", source) as target:
            write_spike_events(target, SpikeEvents(*ordered_spikes(recording.spikes), tuple(units["unit_id"])))


@pytest.fixture
def first(store) -> SessionView:
    return SessionView(store, "ibl", FIRST)


@pytest.fixture
def both(store) -> list[SessionView]:
    return [SessionView(store, "ibl", one) for one in (FIRST, SECOND)]
