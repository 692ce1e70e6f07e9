"""Epochs of a loader with worker processes: how long each takes, its CPU seconds, and the memory of its workers.

Contains the clock that both sides of `bench_loader_workers` use, each in its own environment: nothing but the standard
library is imported. Linux alone, of which `/proc` is read.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PAGE = os.sysconf("SC_PAGE_SIZE")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Epoch:
    """What one epoch took.

    Parameters
    ----------
    wall_s, first_s
        Seconds until the last and until the first batch.
    cpu_s
        CPU seconds of this process and its workers, since they were started where this is their first epoch.
    worker_mib
        By process id, MiB of memory that belongs to a worker alone when the last batch was given; pages of mapped
        files are shared and not counted.
    """

    wall_s: float
    first_s: float
    cpu_s: float
    worker_mib: dict[str, float] = field(default_factory=dict)


def timed_epochs(loader: Iterable[dict[str, Any]], n_epochs: int) -> list[Epoch]:
    """Take every batch, tensors by name, of so many epochs; workers must stay from one to the next.

    Something of every page of memory is read, as training does: pages of shared memory cost their time when first read.
    """
    found, spent = [], cpu_s()
    for _ in range(n_epochs):
        began, first_s = time.perf_counter(), 0.0
        for k, batch in enumerate(loader):
            for tensor in batch.values():
                tensor.flatten()[:: max(PAGE // tensor.element_size(), 1)].sum()
            if k == 0:
                first_s = time.perf_counter() - began
        wall_s = time.perf_counter() - began
        total = cpu_s()
        workers = {str(one.pid): private_mib(one.pid) for one in multiprocessing.active_children() if one.pid}
        found.append(Epoch(wall_s, first_s, total - spent, workers))
        spent = total
    return found


def cpu_s() -> float:
    """Return the CPU seconds of this process and of its living children, to a hundredth."""
    children = [one.pid for one in multiprocessing.active_children() if one.pid]
    return time.process_time() + sum(_ticks(pid) for pid in children) * TICK_S


def private_mib(pid: int) -> float:
    """Return the resident memory of a process that is no mapped file, MiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])  # user and system time, the 14th and 15th of all
