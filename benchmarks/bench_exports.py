"""What the export of a full session costs in each layout: CPU seconds and peak memory, from the store to the file.

A session of 700 units and 11.5 M spikes is made once. Each layout is then written by three processes, each of which
writes it twice: the second time is the cost of a session, the first one has the imports and the compiled kernels too.
Reading the stored session is part of it. Before a time is printed, the spikes of every unit in the file are those of
the store, bit by bit. Add a layout to `GATES` with how its spikes are read back.

Run: ``python -m benchmarks.bench_exports`` (4 minutes, 3 GB, 1 GB of temporary files); ``--size demo`` for a small one,
``--home FOLDER`` for the first session of IBL in a home that is there.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.aims import Aims
from benchmarks.chain_shares import asked_for, one_session
from nh_platform.store import Store

N_RUNS, AIM_CPU_S = 3, 4.0


def torch_brain_spikes(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return times and rows of the units, unit by unit."""
    import h5py

    with h5py.File(path, "r") as handle:
        times, rows = handle["spikes/timestamps"][()], handle["spikes/unit_index"][()]
    order = np.argsort(rows, kind="stable")
    return times[order], rows[order]


def nwb_spikes(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return times and rows of the units, unit by unit."""
    import h5py

    with h5py.File(path, "r") as handle:
        times, ends = handle["units/spike_times"][()], handle["units/spike_times_index"][()].astype(np.int64)
    return times, np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))


GATES: Mapping[str, Callable[[Path], tuple[np.ndarray, np.ndarray]]] = {
    "torch-brain": torch_brain_spikes,
    "nwb": nwb_spikes,
}


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        one_export(*sys.argv[2:])
        return
    aims = Aims()
    if sys.argv[1:2] == ["--home"]:
        home = Path(sys.argv[2])
        measure(home, next(iter(Store(home / "store").sessions("ibl"))), aims)
    else:
        with one_session("ibl", asked_for(__doc__).size) as (plan, session_id):
            measure(plan.platform.settings.home, session_id, aims)
    aims.finish()


def measure(home: Path, session_id: str, aims: Aims) -> None:
    with tempfile.TemporaryDirectory() as out:
        for layout in GATES:
            runs = [run_alone(layout, home, session_id, Path(out) / layout) for _ in range(N_RUNS)]
            seconds = [one["cpu_s"] for one in runs]
            print(
                f"{layout}: {runs[0]['spikes']:,} spikes, {runs[0]['bytes'] / 1e6:.0f} MB; CPU s {seconds}, with "
                f"imports {[one['first_cpu_s'] for one in runs]}; wall s {[one['wall_s'] for one in runs]}; "
                f"peak {runs[0]['peak_mib']:.0f} MiB, {runs[0]['before_mib']:.0f} of it before"
            )
            aims.at_most(f"{layout}: a session", float(np.median(seconds)), AIM_CPU_S, "CPU s")


def run_alone(layout: str, home: Path, session_id: str, out: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.bench_exports", "--child", layout, str(home), session_id, str(out)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def one_export(name: str, home: str, session_id: str, out: str) -> None:
    """Write one session in a layout, hold it against the store, and print what it cost."""
    from nh_platform import open_store
    from nh_platform.exports.layout import Request
    from nh_platform.exports.layouts import find_layout
    from nh_platform.exports.origin import origin_of
    from nh_platform.sources.registry import source_entry

    layout, store, path = find_layout(name), open_store(home), Path(out)
    before, cost = _peak_mib(), {}
    for run in ("first_", ""):
        path.unlink(missing_ok=True)
        cpu, wall = time.process_time(), time.perf_counter()
        session = store.session("ibl", session_id)
        origin = origin_of(session, source_entry("ibl"), "", layout.assets)
        request = Request(origin, np.arange(len(session.units)), layout.options, Path(home))
        layout.write(session, path, request)
        cost[f"{run}cpu_s"] = round(time.process_time() - cpu, 2)
        cost[f"{run}wall_s"] = round(time.perf_counter() - wall, 2)
    peak = _peak_mib()
    times, units = GATES[name](path)
    spikes = store.session("ibl", session_id).spikes
    np.testing.assert_array_equal(times, spikes.times)
    np.testing.assert_array_equal(units, np.repeat(np.arange(spikes.n_units), spikes.counts))
    print(
        json.dumps({**cost, "peak_mib": peak, "before_mib": before, "spikes": len(times), "bytes": path.stat().st_size})
    )
    path.unlink()


def _peak_mib() -> float:
    """Return the most memory of this process so far; `getrusage` would state that of the one that started it."""
    (line,) = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
