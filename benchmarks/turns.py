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


class Spent(int):
    """Bytes of memory that a process which a job started had at its peak."""


def take_turns(
    job: Callable[[], object], packages: tuple[str, ...] = (), before: Callable[[], object] | None = None
) -> None:
    """Say that all is ready, then run ``job`` once for each line ``run`` of the standard input and tell its cost.

    Parameters
    ----------
    job
        What is measured. Processes that it starts and waits for are counted with it. Where it returns a `Spent`, that
        is the memory: a process inherits the peak of the one that started it.
    packages
        Distributions whose versions are told.
    before
        Makes ready for a run and is not measured; the job is then run once a turn, however short it is.
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
        if before is None:
            tell(measured(job))
        else:
            before()
            tell(measured(job, most_runs=1))


def measured(job: Callable[[], object], most_runs: int = MOST_REPEATS) -> dict[str, float]:
    """Run ``job`` and return its CPU and wall time [s] and the memory that it added at its peak [bytes]."""
    _forget_peak()
    before, of_children, cpu, wall = _bytes_of("VmRSS"), _cpu_s(children=True), _cpu_s(), time.perf_counter()
    n_runs, spent = 0, None
    while n_runs == 0 or (_cpu_s() - cpu < SHORT_S and n_runs < most_runs):
        made = job()
        n_runs += 1
        spent = made if isinstance(made, Spent) else None
        del made
    found = {"cpu_s": (_cpu_s() - cpu) / n_runs, "wall_s": (time.perf_counter() - wall) / n_runs}
    peak = max(_bytes_of("VmHWM") - before, 0)
    if _cpu_s(children=True) > of_children:  # imports start processes too: the peak of those is no part of a run
        peak = max(peak, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
    return {**found, "peak_bytes": float(peak if spent is None else spent)}


def forget_pages(path: Path) -> None:
    """Drop a file's pages from the cache of the system, so that the next read comes from the disk.

    Pages that a process has mapped stay; what lies behind the system's cache (a host, a disk's own memory) does too.
    """
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _cpu_s(*, children: bool = False) -> float:
    whose = (resource.RUSAGE_CHILDREN,) if children else (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    of = [resource.getrusage(who) for who in whose]
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
