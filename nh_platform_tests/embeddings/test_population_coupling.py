"""Population coupling against numpy's own correlation, and where it is undefined."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.embeddings.population_coupling import population_coupling


def test_it_is_the_correlation_with_the_summed_other_units() -> None:
    counts = np.random.default_rng(0).poisson(2, (5, 400)).astype(np.uint8)
    counts[1] += counts[0]
    found = population_coupling(counts)
    for unit in range(5):
        others = np.delete(counts, unit, axis=0).sum(axis=0)
        assert found[unit] == pytest.approx(np.corrcoef(counts[unit], others)[0, 1], abs=1e-6)
    assert found[0] > found[2] + 0.2


def test_counts_that_overflow_one_byte_in_sum_are_summed_right() -> None:
    counts = np.zeros((4, 6), dtype=np.uint8)
    counts[:, ::2] = 200
    assert population_coupling(counts).tolist() == pytest.approx([1.0] * 4)


def test_bins_that_a_probe_recorded_badly_are_left_out() -> None:
    counts = np.random.default_rng(1).poisson(2, (4, 300)).astype(np.uint8)
    clean = population_coupling(counts[:, :200])
    counts[:2, 200:] = 0  # what a mask leaves
    assert population_coupling(counts)[0] > clean[0] + 0.1
    assert population_coupling(counts, np.arange(300) < 200).tolist() == clean.tolist()
    assert np.isnan(population_coupling(counts, np.zeros(300, dtype=bool))).all()


@pytest.mark.parametrize("shape", [(0, 10), (3, 0), (1, 10)])
def test_without_units_bins_or_others_it_is_undefined(shape: tuple[int, int]) -> None:
    found = population_coupling(np.ones(shape, dtype=np.uint8))
    assert found.shape == (shape[0],)
    assert np.isnan(found).all()
