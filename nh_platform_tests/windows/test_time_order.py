"""Time-ordered spikes keep every bit, and windows of them hold exactly the bins of spikes grouped by unit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.session import BadUpstreamData
from nh_platform.windows import bin_events, bin_session
from nh_platform.windows.counts.binning import bin_edges
from nh_platform.windows.time_order import count_window, first_spike_at, ordered_spikes, take_window
from nh_platform_tests.windows.trains import count_by_hand, edges_by_hand, spikes_of


def counts_at(spikes, base, edges, place=None) -> np.ndarray:
    times, rows, start, seconds = ordered_spikes(spikes)
    place = np.arange(spikes.n_units) if place is None else np.asarray(place)
    out = np.zeros((int(place.max(initial=-1)) + 1, len(edges) - 1), dtype=np.uint8)
    first = first_spike_at(times, start, seconds, base + edges[0])
    count_window(times, rows, first, base, edges, place, out)
    return out


def test_spikes_of_one_time_come_in_the_order_of_the_units_with_every_bit() -> None:
    times, rows, start, seconds = ordered_spikes(spikes_of([-0.5, 1.0, 1.0], [], [0.0, 1.0], [-0.0, 2.0]))
    assert times.tolist() == [-0.5, 0.0, -0.0, 1.0, 1.0, 1.0, 2.0]
    assert np.signbit(times).tolist() == [True, False, True, False, False, False, False]
    assert rows.tolist() == [0, 2, 3, 0, 0, 2, 3]
    assert rows.dtype == np.uint16
    assert (start, seconds.tolist()) == (-1, [0, 1, 3, 6, 7])
    times, rows, start, seconds = ordered_spikes(spikes_of([], []))
    assert (len(times), len(rows), start, seconds.tolist()) == (0, 0, 0, [0])


def test_many_spikes_in_one_bucket_stay_in_order() -> None:
    rng = np.random.default_rng(0)
    trains = [np.sort(rng.integers(0, 50, 200)) / 1e6 for _ in range(5)] + [[9e6]]
    times, rows, *_ = ordered_spikes(spikes_of(*trains))
    given_rows = np.repeat(np.arange(6), [200] * 5 + [1])
    order = np.argsort(np.concatenate(trains), kind="stable")
    np.testing.assert_array_equal(times, np.concatenate(trains)[order])
    np.testing.assert_array_equal(rows, given_rows[order])


@pytest.mark.parametrize(
    ("trains", "found"),
    [(([2.0, 1.0],), "earlier than the one before"), (([np.nan],), "NaN"), (([1.0, np.inf],), "from 1.0 to inf s")],
)
def test_times_that_cannot_be_ordered_are_refused(trains, found) -> None:
    with pytest.raises(BadUpstreamData, match=found):
        ordered_spikes(spikes_of(*trains))


def test_a_spike_on_an_edge_is_in_the_bin_that_it_begins() -> None:
    edges = edges_by_hand(0, 50, 20_000)
    for k, edge in enumerate(edges):
        counts = counts_at(spikes_of([edge]), 0.0, edges)
        assert counts.sum() == (k < 50)
        assert k == 50 or counts[0, k] == 1
    assert counts_at(spikes_of([-0.0]), 0.0, edges)[0, 0] == 1
    single = np.arange(100, dtype=np.float32) * np.float32(0.01)
    wide = single.astype(np.float64)
    np.testing.assert_array_equal(counts_at(spikes_of(single), 0.0, edges)[0], count_by_hand(wide, edges))


def test_counts_saturate_and_units_that_are_not_wanted_do_not_count() -> None:
    spikes = spikes_of(np.full(300, 0.5), [0.1, 0.9], np.full(255, 0.5))
    edges = np.array([0.0, 0.5, 1.0])
    assert counts_at(spikes, 0.0, edges, [1, -1, 0]).tolist() == [[0, 255], [0, 255]]
    times, rows, *_ = ordered_spikes(spikes)
    out = np.zeros((1, 2), dtype=np.uint8)
    assert count_window(times, rows, 0, 0.0, edges, np.array([-1, -1, 0]), out) == 255
    out[:] = 0
    assert count_window(times, rows, 0, 0.0, edges, np.array([0, -1, -1]), out) == 256


trains = st.lists(
    st.lists(st.one_of(st.floats(-3, 6), st.integers(-150, 300).map(lambda k: k * 20_000 / 1e6)), max_size=60).map(
        sorted
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(trains, st.one_of(st.floats(-4, 7), st.integers(-200, 350).map(lambda k: k * 20_000 / 1e6)), st.integers(1, 80))
def test_windows_hold_the_bins_of_bin_events_and_of_the_plain_loop(given_trains, event, n_bins) -> None:
    spikes = spikes_of(*given_trains)
    edges = bin_edges(-500_000, n_bins, 20_000)
    counts = counts_at(spikes, event, edges)
    np.testing.assert_array_equal(counts, bin_events(spikes, np.array([event]), -500_000, n_bins, 20_000).counts[0])
    by_hand = [count_by_hand(np.asarray(train, dtype=np.float64), event + edges) for train in given_trains]
    np.testing.assert_array_equal(counts, by_hand)
    first_bin = int(np.floor(event / 0.02))
    on_grid = counts_at(spikes, 0.0, bin_edges(first_bin * 20_000, n_bins, 20_000))
    np.testing.assert_array_equal(on_grid, bin_session(spikes, 20_000, first_bin, n_bins).counts)


@settings(max_examples=100, deadline=None)
@given(trains, st.floats(-5, 8))
def test_the_second_index_finds_what_a_search_finds(given_trains, value) -> None:
    times, rows, start, seconds = ordered_spikes(spikes_of(*given_trains))
    assert first_spike_at(times, start, seconds, value) == np.searchsorted(times, value)
    assert first_spike_at(times, start, seconds, np.floor(value)) == np.searchsorted(times, np.floor(value))
    out_times, out_units = np.empty(len(times)), np.empty(len(times), dtype=np.int64)
    place = np.where(np.arange(len(given_trains)) % 2, -1, np.arange(len(given_trains)) // 2)
    n = take_window(times, rows, 0, len(times), 0.5, place, out_times, out_units)
    even = rows % 2 == 0
    np.testing.assert_array_equal(out_times[:n], times[even] - 0.5)
    np.testing.assert_array_equal(out_units[:n], rows[even] // 2)
