"""The recorded time is what the spikes of nearly all units tell; single spikes do not extend it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nh_platform.session import Spikes
from nh_platform.session.recorded_time import FEW, LONGEST_PAUSE_S, recorded_time


def spikes_of(*trains: object) -> Spikes:
    times = [np.sort(np.asarray(train, dtype=np.float64)) for train in trains]
    offsets = np.concatenate([[0], np.cumsum([len(train) for train in times])]).astype(np.int64)
    joined = np.concatenate([*times, np.zeros(0)])
    nothing = np.full(len(joined), np.nan, dtype=np.float32)
    return Spikes(joined, offsets, nothing, nothing)


REGULAR = np.arange(1.0, 3000.0, 0.5)


def test_it_is_that_from_the_first_to_the_last_spike() -> None:
    found = recorded_time(spikes_of(REGULAR, REGULAR + 0.25, []))
    assert (found.start, found.stop, found.n_before, found.n_after) == (1.0, 2999.75, 0, 0)
    assert found.duration_s == 2998.75


@pytest.mark.parametrize("trains", [(), ([],), ([], [])])
def test_without_spikes_there_is_none(trains) -> None:
    found = recorded_time(spikes_of(*trains))
    assert np.isnan(found.start)
    assert np.isnan(found.stop)
    assert found.duration_s == 0


def test_spikes_before_zero_are_outside() -> None:
    found = recorded_time(spikes_of(REGULAR, [-0.01, -3.0, 7.0], [-1.0]))
    assert (found.start, found.n_before) == (1.0, 3)


def test_a_few_spikes_far_behind_are_outside_and_many_are_a_second_stretch() -> None:
    late = 2999.5 + LONGEST_PAUSE_S + 1
    few = int(FEW * 2 * len(REGULAR)) - 1
    found = recorded_time(spikes_of(REGULAR, REGULAR, late + np.arange(few)))
    assert (found.stop, found.n_after) == (2999.5, few)
    many = recorded_time(spikes_of(REGULAR, np.concatenate([REGULAR, REGULAR + 10_000])))
    assert (many.stop, many.n_after) == (12_999.5, 0)


def test_one_spike_behind_several_silences_is_outside_from_the_first_that_few_follow() -> None:
    found = recorded_time(spikes_of(REGULAR, [1e4, 1e6]))
    assert (found.stop, found.n_after) == (2999.5, 2)


def test_spikes_before_zero_alone_leave_no_recorded_time_after_it() -> None:
    found = recorded_time(spikes_of([-3.0, -1.0]))
    assert (found.start, found.stop) == (-3.0, -1.0)


@given(st.lists(st.lists(st.floats(-10, 1e5), max_size=30), max_size=6))
def test_what_is_outside_is_counted(trains: list[list[float]]) -> None:
    """Held against sorting everything."""
    spikes = spikes_of(*trains)
    found, times = recorded_time(spikes), np.sort(spikes.times)
    if len(times) and times[-1] >= 0:
        assert found.start == times[times >= 0][0]
        assert found.n_before == (times < 0).sum()
        assert found.n_after == (times > found.stop).sum()
        assert found.n_after <= FEW * len(times)
