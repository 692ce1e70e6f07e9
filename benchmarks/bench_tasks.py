"""How long the targets of BrainWideBench's eleven tasks take from a stored session of full size.

The session is simulated as files, read and stored as any other (700 units, 70 min, 11.5 million spikes, 600 trials,
cameras at 60 Hz, Lightning Pose). Then every task is made of it, its spikes and signals read from the store, and the
targets of every row are read, those of suite 2 in blocks of 1,000 windows. Add a run here for another task.

Run: ``python benchmarks/bench_tasks.py`` (4 minutes, 4 GB, 1.5 GB of temporary files); ``--home FOLDER`` keeps the
session for the next run.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dagster as dg
import numpy as np
from aims import Aims

from nh_platform import operations
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.opened_home import OpenHome
from nh_platform.reading import SessionView, open_store
from nh_platform.simulation import BENCHMARK, write_ibl
from nh_platform.tasks.named_tasks import tasks
from nh_platform.tasks.task import TaskData

SIZE = replace(BENCHMARK, camera_fraction=1.0)
NEEDED = ("raw_spikes", "events", "signals", "units", "pose")
BLOCK = 1000
AIM_S = 5.0


def make_session(folder: Path) -> None:
    """Simulate, read and store one session below ``folder``, where none is yet."""
    if (folder / "sources.yaml").is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_ibl(folder / "upstream", 1, 0, size=SIZE)
    (folder / "sources.yaml").write_text("ibl:\n  read: {mode: local, root: upstream}\n  also_assets: [pose]\n")
    with dg.DagsterInstance.ephemeral() as instance:
        home = OpenHome(Platform(load_settings(folder)), instance)
        operations.sync(home, "ibl")
        operations.materialize(home, "ibl", assets=NEEDED)


def targets(make: Callable[[SessionView], TaskData], session: SessionView) -> tuple[TaskData, int]:
    """Return the data of a task, and how many numbers its targets are, all of which were read."""
    data, n_read = make(session), 0
    for first in range(0, len(data), BLOCK):
        n_read += data.outputs(np.arange(first, min(first + BLOCK, len(data)))).size
    return data, n_read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="Folder for the session; a temporary one where not stated.")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    aims = Aims()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.home or Path(temporary)
        make_session(folder)
        store = open_store(folder)
        (session_id,) = store.sessions("ibl")["session_id"]
        totals = []
        for number in range(arguments.repeat + 1):  # in the first one kernels are compiled
            session, taken = store.session("ibl", session_id), {}
            of_the_benchmark = {name: task for name, task in tasks().items() if name.startswith("ts")}
            for name, task in of_the_benchmark.items():
                began = time.process_time()
                data, n_read = targets(task.make, session)
                taken[name] = time.process_time() - began
                if number == arguments.repeat:
                    print(f"{name}: {taken[name]:.3f} CPU s, {len(data):,} rows, {n_read:,} numbers")
            totals.append(sum(taken.values()))
        print(f"{len(session.spikes.times):,} spikes of {session.spikes.n_units} units; load {os.getloadavg()[0]:.1f}")
        print(
            f"with kernels compiled or loaded: {totals[0]:.2f} CPU s; then {', '.join(f'{t:.2f}' for t in totals[1:])}"
        )
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB, the making included")
        aims.at_most("targets of all eleven tasks", float(np.median(totals[1:])), AIM_S, "CPU s")
    aims.finish()


if __name__ == "__main__":
    main()
