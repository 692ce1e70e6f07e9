"""Counts and means per presentation: half-open bins of any width, AllenSDK's bins where asked, clipped ends."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.session import BadUpstreamData, ConfigError, Signal
from nh_platform.sources.allen import sdk
from nh_platform.windows.presentations.presentation_counts import (
    count_in_presentations,
    even_edges,
    presentation_domain,
    presentation_means,
)
from nh_platform_tests.windows.trains import spikes_of


def plain_counts(trains, starts, edges, stops) -> np.ndarray:
    """Count with comparisons alone; the edges are those of `presentation_domain`."""
    out = np.zeros((len(starts), len(edges) - 1, len(trains)), dtype=int)
    for p, start in enumerate(starts):
        at = [min(start + edge, stops[p]) for edge in edges]
        for u, train in enumerate(trains):
            for k in range(len(edges) - 1):
                out[p, k, u] = sum(at[k] <= t < at[k + 1] for t in train)
    return out


def on_and_off_edges(seed, n_units=3) -> tuple[list[np.ndarray], np.ndarray, np.ndarray, np.ndarray]:
    """Spikes on the edges of the presentations below, and anywhere."""
    rng = np.random.default_rng(seed)
    starts = np.sort(rng.uniform(0, 5, 7)).round(3)
    edges = np.arange(0, 0.28, 0.02)
    on = (starts[:, None] + edges).ravel()
    stops = starts + rng.uniform(0.0, 0.4, 7)
    trains = [
        np.sort(np.concatenate([rng.choice(on, 20), rng.choice(stops, 3), rng.uniform(0, 6, 40)]))
        for _ in range(n_units)
    ]
    return trains, starts, edges, stops


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("clipped", [False, True])
def test_counts_are_those_of_comparisons_with_the_edges(seed, clipped) -> None:
    trains, starts, edges, stops = on_and_off_edges(seed)
    ends = stops if clipped else np.full(len(starts), np.inf)
    counts = count_in_presentations(spikes_of(*trains), starts, edges, stops if clipped else None)
    np.testing.assert_array_equal(counts, plain_counts(trains, starts, edges, ends))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("clipped", [False, True])
def test_closed_bins_are_those_of_allensdk_and_differ_by_its_double_count_alone(seed, clipped) -> None:
    sdk.restore_numpy_names()
    from allensdk.brain_observatory.ecephys.ecephys_session import build_spike_histogram

    trains, starts, edges, stops = on_and_off_edges(seed)
    ends = stops if clipped else np.full(len(starts), np.inf)
    domain = presentation_domain(starts, edges, ends)
    theirs = build_spike_histogram(domain, dict(enumerate(trains)), range(len(trains)))
    spikes = spikes_of(*trains)
    closed = count_in_presentations(spikes, starts, edges, stops if clipped else None, closed=True)
    np.testing.assert_array_equal(closed, theirs)
    ours = count_in_presentations(spikes, starts, edges, stops if clipped else None)
    assert (theirs > ours).any()
    for unit, train in enumerate(trains):
        times = Counter(train.tolist())
        on_right_edge = np.array([[times[edge] for edge in row[1:]] for row in domain.tolist()])
        np.testing.assert_array_equal(theirs[:, :, unit].astype(int) - ours[:, :, unit], on_right_edge)


def test_edges_may_have_any_width_and_presentations_any_order() -> None:
    trains, starts, _, _ = on_and_off_edges(9)
    edges = np.array([-0.3, -0.05, 0.0, 0.01, 0.5, 0.51])
    order = np.array([4, 0, 6, 2, 1, 5, 3])
    counts = count_in_presentations(spikes_of(*trains), starts[order], edges)
    np.testing.assert_array_equal(counts, plain_counts(trains, starts[order], edges, np.full(7, np.inf)))


def test_many_presentations_are_counted_block_by_block() -> None:
    rng = np.random.default_rng(3)
    trains = [np.sort(rng.uniform(0, 30, n)) for n in (0, 1, 2000, 300)]
    starts = np.arange(0.5, 29, 0.2)  # windows overlap, and there are more than one block of them
    edges = even_edges(-0.05, 0.5, 0.05)
    counts = count_in_presentations(spikes_of(*trains), starts, edges)
    np.testing.assert_array_equal(counts, plain_counts(trains, starts, edges, np.full(len(starts), np.inf)))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("gap", [0.0, 0.02, 1.3])
@pytest.mark.parametrize("clipped", [False, True])
def test_presentations_apart_or_back_to_back_are_counted_alike(seed, gap, clipped) -> None:
    rng = np.random.default_rng(seed)
    edges = np.array([-0.02, 0.0, 0.01, 0.02, 0.03, 0.13, 0.18])
    starts = 1.0 + np.arange(60) * (0.2001 + gap) + rng.uniform(0, 1e-4, 60)  # more than one block of them
    stops = starts + rng.uniform(-0.03, 0.25, 60) if clipped else np.full(60, np.inf)
    on = np.concatenate([(starts[:, None] + edges).ravel(), stops[np.isfinite(stops)]])
    trains = [np.sort(np.append(rng.uniform(-1, starts[-1] + 3, n), rng.choice(on, n // 3))) for n in (0, 3, 600, 90)]
    trains[1] = np.array([-np.inf, starts[7], np.inf])
    order = rng.permutation(60)
    given = stops[order] if clipped else None
    counts = count_in_presentations(spikes_of(*trains), starts[order], edges, given)
    np.testing.assert_array_equal(counts, plain_counts(trains, starts[order], edges, stops[order]))
    if clipped:
        return
    domain = presentation_domain(starts, edges, stops)
    closed = count_in_presentations(spikes_of(*trains), starts, edges, closed=True)
    at_right_edges = np.array([[[(train == edge).sum() for train in trains] for edge in row[1:]] for row in domain])
    np.testing.assert_array_equal(closed - counts[np.argsort(order)], at_right_edges)


gaps = st.lists(st.sampled_from([0.0, 1e-9, 0.01, 1.0, 59.9, 60.0, 400.0]), min_size=1, max_size=80)


@settings(max_examples=80, deadline=None)
@given(gaps, st.integers(0, 2**32), st.booleans(), st.sampled_from([10, 3000, 200_000]))
def test_presentations_any_gaps_apart_equal_numpy(gaps, seed, clipped, n_spikes) -> None:
    rng = np.random.default_rng(seed)
    edges = np.array([-0.02, 0.0, 0.01, 0.02, 0.03, 0.13, 0.18])
    starts = 1.0 + np.cumsum(np.array(gaps) + 0.2001)
    stops = starts + rng.uniform(-0.03, 0.25, len(starts)) if clipped else np.full(len(starts), np.inf)
    domain = presentation_domain(starts, edges, stops)
    shares = [np.linspace(0, starts[-1] + 3, n_spikes), rng.choice(domain.ravel(), 60), np.zeros(0)]
    trains = [np.sort(rng.choice(np.concatenate(shares), n)) for n in (n_spikes, 0, 40, n_spikes // 3)]
    counts = count_in_presentations(spikes_of(*trains), starts, edges, stops if clipped else None)
    expected = [np.diff(np.searchsorted(train, domain), axis=1) for train in trains]
    np.testing.assert_array_equal(counts, np.stack(expected, axis=-1))
    wrong, unit = int(rng.integers(1, n_spikes)), int(rng.choice([0, 2]))
    trains[unit][wrong % len(trains[unit])] = np.nan
    with pytest.raises(BadUpstreamData, match=f"unit row {unit}"):
        count_in_presentations(spikes_of(*trains), starts, edges, stops if clipped else None)


def test_presentations_that_end_a_nanosecond_apart_are_counted() -> None:
    starts, edges = np.array([1.0, 1.000000001, 4000.0]), np.array([0.0, 1e-9])
    trains = [np.array([1.0, 1.000000001, 1.000000001, 1.5, 4000.0])]
    counts = count_in_presentations(spikes_of(*trains), starts, edges)
    np.testing.assert_array_equal(counts, plain_counts(trains, starts, edges, np.full(3, np.inf)))


@pytest.mark.parametrize("train", [[2.0, 1.0], [1.0, np.nan, 2.0], [np.nan]])
@pytest.mark.parametrize("starts", [[0.5, 2.5], [0.5, 0.6]])
def test_spikes_that_are_not_sorted_are_refused_wherever_they_lie(train, starts) -> None:
    with pytest.raises(BadUpstreamData, match="unit row 1"):
        count_in_presentations(spikes_of([1.0], train), starts, [0.0, 1.0])


def test_more_than_255_spikes_in_a_bin_are_counted_all_the_same() -> None:
    counts = count_in_presentations(spikes_of(np.linspace(0, 0.9, 300)), [0.0], [0.0, 1.0])
    assert counts.dtype == np.uint16
    assert counts.item() == 300
    assert count_in_presentations(spikes_of(np.linspace(0, 0.9, 255)), [0.0], [0.0, 1.0]).dtype == np.uint8


def test_no_presentations_no_units_and_no_spikes_give_typed_arrays() -> None:
    assert count_in_presentations(spikes_of([1.0]), [], [0.0, 1.0]).shape == (0, 1, 1)
    assert count_in_presentations(spikes_of(), [1.0], [0.0, 1.0]).shape == (1, 1, 0)
    assert count_in_presentations(spikes_of([]), [1.0], [0.0, 1.0]).sum() == 0


@pytest.mark.parametrize("edges", [[0.0], [0.0, 0.0], [0.1, 0.0], []])
def test_edges_that_do_not_ascend_are_refused(edges) -> None:
    with pytest.raises(ConfigError, match="bin edges"):
        count_in_presentations(spikes_of([1.0]), [1.0], edges)


def test_times_that_are_no_times_are_refused() -> None:
    with pytest.raises(BadUpstreamData, match="start times of presentations: 1 of 2"):
        count_in_presentations(spikes_of([1.0]), [1.0, np.nan], [0.0, 1.0])
    with pytest.raises(BadUpstreamData, match="stop times of presentations: 1 of 1"):
        count_in_presentations(spikes_of([1.0]), [1.0], [0.0, 1.0], [np.inf])
    with pytest.raises(BadUpstreamData, match="unit row 0"):
        count_in_presentations(spikes_of([2.0, 1.0]), [1.0], [0.0, 1.0])


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        ([0.0, 0.04, 0.02, 0.06], "edge 2, 0.02 s, is not above the one before, 0.04 s. State them in ascending order"),
        ([0.0, 0.02, 0.02], "edge 2, 0.02 s, is not above the one before, 0.02 s"),
        ([0.0, np.nan], "edge 1, nan s, is not above"),
        ([0.0], "there are 1. State two at least"),
    ],
)
def test_edges_that_do_not_increase_are_named(edges, found) -> None:
    with pytest.raises(ConfigError, match=f"bin edges: {found}"):
        count_in_presentations(spikes_of([1.0]), [1.0], edges)


def test_the_window_of_the_seed_guide_has_55_bins_on_true_edges() -> None:
    edges = even_edges(-0.05, 0.5, 0.01)
    assert len(edges) == 56
    assert edges.tolist() == [k / 100 for k in range(-5, 51)]
    with pytest.raises(ConfigError, match="whole number of bins"):
        even_edges(0.0, 0.5, 0.03)


def test_means_leave_blinks_out_and_take_half_open_windows() -> None:
    values = np.array([[1.0, 10.0], [2.0, np.nan], [3.0, 30.0], [4.0, 40.0]])
    signal = Signal("pupil", np.array([0.0, 0.5, 1.0, 1.5]), values, "px", ("width", "height"))
    means = presentation_means(signal, [0.0, 0.5, 5.0], 0.0, 1.0)
    np.testing.assert_array_equal(means, [[1.5, 10.0], [2.5, 30.0], [np.nan, np.nan]])
    assert presentation_means(signal, [0.0], 0.0, 1.0, columns=("height",)).tolist() == [[10.0]]
    with pytest.raises(ConfigError, match="no such column"):
        presentation_means(signal, [0.0], columns=("depth",))
