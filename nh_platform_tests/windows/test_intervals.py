"""Intervals of time do what their definitions say, at every touching end."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.windows.intervals import (
    duration_s,
    masked_ranges,
    merged_pairs,
    overlapping,
    valid_stretches,
    within,
)

pairs = st.lists(
    st.tuples(st.integers(-5, 25), st.integers(1, 6)).map(lambda one: (one[0], one[0] + one[1])), max_size=6
)
"""Whole seconds, so that ends touch one another, the bins and the times often."""
TENTHS = np.arange(-60, 320) / 10


def inside(time: float, intervals: list[tuple[int, int]]) -> bool:
    return any(start <= time < stop for start, stop in intervals)


@settings(deadline=None)
@given(pairs)
def test_joined_intervals_hold_the_same_times_in_order_and_apart(intervals: list[tuple[int, int]]) -> None:
    merged = merged_pairs(intervals)
    assert within(TENTHS, merged).tolist() == [inside(time, intervals) for time in TENTHS]
    assert (merged[1:, 0] > merged[:-1, 1]).all()


@settings(deadline=None)
@given(pairs)
def test_windows_and_bins_are_hit_where_an_interval_is_before_their_end_and_after_their_start(
    intervals: list[tuple[int, int]],
) -> None:
    edges = np.arange(0.0, 21.0)
    hit = [any(start < bin_start + 1 and stop > bin_start for start, stop in intervals) for bin_start in edges[:-1]]
    merged = merged_pairs(intervals)
    assert overlapping(edges[:-1], edges[1:], merged).tolist() == hit
    runs = masked_ranges(edges, merged)
    assert sorted(one for first, end in runs for one in range(first, end)) == np.flatnonzero(hit).tolist()


@settings(deadline=None)
@given(pairs)
def test_what_intervals_leave_and_what_they_take_last_as_long_as_the_whole(intervals: list[tuple[int, int]]) -> None:
    merged = merged_pairs(intervals)
    left = valid_stretches(0.0, 20.0, merged)
    assert duration_s(left) + duration_s(merged.clip(0.0, 20.0)) == 20.0
    times = TENTHS[(TENTHS >= 0) & (TENTHS < 20)]
    assert (within(times, left) != within(times, merged)).all()
    assert len(valid_stretches(np.nan, 20.0, merged)) == 0
