"""Split-half reliability: of known units, of noise, and where it is not defined."""

from __future__ import annotations

import numpy as np

from nh_platform.tasks.visual.psth_forecast import reliability
from nh_platform.tasks.visual.psth_forecast.reliability import spearman_brown, split_half_reliability


def poisson(rng, n_conditions=30, n_repeats=12, n_units=60, spread=1.0) -> tuple:
    rates = rng.gamma(1 / spread, spread, size=(n_conditions, 8, n_units)) if spread else np.ones((30, 8, n_units))
    conditions = np.repeat(np.arange(n_conditions), n_repeats)
    return rng.poisson(rates[conditions]).astype(np.uint8), conditions, rates


def test_it_is_the_share_of_the_mean_s_variance_that_is_signal() -> None:
    counts, conditions, rates = poisson(np.random.default_rng(1))
    signal, noise = rates.var(axis=(0, 1)), rates.mean(axis=(0, 1))
    expected = signal / (signal + noise / 12)
    found = split_half_reliability(counts, conditions)
    np.testing.assert_allclose(found.mean(), expected.mean(), atol=0.01)


def test_two_repeats_by_hand() -> None:
    # halves are the two repeats, in one order or the other: r of (0, 1, 2) and (0, 2, 1) is 0.5, corrected 2/3
    counts = np.array([[[0], [1], [2]], [[0], [2], [1]]])
    np.testing.assert_allclose(split_half_reliability(counts, np.zeros(2, dtype=np.int64)), [2 / 3])


def test_noise_is_not_reliable_and_a_negative_correlation_is_not_corrected() -> None:
    counts, conditions, _ = poisson(np.random.default_rng(2), spread=0)
    found = split_half_reliability(counts, conditions)
    assert abs(found.mean()) < 0.02
    assert spearman_brown(np.array([-0.9])).tolist() == [-0.9]


def test_silent_and_constant_units_have_none() -> None:
    counts = np.zeros((4, 5, 2), dtype=np.uint8)
    counts[:, :, 1] = 7
    assert np.isnan(split_half_reliability(counts, np.zeros(4, dtype=np.int64))).all()


def test_an_odd_repeat_stays_out_of_each_division() -> None:
    halves = list(reliability._halves(np.zeros(5), np.zeros(1, dtype=np.int64), np.random.default_rng(0), 20))
    _, first, second = halves[0]
    assert (first.sum(axis=1) == 2).all()
    assert (second.sum(axis=1) == 2).all()
    assert not (first * second).any()
    assert len({tuple(row) for row in first.tolist()}) > 5


def test_the_order_of_units_and_the_size_of_blocks_do_not_matter(monkeypatch) -> None:
    counts, conditions, _ = poisson(np.random.default_rng(3), n_conditions=6)
    whole = split_half_reliability(counts, conditions)
    units = np.random.default_rng(4).permutation(60)
    np.testing.assert_allclose(split_half_reliability(counts[:, :, units], conditions), whole[units], rtol=1e-9)
    monkeypatch.setattr(reliability, "SUMS_AT_ONCE", 7 * 8 * reliability.N_DIVISIONS)
    np.testing.assert_allclose(split_half_reliability(counts, conditions), whole, rtol=1e-12)
    assert not np.allclose(split_half_reliability(counts, conditions, seed=44), whole, rtol=1e-9)
