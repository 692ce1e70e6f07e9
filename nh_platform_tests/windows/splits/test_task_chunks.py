"""Chunks of a session: the pattern, boundaries between trials, gaps, and what has no chunk."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.session import ConfigError
from nh_platform.windows.splits import chunk_ranges


def every_ten_seconds(stop: float, first: float = 5.0, length: float = 3.0) -> np.ndarray:
    starts = np.arange(first, stop, 10.0)
    return np.column_stack([starts, starts + length])


def listed(ranges: dict[str, np.ndarray]) -> dict[str, list[list[float]]]:
    return {name: one.tolist() for name, one in ranges.items()}


def test_chunks_follow_the_pattern_and_begin_with_a_trial_after_the_gap() -> None:
    found = chunk_ranges(0.0, 1700.0, every_ten_seconds(1700.0))
    assert listed(found) == {
        "train": [[0.0, 300.0], [625.0, 900.0], [1525.0, 1700.0]],
        "test": [[325.0, 600.0], [1225.0, 1500.0]],
        "valid": [[925.0, 1200.0]],
    }


@pytest.mark.parametrize(
    ("trial", "boundary", "next_start"),
    [([298.0, 301.0], 301.0, 325.0), ([299.0, 302.0], 299.0, 325.0), ([298.0, 302.0], 302.0, 325.0)],
    ids=["more of it before", "more of it after", "as much on both sides"],
)
def test_a_trial_on_a_boundary_goes_to_the_chunk_that_holds_more_of_it(trial, boundary, next_start) -> None:
    trials = every_ten_seconds(600.0)
    trials[29] = trial
    found = chunk_ranges(0.0, 600.0, trials)
    assert listed(found) == {"train": [[0.0, boundary]], "test": [[next_start, 600.0]], "valid": []}


def test_a_chunk_whose_only_trial_lies_in_the_gap_is_dropped_and_the_next_keeps_its_distance_from_it() -> None:
    trials = np.array([[10.0, 12.0], [310.0, 312.0], [650.0, 652.0], [700.0, 702.0]])
    found = chunk_ranges(0.0, 900.0, trials)
    assert listed(found) == {"train": [[0.0, 300.0], [650.0, 900.0]], "test": [], "valid": []}


def test_a_trial_in_which_the_recording_ends_moves_no_boundary() -> None:
    trials = np.array([[10.0, 12.0], [330.0, 332.0], [598.0, 605.0]])
    found = chunk_ranges(0.0, 601.0, trials)
    assert listed(found)["test"] == [[330.0, 600.0]]


def test_no_chunk_comes_nearer_to_another_than_the_gap_and_none_cuts_a_trial() -> None:
    rng = np.random.default_rng(0)
    starts = np.cumsum(rng.uniform(4.0, 9.0, 600))
    trials = np.column_stack([starts, starts + rng.uniform(2.0, 3.9, 600)])
    found = chunk_ranges(0.7, float(trials[-1, 1]) + 3.0, trials)
    chunks = np.concatenate(list(found.values()))
    chunks = chunks[np.argsort(chunks[:, 0])]
    assert (chunks[1:, 0] - chunks[:-1, 1] >= 20.0).all()
    for edge in chunks.ravel():
        assert not ((trials[:, 0] < edge) & (edge < trials[:, 1])).any()


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (lambda: chunk_ranges(0.0, 0.0, every_ten_seconds(10.0)), "it has no time"),
        (lambda: chunk_ranges(0.0, 900.0, np.zeros((0, 2))), "there are none"),
        (lambda: chunk_ranges(0.0, 900.0, np.array([[5.0, 6.0], [5.5, 7.0]])), "they overlap, descend"),
        (lambda: chunk_ranges(0.0, 1500.0, np.array([[290.0, 910.0]])), "it reaches over a whole chunk"),
    ],
)
def test_what_cannot_be_divided_is_refused(call, found) -> None:
    with pytest.raises(ConfigError, match=found):
        call()
