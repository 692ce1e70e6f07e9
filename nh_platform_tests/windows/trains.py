"""Tiny sessions for the tests of windows, and the plain numpy binning that the kernels must equal.

Add a builder here when two test modules share it. No assertion is made here.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from nh_platform.session import Events, Session, Spikes
from nh_platform.session.tables.events import EVENTS
from nh_platform.sources.registry import source_entry
from nh_platform.windows import Windows, build_windows, load_presets

SHIPPED = load_presets(["continuous-1s", "stim-halves-500ms"])
PRESETS = [SHIPPED[0], SHIPPED[1].model_copy(update={"dense": True})]
"""What the chain makes by default, with the counts around events stored."""
DENSE = PRESETS[1].model_copy(update={"id": "stored-halves"})
EVENTS_ONLY = SHIPPED[0].model_copy(update={"id": "no-bins", "bin_us": None})


def windows_of(spikes, units, events, presets=PRESETS) -> Windows:
    """Lay out the windows of a session with the events that its source states."""
    return build_windows(spikes, units, events, presets, source_entry(events.session.source).events)


def spikes_of(*trains) -> Spikes:
    """Group lists of spike times into `Spikes`, one unit per list."""
    arrays = [np.asarray(train, dtype=np.float64) for train in trains]
    times = np.concatenate([*arrays, np.zeros(0)])
    nothing = np.full(len(times), np.nan, dtype=np.float32)
    return Spikes(times, np.cumsum([0, *map(len, arrays)]).astype(np.int64), nothing, nothing)


def units_of(*probes) -> pd.DataFrame:
    """Return a units table with one unit per probe name."""
    return pd.DataFrame({"unit_id": [f"u{row}" for row in range(len(probes))], "probe": list(probes)}, dtype=object)


def events_of(source="ibl", **tables) -> Events:
    """Return the behaviour of a session from keyword tables, each a dict of columns."""
    events = {name: EVENTS[name].conform(pd.DataFrame(columns)) for name, columns in tables.items()}
    return Events(Session(source, "session-1", "mouse-1"), events)


def trials(stim_on) -> dict[str, np.ndarray]:
    """Return the columns of a trials table with these stimulus onsets."""
    start = np.arange(len(stim_on), dtype=np.float64)
    return {"start_time": start, "stop_time": start + 1, "stimOn_times": stim_on, "choice": np.ones(len(stim_on))}


def edges_by_hand(first_us, n_bins, bin_us) -> np.ndarray:
    """Return bin edges one by one, each the float64 nearest to the exact value."""
    return np.array([(first_us + k * bin_us) / 1_000_000 for k in range(n_bins + 1)])


def count_by_hand(times, edges) -> np.ndarray:
    """Count by comparing every spike with every edge."""
    return np.array([int(((times >= low) & (times < high)).sum()) for low, high in pairwise(edges)])
