"""A stored session in which images are shown with grey between them, for the tests of who reads presentations.

Add here what several test folders do with presentations. What one test alone needs stands in that test.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from nh_platform.reading import SessionView
from nh_platform.session import Events, Session
from nh_platform.session.tables.units import UNITS
from nh_platform.store import Store
from nh_platform.store.codecs.parquet import write_table
from nh_platform.store.codecs.recording_files import write_events, write_recording
from nh_platform.store.codecs.spike_event_files import SpikeEvents, write_spike_events
from nh_platform.windows import load_presets, write_windows
from nh_platform.windows.time_order import ordered_spikes
from nh_platform_tests.reading.conftest import a_recording, judged, publish
from nh_platform_tests.windows.trains import events_of, windows_of

SOURCE, SESSION = "allen_vbn", "1044385384"
PRESETS = ["continuous-1s", "stim-halves-500ms", "vbn-change"]


def presentations(n: int = 9) -> dict[str, list[object]]:
    """Return ``n`` rows: eight images of 0.25 s every 0.75 s from 3 s on, the fifth a new one, and spontaneous."""
    onsets = (3.0 + 0.75 * np.arange(8)).tolist()
    columns = {
        "presentation_id": list(range(9)),
        "start_time": [*onsets, 9.5],
        "stop_time": [*(onset + 0.25 for onset in onsets), 11.0],
        "stimulus_name": ["images"] * 8 + ["spontaneous"],
        "stimulus_block": [0.0] * 8 + [np.nan],
        "valid": [True] * 9,
        "is_change": [0.0] * 4 + [1.0] + [0.0] * 3 + [np.nan],
        "image_index": [0.0] * 4 + [1.0] * 2 + [2.0, 1.0, np.nan],
        "omitted": [0.0] * 6 + [1.0, 0.0, np.nan],
    }
    return {name: values[:n] for name, values in columns.items()}


def shown_session(store: Store, image_names: Sequence[str] = ()) -> SessionView:
    """Store a session of Visual Behavior with these presentations, its images named if they are, and return it."""
    session = Session(SOURCE, SESSION, "m1", lab="allen", date="2024-01-02")
    tables: dict[str, dict[str, list[object]]] = {"presentations": presentations()}
    if image_names:
        places = {"image_index": list(range(len(image_names))), "image_name": list(image_names)}
        tables["image_templates"] = {"image_set": ["images"] * len(image_names), **places}
        tables["image_templates"] |= {"height": [12] * len(image_names), "width": [16] * len(image_names)}
    recording, events = a_recording(session), events_of(SOURCE, **tables)
    with publish(store, SESSION, "raw_spikes", SOURCE) as target:
        write_recording(target, recording)
        (target / "gate.json").write_text(json.dumps({"problems": []}))
    with publish(store, SESSION, "events", SOURCE) as target:
        write_events(target, Events(session, events.tables))
    units = judged(recording.units)
    with publish(store, SESSION, "units", SOURCE) as target:
        write_table(target / "units.parquet", units, UNITS)
    with publish(store, SESSION, "windows", SOURCE) as target:
        write_windows(target, windows_of(recording.spikes, units, events, load_presets(PRESETS)))
    with publish(store, SESSION, "spike_events", SOURCE) as target:
        write_spike_events(target, SpikeEvents(*ordered_spikes(recording.spikes), tuple(units["unit_id"])))
    return SessionView(store, SOURCE, SESSION)
