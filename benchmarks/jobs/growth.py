"""The platform's side of the growth figures: one step on made-up data of a size that is asked for.

``python -m benchmarks.jobs.growth JOB SIZE OUTPUT.npz``, started by the harness. Spikes are uniform in time: only their
number matters here. OUTPUT gets ``input`` in words. Add a step here, and its sizes to `benchmarks.harness.growth`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.turns import take_turns

Job = Callable[[], object]
DURATION_S, BIN_US, N_UNITS, SPIKES_OF_UNIT, FILES_OF_SESSION = 4200.0, 20_000, 700, 5_000, 210


def made_up(n_units: int, n_spikes: int) -> Any:
    """Return spikes of equal number in each unit, uniform in time."""
    from nh_platform.session import Spikes

    rng, of_unit = np.random.default_rng(0), n_spikes // n_units
    times = rng.uniform(0, DURATION_S, (n_units, of_unit))
    times.sort(axis=1)
    amplitudes = rng.lognormal(np.log(1e-4), 0.3, n_units * of_unit).astype(np.float32)
    depths = np.repeat(np.linspace(0, 3840, n_units, dtype=np.float32), of_unit)
    return Spikes(times.ravel(), np.arange(n_units + 1) * of_unit, amplitudes, depths)


def metrics(spikes: Any) -> Job:
    """Compute IBL's columns and label."""
    from benchmarks.jobs.quality import ibl

    return ibl(spikes)


def bins(spikes: Any) -> Job:
    """Count the session in bins of 20 ms."""
    from nh_platform.windows import bin_session

    return lambda: bin_session(replace(spikes), BIN_US, 0, int(DURATION_S * 1e6) // BIN_US)


def order(spikes: Any) -> Job:
    """Put the spikes into the order of time."""
    from nh_platform.windows.time_order import ordered_spikes

    return lambda: ordered_spikes(spikes)


def diff(n_sessions: int) -> Job:
    """Compare two catalogues of some number of sessions, every row of which moved."""
    from benchmarks.jobs.releases import catalogue, everything_moves
    from nh_platform.history.comparison.release_diff import diff_manifests

    before = catalogue(n_sessions, FILES_OF_SESSION)
    after = everything_moves(before)
    return lambda: diff_manifests(before, after)


STEPS: dict[str, Callable[[Any], Job]] = {"metrics": metrics, "bins": bins, "order": order}


def job_of(name: str, size: int) -> Job:
    """Return the step ``STEP:AXIS`` at a size: spikes, units or sessions."""
    step, _, axis = name.partition(":")
    if axis == "sessions":
        return diff(size)
    spikes = made_up(N_UNITS, size) if axis == "spikes" else made_up(size, size * SPIKES_OF_UNIT)
    return STEPS[step](spikes)


def main() -> None:
    """Run one job at each word of the harness."""
    name, size, target = sys.argv[1:4]
    job = job_of(name, int(size))
    job()
    np.savez(target, input=f"{int(size):,} {name.partition(':')[2]}")
    take_turns(job, ("numpy", "numba", "pandas"))


if __name__ == "__main__":
    main()
