"""Every spike is in exactly one half-open bin, and the kernels equal plain numpy."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.windows.counts.binning import (
    bin_centers,
    bin_edges,
    bin_events,
    bin_of_time,
    bin_session,
    binarise,
    whole_microseconds,
)
from nh_platform.windows.whole_bins import whole_bins
from nh_platform_tests.windows.trains import count_by_hand, edges_by_hand, spikes_of

BIN_US = 20_000
edge_times = st.integers(-5_000, 400_000).map(lambda k: k * BIN_US / 1e6)
near_edge = st.builds(lambda t, up: np.nextafter(t, np.inf if up else -np.inf), edge_times, st.booleans())
any_time = st.floats(-100, 8000, allow_nan=False)
train = st.lists(st.one_of(edge_times, near_edge, any_time), max_size=12).map(sorted)
short_train = st.lists(st.one_of(st.integers(-60, 60).map(lambda k: k * BIN_US / 1e6), st.floats(-1, 1)), max_size=12)


@pytest.mark.parametrize(
    ("start", "stop", "bin_us", "text"),
    [
        (
            0.0,
            0.5,
            30_000,
            "window 0.0 s to 0.5 s: it is not a whole number of bins of 0.03 s. Choose a stop of 0.48 or 0.51",
        ),
        (0.0, 0.01, 30_000, "Choose a stop of 0.03 s, or another width"),
        (
            0.5,
            -0.5,
            20_000,
            "window 0.5 s to -0.5 s: it does not end after it starts. Choose a stop after .*, from 0.52 s",
        ),
        (0.5, 0.5, 20_000, "it does not end after it starts"),
        (0.0, 0.5, 0, "bins of 0 s: they have no width"),
    ],
)
def test_a_window_that_is_no_bins_is_refused_with_the_nearest_stops(start, stop, bin_us, text) -> None:
    with pytest.raises(ConfigError, match=text):
        whole_bins(start, stop, bin_us)


@pytest.mark.parametrize("k", [0, 1, 3, 7, 29, 35, 58, 299_999, 12_345_678, -3])
def test_a_spike_on_an_edge_is_in_the_bin_that_starts_there(k) -> None:
    edge = k * BIN_US / 1e6
    assert bin_of_time(edge, BIN_US) == k
    assert bin_of_time(np.nextafter(edge, -np.inf), BIN_US) == k - 1
    grid = bin_session(spikes_of([edge]), BIN_US, start_bin=k - 1, n_bins=3)
    assert grid.counts.tolist() == [[0, 1, 0]]


def test_division_alone_would_put_an_edge_spike_one_bin_too_low() -> None:
    assert np.floor(0.58 / 0.02) == 28
    assert bin_of_time(0.58, BIN_US) == 29


def test_edges_are_the_nearest_floats_and_never_a_running_sum() -> None:
    edges = bin_edges(0, 450_000, BIN_US)
    assert edges[15] == 0.3
    assert np.array_equal(edges, edges_by_hand(0, 450_000, BIN_US))
    assert not np.array_equal(edges, np.cumsum(np.r_[0, np.full(450_000, 0.02)]))


def test_thirteen_bins_stay_thirteen() -> None:
    # np.arange(0, 14 * .02, .02) gives a published dataset a 14th bin, to 0.28 s.
    counts = bin_events(spikes_of([0.255, 0.265]), np.array([0.0]), 0, 13, BIN_US).counts
    assert counts.shape == (1, 1, 13)
    assert counts.sum() == 1


def test_labels_are_bin_centres() -> None:
    assert bin_centers(-40_000, 3, BIN_US).tolist() == [-0.03, -0.01, 0.01]
    assert bin_session(spikes_of([1.0, 1.05]), BIN_US).bin_centers.tolist() == [1.01, 1.03, 1.05]


@settings(max_examples=150, deadline=None)
@given(st.lists(train, max_size=4), st.sampled_from([1_000, BIN_US, 33_333, 1_000_000]))
def test_every_spike_of_the_recorded_time_is_counted_once(trains, bin_us) -> None:
    trains = [[t for t in train if t >= 0] for train in trains]
    spikes = spikes_of(*trains)
    if bin_us < BIN_US and len(spikes.times) and np.ptp(spikes.times) > 100:
        return  # 8 million bins say nothing more than 5 thousand
    grid = bin_session(spikes, bin_us)
    assert grid.counts.dtype == np.uint8
    assert grid.counts.sum(axis=1, dtype=int).tolist() == [len(train) for train in trains]
    assert grid.maximum == grid.counts.max(initial=0)
    for row, times in enumerate(trains):
        for t in times:
            assert grid.counts[row, bin_of_time(t, bin_us) - grid.start_bin] > 0


@settings(max_examples=150, deadline=None)
@given(st.lists(train, max_size=4), st.integers(-100, 300_000), st.integers(0, 40))
def test_a_part_of_the_session_equals_numpy(trains, start_bin, n_bins) -> None:
    grid = bin_session(spikes_of(*trains), BIN_US, start_bin, n_bins)
    edges = edges_by_hand(start_bin * BIN_US, n_bins, BIN_US)
    expected = [count_by_hand(np.array(times), edges) for times in trains]
    assert grid.counts.tolist() == [row.tolist() for row in expected]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(short_train.map(sorted), max_size=3),
    st.lists(st.one_of(st.integers(-50, 50).map(lambda k: k * BIN_US / 1e6), st.floats(-1, 1)), max_size=4),
    st.integers(-30, 30),
    st.integers(0, 20),
)
@example([[0.02]], [0.02, 0.02, -0.3], 0, 1)
def test_event_windows_equal_numpy_in_any_order_of_events(trains, events, first_bin, n_bins) -> None:
    counted = bin_events(spikes_of(*trains), np.array(events), first_bin * BIN_US, n_bins, BIN_US)
    relative = edges_by_hand(first_bin * BIN_US, n_bins, BIN_US)
    assert counted.counts.shape == (len(events), len(trains), n_bins)
    for window, event in enumerate(events):
        for unit, times in enumerate(trains):
            expected = count_by_hand(np.array(times), event + relative)
            assert counted.counts[window, unit].tolist() == expected.tolist()


def test_neighbouring_event_windows_share_no_spike() -> None:
    times = np.arange(0, 256) / 128  # exact in binary, as are the events and 15.625 ms = 1/64 s: every edge has a spike
    counted = bin_events(spikes_of(times), np.array([0.25, 0.5, 0.75]), 0, 16, 15_625)
    assert (counted.counts == 2).all()
    assert counted.counts.sum() == ((times >= 0.25) & (times < 1.0)).sum()


def test_counts_saturate_and_the_true_maximum_is_kept() -> None:
    burst = np.full(300, 0.5)
    grid = bin_session(spikes_of(burst, [0.5]), BIN_US)
    assert grid.counts.max() == 255
    assert grid.maximum == 300
    aligned = bin_events(spikes_of(burst), np.array([0.5]), 0, 1, BIN_US)
    assert (aligned.counts.item(), aligned.maximum) == (255, 300)


@pytest.mark.parametrize("n", [255, 256, 257, 511, 512, 513, 1000])
def test_a_count_of_any_size_saturates_in_its_own_bin_alone(n) -> None:
    burst = np.sort(np.concatenate([np.full(n, 1.01), [0.99, 1.0, 1.03, 1.03]]))
    expected = [1, min(n + 1, 255), 2]
    grid = bin_session(spikes_of([0.5], burst), BIN_US, 49, 3)
    assert (grid.counts.tolist(), grid.maximum) == ([[0, 0, 0], expected], n + 1)
    events = bin_events(spikes_of(burst, [1.0]), np.array([1.0, 0.5, 1.0]), -20_000, 3, BIN_US)
    assert events.counts[:, 0].tolist() == [expected, [0, 0, 0], expected]
    assert (events.counts[0, 1].tolist(), events.maximum) == ([0, 1, 0], n + 1)


@pytest.mark.parametrize("bin_us", [1, 333, BIN_US, 1_000_000])
@pytest.mark.parametrize("first_second", [-50, 0, 4_000, 2_000_000])
def test_long_trains_on_and_beside_edges_equal_numpy(bin_us, first_second) -> None:
    random = np.random.default_rng(bin_us)
    first, n_bins = first_second * 1_000_000 // bin_us, 700
    edges = edges_by_hand(first * bin_us, n_bins, bin_us)
    near = [edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)]
    within = random.uniform(edges[0] - bin_us / 1e6, edges[-1] + bin_us / 1e6, 900)
    trains = [np.sort(np.concatenate([*near, within])), np.sort(within), edges, np.sort(within)[:63]]
    expected = [np.diff(np.searchsorted(train, edges)) for train in trains]
    np.testing.assert_array_equal(bin_session(spikes_of(*trains), bin_us, first, n_bins).counts, expected)
    found = bin_events(spikes_of(*trains), np.array([0.0, 0.0]), first * bin_us, n_bins, bin_us).counts
    np.testing.assert_array_equal(found, [expected, expected])


@pytest.mark.parametrize("order", ["ascending", "descending", "any"])
@pytest.mark.parametrize("first_second", [-50, 0, 100_000])
def test_events_any_number_of_spikes_apart_equal_numpy_whatever_their_order(first_second, order) -> None:
    random = np.random.default_rng(abs(first_second))
    # From 0 to 600 spikes between two events, on the clock of a probe, and some of them on an edge or beside one.
    events = first_second + np.cumsum(random.integers(1, 60, 60)) * 0.1
    relative = edges_by_hand(-10 * BIN_US, 25, BIN_US)
    edges = (events[:, None] + relative).ravel()
    near = np.concatenate([edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)])
    span = float(np.ptp(events))
    trains = [np.sort(np.round((events[0] + random.uniform(-1, span, n)) * 30_000) / 30_000) for n in (1, 15, 16, 17)]
    trains += [np.sort(events[0] + random.uniform(-1, span, int(rate * span))) for rate in (0.5, 3, 12, 100)]
    trains += [np.sort(near), np.sort(random.choice(near, 500)), []]
    events = {"ascending": events, "descending": events[::-1], "any": random.permutation(events)}[order]
    found = bin_events(spikes_of(*trains), events, -10 * BIN_US, 25, BIN_US)
    expected = np.array([[count_by_hand(np.array(train), event + relative) for train in trains] for event in events])
    np.testing.assert_array_equal(found.counts, expected)
    assert found.maximum == expected.max()


def _many_events(random) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return more events than are counted together, and more spikes around one than are kept before they count."""
    events = 5 + np.sort(random.choice(np.arange(900), 600)) * 0.2
    edges = (events[:, None] + edges_by_hand(-5 * BIN_US, 20, BIN_US)).ravel()
    trains = [np.sort(np.round(random.uniform(0, 200, n) * 30_000) / 30_000) for n in (40_000, 3, 15_000, 0, 900)]
    return events, [*trains, np.sort(random.choice(edges, 40_000)), events[300:301].repeat(700)]


@pytest.mark.parametrize("places", [2**31 - 1, 45, 1])
@pytest.mark.parametrize("order", ["ascending", "any"])
def test_many_events_and_spikes_equal_numpy_whatever_is_counted_together(places, order, monkeypatch) -> None:
    monkeypatch.setattr("nh_platform.windows.counts.binning.MAX_PLACES", places)
    random = np.random.default_rng(8)
    events, trains = _many_events(random)
    events = events if order == "ascending" else random.permutation(events)
    found = bin_events(spikes_of(*trains), events, -5 * BIN_US, 20, BIN_US)
    edges = events[:, None] + edges_by_hand(-5 * BIN_US, 20, BIN_US)
    expected = np.stack([np.diff(np.searchsorted(train, edges), axis=1) for train in trains], axis=1)
    np.testing.assert_array_equal(found.counts, np.minimum(expected, 255))
    assert found.maximum == expected.max() == 700


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2), st.floats(0, 1, exclude_max=True), st.sampled_from([np.nan, -1e9]), st.integers(0, 600))
def test_no_spike_out_of_order_goes_unseen_wherever_it_lies_among_events(unit, share, wrong, n_events) -> None:
    events, trains = _many_events(np.random.default_rng(8))
    # The first spike of a unit is out of order only where it is NaN.
    trains[unit][int(share * len(trains[unit]))] = wrong if int(share * len(trains[unit])) else np.nan
    with pytest.raises(BadUpstreamData, match=f"unit row {unit}"):
        bin_events(spikes_of(*trains), events[:n_events], 0, 20, BIN_US)


@pytest.mark.parametrize("trains", [[], [[]], [[], [1.0], []], [[1.0, 1.0]]])
def test_units_with_no_one_or_two_spikes(trains) -> None:
    spikes = spikes_of(*trains)
    assert bin_session(spikes, BIN_US).counts.sum(axis=1, dtype=int).tolist() == [len(train) for train in trains]
    assert bin_events(spikes, np.zeros(0), 0, 5, BIN_US).counts.shape == (0, len(trains), 5)


@pytest.mark.parametrize("times", [[1.0, 0.5], [0.5, np.nan], [np.nan, 1.0]])
def test_unsorted_or_nan_spikes_are_refused_with_unit_and_time(times) -> None:
    with pytest.raises(BadUpstreamData, match="unit row 1"):
        bin_session(spikes_of([3.0], times), BIN_US)


def test_events_without_a_time_are_refused() -> None:
    with pytest.raises(BadUpstreamData, match="1 of 2 are not finite"):
        bin_events(spikes_of([1.0]), np.array([1.0, np.nan]), 0, 1, BIN_US)


def test_binarised_counts_are_zero_or_one() -> None:
    assert binarise(np.array([[0, 1, 7]], dtype=np.uint8)).tolist() == [[0, 1, 1]]


def test_times_must_be_whole_microseconds() -> None:
    assert whole_microseconds(0.02, "bin_s") == 20_000
    assert whole_microseconds(-0.5, "start") == -500_000
    with pytest.raises(ConfigError, match="bin_s"):
        whole_microseconds(1 / 3, "bin_s")
