"""Signal power, noise power and the ceiling: by hand, against the published formula, and of units that are known."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nh_platform.tasks.visual.psth_forecast.signal_power import ResponsePower, response_power


def simulated(rng, n_conditions, n_repeats, n_bins, signal, noise, n_units=1, shared=0.0) -> tuple:
    """Return responses (n, n_bins, n_units), conditions and true means with these powers; ``shared`` by all bins."""
    means = rng.standard_normal((n_conditions, n_bins, n_units))
    means = (means - means.mean(axis=(0, 1))) / means.std(axis=(0, 1)) * np.sqrt(signal) + 5.0
    conditions = np.repeat(np.arange(n_conditions), n_repeats)
    shape = (len(conditions), n_bins, n_units)
    own = rng.standard_normal(shape) * np.sqrt(noise - shared)
    return (
        means[conditions] + own + rng.standard_normal((len(conditions), 1, n_units)) * np.sqrt(shared),
        conditions,
        means,
    )


def test_two_repeats_by_hand() -> None:
    # repeats 1, 3 and 3, 5: their means are 2 and 4, so that P(mean) = 1, and P of each is 1: SP = (2 - 1) / 1 = 1
    power = response_power(np.array([[[1], [3]], [[3], [5]]]), np.zeros(2, dtype=np.int64))
    assert (power.signal.tolist(), power.noise.tolist()) == ([1.0], [0.0])
    # repeats 0, 2 and 2, 0: the mean is 1 and 1, P of each 1: SP = (0 - 1) / 1 = -1, NP = 1 + 1
    power = response_power(np.array([[[0], [2]], [[2], [0]]]), np.zeros(2, dtype=np.int64))
    assert (power.signal.tolist(), power.noise.tolist()) == ([-1.0], [2.0])
    assert power.ceiling(2).tolist() == [0.0]


def test_one_condition_is_the_formula_of_sahani_and_linden() -> None:
    responses = np.random.default_rng(1).poisson(3.0, size=(7, 40, 5))
    power = response_power(responses, np.zeros(7, dtype=np.int64))
    single = responses.var(axis=1).mean(axis=0)
    expected = (7 * responses.mean(axis=0).var(axis=0) - single) / 6
    np.testing.assert_allclose(power.signal, expected)
    np.testing.assert_allclose(power.noise, single - expected)


def test_conditions_of_unequal_repeats_are_averages_over_all_pairs_of_different_repeats() -> None:
    rng = np.random.default_rng(2)
    conditions = np.array([4, 4, 4, 9, 9, 4])
    responses = rng.poisson(2.0, size=(6, 3, 2))
    power = response_power(responses, conditions)
    points = list(product((4, 9), range(3)))

    def product_of_means(first, second, unit) -> float:
        rows = [np.flatnonzero(conditions == condition) for condition, _ in (first, second)]
        pairs = permutations(rows[0], 2) if first[0] == second[0] else product(*rows)
        return float(np.mean([responses[a, first[1], unit] * responses[b, second[1], unit] for a, b in pairs]))

    for unit in range(2):
        squares = np.mean([product_of_means(point, point, unit) for point in points])
        grand = np.mean([product_of_means(a, b, unit) for a in points for b in points])
        np.testing.assert_allclose(power.signal[unit], squares - grand)


@pytest.mark.parametrize("shared", [0.0, 6.0])
def test_known_powers_are_recovered_also_where_noise_is_shared_by_the_bins_of_a_repeat(shared) -> None:
    rng = np.random.default_rng(3)
    responses, conditions, _ = simulated(rng, 30, 10, 10, signal=4.0, noise=9.0, n_units=200, shared=shared)
    power = response_power(responses, conditions)
    np.testing.assert_allclose(power.signal.mean(), 4.0, rtol=0.02)
    np.testing.assert_allclose(power.noise.mean(), 9.0, rtol=0.03)
    np.testing.assert_allclose(np.median(power.ceiling(5)), 4.0 / (4.0 + 9.0 / 5), rtol=0.02)


def test_the_true_mean_reaches_the_ceiling_and_a_training_mean_does_not() -> None:
    rng = np.random.default_rng(4)
    responses, conditions, means = simulated(rng, 40, 12, 10, signal=1.0, noise=8.0, n_units=100)
    test = np.arange(len(conditions)) % 12 < 4
    held_out = np.stack([responses[test & (conditions == value)].mean(axis=0) for value in range(40)])
    trained = np.stack([responses[~test & (conditions == value)].mean(axis=0) for value in range(40)])

    def r2(prediction) -> float:
        residual = ((held_out - prediction) ** 2).sum(axis=(0, 1))
        return float((1 - residual / ((held_out - held_out.mean(axis=(0, 1))) ** 2).sum(axis=(0, 1))).mean())

    ceiling = response_power(responses, conditions).ceiling(4).mean()
    np.testing.assert_allclose(ceiling, 1 / 3, atol=0.02)
    np.testing.assert_allclose(r2(means), ceiling, atol=0.02)
    assert r2(trained) < ceiling - 0.2


def test_poisson_units_have_the_ceiling_of_their_rates() -> None:
    rng = np.random.default_rng(5)
    rates = rng.gamma(1.0, 0.4, size=(60, 10, 150))
    conditions = np.repeat(np.arange(60), 20)
    power = response_power(rng.poisson(rates[conditions]), conditions)
    signal, noise = rates.var(axis=(0, 1)), rates.mean(axis=(0, 1))  # variance of a Poisson count is its mean
    np.testing.assert_allclose(power.signal.mean(), signal.mean(), rtol=0.03)
    np.testing.assert_allclose(power.noise.mean(), noise.mean(), rtol=0.03)


def test_a_silent_and_a_constant_unit_have_no_ceiling_and_one_repeat_is_refused() -> None:
    responses = np.zeros((4, 5, 2))
    responses[:, :, 1] = 3
    power = response_power(responses, np.array([0, 0, 1, 1]))
    assert np.isnan(power.signal).all()
    assert np.isnan(power.ceiling(2)).all()
    with pytest.raises(ValueError, match="condition 1 has 1 repeat"):
        response_power(responses[:3], np.array([0, 0, 1]))


@given(st.floats(-5, 100), st.floats(-5, 100), st.integers(1, 80))
def test_a_ceiling_lies_between_0_and_1(signal, noise, n_repeats) -> None:
    ceiling = ResponsePower(np.array([signal]), np.array([noise])).ceiling(n_repeats)[0]
    assert 0.0 <= ceiling <= 1.0
    assert ceiling <= ResponsePower(np.array([signal]), np.array([noise])).ceiling(n_repeats + 1)[0] + 1e-12


@given(st.integers(0, 10_000))
def test_the_order_of_units_and_repeats_does_not_matter(seed) -> None:
    rng = np.random.default_rng(seed)
    responses, conditions = rng.poisson(1.0, size=(9, 4, 6)), np.arange(9) % 3
    units, rows = rng.permutation(6), rng.permutation(9)
    power = response_power(responses, conditions)
    moved = response_power(responses[rows][:, :, units], conditions[rows])
    np.testing.assert_allclose(moved.signal, power.signal[units], atol=1e-12)
    np.testing.assert_allclose(moved.noise, power.noise[units], atol=1e-12)
