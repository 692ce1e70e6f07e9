"""Loops behind the figures of units, against hand-made cases and plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nh_platform.reports.session_page.unit_figures import spike_kernels as kernels

ALL = np.array([True])


def offsets_of(times: np.ndarray) -> np.ndarray:
    return np.array([0, len(times)], dtype=np.int64)


def test_spikes_are_counted_by_value_and_time_with_both_ends() -> None:
    times = np.array([0.0, 0.9, 1.0, 4.0, 4.1, -0.1])
    values = np.array([0.0, 5.0, 9.99, 10.0, 1.0, 1.0])
    image = np.zeros((1, 2, 4), np.int64)
    kernels.count_over_time(times, values, offsets_of(times), ALL, 0.0, 4.0, np.array([0.0]), np.array([10.0]), image)
    assert image[0].tolist() == [[1, 0, 0, 0], [1, 1, 0, 1]], "the last spike is at the end, two lie outside"


def test_values_beyond_the_range_count_at_its_edges_and_unmarked_units_stay_empty() -> None:
    times, values = np.array([1.0, 1.0]), np.array([-50.0, 900.0])
    image = np.zeros((2, 3, 1), np.int64)
    offsets = np.array([0, 2, 2], dtype=np.int64)
    marked, lows, highs = np.array([True, False]), np.zeros(2), np.full(2, 10.0)
    kernels.count_over_time(times, values, offsets, marked, 0.0, 2.0, lows, highs, image)
    assert image[0, :, 0].tolist() == [1, 0, 1]
    assert not image[1].any()


@settings(deadline=None, max_examples=60)
@given(
    times=arrays.arrays(np.float64, st.integers(0, 60), elements=st.floats(-1, 11)).map(np.sort),
    n_columns=st.integers(1, 9),
)
def test_rates_hold_every_spike_in_the_recorded_time_once(times: np.ndarray, n_columns: int) -> None:
    counts = np.zeros((1, n_columns), np.int64)
    kernels.count_per_column(times, offsets_of(times), ALL, 0.0, 10.0, counts)
    assert counts.sum() == ((times >= 0) & (times <= 10)).sum()
    image = np.zeros((1, 1, n_columns), np.int64)
    bounds = np.zeros(1), np.ones(1)
    kernels.count_over_time(times, np.zeros(len(times)), offsets_of(times), ALL, 0.0, 10.0, *bounds, image)
    assert image[0, 0].tolist() == counts[0].tolist()


@settings(deadline=None, max_examples=60)
@given(
    times=arrays.arrays(np.float64, st.integers(0, 60), elements=st.integers(0, 400).map(lambda n: n / 40)).map(
        np.sort
    ),
    seed=st.integers(0, 99),
)
def test_quantiles_over_time_are_numpys(times: np.ndarray, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=len(times))
    shares = np.array([0.1, 0.5, 0.9])
    found = np.full((1, 3, 5), np.nan)
    kernels.quantiles_over_time(times, values, offsets_of(times), ALL, 0.0, 10.0, shares, found)
    column = np.minimum((times / 2).astype(int), 4)
    for k in range(5):
        inside = values[column == k]
        expected = np.quantile(inside, shares) if len(inside) else np.full(3, np.nan)
        np.testing.assert_allclose(found[0, :, k], expected, rtol=1e-12)


@pytest.mark.parametrize("share", [0.5, 0.995, 1.0])
def test_an_upper_bound_holds_its_share_of_the_values(share: float) -> None:
    values = np.random.default_rng(3).gamma(2.0, size=5000)
    values[0] = 40.0
    bound = np.full(1, np.nan)
    low, high = np.array([values.min()]), np.array([values.max()])
    kernels.upper_bounds(values, offsets_of(values), ALL, low, high, share, bound)
    assert (values <= bound[0]).mean() >= share
    assert bound[0] - np.quantile(values, share) <= 2 * (high[0] - low[0]) / kernels.N_RANK_BINS


def test_equal_values_are_their_own_bound() -> None:
    values, bound = np.full(4, 7.0), np.full(1, np.nan)
    kernels.upper_bounds(values, offsets_of(values), ALL, values[:1], values[:1], 0.9, bound)
    assert bound[0] == 7.0
