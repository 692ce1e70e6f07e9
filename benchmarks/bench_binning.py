"""How long binning takes, against plain numpy on the same spikes, after both gave the same counts.

Contains one run for the session grid and one for event windows, on random spikes the size of an IBL session (700 units,
70 min, 11.5 million spikes). Add a run here for a new kernel of `nh_platform.windows`. Peer libraries are not run here;
their figures for these jobs were measured in environments of their own.

Run: ``python benchmarks/bench_binning.py`` (a minute, 1.5 GB); ``--share 0.1`` for a tenth of the spikes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from nh_platform.session import Spikes
from nh_platform.windows import bin_events, bin_session
from nh_platform.windows.binning import bin_edges

N_UNITS = 700
DURATION_S = 4200.0
N_SPIKES = 11_500_000
N_EVENTS = 700
BIN_US = 20_000
EVENT_BIN_US, EVENT_START_US, EVENT_BINS = 10_000, -500_000, 150
REPEATS = 5


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


def cpu_s(job: Callable[[], object], repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        started = time.process_time()
        job()
        taken.append(time.process_time() - started)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="share of the spikes to use")
    spikes = random_spikes(int(N_SPIKES * parser.parse_args().share), seed=0)
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

    print(f"{len(spikes.times):,} spikes of {N_UNITS} units; counts identical; median CPU seconds, one thread")
    jobs: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        ("session grid, 20 ms", lambda: bin_session(spikes, BIN_US), lambda: numpy_grid(spikes, start_bin, n_bins)),
        (
            "700 events x 150 x 10 ms",
            lambda: bin_events(spikes, events, EVENT_START_US, EVENT_BINS, EVENT_BIN_US),
            lambda: numpy_events(spikes, events),
        ),
    ]
    for name, ours, plain in jobs:
        fast, slow = cpu_s(ours, REPEATS), cpu_s(plain, 1)
        print(f"{name:26s} ours {fast:7.3f}   numpy {slow:7.3f}   {slow / fast:6.1f} x")


if __name__ == "__main__":
    main()
