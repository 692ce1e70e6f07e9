"""Rows that count spikes: a session in bins, windows around events, sliding windows.

Contains their data, plain references and peers. Add a row here for a new kernel of `nh_platform.windows`; its sides
stand in `benchmarks/jobs/counting.py` and `benchmarks/peer_binning.py`. Every library counts spikes that lie in its own
form: grouped by unit here, in the order of time there.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.harness.comparison import Arrays, Peer, Row
from benchmarks.harness.gates import as_searchsorted, same_counts
from benchmarks.harness.limits import Limits
from benchmarks.harness.sessions import IBL, LARGE, SMALL, SessionSize, kept, spikes_of
from benchmarks.harness.sides import Side

BIN_US = 20_000
EVENT_BIN_US, EVENT_START_US, EVENT_BINS = 10_000, -500_000, 150
N_EVENTS = 700
SLIDING_STEP_US, SLIDING_BINS, N_SLIDING = 100_000, 50, 3000
SLIDING_FROM_US = 10_003_130
"""Begin of the first sliding window, off the edges of 20 ms on which spikes lie."""
HERE, THERE = "jobs/counting.py", "peer_binning.py"
ON_EDGE = 1e-6
"""A spike this near to an edge, in bins, lies on it: a float's division cannot tell."""
_gate = same_counts("it divides by a float")


def session(size: SessionSize, quick: bool) -> Path:
    """Return a session's spikes, grouped by unit and in the order of time, with events."""
    size = SMALL if quick else size
    return kept(f"counting-{size.n_units}-units.npz", partial(_write, size))


def _write(size: SessionSize, path: Path) -> None:
    with np.load(spikes_of(size)) as stored:
        times, offsets = stored["times"], stored["offsets"]
    unit = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    order = np.argsort(times, kind="stable")
    in_bins = times * 1e6 / BIN_US
    on_edge = np.abs(in_bins - np.rint(in_bins)) < ON_EDGE
    n_events = min(N_EVENTS, int(size.duration_s // 4))
    np.savez(
        path,
        grouped_times=times,
        offsets=offsets,
        times=times[order],
        unit=unit[order],
        edge_unit=unit[on_edge],
        edge_bin=np.rint(in_bins[on_edge]).astype(np.int64),
        n_units=len(offsets) - 1,
        stop=np.ceil(times.max() * 1e6 / BIN_US) * BIN_US / 1e6,
        events=np.sort(np.random.default_rng(1).uniform(1, size.duration_s - 2, n_events)),
        bin_us=BIN_US,
        event_start_us=EVENT_START_US,
        event_bins=EVENT_BINS,
        event_bin_us=EVENT_BIN_US,
    )


def sliding(size: SessionSize, quick: bool) -> Path:
    """Return the same with the begins of windows that slide as events."""
    size = SMALL if quick else size
    return kept(f"sliding-{size.n_units}-units.npz", partial(_write_sliding, size))


def _write_sliding(size: SessionSize, path: Path) -> None:
    with np.load(session(size, quick=False)) as stored:
        given = {name: stored[name] for name in stored.files if not name.startswith("edge_")}
    room = int((size.duration_s * 1e6 - SLIDING_FROM_US) // SLIDING_STEP_US) - SLIDING_BINS
    starts_us = SLIDING_FROM_US + np.arange(min(N_SLIDING, room)) * SLIDING_STEP_US
    given |= {"events": starts_us / 1e6, "event_start_us": 0, "event_bins": SLIDING_BINS, "event_bin_us": BIN_US}
    np.savez(path, **given, step_us=SLIDING_STEP_US)


def _edges(start_us: int, n_bins: int, bin_us: int) -> np.ndarray:
    return (start_us + np.arange(n_bins + 1, dtype=np.int64) * bin_us) / 1e6


def plain_grid(given: Path, found: Arrays) -> str:
    """Count the session unit by unit with `numpy.searchsorted`; raise `Differs` where a count is another one."""
    with np.load(given) as stored:
        trains = np.split(stored["grouped_times"], stored["offsets"][1:-1])
    edges = _edges(0, found["counts"].shape[1], BIN_US)
    plain = np.array([np.minimum(np.diff(np.searchsorted(train, edges)), 255) for train in trains], dtype=np.uint8)
    return as_searchsorted(int((found["counts"] != plain).sum()), plain.size)


def plain_events(
    given: Path,
    found: Arrays,
    bin_us: int = EVENT_BIN_US,
    start_us: int = EVENT_START_US,
    *,
    any_spike: bool = False,
) -> str:
    """Count around events unit by unit with `numpy.searchsorted`; raise `Differs` where a count is another one."""
    with np.load(given) as stored:
        trains, events = np.split(stored["grouped_times"], stored["offsets"][1:-1]), stored["events"]
    n_events, _, n_bins = found["counts"].shape
    edges = events[:n_events, None] + _edges(start_us, n_bins, bin_us)
    plain = np.empty(found["counts"].shape, dtype=np.uint8)
    for row, train in enumerate(trains):
        counts = np.diff(np.searchsorted(train, edges), axis=1)
        plain[:, row] = counts > 0 if any_spike else np.minimum(counts, 255)
    return as_searchsorted(int((found["counts"] != plain).sum()), plain.size)


def grid_floor(limits: Limits, given: Path) -> tuple[float, str]:
    """Return the floor of counting a session in bins."""
    with np.load(given) as stored:
        cells, n_spikes = float(stored["n_units"]) * float(stored["stop"]) * 1e6 / BIN_US, float(stored["offsets"][-1])
    return limits.of_counts(cells, n_spikes)


def event_floor(limits: Limits, given: Path) -> tuple[float, str]:
    """Return the floor of counting around events."""
    with np.load(given) as stored:
        cells, share = len(stored["events"]) * float(stored["n_units"]) * EVENT_BINS, 1.5 * len(stored["events"])
        n_spikes = float(stored["offsets"][-1]) * min(share / float(stored["stop"]), 1.0)
    return limits.of_counts(cells, n_spikes)


def _peer(label: str, job: str, environment: str, packages: tuple[str, ...], **aims: float | None) -> Peer:
    is_threaded = environment in ("nwb", "torch_brain")
    return Peer(Side(label, THERE, job, environment), _gate, packages=packages, is_threaded=is_threaded, **aims)


_BINCOUNT = _peer("brainbox `bincount2D`, as brainbox calls it", "brainbox_bincount2d", "ibllib", ("ibllib",),
                  at_least=40, stretch=60)  # fmt: skip
_PLAIN_BINCOUNT = _peer("brainbox `bincount2D` with `ybin=1`", "brainbox_bincount2d_ybin_1", "ibllib", ("ibllib",))
_PYNAPPLE = _peer("pynapple `count`", "pynapple_count", "nwb", ("pynapple",), at_least=20)
_TORCH_BRAIN = _peer("torch_brain `bin_spikes`", "torch_brain_bin_spikes", "torch_brain", ("torch-brain",),
                     at_least=3, stretch=5)  # fmt: skip
_ELEPHANT = _peer("elephant `BinnedSpikeTrain`, as an array", "elephant_binned", "elephant", ("elephant",))
_ELEPHANT_BOOL = _peer("neo `time_slice` and elephant `to_bool_array`", "elephant_binarised", "elephant", ("elephant",))
_NUMPY = Peer(Side("one flat `numpy.bincount`", HERE, "numpy_bincount"), _gate, packages=("numpy",))
_BIN_SPIKES = _peer("brainbox `bin_spikes2D`", "brainbox_bin_spikes2d", "ibllib", ("ibllib",), at_least=10)
_SLIDING = _peer("brainbox `bin_spikes2D`", "brainbox_bin_spikes2d", "ibllib", ("ibllib",))
_NUMPY_SLIDING = Peer(
    Side("one flat `numpy.bincount` and `sliding_window_view`, copied", HERE, "numpy_sliding"),
    same_counts(),
    packages=("numpy",),
    near="It counts each spike once too, and copies the windows from one grid: it is what a careful user would write.",
)
_PETHS = _peer("brainbox `calculate_peths` without smoothing", "brainbox_calculate_peths", "ibllib", ("ibllib",))

ROWS = (
    Row(
        name="session-bins",
        what="a session in bins of 20 ms",
        data=partial(session, IBL),
        here=Side("here", HERE, "session_grid"),
        peers=(_NUMPY, _TORCH_BRAIN, _PLAIN_BINCOUNT, _BINCOUNT, _PYNAPPLE, _ELEPHANT),
        reference=plain_grid,
        limit=grid_floor,
        note="`numpy.bincount` gives int64 and needs the units numbered; it is what a careful user would write.",
    ),
    Row(
        name="session-bins-large",
        what="a large session in bins of 20 ms",
        data=partial(session, LARGE),
        here=Side("here", HERE, "session_grid"),
        peers=(_NUMPY, _TORCH_BRAIN),
        reference=plain_grid,
        limit=grid_floor,
        is_in_quick=False,
    ),
    Row(
        name="event-windows",
        what="windows of 1.5 s around 700 events in bins of 10 ms, spikes grouped by unit here",
        data=partial(session, IBL),
        here=Side("here", HERE, "event_windows"),
        peers=(_BIN_SPIKES, _PETHS),
        reference=plain_events,
        limit=event_floor,
    ),
    Row(
        name="event-windows-in-time",
        what="the same from spikes in the order of time, which `bin_spikes2D` takes too",
        data=partial(session, IBL),
        here=Side("here", HERE, "event_windows_in_time"),
        peers=(_BIN_SPIKES,),
        reference=plain_events,
        limit=event_floor,
    ),
    Row(
        name="event-windows-large",
        what="windows of 1.5 s around 700 events of a large session",
        data=partial(session, LARGE),
        here=Side("here", HERE, "event_windows"),
        peers=(_BIN_SPIKES,),
        reference=plain_events,
        limit=event_floor,
        is_in_quick=False,
        profile="A third is the first touch of 210 MB of counts and one pass over the spikes; in the rest 1.4 million "
        "places are looked for where a window of a unit begins, in 430 MB of times.",
    ),
    Row(
        name="sliding-windows",
        what="windows of 1 s that begin every 100 ms, for 5 minutes, in bins of 20 ms",
        data=partial(sliding, IBL),
        here=Side("here", HERE, "sliding_windows"),
        peers=(_NUMPY_SLIDING, _SLIDING),
        reference=partial(plain_events, bin_us=BIN_US, start_us=0),
        note="Both first sides count each spike once; `bin_spikes2D` has no other way than windows one by one.",
    ),
    Row(
        name="binarised",
        what="whether there was a spike, in 1,500 bins of 1 ms around 100 events",
        data=partial(session, IBL),
        here=Side("here", HERE, "binarised"),
        peers=(_ELEPHANT_BOOL,),
        reference=partial(plain_events, bin_us=1000, any_spike=True),
    ),
)
