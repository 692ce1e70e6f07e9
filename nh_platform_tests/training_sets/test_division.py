"""Stretches of a session beside what its embeddings were made of; add here what of a division needs no store."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.embeddings.units.reference_windows import UsedWindow
from nh_platform.session import ConfigError
from nh_platform.training_sets.division import apart_from_reference
from nh_platform.windows.splits import PartOfSet, SetRecord, audit, causal_ranges

DIVIDED = causal_ranges(0.0, 1040.0)
"""Trains to 800 s, validates from 820 to 920 s, tests from 940 to 1040 s."""


def used(*intervals: tuple[float, float]) -> UsedWindow:
    return UsedWindow("spontaneous-60s", intervals[0][0], intervals[-1][1], intervals if len(intervals) > 1 else ())


def test_intervals_are_cut_out_of_what_is_tested_with_the_gap() -> None:
    made = apart_from_reference(used((5, 25), (500, 510), (700, 705), (980, 985), (1030, 1035)), DIVIDED, 20.0)
    assert made["train"].tolist() == [[0.0, 800.0]]
    assert made["valid"].tolist() == [[820.0, 920.0]]
    assert made["test"].tolist() == [[940.0, 960.0], [1005.0, 1010.0]]


def test_an_interval_over_the_end_of_what_trains_moves_what_validates() -> None:
    assert apart_from_reference(used((790, 830)), DIVIDED, 20.0)["valid"].tolist() == [[850.0, 920.0]]


@pytest.mark.parametrize("window", [UsedWindow("whole-session", 0.0, 1040.0), UsedWindow("start-30s", 0.0, 30.0)])
def test_windows_before_what_is_tested_and_the_whole_session_cut_nothing(window: UsedWindow) -> None:
    made = apart_from_reference(window, DIVIDED, 20.0)
    assert {split: stretches.tolist() for split, stretches in made.items()} == {
        split: stretches.tolist() for split, stretches in DIVIDED.items()
    }


def test_a_split_of_which_nothing_is_left_names_an_interval_in_it() -> None:
    window = used((810, 811), (940, 990), (1000, 1030))
    with pytest.raises(
        ConfigError, match=r"window spontaneous-60s .*940.0 to 990.0 s, and 20 s .* nothing of test; .*"
    ):
        apart_from_reference(window, DIVIDED, 20.0)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1000), st.floats(0.5, 30)), min_size=1, max_size=8),
    st.sampled_from([0.0, 5.0, 20.0]),
)
def test_what_is_left_passes_the_audit(drawn: list[tuple[float, float]], gap_s: float) -> None:
    intervals, last = [], 0.0
    for start, length in sorted(drawn):
        if start >= last:
            intervals.append((start, start + length))
            last = start + length
    window = used(*intervals)
    ranges = causal_ranges(0.0, 1040.0, gap_s=gap_s)
    try:
        made = apart_from_reference(window, ranges, gap_s)
    except ConfigError:
        return
    parts = [PartOfSet("ibl", "2023", "s1", "m1", split, (), stretches) for split, stretches in made.items()]
    fitted = [PartOfSet("ibl", "2023", "s1", "m1", "train", (), window.stretches)]
    seen = {("ibl", "s1"): (window.id, window.stretches)}
    assert audit(SetRecord(parts, False, fitted_on=fitted, reference_windows=seen, gap_s=gap_s)) == []
    for split in ("valid", "test"):
        assert np.diff(made[split], axis=1).sum() <= np.diff(ranges[split], axis=1).sum() + 1e-9
