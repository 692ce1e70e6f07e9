"""How long binning takes, against plain numpy and the functions that people use now, after all gave the same counts.

Contains one run for the session grid and one for event windows, on random spikes the size of an IBL session (700 units,
70 min, 11.5 million spikes). Add a run here for a new kernel of `nh_platform.windows`, and its peers in
`peer_binning.py`. Every library counts spikes that lie in its own form: grouped by unit here, in the order of time
there.

Run: ``python benchmarks/bench_binning.py`` (3 CPU minutes, 4 GB; environments of the peers are made first, 3 minutes);
``--share 0.1`` for a tenth of the spikes, ``--no-peer`` for what is here alone.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from aims import Aims
from peers import run_in_peer

from nh_platform.session import Spikes
from nh_platform.windows import bin_events, bin_session
from nh_platform.windows.counts.binning import bin_edges
from nh_platform.windows.time_order import count_window, first_spike_at, ordered_spikes

N_UNITS = 700
DURATION_S = 4200.0
N_SPIKES = 11_500_000
N_EVENTS = 700
BIN_US = 20_000
EVENT_BIN_US, EVENT_START_US, EVENT_BINS = 10_000, -500_000, 150
EVENT_STOP_US = EVENT_START_US + EVENT_BINS * EVENT_BIN_US
REPEATS, PEER_REPEATS = 5, 3

GRID_PEERS = (
    ("brainbox_bincount2d", "ibllib", 40),
    ("brainbox_bincount2d_ybin_1", "ibllib", None),
    ("pynapple_count", "pynapple", 15),
    ("torch_brain_bin_spikes", "torch_brain", 3),
)
EVENT_PEERS = (("brainbox_bin_spikes2d", "ibllib", 8), ("brainbox_calculate_peths", "ibllib", 100))
"""Job of `peer_binning.py`, its environment, and how many times faster the project aims to be."""

MOST_MOVED = 1e-4
"""Share of spikes that a peer may have in another bin: it divides by a float, so those on an edge can fall on either
side, and pynapple rounds times to nanoseconds."""


def random_spikes(n_spikes: int, seed: int) -> Spikes:
    rng = np.random.default_rng(seed)
    rates = rng.lognormal(0.8, 1.1, N_UNITS)
    counts = rng.poisson(rates / rates.sum() * n_spikes)
    times = np.concatenate([np.sort(rng.uniform(0, DURATION_S, count)) for count in counts])
    nothing = np.zeros(len(times), dtype=np.float32)
    return Spikes(times, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), nothing, nothing)


def numpy_grid(spikes: Spikes, start_bin: int, n_bins: int) -> npt.NDArray[np.uint8]:
    edges = bin_edges(start_bin * BIN_US, n_bins, BIN_US)
    rows = [np.diff(np.searchsorted(spikes.of_unit(unit), edges)) for unit in range(spikes.n_units)]
    return np.minimum(rows, 255).astype(np.uint8)


def numpy_events(spikes: Spikes, events: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    edges = events[:, None] + bin_edges(EVENT_START_US, EVENT_BINS, EVENT_BIN_US)
    out = np.empty((len(events), spikes.n_units, EVENT_BINS), dtype=np.uint8)
    for unit in range(spikes.n_units):
        out[:, unit] = np.minimum(np.diff(np.searchsorted(spikes.of_unit(unit), edges), axis=1), 255)
    return out


Ordered = tuple[npt.NDArray[np.float64], npt.NDArray[np.unsignedinteger], int, npt.NDArray[np.int64]]


def events_in_order_of_time(ordered: Ordered, events: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Count as the loader does, on spikes in the order of time: what brainbox is given too."""
    times, rows, start_second, second_offsets = ordered
    edges, place = bin_edges(EVENT_START_US, EVENT_BINS, EVENT_BIN_US), np.arange(N_UNITS)
    out = np.zeros((len(events), N_UNITS, EVENT_BINS), dtype=np.uint8)
    for window, event in enumerate(events):
        first = first_spike_at(times, start_second, second_offsets, event + edges[0])
        count_window(times, rows, first, event, edges, place, out[window])
    return out


def cpu_s(job: Callable[[], object], repeats: int) -> list[float]:
    taken = []
    for _ in range(repeats):
        started = time.process_time()
        job()
        taken.append(time.process_time() - started)
    return taken


def said(seconds: npt.ArrayLike) -> str:
    return f"{np.median(seconds):7.3f} s ({np.min(seconds):.3f}, {np.max(seconds):.3f})"


def peer_input(folder: Path, spikes: Spikes, events: npt.NDArray[np.float64]) -> Path:
    order = np.argsort(spikes.times, kind="stable")
    unit = np.repeat(np.arange(spikes.n_units), spikes.counts)[order]
    np.savez(
        folder / "input.npz",
        times=spikes.times[order],
        unit=unit,
        n_units=spikes.n_units,
        events=events,
        stop=DURATION_S,
        bin_s=BIN_US / 1e6,
        start_s=EVENT_START_US / 1e6,
        stop_s=EVENT_STOP_US / 1e6,
        event_bin_s=EVENT_BIN_US / 1e6,
        n_runs=PEER_REPEATS,
    )
    return folder / "input.npz"


def peer_seconds(job: str, environment: str, given: Path, ours: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return the CPU seconds of a peer's runs, after it gave the same counts."""
    found = given.with_name("output.npz")
    run_in_peer(environment, Path(__file__).with_name("peer_binning.py"), job, given, found)
    with np.load(found) as stored:
        counts, seconds = stored["counts"], stored["seconds"]
    found.unlink()
    n_bins = ours.shape[-1]
    # bincount2D has one bin more, for the edge at the stop of the session.
    assert counts.shape in (ours.shape, (*ours.shape[:-1], n_bins + 1)), (job, counts.shape, ours.shape)
    assert not counts[..., n_bins:].any(), job
    differs = counts[..., :n_bins] != ours
    moved = int(np.abs(counts[..., :n_bins][differs].astype(np.int64) - ours[differs]).sum())
    total = int(ours.sum(dtype=np.int64))
    print(f"{job}: {moved} of {total:,} spikes are in another bin there")
    assert moved <= total * MOST_MOVED, job
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="share of the spikes to use")
    parser.add_argument("--no-peer", action="store_true", help="Measure what is here alone, against numpy.")
    asked = parser.parse_args()
    spikes = random_spikes(int(N_SPIKES * asked.share), seed=0)
    events = np.sort(np.random.default_rng(1).uniform(1, DURATION_S - 2, N_EVENTS))

    grid = bin_session(spikes, BIN_US)
    start_bin, n_bins = grid.start_bin, grid.counts.shape[1]
    aligned = bin_events(spikes, events, EVENT_START_US, EVENT_BINS, EVENT_BIN_US)
    if not np.array_equal(grid.counts, numpy_grid(spikes, start_bin, n_bins)):
        raise SystemExit("session grid differs from numpy; no timing is worth reporting")
    if not np.array_equal(aligned.counts, numpy_events(spikes, events)):
        raise SystemExit("event windows differ from numpy; no timing is worth reporting")
    if int(grid.counts.sum(dtype=np.int64)) != len(spikes.times) and grid.maximum <= 255:
        raise SystemExit("a spike was lost")

    ordered = ordered_spikes(spikes)
    if not np.array_equal(aligned.counts, events_in_order_of_time(ordered, events)):
        raise SystemExit("event windows differ with the order of the spikes; no timing is worth reporting")

    print(
        f"{len(spikes.times):,} spikes of {N_UNITS} units; counts identical to numpy's; load {os.getloadavg()[0]:.1f}"
    )
    print("CPU seconds of one thread: median (least, most)")
    aims = Aims()
    with tempfile.TemporaryDirectory() as made:
        given = None if asked.no_peer else peer_input(Path(made), spikes, events)
        # A copy each time: a `Spikes` finds its recorded time once.
        for name, ours, plain, counts, peers in (
            (
                "session grid, 20 ms",
                lambda: bin_session(replace(spikes), BIN_US),
                lambda: numpy_grid(spikes, start_bin, n_bins),
                grid.counts,
                GRID_PEERS,
            ),
            (
                f"{N_EVENTS} events x {N_UNITS} units x {EVENT_BINS} bins",
                lambda: bin_events(replace(spikes), events, EVENT_START_US, EVENT_BINS, EVENT_BIN_US),
                lambda: numpy_events(spikes, events),
                aligned.counts,
                EVENT_PEERS,
            ),
            (
                "the same, spikes in the order of time",
                lambda: events_in_order_of_time(ordered, events),
                lambda: numpy_events(spikes, events),
                aligned.counts,
                EVENT_PEERS[:1],
            ),
        ):
            ours_s = cpu_s(ours, REPEATS)
            print(f"{name}, here: {said(ours_s)}")
            slow = cpu_s(plain, 1)[0]
            print(f"{name}, numpy: {slow:7.3f} s, {slow / statistics.median(ours_s):.1f} x")
            for job, environment, aim in () if given is None else peers:
                theirs = peer_seconds(job, environment, given, counts)
                ours_s += cpu_s(ours, REPEATS)  # before and after each peer: the clock of a busy machine wanders
                faster = float(np.median(theirs) / np.median(ours_s))
                print(f"{name}, {job}: {said(theirs)}, {faster:.1f} x")
                if aim is not None:
                    aims.at_least(f"{name}, {job}", faster, aim)
            print(f"{name}, here, of {len(ours_s)} runs: {said(ours_s)}")
    aims.finish()


if __name__ == "__main__":
    main()
