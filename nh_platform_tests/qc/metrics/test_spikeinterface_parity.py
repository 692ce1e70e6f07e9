"""SpikeInterface 0.105.3, run in its own environment on the same spikes, gives the same numbers under the same names.

The recording it is given runs from the first to the last spike, as the definitions say; what a longer one changes is
pinned here, and so is where the two differ on purpose.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.metrics import METRICS, compute_metrics
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.verdicts import apply_rulebook
from nh_platform.qc.signal_to_noise import signal_to_noise
from nh_platform.session import Spikes
from nh_platform.session.mean_waveforms import MeanWaveforms
from nh_platform_tests.qc.metrics.trains import group, poisson_train, session, units_of

pytestmark = pytest.mark.peer

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
RATE = 30000
NAMES = [known.name for known in METRICS.values() if known.defined_by == "spikeinterface"]
EXACT = (
    "num_spikes", "firing_rate", "presence_ratio", "isi_violations_ratio", "isi_violations_count", "rp_contamination",
    "rp_violations", "sliding_rp_violation", "amplitude_median", "amplitude_cutoff", "drift_ptp",
)  # fmt: skip
"""Bit for bit; the others sum in another order."""


def spikeinterface(
    spikes: Spikes, folder: Path, before: int = 0, after: int = 0, **more: np.ndarray
) -> dict[str, np.ndarray]:
    """Return SpikeInterface's columns for spikes of one probe, with samples of silence before and after them."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from peers import run_in_peer
    finally:
        sys.path.remove(str(BENCHMARKS))
    arrays = {name: getattr(spikes, name) for name in ("times", "offsets", "amplitudes", "depths")}
    np.savez(folder / "in.npz", **arrays, before=before, after=after, **more)
    script, job = BENCHMARKS / "peer_spikeinterface_metrics.py", "quality_metrics"
    run_in_peer("spikeinterface", script, job, folder / "in.npz", folder / "out.npz")
    with np.load(folder / "out.npz") as stored:
        return {name: stored[name] for name in stored.files}


def ours(spikes: Spikes) -> pd.DataFrame:
    table, _ = compute_metrics(spikes, units_of(spikes), [f"spikeinterface.{name}@0.105" for name in NAMES])
    return table.set_axis(NAMES, axis=1)


def assert_same_labels(spikes: Spikes, peer: dict[str, np.ndarray]) -> None:
    """Hold the rulebooks of AIND and bombcell against the labels that SpikeInterface gives by their thresholds."""
    table, _ = compute_metrics(spikes, units_of(spikes), [f"spikeinterface.{name}@0.105" for name in NAMES])
    aind = apply_rulebook(table, load_rulebook("aind-2026-06"))
    assert aind.good.tolist() == peer["aind"].tolist()
    bombcell = apply_rulebook(table, load_rulebook("bombcell-2026-10"), missing="nan")
    assert bombcell.good.tolist() == (peer["bombcell"] == "good").tolist()
    written = pd.DataFrame({name: peer[name] for name in NAMES})
    assert apply_rulebook(written, load_rulebook("aind-2026-06")).good.tolist() == peer["aind"].tolist()
    for labels in (peer["aind"], peer["bombcell"]):
        assert len(set(labels.tolist())) == 2


def assert_same(table: pd.DataFrame, peer: dict[str, np.ndarray], names: list[str] = NAMES) -> None:
    for name in names:
        expected = peer[name].astype(float)
        if name.endswith(("_count", "rp_violations")):
            expected = np.where(expected < 0, np.nan, expected)  # -1 there is an empty unit
        found = table[name].to_numpy(float)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected), err_msg=name)
        np.testing.assert_allclose(found, expected, rtol=0 if name in EXACT else 1e-9, atol=0, err_msg=name)


def simulated_probe(seed: int) -> Spikes:
    """Return a probe of the platform's simulation, on samples of 30 kHz, with drift."""
    from nh_platform.simulation.ground_truth import draw_units
    from nh_platform.simulation.spike_trains import simulate_spikes

    rng = np.random.default_rng(seed)
    truths = draw_units(rng, 90, first=0, duration_s=1500.0, mean_rate_hz=6.0, depth_range_um=3840.0)
    made = simulate_spikes(rng, truths, 1500.0)
    return Spikes(made.samples / RATE, made.offsets, made.amplitudes.astype(np.float64), made.depths.astype(np.float64))


def odd_trains() -> Spikes:
    """Return random units and empty, tiny, bursting, interrupted, doubled and constant ones."""
    base = session(seed=3, duration_s=700.0)
    rng = np.random.default_rng(0)
    parts = [slice(*base.offsets[unit : unit + 2]) for unit in range(base.n_units)]
    bursts = (np.arange(0, 690, 3.0)[:, None] + np.array([0, 0.0004, 0.001, 0.0015, 0.004, 0.05])).ravel()
    gap = np.concatenate([poisson_train(rng, 20, 120), 600 + poisson_train(rng, 20, 90)])
    trains = [
        [], [12.5], [12.5, 12.5], [0.0, 700.0], bursts, gap, np.repeat(np.arange(300.0), 2), np.arange(760) / 2,
        np.arange(0, 45 * 600, 45) / RATE, np.arange(0, 30 * 600, 30) / RATE, poisson_train(rng, 0.7, 700),
    ]  # fmt: skip
    amplitudes = [rng.lognormal(np.log(1e-4), 0.3, len(train)) for train in trains]
    amplitudes[7] = np.full(760, 6e-5)
    amplitudes[6] = rng.choice([5e-5, 6e-5, 9e-5], 600)
    depths = [500 + np.cumsum(rng.normal(0, 0.3, len(train))) for train in trains]
    return group(
        [base.times[part] for part in parts] + trains,
        [base.amplitudes[part] for part in parts] + amplitudes,
        [base.depths[part] for part in parts] + depths,
    )


def test_every_metric_of_a_simulated_probe_equals_spikeinterface(tmp_path: Path) -> None:
    spikes = simulated_probe(4)
    peer = spikeinterface(spikes, tmp_path)
    assert np.isnan(peer["sliding_rp_violation"]).any()
    assert np.isfinite(peer["drift_mad"]).any()
    assert_same(ours(spikes), peer)
    in_uv = spikeinterface(replace(spikes, amplitudes=spikes.amplitudes * 1e6), tmp_path)
    assert_same_labels(spikes, in_uv)


def test_empty_tiny_bursting_and_interrupted_trains_equal_spikeinterface(tmp_path: Path) -> None:
    spikes = odd_trains()
    peer = spikeinterface(spikes, tmp_path)
    assert (peer["rp_contamination"] == 1).any()
    assert (peer["isi_violations_count"] == -1).any()
    assert_same(ours(spikes), peer)


def test_a_longer_recording_moves_what_is_counted_over_time_and_nothing_else(tmp_path: Path) -> None:
    spikes = simulated_probe(5)
    peer = spikeinterface(spikes, tmp_path, after=20 * RATE)
    table = ours(spikes)
    same = ["num_spikes", "isi_violations_count", "rp_violations", "amplitude_median", "amplitude_cutoff"]
    assert_same(table, peer, [*same, "noise_cutoff", "noise_ratio"])
    some = spikes.counts > 0
    assert (table["firing_rate"][some] > peer["firing_rate"][some]).all()


def test_a_recording_shorter_than_a_bin_equals_spikeinterface(tmp_path: Path) -> None:
    spikes = session(seed=8, duration_s=50.0)
    peer = spikeinterface(spikes, tmp_path)
    assert np.isnan(peer["presence_ratio"]).all()
    assert_same(ours(spikes), peer)


def test_signal_over_noise_equals_spikeinterface_on_the_same_waveforms_and_noise(tmp_path: Path) -> None:
    spikes = session(seed=8, duration_s=50.0)
    rng = np.random.default_rng(1)
    values = rng.normal(0, 5e-5, (spikes.n_units, 6, 82)).astype(np.float32)
    rms = rng.uniform(4e-6, 2e-5, 6)
    peer = spikeinterface(spikes, tmp_path, templates=values.transpose(0, 2, 1).astype(float), noise=rms)
    channels = np.tile(np.arange(6), (spikes.n_units, 1))
    names = tuple(f"u{row}" for row in range(spikes.n_units))
    waveforms = MeanWaveforms(names, values, channels, channels[:, 0], np.full(spikes.n_units, 30000.0))
    noise = pd.DataFrame({"probe": "probe00", "channel": range(6), "ap_rms": rms})
    found = signal_to_noise(waveforms, noise, ["probe00"] * spikes.n_units)
    np.testing.assert_array_equal(found, peer["snr"])
