"""How long presentation tensors take, against AllenSDK on the same spikes, after both gave the same counts.

Contains one run: 2000 units, 58.4 million spikes, 6000 presentations in 25 bins of 10 ms, shown as static gratings and
natural scenes are (three blocks, 0.25 s each, back to back), and once more spread over the session. Add a run here for
another way of counting per presentation. AllenSDK runs its own `presentationwise_spike_counts`, on a session held in
memory so that no file is read.

Run: ``python benchmarks/bench_presentation_tensors.py`` (a minute or two, 4 GB); ``--share 0.1`` for a tenth of the
units. CPU seconds are the median of five runs (AllenSDK: one); memory is what a run adds to its process at its peak.
Exit 1 where the counts differ or the aim is missed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from aims import Aims

from nh_platform.session import Spikes
from nh_platform.sources.allen.sdk import restore_numpy_names
from nh_platform.windows.presentations.presentation_counts import count_in_presentations

N_UNITS, N_SPIKES, DURATION_S = 2000, 58_400_000, 9000.0
N_PRESENTATIONS, SHOWN_S, BLOCKS_AT_S = 6000, 0.25021, (900.0, 4200.0, 7800.0)
EDGES = np.arange(26) * 0.01
ON_EDGES = 200
"""Spikes of each unit that are put exactly on an edge, so that AllenSDK's double count shows."""
REPEATS = 5
AIM, GOAL = 40.0, 80.0
"""Times faster than AllenSDK."""


def schedules() -> dict[str, npt.NDArray[np.float64]]:
    block = np.arange(N_PRESENTATIONS // len(BLOCKS_AT_S)) * SHOWN_S
    back_to_back = np.concatenate([start + block for start in BLOCKS_AT_S])
    apart = 100 + np.arange(N_PRESENTATIONS) * 1.45
    return {"back to back": back_to_back, "1.45 s apart": apart}


def random_spikes(n_units: int, starts: npt.NDArray[np.float64], seed: int) -> Spikes:
    rng = np.random.default_rng(seed)
    rates = rng.lognormal(0.8, 1.1, n_units)
    counts = rng.poisson(rates / rates.sum() * N_SPIKES * n_units / N_UNITS)
    edges = (starts[:, None] + EDGES).ravel()
    trains = [np.sort(np.append(rng.uniform(0, DURATION_S, n), rng.choice(edges, ON_EDGES))) for n in counts]
    times = np.concatenate(trains)
    nothing = np.zeros(len(times), dtype=np.float32)
    return Spikes(times, np.cumsum([0, *map(len, trains)]).astype(np.int64), nothing, nothing)


def sdk_counts(spikes: Spikes, starts: npt.NDArray[np.float64]) -> npt.NDArray[np.uint16]:
    restore_numpy_names()
    from allensdk.brain_observatory.ecephys.ecephys_session import EcephysSession

    class Held(EcephysSession):  # type: ignore[misc]
        """A session with the tables and spikes that the method reads, without a file."""

        def __init__(self) -> None:
            ids = pd.Index(np.arange(len(starts)), name="stimulus_presentation_id")
            self._shown = pd.DataFrame({"start_time": starts, "stop_time": starts + SHOWN_S}, index=ids)
            self._rows = pd.DataFrame(index=pd.Index(np.arange(spikes.n_units), name="unit_id"))
            self._trains = {unit: spikes.of_unit(unit) for unit in range(spikes.n_units)}

        stimulus_presentations = property(lambda self: self._shown)
        units = property(lambda self: self._rows)
        spike_times = property(lambda self: self._trains)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Held().presentationwise_spike_counts(EDGES, np.arange(len(starts)), np.arange(spikes.n_units)).values


def check(spikes: Spikes, starts: npt.NDArray[np.float64]) -> str:
    """Compare every cell and return what was found; end the run where it is not AllenSDK's double count alone."""
    theirs = sdk_counts(spikes, starts)
    ours = count_in_presentations(spikes, starts, EDGES)
    if not np.array_equal(count_in_presentations(spikes, starts, EDGES, closed=True), theirs):
        raise SystemExit("closed bins differ from AllenSDK; no timing is worth reporting")
    rows, bins, units = np.nonzero(theirs != ours)
    surplus = theirs[rows, bins, units].astype(int) - ours[rows, bins, units]
    for row, k, unit, more in zip(rows, bins, units, surplus):
        times, edge = spikes.of_unit(unit), starts[row] + EDGES[k + 1]
        on_edge = np.searchsorted(times, edge, side="right") - np.searchsorted(times, edge, side="left")
        if on_edge != more:
            raise SystemExit(f"cell {row, k, unit} differs by {more}, and {on_edge} spikes lie on its right edge")
    return (
        f"{theirs.size - len(rows):,} of {theirs.size:,} cells identical, the others hold a spike on their right edge"
    )


def cost(job: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return median CPU seconds and the memory (MB) that a run adds at its peak, measured in a process of its own."""
    context = multiprocessing.get_context("fork")
    parent, child = context.Pipe()

    def measure(pipe: Any) -> None:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        taken = []
        for _ in range(repeats):
            began = time.process_time()
            job()
            taken.append(time.process_time() - began)
        pipe.send((statistics.median(taken), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024))

    process = context.Process(target=measure, args=(child,))
    process.start()
    seconds, megabytes = parent.recv()
    process.join()
    return seconds, megabytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="share of the units to use")
    n_units = max(int(N_UNITS * parser.parse_args().share), 1)
    aims = Aims()
    for name, starts in schedules().items():
        spikes = random_spikes(n_units, starts, seed=0)
        print(f"{name}: {len(spikes.times):,} spikes, {N_PRESENTATIONS} x {len(EDGES) - 1} x {n_units}")
        print(f"  {check(spikes, starts)}")
        fast, ours_mb = cost(lambda: count_in_presentations(spikes, starts, EDGES), REPEATS)  # noqa: B023
        slow, sdk_mb = cost(lambda: sdk_counts(spikes, starts), 1)  # noqa: B023
        print(f"  ours {fast:.3f} CPU s, {ours_mb:.0f} MB   AllenSDK {slow:.2f} CPU s, {sdk_mb:.0f} MB")
        aims.at_least(f"  presentations {name}", slow / fast, AIM, goal=GOAL)
    aims.finish()


if __name__ == "__main__":
    main()
