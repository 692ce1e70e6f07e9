"""Windows, samples and counts are those that torch_brain takes, with which the benchmark is scored."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from nh_platform.tasks.brain_wide_bench.signals import GridSignal
from nh_platform.tasks.brain_wide_bench.window_strides import WindowStrides
from nh_platform_tests.tasks.brain_wide_bench.hand_made import spikes_of

pytestmark = pytest.mark.peer

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
LAST_BITS_S = 3e-13
"""`torch.arange` adds its steps in the processor's vectors, so that its last bit depends on the machine."""


def test_windows_samples_and_counts_equal_torch_brain_s(tmp_path) -> None:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from peers import run_in_peer
    finally:
        sys.path.remove(str(BENCHMARKS))
    rng = np.random.default_rng(0)
    begins = np.cumsum(rng.uniform(5.0, 9.0, 120))
    stretches = np.column_stack([begins, begins + rng.uniform(1.0, 4.9, 120)])
    stretches[3] = begins[3], begins[3] + 1.0
    stretches[4] = begins[4], begins[4] + 2.0
    units = [np.sort(rng.uniform(0.0, begins[-1] + 5.0, 4000)) for _ in range(5)]
    spikes = spikes_of(*units)
    order = np.argsort(spikes.times, kind="stable")
    starts = np.concatenate([rng.uniform(1.0, 80.0, 500), 0.25 + np.arange(50, 3000) / 50.0])
    signal = GridSignal(0.25, np.zeros(4100))
    np.savez(
        tmp_path / "in.npz",
        stretches=stretches,
        starts=starts,
        grid_start=signal.start,
        n_samples=len(signal.values),
        times=spikes.times[order],
        units=np.repeat(np.arange(5), spikes.counts)[order],
        n_units=5,
    )
    script = BENCHMARKS / "peer_torch_brain_suites.py"
    run_in_peer("torch_brain", script, tmp_path / "in.npz", tmp_path / "out.npz")
    strides, (rows, spanned) = WindowStrides(spikes, stretches), signal.samples(starts, 50)
    with np.load(tmp_path / "out.npz") as theirs:
        assert len(strides) == len(theirs["starts"])
        assert np.abs(strides.starts - theirs["starts"]).max() < LAST_BITS_S
        assert spanned.all()
        assert np.array_equal(theirs["rows"], np.column_stack([rows[:, 0], rows[:, -1], np.full(len(rows), 50)]))
        counts = theirs["counts"]
        assert np.array_equal(strides.counts()(np.arange(len(counts))), counts)
