"""Units and spike times of a released-size NWB file: this platform against AllenSDK's `EcephysSession`.

``python benchmarks/bench_allen_nwb.py [--units 2000] [--spikes 50000] [--repeat 3] [--file PATH]`` writes a simulated
Visual Coding file in the layout of the 2020 release (2000 units × 50,000 spikes, mean waveforms 384 × 82: 2.1 GB),
reads units and spike times of it in processes of their own, refuses to report a time unless every spike time of every
unit is the same, and prints CPU seconds, wall seconds and peak memory (medians, file in the page cache, imports not
counted). Beside it: all that `raw_spikes` needs (amplitudes, channels, checks). Add a reader of the same file here.

Needs 3 GB of disk and 5 GB of memory for writing. ``--file`` keeps the file there, and uses it if it is there already.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from aims import Aims

N_PROBES = 4
DURATION_S = 9000.0
NO_FILTER: dict[str, Any] = {
    "filter_by_validity": False,
    "filter_out_of_brain_units": False,
    "amplitude_cutoff_maximum": np.inf,
    "presence_ratio_minimum": -np.inf,
    "isi_violations_maximum": np.inf,
}
TARGET_SPEED, TARGET_MEMORY = 10.0, 1 / 3


def write_file(path: Path, n_units: int, n_spikes: int) -> None:
    from nh_platform.simulation import TINY
    from nh_platform.simulation.allen.allen_session import simulate_allen_session
    from nh_platform.simulation.allen.coding_nwb import write_nwb
    from nh_platform.simulation.spike_trains import SimulatedSpikes

    size = replace(TINY, allen_probes=N_PROBES, allen_units=n_units // N_PROBES, mean_rate_hz=0.05)
    session = simulate_allen_session(0, 0, size)
    probes = []
    for number, probe in enumerate(session.probes):
        rng = np.random.default_rng(number)
        of_probe = len(probe.unit_ids)
        samples = rng.integers(0, int(DURATION_S * probe.sampling_rate_hz), (of_probe, n_spikes))
        samples.sort(axis=1)
        total = of_probe * n_spikes
        spikes = SimulatedSpikes(
            samples=samples.reshape(-1),
            offsets=np.arange(0, total + 1, n_spikes),
            amplitudes=rng.normal(1e-4, 2e-5, total).astype(np.float32),
            depths=np.zeros(0, np.float32),
            contaminating=np.zeros(0, bool),
            n_missing=np.zeros(of_probe, np.int64),
        )
        # AllenSDK drops units without a value in these, whatever its thresholds are.
        metrics = probe.metrics.assign(amplitude_cutoff=0.01, presence_ratio=0.99, isi_violations=0.1)
        probes.append(replace(probe, spikes=spikes, metrics=metrics))
    write_nwb(path, replace(session, probes=probes))


def read_ours(path: Path) -> Mapping[int, Any]:
    from nh_platform.sources.allen.nwb.electrodes import read_channels
    from nh_platform.sources.allen.nwb.sorted_units import read_units, released_metrics
    from nh_platform.sources.nwb.nwb_file import open_nwb
    from nh_platform.sources.nwb.unit_spikes import read_spike_times

    with open_nwb(path) as nwb:
        units = read_units(nwb, read_channels(nwb))
        released_metrics(units)
        times, offsets = read_spike_times(nwb, units)
    return {unit: times[offsets[row] : offsets[row + 1]] for row, unit in enumerate(units["id"])}


def read_recording(path: Path) -> Mapping[int, Any]:
    from nh_platform.session import Session
    from nh_platform.sources.allen.nwb.session_file import read_recording as read
    from nh_platform.sources.nwb.nwb_file import open_nwb

    with open_nwb(path) as nwb:
        recording = read(nwb, Session("allen_vc", "1", "1"))
    return {int(unit): recording.spikes.of_unit(row) for row, unit in enumerate(recording.units["unit_id"])}


def read_allensdk(path: Path) -> Mapping[int, Any]:
    from nh_platform.sources.allen.sdk import restore_numpy_names

    restore_numpy_names()
    from allensdk.brain_observatory.ecephys.ecephys_session import EcephysSession

    session = EcephysSession.from_nwb_path(str(path), api_kwargs=NO_FILTER)
    units, times = session.units, session.spike_times
    if set(units.index) != set(times):
        raise SystemExit("AllenSDK has other units than spikes")
    return times


READERS: dict[str, Callable[[Path], Mapping[int, Any]]] = {
    "ours": read_ours,
    "raw_spikes": read_recording,
    "allensdk": read_allensdk,
}


def measure(reader: str, path: Path) -> dict[str, Any]:
    """Read once in this process and return times, peak memory and a digest of every spike time of every unit."""
    if reader == "allensdk":
        from nh_platform.sources.allen.sdk import restore_numpy_names

        restore_numpy_names()
        import allensdk.brain_observatory.ecephys.ecephys_session  # noqa: F401  imports are not counted
    else:
        import nh_platform.sources.allen.nwb.session_file  # noqa: F401
    wall, cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spikes = READERS[reader](path)
    taken = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    digest = hashlib.sha256()
    for unit in sorted(spikes):
        digest.update(f"{unit} {len(spikes[unit])}\n".encode())
        digest.update(np.ascontiguousarray(spikes[unit], dtype=np.float64).tobytes())
    return {**taken, "peak_mb": peak_mb, "units": len(spikes), "digest": digest.hexdigest()}


def run_apart(*arguments: str | Path) -> str:
    """Run this script in a process of its own: Linux hands a parent's peak memory down to what it starts."""
    done = subprocess.run([sys.executable, __file__, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{arguments} failed:\n{done.stderr[-4000:]}")
    return done.stdout


def measure_apart(reader: str, path: Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run_apart("--measure", reader, "--file", path).strip().splitlines()[-1])
    return answer


def compare(path: Path, repeats: int) -> None:
    with path.open("rb") as file:  # into the page cache
        while file.read(1 << 24):
            pass
    runs = {name: [measure_apart(name, path) for _ in range(repeats)] for name in READERS}
    if len({(run["units"], run["digest"]) for of_reader in runs.values() for run in of_reader}) != 1:
        raise SystemExit("spike times differ; no timing is worth reporting")
    found = {
        name: {key: statistics.median(run[key] for run in of_reader) for key in ("cpu_s", "wall_s", "peak_mb")}
        for name, of_reader in runs.items()
    }
    units = runs["ours"][0]["units"]
    print(f"{path.stat().st_size / 1e9:.2f} GB, {units} units; spike times identical; medians of {repeats}")
    for name, row in found.items():
        speed = found["allensdk"]["cpu_s"] / row["cpu_s"]
        share = row["peak_mb"] / found["allensdk"]["peak_mb"]
        print(
            f"{name:11s} CPU {row['cpu_s']:7.2f} s   wall {row['wall_s']:7.2f} s   peak {row['peak_mb']:7.0f} MB"
            f"   {speed:6.1f} x faster, {share:4.0%} of the memory"
        )
    aims = Aims()
    aims.at_least("units and spike times, CPU", found["allensdk"]["cpu_s"] / found["ours"]["cpu_s"], TARGET_SPEED)
    aims.at_most("peak memory", found["ours"]["peak_mb"] / found["allensdk"]["peak_mb"], TARGET_MEMORY, "of AllenSDK's")
    aims.finish()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=2000)
    parser.add_argument("--spikes", type=int, default=50_000, help="spikes of each unit")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--file", type=Path, help="where the file is, or is to be kept")
    parser.add_argument("--measure", choices=tuple(READERS), help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write:
        write_file(arguments.file, arguments.units, arguments.spikes)
        return
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, arguments.file)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.file or Path(folder) / "session.nwb"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            size = ("--units", str(arguments.units), "--spikes", str(arguments.spikes))
            run_apart("--write", "--file", path, *size)
        compare(path, arguments.repeat)


if __name__ == "__main__":
    main()
