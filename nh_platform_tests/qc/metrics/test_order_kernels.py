"""Selection without sorting gives what numpy gives, bit by bit: ties, equal values, outliers, ranges of a few ulps."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nh_platform.qc.metrics.kernels.order_kernels import histograms_and_ranks, select_pair
from nh_platform.qc.metrics.order_statistics import (
    between,
    middle_ranks,
    population_deviation,
    quantile_ranks,
    values_at,
)

SETTINGS = settings(max_examples=200, deadline=None, derandomize=True)
Floats = np.ndarray


@st.composite
def trains(draw) -> Floats:
    """Return values of a unit: continuous, on a few levels, all equal, on edges of bins, ordered, with an outlier."""
    size = draw(st.one_of(st.integers(1, 40), st.integers(100, 900)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = draw(
        st.sampled_from(
            [
                rng.lognormal(-9, 0.4, size),
                rng.normal(0, 1e-4, size),
                rng.choice([-2.0, 0.5, 3.0, 3.0], size),
                rng.integers(0, 100, size) / 100,
                rng.integers(0, 101, size) * 0.01 - 0.3,
                np.full(size, 6e-5),
                1e-4 + rng.integers(0, 300, size) * np.spacing(1e-4),
                1e-4 + rng.integers(0, 3000, size) * np.spacing(1e-4),
                5e-324 * rng.integers(0, 3, size),
                rng.normal(0, 1e307, size),
            ]
        )
    )
    order = draw(st.sampled_from(["drawn", "ascending", "descending", "pipe"]))
    if order != "drawn":
        values = np.sort(values)
    if order == "descending":
        values = values[::-1].copy()
    if order == "pipe":
        values = np.concatenate([values[::2], values[1::2][::-1]])
    if draw(st.booleans()):
        with np.errstate(over="ignore"):
            values[draw(st.integers(0, size - 1))] *= draw(st.sampled_from([0.0, 1e3, -1.0]))
    return values


@SETTINGS
@given(trains(), st.data())
def test_a_pair_of_ranks_equals_that_of_the_sorted_values(values, data) -> None:
    first = data.draw(st.integers(0, len(values) - 1))
    last = min(first + data.draw(st.integers(0, 1)), len(values) - 1)
    around = np.concatenate([[7.0], values, [-7.0]])
    found = select_pair(around, 1, 1 + len(values), 1 + first, 1 + last)
    ordered = np.sort(values)
    assert found == (ordered[first], ordered[last])
    assert (around[0], around[-1]) == (7.0, -7.0)
    assert np.array_equal(np.sort(around[1:-1]), ordered)


@SETTINGS
@given(st.lists(trains(), min_size=1, max_size=4), st.sampled_from([0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.95, 1.0]))
def test_medians_and_quantiles_of_units_equal_numpy(units, share) -> None:
    ends = np.cumsum([len(unit) for unit in units])
    begins = ends - [len(unit) for unit in units]
    ranks, rest = quantile_ranks(ends - begins, share)
    pairs = np.stack([middle_ranks(ends - begins), ranks], axis=1)
    marked = np.ones(len(units), np.bool_)
    marked[-1] = len(units) == 1
    with np.errstate(over="ignore", invalid="ignore"):
        found = values_at(np.concatenate(units), begins, ends, marked, pairs)
        medians, quantiles = found[:, 0].sum(axis=1) / 2, between(found[:, 1], rest)
        for unit, values in enumerate(units):
            expected = (np.median(values), np.quantile(values, share)) if marked[unit] else (np.nan, np.nan)
            np.testing.assert_array_equal((medians[unit], quantiles[unit]), expected)


@SETTINGS
@given(st.lists(trains(), min_size=1, max_size=4), st.sampled_from([2, 100]))
def test_histogram_and_ranks_of_one_pass_equal_numpy(units, n_bins) -> None:
    units = [values for values in units if np.isfinite(np.ptp(values))]
    offsets = np.concatenate([[0], np.cumsum([len(unit) for unit in units])]).astype(np.int64)
    sizes = np.diff(offsets)
    ranks = np.stack([middle_ranks(sizes), quantile_ranks(sizes, 0.1)[0], quantile_ranks(sizes, 0.75)[0]], axis=1)
    smallest, largest = (np.array([of(unit) for unit in units], float) for of in (np.min, np.max))
    counts, distinct = np.zeros((len(units), n_bins), np.int64), np.zeros(len(units), np.bool_)
    values, gathered = np.full(ranks.shape, np.nan), np.empty(offsets[-1])
    marked = np.ones(len(units), np.bool_)
    amplitudes = np.concatenate([np.empty(0), *units])
    histograms_and_ranks(amplitudes, offsets, marked, smallest, largest, ranks, gathered, counts, distinct, values)
    for unit, own in enumerate(units):
        assert np.array_equal(values[unit], np.sort(own)[ranks[unit]])
        try:
            expected = np.histogram(own, n_bins)[0]
        except ValueError:  # too many bins for the range of the data
            assert not distinct[unit]
            continue
        if distinct[unit]:
            assert counts[unit].tolist() == expected.tolist()
        else:
            edges = np.histogram_bin_edges(own, n_bins)
            assert not np.all(edges[:-1] < edges[1:])


def test_a_unit_that_is_not_marked_is_left_alone() -> None:
    counts, distinct, values = np.zeros((2, 100), np.int64), np.zeros(2, np.bool_), np.full((2, 1, 2), np.nan)
    amplitudes = np.array([np.nan, 1.0, 1.0, 2.0, 4.0])
    offsets, marked = np.array([0, 2, 5]), np.array([False, True])
    small, large = np.array([np.nan, 1.0]), np.array([np.nan, 4.0])
    ranks = middle_ranks([[2], [3]])
    histograms_and_ranks(amplitudes, offsets, marked, small, large, ranks, np.empty(5), counts, distinct, values)
    assert counts.sum(axis=1).tolist() == [0, 3]
    assert distinct.tolist() == [False, True]
    np.testing.assert_array_equal(values[:, 0], [[np.nan, np.nan], [2.0, 2.0]])


@SETTINGS
@given(arrays(np.float64, st.integers(1, 400), elements=st.floats(-1e4, 1e4, width=32)))
def test_the_deviation_equals_numpy(values) -> None:
    assert population_deviation(values, values.mean()) == values.std()
    whole = values.astype(np.int64)
    assert population_deviation(whole, whole.mean()) == whole.std()


ORDERED = np.arange(200_000.0)


@pytest.mark.parametrize(
    "values",
    [
        np.full(200_000, 1.5),
        np.tile([1.0, 2.0], 100_000),
        ORDERED,
        np.abs(ORDERED - 100_000.5),
        -np.abs(ORDERED - 100_000.5),
    ],
    ids=["equal", "two", "ascending", "valley", "pipe"],
)
def test_many_values_take_a_few_rounds_in_any_order(values) -> None:
    # Pivots at the ends and in the middle took 20 s for the last two.
    begun = time.process_time()
    assert select_pair(values.copy(), 0, 200_000, 99_999, 100_000) == tuple(np.sort(values)[99_999:100_001])
    assert time.process_time() - begun < 5
