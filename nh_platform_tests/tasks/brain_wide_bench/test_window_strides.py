"""Windows at a stride of 20 ms: where they lie, and that each has the counts of its own second."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.tasks.brain_wide_bench.window_strides import WindowStrides
from nh_platform_tests.tasks.brain_wide_bench.hand_made import spikes_of


def test_windows_step_by_20_ms_and_the_last_one_ends_with_its_stretch() -> None:
    strides = WindowStrides(spikes_of([1.0]), np.array([[10.0, 11.05], [20.0, 20.9], [30.0, 31.0], [40.0, 41.5]]))
    assert strides.starts[:4] == pytest.approx([10.0, 10.02, 10.04, 10.05])
    assert strides.starts[4] == 30.0
    assert strides.starts[-1] == pytest.approx(40.5)
    assert np.bincount(strides.stretch).tolist() == [4, 0, 1, 26]
    assert len(strides) == 31


def test_every_window_counts_the_spikes_of_its_own_bins() -> None:
    rng = np.random.default_rng(3)
    units = [np.sort(rng.uniform(0.0, 60.0, 3000)) for _ in range(3)]
    stretches = np.array([[1.3, 4.17], [10.0, 11.0], [20.001, 27.777], [50.0, 53.33]])
    strides = WindowStrides(spikes_of(*units), stretches)
    rows = rng.permutation(len(strides))
    counts = strides.counts()(rows)
    assert counts.shape == (len(strides), 50, 3)
    for row, found in zip(rows, counts):
        edges = strides.starts[row] + np.arange(51) * 0.02
        assert np.array_equal(found.T, [np.histogram(unit, edges)[0] for unit in units])
    some = strides.counts(bins=slice(45, 50), units=np.array([2, 0]))
    assert np.array_equal(some(rows), counts[:, 45:, [2, 0]])


def test_without_stretches_there_are_no_windows() -> None:
    strides = WindowStrides(spikes_of([1.0]), np.zeros((0, 2)))
    assert strides.counts()(np.zeros(0, dtype=np.int64)).shape == (0, 50, 1)
