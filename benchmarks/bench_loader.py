"""How long 2,000 random windows of 1 s take from the mapped file of a full session, as counts and as spike events.

Every compared window equals a plain count before a time is printed, and torch_brain's counts of the same windows: it
reads its own file, kept open, in its own environment. Add a run here for what else the loader reads.

Run: ``python -m benchmarks.bench_loader`` (a minute, 1 GB, 500 MB of temporary files; the environment of torch_brain is
made first, 2 minutes).
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.aims import Aims
from benchmarks.harness.sessions import IBL, spikes_of
from benchmarks.peers import run_in_peer
from nh_platform.load.session_part import SessionPart
from nh_platform.session import Spikes
from nh_platform.store.codecs.spike_event_files import SPIKE_EVENTS_FILE, SpikeEvents, write_spike_events
from nh_platform.windows.time_order import ordered_spikes

N_WINDOWS, N_COMPARED = 2000, 50
N_UNITS, DURATION_S = IBL.n_units, IBL.duration_s


def session_part(folder: Path) -> SessionPart:
    with np.load(spikes_of(IBL)) as stored:
        nothing = np.zeros(len(stored["times"]), dtype=np.float32)
        spikes = Spikes(stored["times"], stored["offsets"], nothing, nothing)
    began = time.process_time()
    ordered = ordered_spikes(spikes)
    print(f"order of {len(spikes.times):,} spikes: {time.process_time() - began:.2f} CPU s (kernels compiled with it)")
    names = tuple(f"u{row}" for row in range(N_UNITS))
    write_spike_events(folder, SpikeEvents(*ordered, names))
    base = np.random.default_rng(1).uniform(0, DURATION_S - 1, N_WINDOWS)
    return SessionPart(
        source="bench",
        session_id="bench",
        path=folder / SPIKE_EVENTS_FILE,
        bin_us=20_000,
        binarised=False,
        base=base,
        first_us=np.zeros(N_WINDOWS, dtype=np.int64),
        n_bins=np.full(N_WINDOWS, 50),
        window_ids=np.arange(N_WINDOWS),
        start=base,
        stop=base + 1,
        valid=np.ones(N_WINDOWS, dtype=bool),
        unit_ids=np.array(names, dtype=object),
        regions=np.full(N_UNITS, None, dtype=object),
        unit_numbers=np.arange(N_UNITS),
        region_numbers=np.full(N_UNITS, -1),
        unit_probe=np.zeros(N_UNITS, dtype=np.int64),
        all_unit_ids=names,
        place=np.arange(N_UNITS),
        probes=("probe00",),
        masked={},
    )


def compare(part: SessionPart) -> None:
    times, rows = part.open().times, part.open().unit_row
    for i in range(N_COMPARED):
        edges = part.base[i] + part.edges(i)
        inside = (times >= edges[0]) & (times < edges[-1])
        expected = np.zeros((N_UNITS, 50), dtype=np.int64)
        np.add.at(expected, (rows[inside], np.searchsorted(edges, times[inside], side="right") - 1), 1)
        np.testing.assert_array_equal(part.counts(i), np.minimum(expected, 255))
        at, units = part.events(i)
        np.testing.assert_array_equal(at, times[inside] - edges[0])
        np.testing.assert_array_equal(units, rows[inside])


def beside_torch_brain(part: SessionPart, repeats: int, folder: Path) -> dict[str, np.ndarray]:
    """Return CPU seconds of torch_brain for the same windows, after it gave the same counts."""
    given, found = folder / "peer_input.npz", folder / "peer_output.npz"
    events = part.open()
    np.savez(given, times=events.times, unit_index=events.unit_row, n_units=N_UNITS, starts=part.start, n_runs=repeats)
    run_in_peer("torch_brain", Path(__file__).with_name("peer_torch_brain_windows.py"), given, found)
    with np.load(found) as stored:
        theirs = {name: stored[name] for name in stored.files}
    ours = np.stack([part.counts(i) for i in range(N_COMPARED)])
    counts = theirs["counts"]
    counts = counts if counts.shape == ours.shape else counts.transpose(0, 2, 1)
    moved = int(np.abs(counts - ours.astype(np.int64)).sum())
    total = int(ours.sum(dtype=np.int64))
    # Its edges are multiples of a float from the window's start: a spike that close to an edge may be in the other bin.
    print(f"counts of {N_COMPARED} windows: {moved} of {total:,} spikes are in another bin there")
    assert moved <= total * 1e-4
    return theirs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--no-peer", action="store_true", help="Measure what is here alone.")
    arguments = parser.parse_args()
    aims = Aims()
    with tempfile.TemporaryDirectory() as folder:
        part = session_part(Path(folder))
        compare(part)
        theirs = None if arguments.no_peer else beside_torch_brain(part, arguments.repeat, Path(folder))
        print(f"load {os.getloadavg()[0]:.1f}; {N_WINDOWS} windows of 1 s, CPU seconds: median (least, most)")
        for name, key, goal, read in (
            ("counts", "counts_s", 20.0, part.counts),
            ("spike events", "events_s", 10.0, part.events),
        ):
            taken = []
            for _ in range(arguments.repeat):
                began = time.process_time()
                for i in range(N_WINDOWS):
                    read(i)
                taken.append(time.process_time() - began)
            print(f"{name}, here: {_said(taken)}")
            if theirs is not None:
                print(f"{name}, torch_brain 0.2.1 with its file kept open: {_said(theirs[key])}")
                aims.at_least(f"{name}, times faster", float(np.median(theirs[key]) / np.median(taken)), 5.0, goal=goal)
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB, the making included")
    aims.finish()


def _said(seconds: Sequence[float] | np.ndarray) -> str:
    return f"{np.median(seconds):.3f} s ({min(seconds):.3f}, {max(seconds):.3f})"


if __name__ == "__main__":
    main()
