"""Rows on random training windows: read from disk one by one, with the page cache and without, and through the loader.

Contains their data, plain references and gates. Add a row here for what else training reads; its sides stand in
`benchmarks/jobs/windows.py` and `benchmarks/peer_torch_brain_windows.py`. Every side keeps its own file open.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.harness.comparison import Arrays, Differs, Peer, Row
from benchmarks.harness.gates import as_searchsorted, same_counts
from benchmarks.harness.limits import Limits
from benchmarks.harness.sessions import IBL, SMALL, SessionSize, kept, spikes_of
from benchmarks.harness.sides import Side

HERE, THERE = "jobs/windows.py", "peer_torch_brain_windows.py"
N_WINDOWS, N_SMALL, BIN_S, WINDOW_S, N_BINS = 2000, 200, 0.02, 1.0, 50
ON_EDGE = 1e-6
"""A spike this near to an edge, in bins, lies on it."""
FLOOR = "It copies the bytes of each window and makes nothing of them: the floor, and no other way to the same result."
NEAR_S = 1e-9
"""Times in a window differ by less [s]: a start is subtracted in two ways."""
_gate = same_counts("its edges are multiples of a float from the start of a window")


def windows(size: SessionSize, quick: bool) -> Path:
    """Return the folder with a session's spikes in the order of time, and its windows."""
    size = SMALL if quick else size
    return kept(f"windows-{size.n_units}-units", partial(_write, size))


def _write(size: SessionSize, folder: Path) -> None:
    from benchmarks.jobs.windows import unit_names
    from nh_platform.session import Spikes
    from nh_platform.store.codecs.spike_event_files import SpikeEvents, write_spike_events
    from nh_platform.windows.time_order import ordered_spikes

    folder.mkdir()
    with np.load(spikes_of(size)) as stored:
        nothing = np.zeros(len(stored["times"]), dtype=np.float32)
        spikes = Spikes(stored["times"], stored["offsets"], nothing, nothing)
    ordered = SpikeEvents(*ordered_spikes(spikes), unit_names(spikes.n_units))
    write_spike_events(folder, ordered)
    n_windows = N_SMALL if size is SMALL else N_WINDOWS
    starts = np.random.default_rng(1).uniform(0, size.duration_s - WINDOW_S, n_windows)
    ends = np.searchsorted(ordered.times, np.stack([starts, starts + WINDOW_S], axis=1))
    rows, bins = [], []
    for window, (first, stop) in enumerate(ends):
        place = (ordered.times[first:stop] - starts[window]) / BIN_S
        near = np.abs(place - np.rint(place)) < ON_EDGE
        rows.append(window * spikes.n_units + ordered.unit_row[first:stop][near].astype(np.int64))
        bins.append(np.rint(place[near]).astype(np.int64))
    np.savez(
        folder / "input.npz",
        times=ordered.times,
        unit=ordered.unit_row,
        n_units=spikes.n_units,
        starts=starts,
        window_edge_row=np.concatenate(rows),
        window_edge_bin=np.concatenate(bins),
    )


def plain_events(given: Path, found: Arrays) -> str:
    """Take the spikes of every window with `numpy.searchsorted`; raise `Differs` where they are others."""
    with np.load(given / "input.npz") as stored:
        times, unit, starts = stored["times"], stored["unit"], stored["starts"]
    ends = np.searchsorted(times, np.stack([starts, starts + WINDOW_S], axis=1))
    offsets = np.cumsum([0, *np.diff(ends, axis=1).ravel()])
    parts = [slice(*pair) for pair in ends]
    plain = {
        "offsets": offsets,
        "times": np.concatenate([times[part] - start for part, start in zip(parts, starts, strict=True)]),
        "units": np.concatenate([unit[part] for part in parts]).astype(np.int64),
    }
    return same_events(given, found, plain)


def plain_counts(given: Path, found: Arrays) -> str:
    """Count every window with `numpy.searchsorted`; raise `Differs` where a count is another one."""
    with np.load(given / "input.npz") as stored:
        times, unit, starts = stored["times"], stored["unit"], stored["starts"]
        n_units = int(stored["n_units"])
    wrong = 0
    for window, start in enumerate(starts):
        edges = start + np.arange(N_BINS + 1) * 20_000 / 1e6
        ends = np.searchsorted(times, edges)
        place = np.repeat(np.arange(N_BINS), np.diff(ends))
        plain = np.bincount(unit[ends[0] : ends[-1]].astype(np.int64) * N_BINS + place, minlength=n_units * N_BINS)
        wrong += int((np.minimum(plain, 255) != found["counts"][window].ravel()).sum())
    return as_searchsorted(wrong, found["counts"].size)


def same_events(_: Path, ours: Arrays, theirs: Arrays) -> str:
    """Compare the spikes of every window: as many, of the same units, at the same time."""
    if not np.array_equal(ours["offsets"], theirs["offsets"]):
        differ = int((np.diff(ours["offsets"]) != np.diff(theirs["offsets"])).sum())
        raise Differs(f"{differ:,} windows have another number of spikes there")
    apart = np.abs(ours["times"] - theirs["times"]).max(initial=0.0)
    if apart > NEAR_S:
        raise Differs(f"times in a window differ by {apart:.3g} s, {NEAR_S:g} is allowed")
    # Spikes at one time may stand in either order.
    here, there = (
        np.lexsort((side["units"], np.rint(ours["times"] / NEAR_S), _window(ours))) for side in (ours, theirs)
    )
    if not np.array_equal(ours["units"][here], theirs["units"][there]):
        raise Differs("spikes of windows are of other units there")
    return f"{len(ours['times']):,} spikes of {len(ours['offsets']) - 1:,} windows are the same, within {apart:.1e} s"


def _window(of: Arrays) -> np.ndarray:
    return np.repeat(np.arange(len(of["offsets"]) - 1), np.diff(of["offsets"]))


def same_windows(given: Path, ours: Arrays, theirs: Arrays) -> str:
    """Compare counts with those of a peer, or with the spikes that the map alone gives."""
    if "counts" in theirs:
        return _gate(given / "input.npz", ours, theirs)
    total, there = int(ours["counts"].sum(dtype=np.int64)), len(theirs["times"])
    if total != there:
        raise Differs(f"{there:,} spikes there, {total:,} are counted here")
    return f"{there:,} spikes on both sides; it counts nothing"


def read_once(limits: Limits, given: Path) -> tuple[float, str]:
    """Return the seconds of reading what the windows hold from a file in the page cache."""
    with np.load(given / "input.npz") as stored:
        ends = np.searchsorted(stored["times"], np.stack([stored["starts"], stored["starts"] + WINDOW_S], axis=1))
        n_bytes = float((8 + stored["unit"].itemsize) * np.diff(ends, axis=1).sum())
    return n_bytes / 1e9 / limits.cached_read_gb_s, f"reading {n_bytes / 1e6:.0f} MB of a file in the page cache"


def _row(kind: str, at_least: float, *, cold: bool) -> Row:
    job, gate = kind + "_cold" * cold, same_windows if kind == "counts" else same_events
    theirs = Side("torch_brain, file kept open", THERE, job, "torch_brain")
    alone = Side("the memory map alone, numpy slices copied", HERE, "mapped" + "_cold" * cold)
    return Row(
        name=f"random-windows-{kind}{'-cold' if cold else ''}",
        what=f"random windows of 1 s from disk as {'counts' if kind == 'counts' else 'spike events'}"
        + (", page cache dropped" if cold else ""),
        data=partial(windows, IBL),
        here=Side("here", HERE, job),
        peers=(
            Peer(theirs, gate, None if cold else at_least, packages=("torch-brain",), at_least_quick=3),
            Peer(alone, gate, packages=("numpy",), near=FLOOR),
        ),
        reference=plain_counts if kind == "counts" else plain_events,
        limit=None if cold else read_once,
        clock="wall_s" if cold else "cpu_s",
        is_in_quick=not cold,
        note="The page cache of the system is dropped before each run; what lies behind it is not." if cold else "",
    )  # fmt: skip


def _loader_row(kind: str) -> Row:
    theirs = Side("torch_brain `DataLoader`, file kept open, no workers", THERE, f"batched_{kind}", "torch_brain")
    return Row(
        name=f"loader-{kind}",
        what=f"an epoch of windows of 1 s, batches of 32, as {'counts' if kind == 'counts' else 'padded spike events'}",
        data=partial(windows, IBL),
        here=Side("here, no workers", HERE, f"batched_{kind}"),
        peers=(Peer(theirs, same_windows if kind == "counts" else same_events, 3, packages=("torch-brain", "torch")),),
        reference=plain_counts if kind == "counts" else plain_events,
        limit=read_once,
        note="Arrays of numpy here, whose memory tensors share (`TrainLoader`). With worker processes: "
        "`bench_loader_workers`.",
    )


ROWS = (
    _row("counts", 20, cold=False),
    _row("events", 10, cold=False),
    _row("counts", 20, cold=True),
    _row("events", 10, cold=True),
    _loader_row("counts"),
    _loader_row("events"),
)
