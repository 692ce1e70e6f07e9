"""The recorded time is what the spikes of nearly all units tell; single spikes do not extend it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.session import Spikes
from nh_platform.session.recorded_time import FEW, LONGEST_PAUSE_S, spikes_of_recording


def spikes_of(*trains: object) -> Spikes:
    times = [np.sort(np.asarray(train, dtype=np.float64)) for train in trains]
    offsets = np.concatenate([[0], np.cumsum([len(train) for train in times])]).astype(np.int64)
    joined = np.concatenate([*times, np.zeros(0)])
    nothing = np.full(len(joined), np.nan, dtype=np.float32)
    return Spikes(joined, offsets, nothing, nothing)


REGULAR = np.arange(1.0, 3000.0, 0.5)


def test_it_is_that_from_the_first_to_the_last_spike() -> None:
    found = spikes_of(REGULAR, REGULAR + 0.25, []).recorded_time
    assert (found.start, found.stop, found.n_before, found.n_after) == (1.0, 2999.75, 0, 0)
    assert found.duration_s == 2998.75


@pytest.mark.parametrize("trains", [(), ([],), ([], [])])
def test_without_spikes_there_is_none(trains) -> None:
    found = spikes_of(*trains).recorded_time
    assert np.isnan(found.start)
    assert np.isnan(found.stop)
    assert found.duration_s == 0


def test_spikes_before_zero_are_outside() -> None:
    found = spikes_of(REGULAR, [-0.01, -3.0, 7.0], [-1.0]).recorded_time
    assert (found.start, found.n_before) == (1.0, 3)


def test_a_few_spikes_far_behind_are_outside_and_many_are_a_second_stretch() -> None:
    late = 2999.5 + LONGEST_PAUSE_S + 1
    few = int(FEW * 2 * len(REGULAR)) - 1
    found = spikes_of(REGULAR, REGULAR, late + np.arange(few)).recorded_time
    assert (found.stop, found.n_after) == (2999.5, few)
    many = spikes_of(REGULAR, np.concatenate([REGULAR, REGULAR + 10_000])).recorded_time
    assert (many.stop, many.n_after) == (12_999.5, 0)


def test_one_spike_behind_several_silences_is_outside_from_the_first_that_few_follow() -> None:
    found = spikes_of(REGULAR, [1e4, 1e6]).recorded_time
    assert (found.stop, found.n_after) == (2999.5, 2)


def test_a_long_silence_of_every_unit_is_a_pause() -> None:
    dense = np.arange(30_000) / 100
    first, second = dense[(dense < 50) | (dense >= 79)], dense[(dense < 60) | (dense >= 90)]
    assert spikes_of(first, [], second).recorded_time.pauses == ((59.99, 79.0),)
    assert spikes_of(first, second, [1e4]).recorded_time.pauses == ((59.99, 79.0),)
    assert spikes_of(first, second, [69.5]).recorded_time.pauses == ()


def test_a_short_silence_is_none_and_one_of_a_few_slow_units_neither() -> None:
    dense = np.arange(60_000) / 200
    assert spikes_of(dense[(dense < 50) | (dense >= 59)]).recorded_time.pauses == ()
    assert len(spikes_of(dense[(dense < 50) | (dense >= 61)]).recorded_time.pauses) == 1
    slow = np.arange(0.0, 3000.0, 1.0)  # 1,000 spikes take 1,000 s
    assert spikes_of(slow[(slow < 50) | (slow >= 800)]).recorded_time.pauses == ()
    assert spikes_of([0.0], [500.0]).recorded_time.pauses == ()


def test_spikes_before_zero_alone_leave_no_recorded_time_after_it() -> None:
    found = spikes_of([-3.0, -1.0]).recorded_time
    assert (found.start, found.stop) == (-3.0, -1.0)


def test_a_stray_spike_in_most_units_does_not_hide_that_they_are_stray() -> None:
    trains = [np.append(REGULAR, 5e4) if unit < 6 else REGULAR for unit in range(10)]
    found = spikes_of(*trains).recorded_time
    assert (found.stop, found.n_after) == (2999.5, 6)
    alone = spikes_of(np.append(REGULAR, 5e4)).recorded_time
    assert (alone.stop, alone.n_after) == (2999.5, 1)


def test_a_few_spikes_far_ahead_are_outside() -> None:
    found = spikes_of(REGULAR + 5000, [3.0, -2.0]).recorded_time
    assert (found.start, found.n_before, found.n_negative) == (5001.0, 2, 1)


def test_the_spikes_of_the_recording_are_those_within_it() -> None:
    whole = spikes_of(REGULAR, REGULAR)
    assert spikes_of_recording(whole) is whole
    kept = spikes_of_recording(spikes_of(np.append(REGULAR, 5e4), [-1.0, 5.0], []))
    assert kept.counts.tolist() == [len(REGULAR), 1, 0]
    assert kept.of_unit(1).tolist() == [5.0]


def plainly(times: np.ndarray) -> tuple[float, float]:
    """Return start and stop by sorting everything."""
    times = times[times >= 0]
    few, silences = int(FEW * ALL), np.flatnonzero(np.diff(times) > LONGEST_PAUSE_S) + 1
    ahead = max((int(n) for n in silences if n <= few), default=0)
    behind = max((len(times) - int(n) for n in silences if len(times) - n <= few), default=0)
    return times[ahead], times[len(times) - 1 - behind]


ALL = 4000


@settings(deadline=None)
@given(st.integers(1, 40), st.lists(st.floats(-1e4, 1e6), max_size=6), st.integers(0, 2**32 - 1))
def test_it_is_what_sorting_everything_gives(n_units: int, strays: list[float], seed: int) -> None:
    random = np.random.default_rng(seed)
    times = np.append(random.uniform(0, 5000, ALL - len(strays)).round(1), strays)
    unit = random.integers(0, n_units, ALL)
    found = spikes_of(*(times[unit == one] for one in range(n_units))).recorded_time
    times = np.sort(times)
    assert (found.start, found.stop) == plainly(times)
    assert found.n_negative == (times < 0).sum()
    assert found.n_before == (times < found.start).sum()
    assert found.n_after == (times > found.stop).sum()


@given(st.lists(st.lists(st.floats(-10, 1e5), max_size=30), max_size=6))
def test_what_is_outside_is_counted(trains: list[list[float]]) -> None:
    """Held against sorting everything."""
    spikes = spikes_of(*trains)
    found, times = spikes.recorded_time, np.sort(spikes.times)
    if len(times) and times[-1] >= 0:
        assert found.start == times[times >= 0][0]
        assert found.n_before == found.n_negative == (times < 0).sum()
        assert found.n_after == (times > found.stop).sum()
        assert found.n_after <= FEW * len(times)
