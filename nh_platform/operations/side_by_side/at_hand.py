"""What other processes may take of this machine, and what they are given of this process.

Contains how many there are where nobody says it, and their environment. What they do stands in `lanes`.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")

MOST_LANES = 4
"""Processes that are begun unless more are asked for."""

LANE_BYTES = 0.7e9
"""Memory that a process takes with a session of a demo [bytes]; nearly all of it is its own."""


def cores_at_hand() -> int:
    """Return how many processes to use where nobody says it: one for each core this process may use, at most 4.

    No more than memory is there for, and the CPU time that a container may take.
    """
    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = min(psutil.virtual_memory().available, _container_memory())
    return int(max(1, min(cores, _container_cores(), memory // LANE_BYTES, MOST_LANES)))


def _container_cores() -> float:
    """Return the cores that a container may use; infinity where nothing says it (Linux's control groups, version 2)."""
    with suppress(OSError, ValueError):  # "max" is no number
        quota, period = (_CGROUP / "cpu.max").read_text(encoding="ascii").split()
        return int(quota) / int(period)
    return float("inf")


def _container_memory() -> float:
    """Return the memory that a container may take [bytes], likewise."""
    with suppress(OSError, ValueError):
        return int((_CGROUP / "memory.max").read_text(encoding="ascii"))
    return float("inf")


def environment_of_others() -> dict[str, str]:
    """Return the environment of another process, which finds the package where this one has it."""
    root, environment = str(Path(__file__).parents[3]), dict(os.environ)
    others = sys.path if sys.flags.safe_path else sys.path[1:]  # the first one is of the folder, or of a script
    if root not in others:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (root, environment.get("PYTHONPATH"))))
    return environment
