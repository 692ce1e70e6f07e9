"""What was on the screen during windows: every presentation that one overlaps, and grey from the gaps alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nh_platform.windows.presentations.window_presentations import (
    WindowPresentations,
    presentations_in_windows,
    screen_times,
)

STEP = 0.125


def table_of(*rows) -> pd.DataFrame:
    """Return presentations with these starts and stops; ids are 10, 11, … in the order given."""
    starts, stops = [row[0] for row in rows], [row[1] for row in rows]
    ids = np.arange(10, 10 + len(rows))
    columns = {"presentation_id": ids, "start_time": starts, "stop_time": stops}
    return pd.DataFrame(columns).astype({"start_time": float, "stop_time": float})


def windows_of(presentations, *windows, aligned=None) -> WindowPresentations:
    """Return what lies in windows given as (start, stop)."""
    start, stop = np.array(windows, dtype=float).reshape(-1, 2).T
    return presentations_in_windows(start, stop, presentations, aligned)


def test_images_that_follow_each_other_are_all_named_and_there_is_no_grey() -> None:
    """natural-scenes-250ms: the buffers of 50 ms hold the neighbours."""
    images = table_of((1.0, 1.25), (1.25, 1.5), (1.5, 1.75))
    found = windows_of(images, (1.2, 1.55), aligned=np.array([11]))
    assert found.ids.tolist() == [10, 11, 12]
    assert found.seconds.tolist() == pytest.approx([0.05, 0.25, 0.05])
    assert found.share.tolist() == pytest.approx([1 / 7, 5 / 7, 1 / 7])
    assert found.is_aligned.tolist() == [False, True, False]
    assert (found.grey_s.tolist(), found.unstated_s.tolist()) == ([0.0], [0.0])


def test_a_presentation_that_touches_a_window_does_not_overlap_it() -> None:
    found = windows_of(table_of((1.0, 1.25), (1.25, 1.5), (1.5, 1.75)), (1.25, 1.5))
    assert found.ids.tolist() == [11]
    assert found.share.tolist() == [1.0]


def test_grey_between_images_is_the_gap_of_the_table() -> None:
    """vbn-change: image, grey, image, grey; the last grey ends with the window."""
    images = table_of((0.0, 0.25), (0.75, 1.0), (1.5, 1.75))
    found = windows_of(images, (0.0, 1.5), aligned=np.array([11]))
    rows = found.table(0)
    assert rows["presentation_id"].tolist() == [10, -1, 11, -1]
    assert rows["start"].tolist() == [0.0, 0.25, 0.75, 1.0]
    assert rows["stop"].tolist() == [0.25, 0.75, 1.0, 1.5]
    assert rows["seconds"].tolist() == [0.25, 0.5, 0.25, 0.5]
    assert rows["share"].tolist() == pytest.approx([1 / 6, 1 / 3, 1 / 6, 1 / 3])
    assert rows["aligned"].tolist() == [False, False, True, False]
    assert rows["grey"].tolist() == [False, True, False, True]
    assert (found.grey_s.tolist(), found.unstated_s.tolist()) == ([1.0], [0.0])


def test_a_window_within_grey_has_no_presentation() -> None:
    found = windows_of(table_of((0.0, 0.25), (0.75, 1.0)), (0.375, 0.625), aligned=np.array([11]))
    assert len(found.ids) == 0
    assert found.grey_s.tolist() == [0.25]
    assert found.aligned.tolist() == [11]  # aligned to one that begins after its end


def test_presentations_that_overlap_are_both_named() -> None:
    """A block of spontaneous activity that lies over two images, and an image within another."""
    found = windows_of(table_of((0.0, 10.0), (1.0, 1.5), (1.25, 3.0)), (1.25, 2.0), (5.0, 6.0))
    assert [found.ids_of(w).tolist() for w in (0, 1)] == [[10, 11, 12], [10]]
    assert found.seconds.tolist() == [0.75, 0.25, 0.75, 1.0]
    assert found.grey_s.tolist() == [0.0, 0.0]


def test_before_the_first_and_after_the_last_presentation_is_not_called_grey() -> None:
    found = windows_of(table_of((1.0, 2.0), (3.0, 4.0)), (0.0, 0.5), (0.5, 1.25), (3.75, 4.5), (9.0, 10.0))
    assert np.diff(found.offsets).tolist() == [0, 1, 1, 0]
    assert found.grey_s.tolist() == [0.0] * 4
    assert found.unstated_s.tolist() == [0.5, 0.5, 0.5, 1.0]


def test_behind_a_presentation_without_an_end_nothing_is_known_until_the_next() -> None:
    table = table_of((0.0, 0.5), (1.0, np.nan), (2.0, 2.5), (3.0, 3.5))
    assert screen_times(table).grey.tolist() == [[0.5, 1.0], [2.5, 3.0]]
    found = windows_of(table, (0.0, 2.5))
    assert found.ids.tolist() == [10, 12]
    assert (found.grey_s.tolist(), found.unstated_s.tolist()) == ([0.5], [1.0])
    within = table_of((0.0, 0.5), (0.25, np.nan), (2.0, 2.5))  # the one without an end began during another
    assert screen_times(within).grey.tolist() == []


def test_times_that_are_less_than_a_millisecond_apart_meet() -> None:
    table = table_of((0.0, 0.2499), (0.25, 0.499), (0.5, 0.75))
    assert screen_times(table).grey.tolist() == [[0.499, 0.5]]
    assert screen_times(table).shown.tolist() == [[0.0, 0.499], [0.5, 0.75]]


def test_no_presentations_and_no_windows_give_nothing() -> None:
    nothing = windows_of(table_of(), (0.0, 1.0))
    assert (nothing.offsets.tolist(), nothing.grey_s.tolist(), nothing.unstated_s.tolist()) == ([0, 0], [0.0], [1.0])
    assert len(windows_of(table_of((0.0, 1.0)))) == 0


def test_some_windows_are_taken_in_any_order() -> None:
    images = table_of((0.0, 0.25), (0.75, 1.0), (1.5, 1.75))
    whole = windows_of(images, (0.0, 0.5), (0.25, 0.5), (0.5, 1.75), aligned=np.array([10, -1, 11]))
    part = whole.take(np.array([2, 0, 2]))
    for place, window in enumerate([2, 0, 2]):
        pd.testing.assert_frame_equal(part.table(place), whole.table(window))
    assert part.aligned.tolist() == [11, 10, 11]
    assert part.grey_s.tolist() == whole.grey_s[[2, 0, 2]].tolist()


STEPS = st.integers(0, 24)
ROWS = st.lists(st.tuples(STEPS, st.one_of(st.none(), st.integers(-1, 12))), max_size=8)


@given(ROWS, st.lists(st.tuples(st.integers(-4, 36), st.integers(1, 12)), max_size=6))
def test_overlap_grey_and_unstated_time_are_those_of_a_plain_loop(rows, windows) -> None:
    """Every step of 125 ms is one of the three; times are whole steps, so that sums are exact."""
    stated = [(low, None if length is None else low + length) for low, length in rows]
    table = table_of(*((low * STEP, np.nan if high is None else high * STEP) for low, high in stated))
    cut = [(low, low + length) for low, length in windows]
    found = windows_of(table, *((low * STEP, high * STEP) for low, high in cut))
    ended = [(row, low, high) for row, (low, high) in enumerate(stated) if high is not None and high > low]
    starts = sorted(low for low, _ in stated)

    def state(step) -> str:
        if any(low <= step < high for _, low, high in ended):
            return "shown"
        between = any(high <= step for *_, high in ended) and any(low > step for _, low, _ in ended)
        for row, (low, _) in enumerate(stated):
            until = min((other for other in starts if other > low), default=np.inf)
            if row not in [one for one, *_ in ended] and low <= step < until:
                return "unstated"
        return "grey" if between else "unstated"

    for window, (first, last) in enumerate(cut):
        states = [state(step) for step in range(first, last)]
        assert found.grey_s[window] == states.count("grey") * STEP
        assert found.unstated_s[window] == states.count("unstated") * STEP
        expected = sorted(((low, row, high) for row, low, high in ended if low < last and high > first))
        assert found.ids_of(window).tolist() == [10 + row for _, row, _ in expected]
        seconds = found.seconds[found.offsets[window] : found.offsets[window + 1]]
        assert seconds.tolist() == [(min(high, last) - max(low, first)) * STEP for low, _, high in expected]
