"""The platform's side of rows on unit metrics, and the plain evaluation unit by unit.

``python -m benchmarks.jobs.quality JOB INPUT.npz OUTPUT.npz``, started by the harness. INPUT is what
`benchmarks.harness.sessions.spikes_of` writes; OUTPUT gets a column of each metric by its name. Add a job here for
another set of metrics.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.turns import take_turns
from nh_platform.qc.metrics import compute_metrics
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.verdicts import apply_rulebook
from nh_platform.session import Spikes

Columns = dict[str, npt.NDArray[Any]]
Job = Callable[[], Columns]

IBL = (
    "spike_count", "firing_rate", "presence_ratio", "presence_ratio_std", "amp_min", "amp_max", "amp_median",
    "amp_std_dB", "contamination", "contamination_alt", "slidingRP_viol", "slidingRP_viol_forced", "max_confidence",
    "min_contamination", "n_spikes_below2", "noise_cutoff", "missed_spikes_est", "drift", "label", "bitwise_fail",
)  # fmt: skip
"""The 20 columns of `quick_unit_metrics`."""
SPIKEINTERFACE = (
    "num_spikes", "firing_rate", "presence_ratio", "firing_range", "isi_violations_ratio", "isi_violations_count",
    "rp_contamination", "rp_violations", "sliding_rp_violation", "amplitude_median", "amplitude_cutoff", "noise_cutoff",
    "noise_ratio", "amplitude_cv_median", "amplitude_cv_range", "drift_ptp", "drift_std", "drift_mad",
)  # fmt: skip
"""Its columns that need spikes alone."""
ALLEN = ("firing_rate", "isi_violations", "presence_ratio", "amplitude_cutoff")
BOMBCELL = "bombcell-2026-10"
_RULES = load_rulebook(BOMBCELL)


def ibl(spikes: Spikes) -> Job:
    """Compute IBL's columns, its label among them."""
    return _metrics(spikes, {f"ibl.{name}@2022-10": name for name in IBL})


def ibl_two_threads(spikes: Spikes) -> Job:
    """Compute IBL's columns with two threads."""
    return _metrics(spikes, {f"ibl.{name}@2022-10": name for name in IBL}, n_threads=2)


def spikeinterface(spikes: Spikes) -> Job:
    """Compute SpikeInterface's columns at its own definitions."""
    return _metrics(spikes, {f"spikeinterface.{name}@0.105": name for name in SPIKEINTERFACE})


def allen(spikes: Spikes) -> Job:
    """Compute Allen's columns."""
    return _metrics(spikes, {f"allen.{name}@2019": name for name in ALLEN})


def bombcell(spikes: Spikes) -> Job:
    """Compute what bombcell's rulebook asks of spikes, and judge by it."""
    ids = [rule.metric for rule in _RULES.rules if not rule.metric.startswith("spikeinterface.snr")]
    compute = _metrics(spikes, {name: name for name in ids})

    def judge() -> Columns:
        return {"good": apply_rulebook(pd.DataFrame(compute()), _RULES, missing="nan").good}

    return judge


def allen_by_unit(spikes: Spikes) -> Job:
    """Compute Allen's columns as ecephys_spike_sorting is laid out: arrays of the session masked once per unit."""
    from scipy.ndimage import gaussian_filter1d

    clusters, times, amplitudes = spikes.clusters.astype(np.int64), spikes.times, spikes.amplitudes

    def compute() -> Columns:
        found = {name: np.full(spikes.n_units, np.nan) for name in ALLEN}
        for unit in range(spikes.n_units):
            mask = clusters == unit
            train, amps = times[mask], amplitudes[mask]
            tmin, tmax = times.min(), times.max()
            counts = np.histogram(train, np.linspace(tmin, tmax, 100))[0]
            found["firing_rate"][unit] = len(train) / (tmax - tmin)
            found["presence_ratio"][unit] = np.sum(counts > 0) / 100
            if len(train) == 0:
                continue
            kept = np.delete(train, np.flatnonzero(np.diff(train) <= 0) + 1)
            rate = len(kept) / (tmax - tmin)
            found["isi_violations"][unit] = sum(np.diff(kept) < 0.0015) / (2 * len(kept) * 0.0015) / rate
            heights, edges = np.histogram(amps, 500, density=True)
            pdf = gaussian_filter1d(heights, 3)
            peak = np.argmax(pdf)
            cut = np.argmin(np.abs(pdf[peak:] - pdf[0])) + peak
            found["amplitude_cutoff"][unit] = min(np.sum(pdf[cut:]) * np.mean(np.diff(edges[:-1])), 0.5)
        return found

    return compute


JOBS = {job.__name__: job for job in (ibl, ibl_two_threads, spikeinterface, allen, bombcell, allen_by_unit)}


def read(source: str) -> Spikes:
    """Return the spikes of the input; float64 amplitudes and depths, as peers have them."""
    with np.load(source) as stored:
        return Spikes(stored["times"], stored["offsets"], stored["amplitudes"], stored["depths"])


def _metrics(spikes: Spikes, ids: dict[str, str], n_threads: int = 1) -> Job:
    units = pd.DataFrame({"probe": ["probe00"] * spikes.n_units})

    def compute() -> Columns:
        table, _ = compute_metrics(spikes, units, list(ids), n_threads=n_threads)
        return {name: table[id_].to_numpy() for id_, name in ids.items()}

    return compute


def main() -> None:
    """Run one job at each word of the harness."""
    name, source, target = sys.argv[1:4]
    spikes = read(source)
    job = JOBS[name](spikes)
    columns = job()
    words = f"{len(spikes.times):,} spikes of {spikes.n_units:,} units, {len(columns)} columns"
    np.savez(target, **columns, input=words)
    take_turns(job, ("numpy", "numba", "scipy"))


if __name__ == "__main__":
    main()
