"""NWB files of the size of a released one, simulated in the layout of Visual Coding's 2020 release, made once and kept.

Contains their writing. Add here another layout that a row reads.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.harness.sessions import kept

N_PROBES, DURATION_S = 4, 9000.0


def released_size(quick: bool) -> Path:
    """Return a file of 2000 units of 50,000 spikes each, 2.1 GB with its mean waveforms; or a small one."""
    n_units, n_spikes = (40, 2_000) if quick else (2000, 50_000)
    return kept(f"coding-{n_units}-units.nwb", partial(_write, n_units, n_spikes))


def _write(n_units: int, n_spikes: int, path: Path) -> None:
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
