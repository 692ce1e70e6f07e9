"""The platform's side, and AllenSDK's, of rows on spike counts around stimulus presentations.

``python -m benchmarks.jobs.presentations JOB INPUT.npz OUTPUT.npz``, started by the harness. INPUT is what
`benchmarks.harness.sessions.spikes_of` writes; JOB is ``count`` or ``allensdk``, and the schedule behind a colon:
``count:together`` for presentations back to back, ``count:apart``. Spikes are added exactly on edges, so that
AllenSDK's double count shows. OUTPUT gets ``counts`` (n_presentations, n_bins, n_units). Both run in the platform's
environment.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.turns import take_turns
from nh_platform.session import Spikes
from nh_platform.sources.allen.sdk import restore_numpy_names
from nh_platform.windows.presentations.presentation_counts import count_in_presentations

SHOWN_S, APART_S, N_BLOCKS = 0.25021, 1.45, 3
"""Of static gratings and natural scenes, which are shown in three blocks; and of what has a pause behind it [s]."""
EDGES = np.arange(26) * 0.01
ON_EDGES = 200
"""Spikes of each unit that are put exactly on an edge, at most."""
Job = Callable[[], npt.NDArray[Any]]


def schedule(name: str, duration_s: float) -> npt.NDArray[np.float64]:
    """Return when presentations begin (s), as many as two thirds of the session hold one behind each other apart."""
    n = int(duration_s * 0.97 / APART_S) // N_BLOCKS * N_BLOCKS
    if name == "apart":
        return duration_s / 90 + np.arange(n) * APART_S
    block = np.arange(n // N_BLOCKS) * SHOWN_S
    return np.concatenate([share * duration_s + block for share in (0.1, 0.4666, 0.8)])


def read(source: str, name: str) -> tuple[Spikes, npt.NDArray[np.float64]]:
    """Return spikes, some of each unit on edges, and when presentations begin."""
    with np.load(source) as stored:
        times, offsets, duration_s = stored["times"], stored["offsets"], float(stored["duration_s"])
    starts, rng = schedule(name, duration_s), np.random.default_rng(0)
    edges = (starts[:, None] + EDGES).ravel()
    trains = [
        np.sort(np.append(train, rng.choice(edges, min(ON_EDGES, len(train) // 20 + 1))))
        for train in np.split(times, offsets[1:-1])
    ]
    joined = np.concatenate(trains)
    nothing = np.zeros(len(joined), dtype=np.float32)
    return Spikes(joined, np.cumsum([0, *map(len, trains)]).astype(np.int64), nothing, nothing), starts


def count(spikes: Spikes, starts: npt.NDArray[np.float64]) -> Job:
    """Count in half-open bins."""
    return lambda: count_in_presentations(spikes, starts, EDGES)


def allensdk(spikes: Spikes, starts: npt.NDArray[np.float64]) -> Job:
    """Let AllenSDK's session count, held in memory so that no file is read."""
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

    warnings.simplefilter("ignore")
    session = Held()
    return lambda: (
        session.presentationwise_spike_counts(EDGES, np.arange(len(starts)), np.arange(spikes.n_units)).values
    )


JOBS = {job.__name__: job for job in (count, allensdk)}


def main() -> None:
    """Run one job at each word of the harness."""
    name, source, target = sys.argv[1:4]
    job_name, _, when = name.partition(":")
    spikes, starts = read(source, when)
    job = JOBS[job_name](spikes, starts)
    counts = job()
    words = f"{len(spikes.times):,} spikes, {' x '.join(f'{n:,}' for n in counts.shape)} counts"
    np.savez(target, counts=counts, input=words)
    del counts
    take_turns(job, ("numpy", "numba", "allensdk"))


if __name__ == "__main__":
    main()
