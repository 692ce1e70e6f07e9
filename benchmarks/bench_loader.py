"""How long 2,000 random windows of 1 s take from the mapped file of a full session, as counts and as spike events.

Every compared window equals a plain count before a time is printed. Add a run here for what else the loader reads. No
peer library is run here yet.

Run: ``python benchmarks/bench_loader.py`` (half a minute, 1 GB, 115 MB of temporary files).
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from bench_binning import DURATION_S, N_SPIKES, N_UNITS, random_spikes

from nh_platform.load.session_part import SessionPart
from nh_platform.store.codecs.spike_event_files import SPIKE_EVENTS_FILE, SpikeEvents, write_spike_events
from nh_platform.windows.time_order import ordered_spikes

N_WINDOWS, N_COMPARED = 2000, 50


def session_part(folder: Path) -> SessionPart:
    spikes = random_spikes(N_SPIKES, 0)
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


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        part = session_part(Path(folder))
        compare(part)
        for name, read in (("counts", part.counts), ("spike events", part.events)):
            taken = []
            for _ in range(5):
                began = time.process_time()
                for i in range(N_WINDOWS):
                    read(i)
                taken.append(time.process_time() - began)
            print(f"{N_WINDOWS} windows, {name}: {np.median(taken):.3f} CPU s")
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB, the making included")


if __name__ == "__main__":
    main()
