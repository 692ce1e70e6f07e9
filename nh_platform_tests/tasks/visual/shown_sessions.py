"""Stored sessions whose presentations and spikes a test states itself.

Add a builder here when two test modules of visual tasks share it. No assertion is made here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nh_platform.reading import SessionView, open_store
from nh_platform.session import Events, RawRecording, Session, Signals
from nh_platform.session.tables.events import EVENTS
from nh_platform.session.tables.spikes import PROBES, RAW_CHANNELS, RAW_UNITS
from nh_platform.session.tables.units import UNITS
from nh_platform.store import Provenance, Store
from nh_platform.store.codecs.parquet import write_table
from nh_platform.store.codecs.recording_files import write_events, write_recording, write_signals
from nh_platform_tests.windows.trains import spikes_of

SESSION_ID = "900000001"


def stored_session(
    folder: Path,
    trains: Sequence[Any],
    presentations: pd.DataFrame | None,
    source: str = "allen_vc",
    probes: Sequence[str] = (),
    invalid: Sequence[tuple[float, float, str]] = (),
) -> SessionView:
    """Store a session of units with these spike times, on ``probes`` (all on probeA where none is named), and open it.

    ``presentations`` lacks ids and blocks where it need not have them; None stores trials in place of them. ``invalid``
    are start, stop and scope.
    """
    probes = list(probes) or ["probeA"] * len(trains)
    session = Session(source, SESSION_ID, "mouse-1")
    units = pd.DataFrame(
        {
            "unit_id": [f"u{row}" for row in range(len(trains))],
            "probe": probes,
            "cluster_id": range(len(trains)),
            "channel": 0,
            "n_spikes": [len(train) for train in trains],
        }
    )
    names = sorted(set(probes))
    channels = pd.DataFrame({"probe": names, "channel": 0, "upstream_id": 0})
    recording = RawRecording(
        session,
        PROBES.conform(pd.DataFrame({"probe": names, "collection": "", "revision": ""})),
        RAW_UNITS.conform(units),
        RAW_CHANNELS.conform(channels),
        spikes_of(*trains),
    )
    store = Store(folder / "store")
    for asset in ("raw_spikes", "events", "signals", "units"):
        record = Provenance(asset=asset, source=source, session_id=SESSION_ID, data_version="0" * 64, code_version="1")
        with store.publish(record) as target:
            if asset == "raw_spikes":
                write_recording(target, recording)
                (target / "gate.json").write_text(json.dumps({"problems": []}))
            elif asset == "events":
                write_events(target, Events(session, _tables(presentations, invalid)))
            elif asset == "signals":
                write_signals(target, Signals(session, {}))
            else:
                table = units.assign(
                    atlas_id=0, histology="", review="none", beryl=[f"R{row}" for row in range(len(trains))]
                )
                write_table(target / "units.parquet", UNITS.conform(table), UNITS)
                (target / "summary.json").write_text(json.dumps({"n_units": len(units)}))
    return open_store(folder).session(source, SESSION_ID)


def _tables(presentations: pd.DataFrame | None, invalid: Sequence[tuple[float, float, str]]) -> dict[str, pd.DataFrame]:
    marked = pd.DataFrame(list(invalid), columns=["start_time", "stop_time", "scope"]).assign(label="noise")
    tables = {"invalid_times": EVENTS["invalid_times"].conform(marked)} if len(marked) else {}
    if presentations is None:
        trials = pd.DataFrame({"start_time": [0.0], "stop_time": [1.0], "choice": [1.0]})
        return {**tables, "trials": EVENTS["trials"].conform(trials)}
    defaults: Mapping[str, Any] = {"stimulus_block": 0.0, "valid": True}
    table = presentations.assign(
        **{name: value for name, value in defaults.items() if name not in presentations},
        presentation_id=np.arange(len(presentations), dtype=np.int64),
    )
    return {**tables, "presentations": EVENTS["presentations"].conform(table)}


def shown(name: str, starts: Any, length_s: float, **parameters: Any) -> pd.DataFrame:
    """Return presentations of one stimulus, each ``length_s`` (s) long."""
    starts = np.asarray(starts, dtype=np.float64)
    table = pd.DataFrame({"start_time": starts, "stop_time": starts + length_s, "stimulus_name": name})
    return table.assign(**parameters)


def all_over(stop: float, every: float = 0.5) -> np.ndarray:
    """Return spike times (s) that make the recorded time last from 0 to ``stop``."""
    return np.arange(0.0, stop + every / 2, every)
