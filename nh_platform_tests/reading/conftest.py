"""A tiny store with one whole session, one that was gated and one that is only listed.

Add a fixture here when the tests of reading share it.
"""

import json
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.embeddings import unit_embeddings
from nh_platform.history.manifest import Manifest
from nh_platform.history.snapshots import write_manifest
from nh_platform.reading import SessionView
from nh_platform.session import RawRecording, Session, Signal
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, SESSIONS
from nh_platform.session.tables.embeddings import UNIT_EMBEDDINGS
from nh_platform.session.tables.events import EVENTS
from nh_platform.session.tables.spikes import PROBES, RAW_CHANNELS, RAW_UNITS
from nh_platform.session.tables.units import CHANNEL_POSITIONS, UNITS
from nh_platform.store import Provenance, Store
from nh_platform.store.codecs.parquet import write_table
from nh_platform.store.codecs.recording_files import write_events, write_recording, write_signals
from nh_platform.store.names import SOURCE_WIDE
from nh_platform.windows import write_windows
from nh_platform_tests.behavior import Behavior
from nh_platform_tests.windows.trains import DENSE, EVENTS_ONLY, SHIPPED, spikes_of, windows_of

PRESETS = (*SHIPPED, DENSE, EVENTS_ONLY)
WHOLE, GATED, LISTED = "11112222-aaaa", "33334444-bbbb", "55556666-cccc"


def publish(store, session_id, asset, source="ibl") -> AbstractContextManager[Path]:
    return store.publish(
        Provenance(asset=asset, source=source, session_id=session_id, data_version="0" * 64, code_version="1")
    )


def a_recording(session) -> RawRecording:
    # unit b fires 5 spikes 0.1 s after each stimulus at 3, 5, 7, 9 s; a fires all the time, c never
    after = np.concatenate([t + 0.1 + np.arange(5) * 0.001 for t in (3.0, 5.0, 7.0, 9.0)])
    units = pd.DataFrame(
        {
            "unit_id": ["a", "b", "c"],
            "probe": ["probe00", "probe00", "probe01"],
            "cluster_id": [0, 1, 0],
            "channel": [0, 1, 0],
            "n_spikes": [1000, 20, 0],
        }
    )
    channels = pd.DataFrame(
        {"probe": ["probe00", "probe00", "probe01"], "channel": [0, 1, 0], "upstream_id": [0, 1, 0]}
    )
    probes = pd.DataFrame({"probe": ["probe00", "probe01"], "collection": "alf", "revision": ""})
    return RawRecording(
        session,
        PROBES.conform(probes),
        RAW_UNITS.conform(units),
        RAW_CHANNELS.conform(channels),
        spikes_of(np.arange(1000) / 100 + 2, after, []),
    )


def a_behavior(session) -> Behavior:
    trials = pd.DataFrame(
        {
            "start_time": [2.5, 4.5, 6.5, 8.5, 10.5],
            "stop_time": [4.4, 6.4, 8.4, 10.4, 12.0],
            "stimOn_times": [3.0, 5.0, 7.0, 9.0, np.nan],
            "choice": [1.0, -1.0, 1.0, 1.0, 0.0],
            "contrastLeft": [1.0, np.nan, 0.25, 1.0, 1.0],
        }
    )
    invalid = pd.DataFrame({"start_time": [5.0], "stop_time": [6.0], "scope": ["probe00"], "label": ["noise"]})
    events = {"trials": EVENTS["trials"].conform(trials), "invalid_times": EVENTS["invalid_times"].conform(invalid)}
    wheel = Signal("wheel_position", np.arange(3.0), np.array([0.0, 0.1, 0.3]), "rad", ("position",))
    return Behavior(session, events, {"wheel_position": wheel})


def judged(units) -> pd.DataFrame:
    """Return the units table that QC would make: b is good by ibl-2022-10."""
    n = len(units)
    regions = pd.DataFrame({"atlas_id": [1, 2, 0], "acronym": ["CA1", "VISp5", None], "beryl": ["CA1", None, None]})
    table = pd.concat([units, regions.iloc[:n]], axis=1).assign(histology="alf", review="none")
    table["label.ibl-2022-10"] = [1 / 3, 1.0, 0.0]
    table["pass.ibl-2022-10"] = [False, True, False]
    table["pass.nh-common"] = [True, True, False]
    return UNITS.conform(table)


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home folder with a store of one source."""
    folder = tmp_path_factory.mktemp("home")
    store = Store(folder / "store")
    sessions = pd.DataFrame(
        {"session_id": [WHOLE, GATED, LISTED], "subject": ["m1", "m1", "m2"], "number": np.uint16(1)}
    )
    manifest = Manifest("ibl", "test", SESSIONS.conform(sessions), INSERTIONS.empty(), FILES.empty())
    with publish(store, SOURCE_WIDE, "release_manifest") as target:
        write_manifest(target, manifest)

    session = Session("ibl", WHOLE, "m1", lab="lab", date="2024-01-02")
    recording, behavior = a_recording(session), a_behavior(session)
    units = judged(recording.units)
    with publish(store, WHOLE, "raw_spikes") as target:
        write_recording(target, recording)
        (target / "gate.json").write_text(json.dumps({"problems": []}))
    events, signals = behavior.parts
    with publish(store, WHOLE, "events") as target:
        write_events(target, events)
    with publish(store, WHOLE, "signals") as target:
        write_signals(target, signals)
    with publish(store, WHOLE, "units") as target:
        write_table(target / "units.parquet", units, UNITS)
        positions = recording.channels[["probe", "channel"]].assign(atlas_id=7, acronym="CA1", histology="alf")
        write_table(target / "channels.parquet", positions, CHANNEL_POSITIONS)
        (target / "summary.json").write_text(json.dumps({"active_rulebook": "ibl-2022-10", "n_units": 3}))
    with publish(store, WHOLE, "windows") as target:
        write_windows(target, windows_of(recording.spikes, units, events, PRESETS))
    with publish(store, WHOLE, "unit_embeddings") as target:
        table = unit_embeddings(recording.spikes, units)
        write_table(target / "unit_embeddings.parquet", table, UNIT_EMBEDDINGS)

    with publish(store, GATED, "raw_spikes") as target:
        (target / "gate.json").write_text(json.dumps({"problems": ["spike times are not sorted"]}))
    return folder


@pytest.fixture
def session(home) -> SessionView:
    """Open the session that is whole."""
    import nh_platform

    return nh_platform.open_store(home).session("ibl", WHOLE)
