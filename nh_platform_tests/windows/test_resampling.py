"""Signals in bins: exact at samples, never extrapolated, angles the shorter way round, each event in one bin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.windows.resampling import counted_events, resampled

TIMES = np.array([1.0, 2.0, 4.0, 10.0])
VALUES = np.array([10.0, 20.0, 40.0, -2.0])
NAN = np.nan


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("linear", [NAN, 10.0, 15.0, 20.0, 30.0, 19.0, -2.0, NAN]),
        ("hold", [NAN, 10.0, 10.0, 20.0, 20.0, 40.0, -2.0, NAN]),
    ],
)
def test_values_between_the_samples_and_none_beyond_them(how, expected) -> None:
    at = np.array([0.999, 1.0, 1.5, 2.0, 3.0, 7.0, 10.0, 10.001])
    assert np.array_equal(resampled(TIMES, VALUES, at, how), expected, equal_nan=True)


@pytest.mark.parametrize("how", ["linear", "hold", "circular"])
def test_a_longer_gap_than_allowed_has_no_values_but_its_samples_have(how) -> None:
    found = resampled(TIMES, VALUES * 0 + 1, np.array([3.0, 4.0, 4.001, 9.0, 10.0]), how, max_gap_s=2.0)
    assert np.array_equal(found, [1.0, 1.0, NAN, NAN, 1.0], equal_nan=True)


def test_an_angle_goes_the_shorter_way_round() -> None:
    found = resampled(np.array([0.0, 1.0]), np.array([3.0, -3.0]), np.array([0.0, 0.5, 1.0]), "circular")
    assert found[[0, 2]] == pytest.approx([3.0, -3.0])
    assert abs(found[1]) == pytest.approx(np.pi)  # not 0


def test_a_sample_without_a_value_gives_none_to_what_lies_next_to_it() -> None:
    found = resampled(np.arange(4.0), np.array([0.0, NAN, 2.0, 3.0]), np.array([0.0, 0.5, 1.0, 1.5, 2.0, 2.5]))
    assert np.array_equal(found, [0.0, NAN, NAN, NAN, 2.0, 2.5], equal_nan=True)


def test_of_equal_times_the_last_sample_counts() -> None:
    times, values = np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 5.0, 7.0, 9.0])
    for how in ("linear", "hold"):
        assert resampled(times, values, np.array([1.0]), how).tolist() == [7.0]


def test_shapes_are_those_of_the_times_and_columns() -> None:
    at = np.full((3, 5), 1.5)
    assert resampled(TIMES, VALUES.astype(np.float32), at).shape == (3, 5)
    assert resampled(TIMES, np.column_stack([VALUES, VALUES]), at).shape == (3, 5, 2)
    assert np.isnan(resampled(np.zeros(0), np.zeros(0), at)).all()
    assert resampled(np.zeros(0), np.zeros((0, 2)), at).shape == (3, 5, 2)


@pytest.mark.parametrize("times", [[1.0, 0.5], [0.0, NAN], [0.0, np.inf]])
def test_times_that_are_no_order_are_refused(times) -> None:
    with pytest.raises(BadUpstreamData, match="descend or are not finite"):
        resampled(np.array(times), np.zeros(2), np.zeros(1))


def test_a_signal_is_not_counted() -> None:
    with pytest.raises(ConfigError, match="it is for events"):
        resampled(TIMES, VALUES, TIMES, "count")


def test_an_event_is_in_the_bin_that_it_begins() -> None:
    edges = np.array([[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]])
    assert counted_events(np.array([2.0, 0.0, 1.0, 1.5, NAN, 4.0]), edges).tolist() == [[1.0, 2.0], [1.0, 0.0]]


@settings(deadline=None, derandomize=True)  # a busy machine draws slowly
@given(st.lists(st.floats(-100, 100), min_size=2, max_size=20, unique=True), st.floats(-120, 120))
def test_linear_equals_numpy_within_the_samples(times, at) -> None:
    ordered = np.sort(np.array(times))
    values = np.cos(ordered)
    (found,) = resampled(ordered, values, np.array([at]))
    if ordered[0] <= at <= ordered[-1]:
        assert found == pytest.approx(np.interp(at, ordered, values), abs=1e-9)
    else:
        assert np.isnan(found)
