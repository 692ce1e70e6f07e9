"""Unit metrics: this platform against brainbox, SpikeInterface and per-unit Allen code, after a correctness gate.

``python benchmarks/bench_qc_metrics.py [--size 700|2000] [--repeat N]`` simulates a session (700 units, 70 min, about
11.5 million spikes; or 2000 units, 150 min, about 58 million), runs brainbox (ibllib 4.1.0) and SpikeInterface
(0.105.3) in their own environments and this platform in a process of its own, refuses to report a time unless every
column agrees, and prints CPU seconds on one thread and peak memory. The platform's spikes are grouped by unit, as
`raw_spikes` stores them; what grouping costs at ingestion is printed beside it. Exit 1 where an aim is missed. Add a
comparison of metrics here; other benchmarks have own files.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from aims import Aims
from peers import run_in_peer

SIZES = {700: (4200.0, 11_500_000), 2000: (9000.0, 58_000_000)}
"""Session length (s) and number of spikes by number of units; as the peers were measured for the project."""

IBL_AIMS = {700: (30.0, 60.0), 2000: (50.0, 100.0)}
"""Times faster than brainbox, by number of units: at least, and better."""
ALLEN_AIM = 40.0
MEMORY_AIM = 2.0
"""Peak memory over the input, asked of the session of 2000 units."""

RELATIVE_TOLERANCE = 1e-9
COLUMNS = (
    "spike_count", "firing_rate", "presence_ratio", "presence_ratio_std", "amp_min", "amp_max", "amp_median",
    "amp_std_dB", "contamination", "contamination_alt", "slidingRP_viol", "slidingRP_viol_forced", "max_confidence",
    "min_contamination", "n_spikes_below2", "noise_cutoff", "missed_spikes_est", "drift", "label", "bitwise_fail",
)  # fmt: skip
"""The 20 columns of quick_unit_metrics."""

IBL_IDS = tuple(f"ibl.{name}@2022-10" for name in COLUMNS)
ALLEN_IDS = (
    "allen.firing_rate@2019",
    "allen.isi_violations@2019",
    "allen.presence_ratio@2019",
    "allen.amplitude_cutoff@2019",
)


SPIKEINTERFACE_COLUMNS = (
    "num_spikes", "firing_rate", "presence_ratio", "firing_range", "isi_violations_ratio", "isi_violations_count",
    "rp_contamination", "rp_violations", "sliding_rp_violation", "amplitude_median", "amplitude_cutoff", "noise_cutoff",
    "noise_ratio", "amplitude_cv_median", "amplitude_cv_range", "drift_ptp", "drift_std", "drift_mad",
)  # fmt: skip
"""Columns of its quality metrics that need spikes alone."""


def simulate(n_units: int, path: Path) -> int:
    """Write a simulated session, grouped by unit, and return its number of spikes."""
    from nh_platform.simulation.ground_truth import draw_units
    from nh_platform.simulation.spike_trains import simulate_spikes

    duration_s, wanted = SIZES[n_units]
    mean_rate_hz = wanted / n_units / duration_s
    for _ in range(3):
        # The designs, bursts and dead time shift the mean rate; scale the draw until the count is about right.
        rng = np.random.default_rng(2022)
        units = draw_units(
            rng, n_units, first=0, duration_s=duration_s, mean_rate_hz=mean_rate_hz, depth_range_um=3840.0
        )
        expected = sum(unit.rate_hz * (1 + unit.burst) / (1 - unit.contamination) for unit in units) * duration_s
        mean_rate_hz *= wanted / expected
    spikes = simulate_spikes(np.random.default_rng(2023), units, duration_s)
    np.savez(
        path,
        times=spikes.samples / 30000.0,
        offsets=spikes.offsets,
        amplitudes=spikes.amplitudes.astype(np.float64),
        depths=spikes.depths.astype(np.float64),
    )
    return len(spikes.samples)


def write_for_peer(grouped: Path, path: Path) -> float:
    """Write the session in time order, as brainbox takes it, and return the CPU seconds of grouping it again."""
    with np.load(grouped) as data:
        times, offsets, amplitudes, depths = (data[k] for k in ("times", "offsets", "amplitudes", "depths"))
    clusters = np.repeat(np.arange(len(offsets) - 1, dtype=np.uint16), np.diff(offsets))
    order = np.argsort(times, kind="stable")
    times, clusters, amplitudes, depths = times[order], clusters[order], amplitudes[order], depths[order]
    np.savez(
        path,
        times=times,
        clusters=clusters.astype(np.int64),
        amps=amplitudes,
        depths=depths,
        cluster_ids=np.arange(len(offsets) - 1),
    )
    start = time.process_time()
    regroup = np.argsort(clusters, kind="stable")
    for array in (times, amplitudes, depths):
        array[regroup]
    return time.process_time() - start


def write_for_spikeinterface(grouped: Path, path: Path) -> None:
    """Write the session in samples from its first spike, as `peer_spikeinterface_metrics.py` takes it."""
    with np.load(grouped) as data:
        times, offsets, amplitudes, depths = (data[k] for k in ("times", "offsets", "amplitudes", "depths"))
    samples = np.rint((times - times.min()) * 30000).astype(np.int64)
    np.savez(
        path,
        samples=samples,
        clusters=np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)),
        amps=amplitudes,
        depths=depths,
        n_units=len(offsets) - 1,
        total=samples.max() + 1,
    )


def run_worker(grouped: Path, output: Path, ids: tuple[str, ...], float32: bool, repeat: int) -> dict[str, float]:
    """Run this platform's metrics in a fresh process on one thread."""
    environment = os.environ | {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "NUMBA")}
    command = [sys.executable, __file__, "--worker", str(grouped), str(output), str(int(float32)), str(repeat), *ids]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    return dict(json.loads(done.stdout))


def worker(grouped: str, output: str, float32: str, repeat: str, *ids: str) -> None:
    from nh_platform.qc.metrics import compute_metrics
    from nh_platform.session import Spikes

    with np.load(grouped) as data:
        dtype = np.float32 if float32 == "1" else np.float64
        amplitudes, depths = (data[name].astype(dtype, copy=False) for name in ("amplitudes", "depths"))
        spikes = Spikes(data["times"], data["offsets"], amplitudes, depths)
    units = pd.DataFrame({"probe": ["probe00"] * spikes.n_units})
    # A small call first, so that loading compiled code is not timed: a session's metrics run once per process, but the
    # time of the steps that grow with the session is what is compared. It is reported as cold_s.
    start = time.process_time()
    cut = int(min(spikes.offsets[-1], spikes.offsets[np.searchsorted(spikes.offsets, 20_000)]))
    n = int(np.searchsorted(spikes.offsets, cut))
    few = Spikes(spikes.times[:cut], spikes.offsets[: n + 1], spikes.amplitudes[:cut], spikes.depths[:cut])
    compute_metrics(few, units[:n], ids, n_threads=1)
    cold_s = time.process_time() - start
    before = reset_peak_bytes()
    seconds = []
    for _ in range(int(repeat)):
        start = time.process_time()
        table, _ = compute_metrics(spikes, units, ids, n_threads=1)
        seconds.append(time.process_time() - start)
    added = peak_bytes() - before
    size = sum(array.nbytes for array in (spikes.times, spikes.offsets, spikes.amplitudes, spikes.depths))
    np.savez(output, **{name: table[name].to_numpy() for name in table})
    print(json.dumps({"cpu_s": float(np.median(seconds)), "cold_s": cold_s, "added": added, "input": size}))


def peak_bytes() -> int:
    return _status_bytes("VmHWM")


def reset_peak_bytes() -> int:
    """Forget the peak so far (Linux) and return the memory in use."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status_bytes("VmRSS")


def _status_bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def disagreement(ours: npt.NDArray[np.generic], theirs: npt.NDArray[np.generic]) -> float:
    """Return the largest relative error; infinite where the NaN patterns differ."""
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    if not np.array_equal(np.isnan(a), np.isnan(b)):
        return np.inf
    known = ~np.isnan(a)
    error = np.abs(a - b)[known]
    scale = np.maximum(np.abs(b[known]), np.finfo(float).tiny)
    return float(np.max(np.where(error == 0, 0.0, error / scale), initial=0.0))


def allen_per_unit(grouped: Path) -> tuple[dict[str, npt.NDArray[np.float64]], float]:
    """Compute the four Allen metrics as ecephys_spike_sorting is laid out: session arrays masked once per unit."""
    from scipy.ndimage import gaussian_filter1d

    with np.load(grouped) as data:
        times, offsets, amplitudes = data["times"], data["offsets"], data["amplitudes"]
    clusters = np.repeat(np.arange(len(offsets) - 1, dtype=np.int64), np.diff(offsets))
    found = {name: np.full(len(offsets) - 1, np.nan) for name in ALLEN_IDS}
    start = time.process_time()
    for unit in range(len(offsets) - 1):
        mask = clusters == unit
        train, amps = times[mask], amplitudes[mask]
        tmin, tmax = times.min(), times.max()
        counts = np.histogram(train, np.linspace(tmin, tmax, 100))[0]
        found[ALLEN_IDS[0]][unit] = rate = len(train) / (tmax - tmin)
        found[ALLEN_IDS[2]][unit] = np.sum(counts > 0) / 100
        if len(train) == 0:
            continue
        kept = np.delete(train, np.flatnonzero(np.diff(train) <= 0) + 1)
        rate = len(kept) / (tmax - tmin)
        found[ALLEN_IDS[1]][unit] = sum(np.diff(kept) < 0.0015) / (2 * len(kept) * 0.0015) / rate
        heights, edges = np.histogram(amps, 500, density=True)
        pdf = gaussian_filter1d(heights, 3)
        peak = np.argmax(pdf)
        cut = np.argmin(np.abs(pdf[peak:] - pdf[0])) + peak
        found[ALLEN_IDS[3]][unit] = min(np.sum(pdf[cut:]) * np.mean(np.diff(edges[:-1])), 0.5)
    return found, time.process_time() - start


def check(what: str, ours: Path, theirs: dict[str, npt.NDArray[np.generic]]) -> None:
    """Stop unless every column agrees to `RELATIVE_TOLERANCE`."""
    with np.load(ours) as stored:
        errors = {name: disagreement(stored[name], values) for name, values in theirs.items()}
    worst = max(errors, key=lambda name: errors[name])
    if errors[worst] > RELATIVE_TOLERANCE:
        raise SystemExit(f"{what}: {worst} differs by {errors[worst]:.3g} (relative); no time is reported")
    print(f"{what}: {len(errors)} columns agree, largest relative difference {errors[worst]:.2g} ({worst})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--size", type=int, choices=sorted(SIZES), default=700)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    aims = Aims()
    with tempfile.TemporaryDirectory() as folder:
        grouped, in_order, ours = (Path(folder) / name for name in ("grouped.npz", "in_order.npz", "ours.npz"))
        theirs = Path(folder) / "theirs.npz"
        n_spikes = simulate(options.size, grouped)
        grouping_s = write_for_peer(grouped, in_order)
        print(f"{options.size} units, {n_spikes:,} spikes")

        fast = run_worker(grouped, ours, IBL_IDS, float32=False, repeat=options.repeat)
        peer = json.loads(run_in_peer("ibllib", Path(__file__).parent / "peer_ibllib_metrics.py", in_order, theirs))
        with np.load(theirs) as stored:
            check("IBL", ours, {f"ibl.{name}@2022-10": stored[name] for name in COLUMNS})
            bits = np.bincount(stored["bitwise_fail"], minlength=8).tolist()
        print(f"IBL: units by bit mask 0-7: {bits}")
        print(f"IBL, 20 columns: brainbox {peer['cpu_s']:.2f} CPU s, here {fast['cpu_s']:.3f} CPU s")
        aim, goal = IBL_AIMS[options.size]
        aims.at_least("IBL columns", peer["cpu_s"] / fast["cpu_s"], aim, goal=goal)
        print(f"memory: input {fast['input'] / 2**20:.0f} MiB; brainbox adds {peer['peak_bytes'] / 2**20:.0f}, "
              f"here {fast['added'] / 2**20:.0f} MiB")  # fmt: skip
        aims.at_most("peak memory", 1 + fast["added"] / fast["input"], MEMORY_AIM, "x the input")
        stored32 = run_worker(grouped, ours, IBL_IDS, float32=True, repeat=options.repeat)
        print(f"IBL from float32 amplitudes and depths, as stored: {stored32['cpu_s']:.3f} CPU s")
        print(f"loading compiled code and a first small call: {fast['cold_s']:.2f} CPU s; "
              f"grouping by unit at ingestion (numpy): {grouping_s:.2f} CPU s")  # fmt: skip

        allen = run_worker(grouped, ours, ALLEN_IDS, float32=False, repeat=options.repeat)
        found, per_unit_s = allen_per_unit(grouped)
        check("Allen", ours, found)
        print(f"Allen, 4 columns: per-unit evaluation {per_unit_s:.2f} CPU s, here {allen['cpu_s']:.3f} CPU s")
        aims.at_least("Allen columns", per_unit_s / allen["cpu_s"], ALLEN_AIM)

        write_for_spikeinterface(grouped, in_order)
        ids = tuple(f"spikeinterface.{name}@0.105" for name in SPIKEINTERFACE_COLUMNS)
        spikeinterface = run_worker(grouped, ours, ids, float32=False, repeat=options.repeat)
        script = Path(__file__).parent / "peer_spikeinterface_metrics.py"
        peer = json.loads(run_in_peer("spikeinterface", script, in_order, theirs))
        with np.load(theirs) as stored:
            columns = {name: stored[name.split(".")[1].split("@")[0]].astype(float) for name in ids}
        counted = ("violations_count", "rp_violations")  # -1 there is an empty unit
        check("SpikeInterface", ours, {
            name: np.where(values < 0, np.nan, values) if any(part in name for part in counted) else values
            for name, values in columns.items()
        })  # fmt: skip
        print(
            f"SpikeInterface, {len(ids)} columns: itself {peer['cpu_s']:.2f} CPU s, here "
            f"{spikeinterface['cpu_s']:.3f} CPU s where a rulebook names all of them, else nothing"
        )
    aims.finish()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(*sys.argv[2:])
    else:
        main()
