"""brainbox of ibllib 4.1.0, run in its own environment, gives the same 20 columns, labels and bit masks.

The environment is made by ``benchmarks/peers.py`` on first use. Where the two differ on purpose (zero duration, NaN
amplitudes) the difference itself is pinned here or in `test_edge_cases`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.metrics import compute_metrics
from nh_platform.session import Spikes
from nh_platform_tests.qc.metrics.trains import group, session, units_of

pytestmark = pytest.mark.peer

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
COLUMNS = (
    "spike_count", "firing_rate", "presence_ratio", "presence_ratio_std", "amp_min", "amp_max", "amp_median",
    "amp_std_dB", "contamination", "contamination_alt", "slidingRP_viol", "slidingRP_viol_forced", "max_confidence",
    "min_contamination", "n_spikes_below2", "noise_cutoff", "missed_spikes_est", "drift", "label", "bitwise_fail",
)  # fmt: skip
EXACT = ("spike_count", "slidingRP_viol", "slidingRP_viol_forced", "n_spikes_below2", "label", "bitwise_fail")


def brainbox(spikes: Spikes, folder: Path, **more: np.ndarray) -> dict[str, np.ndarray]:
    """Return the columns of quick_unit_metrics for spikes of one probe."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from peers import run_in_peer
    finally:
        sys.path.remove(str(BENCHMARKS))
    arrays = {name: getattr(spikes, name) for name in ("times", "offsets", "amplitudes", "depths")}
    np.savez(folder / "in.npz", **arrays, **more)
    script, job = BENCHMARKS / "peer_ibllib_metrics.py", "quick_unit_metrics"
    run_in_peer("ibllib", script, job, folder / "in.npz", folder / "out.npz")
    with np.load(folder / "out.npz") as stored:
        return {name: stored[name] for name in stored.files}


def ours(spikes: Spikes) -> pd.DataFrame:
    table, _ = compute_metrics(spikes, units_of(spikes), [f"ibl.{name}@2022-10" for name in COLUMNS])
    return table.set_axis(list(COLUMNS), axis=1)


def assert_same(table: pd.DataFrame, peer: dict[str, np.ndarray], columns=COLUMNS, rtol=1e-9) -> None:
    for name in columns:
        expected = peer[name].astype(float)
        found = table[name].to_numpy(float)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected), err_msg=name)
        np.testing.assert_allclose(found, expected, rtol=0 if name in EXACT else rtol, atol=0, err_msg=name)


def simulated_probe(seed: int, dtype: type = np.float64) -> Spikes:
    """Return a probe of the platform's simulation: every design, so every pattern of failed rules."""
    from nh_platform.simulation.ground_truth import draw_units
    from nh_platform.simulation.spike_trains import simulate_spikes

    rng = np.random.default_rng(seed)
    truths = draw_units(rng, 90, first=0, duration_s=900.0, mean_rate_hz=6.0, depth_range_um=3840.0)
    made = simulate_spikes(rng, truths, 900.0, sampling_rate_hz=30000.26)
    # Not an exact 30 kHz clock: truncation of seconds to samples is then off by one here and there, as in real data.
    times = made.samples / 30000.26
    return Spikes(times, made.offsets, made.amplitudes.astype(dtype), made.depths.astype(dtype))


def test_every_column_label_and_bit_mask_equals_brainbox(tmp_path: Path) -> None:
    spikes = simulated_probe(4)
    peer = brainbox(spikes, tmp_path)
    assert set(peer["bitwise_fail"]) == set(range(8))
    assert np.isnan(peer["noise_cutoff"]).any()
    assert np.isnan(peer["min_contamination"]).any()
    assert_same(ours(spikes), peer)


def test_tiny_and_degenerate_units_equal_brainbox_and_so_does_the_older_refractory_test(tmp_path: Path) -> None:
    base = session(seed=3)
    trains = [base.of_unit(unit) for unit in range(base.n_units)]
    parts = [slice(*base.offsets[unit : unit + 2]) for unit in range(base.n_units)]
    amplitudes = [base.amplitudes[part] for part in parts]
    depths = [base.depths[part] for part in parts]
    trains += [[], [12.5], [12.5, 12.5], np.arange(0, 380, 0.5), np.arange(501.0) / 2, np.repeat(np.arange(300.0), 2)]
    rng = np.random.default_rng(0)
    # A unit of equal amplitudes, one of 501 spikes, and one with every spike twice.
    amplitudes += [
        [],
        [1e-4],
        [1e-4, 2e-4],
        np.full(760, 6e-5),
        rng.normal(1e-4, 1e-5, 501),
        rng.normal(4e-5, 4e-6, 600),
    ]
    depths += [np.linspace(0, 10, len(train)) for train in trains[base.n_units :]]
    spikes = group(trains, amplitudes, depths)
    peer = brainbox(spikes, tmp_path, legacy=np.array(True))
    assert_same(ours(spikes), peer)
    older, _ = compute_metrics(spikes, units_of(spikes), ["ibl.slidingRP_viol@2022-03"])
    some = spikes.counts > 0
    assert older.iloc[:, 0][some].tolist() == peer["slidingRP_viol_2022_03"][some].tolist()
    assert set(older.iloc[:, 0][some]) == {0.0, 1.0}


def test_zero_amplitudes_equal_brainbox(tmp_path: Path) -> None:
    spikes = group([np.arange(0, 600, 0.5), np.arange(0, 600, 0.7)], [np.zeros(1200), np.r_[0.0, np.full(857, 1e-4)]])
    assert_same(ours(spikes), brainbox(spikes, tmp_path))


def test_two_probes_in_one_session_equal_brainbox_per_probe(tmp_path: Path) -> None:
    first, second = session(seed=1), session(seed=2, duration_s=250.0)
    both = Spikes(
        np.concatenate([first.times, second.times + 100]),
        np.concatenate([first.offsets, second.offsets[1:] + first.offsets[-1]]),
        np.concatenate([first.amplitudes, second.amplitudes]),
        np.concatenate([first.depths, second.depths]),
    )
    units = pd.concat([units_of(first, "probe00"), units_of(second, "probe01")], ignore_index=True)
    table, _ = compute_metrics(both, units, [f"ibl.{name}@2022-10" for name in COLUMNS])
    table = table.set_axis(list(COLUMNS), axis=1)
    shifted = Spikes(second.times + 100, second.offsets, second.amplitudes, second.depths)
    assert_same(table[: first.n_units], brainbox(first, tmp_path))
    assert_same(table[first.n_units :].reset_index(drop=True), brainbox(shifted, tmp_path))


def test_zero_duration_differs_only_in_infinite_values(tmp_path: Path) -> None:
    spikes = group([[7.0, 7.0], [7.0]])
    peer = brainbox(spikes, tmp_path)
    assert np.isinf(peer["firing_rate"]).all()
    table = ours(spikes)
    assert table["firing_rate"].isna().all()
    finite = {
        name: np.where(np.isinf(values.astype(float)), np.nan, values.astype(float)) for name, values in peer.items()
    }
    assert_same(table, finite)


def test_float32_amplitudes_give_the_same_labels_and_nearly_the_same_numbers(tmp_path: Path) -> None:
    # brainbox takes logarithms and makes histogram edges in float32 there, so single spikes change bins.
    spikes = simulated_probe(4, np.float32)
    peer = brainbox(spikes, tmp_path)
    table = ours(spikes)
    by_histogram = ("noise_cutoff", "missed_spikes_est")
    same = [name for name in COLUMNS if name not in (*by_histogram, "drift") and not name.startswith("amp_")]
    assert_same(table, peer, same)
    assert_same(table, peer, [name for name in COLUMNS if name.startswith("amp_")], rtol=1e-5)
    assert_same(table, peer, ["drift"], rtol=1e-5)
    for name in by_histogram:
        np.testing.assert_allclose(table[name], peer[name], rtol=0.25, atol=0.05, err_msg=name)
