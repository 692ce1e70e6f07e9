"""How a side of a comparison takes its turns: one run at each word of the harness, measured from inside.

Contains the one loop that the platform's jobs and the peers' scripts share. It needs the standard library alone, since
it runs in the environment of every peer. Add here what is measured of a run; who runs when stands in
`benchmarks.harness.sides`.

A side makes its input ready, runs once to be warm, writes what it found for the gate, and calls `take_turns`. What it
prints from then on goes to the error output; what it printed before is passed over.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

SHORT_S = 0.05
"""A job that takes less is repeated within its turn, and the mean counts: the clock has a step [CPU s]."""
MOST_REPEATS = 500


def take_turns(job: Callable[[], object], packages: tuple[str, ...] = ()) -> None:
    """Say that all is ready, then run ``job`` once for each line ``run`` of the standard input and tell its cost.

    Parameters
    ----------
    job
        What is measured. Processes that it starts and waits for are counted with it.
    packages
        Distributions whose versions are told.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def tell(what: object) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    versions = {name: importlib.metadata.version(name) for name in packages}
    tell({"versions": {"python": sys.version.split()[0], **versions}})
    for line in sys.stdin:
        if line.strip() != "run":
            return
        tell(measured(job))


def measured(job: Callable[[], object]) -> dict[str, float]:
    """Run ``job`` and return its CPU and wall time [s] and the memory that it added at its peak [bytes]."""
    _forget_peak()
    before, cpu, wall = _bytes_of("VmRSS"), _cpu_s(), time.perf_counter()
    n_runs = 0
    while n_runs == 0 or (_cpu_s() - cpu < SHORT_S and n_runs < MOST_REPEATS):
        made = job()
        n_runs += 1
        del made
    found = {"cpu_s": (_cpu_s() - cpu) / n_runs, "wall_s": (time.perf_counter() - wall) / n_runs}
    of_children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return {**found, "peak_bytes": float(max(_bytes_of("VmHWM") - before, of_children))}


def _cpu_s() -> float:
    of = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in of)


def _forget_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return  # not Linux, or not allowed: the peak of the process so far counts


def _bytes_of(name: str) -> int:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if name == "VmHWM" else 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))
