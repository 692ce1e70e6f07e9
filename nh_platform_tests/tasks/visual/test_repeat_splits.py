"""The split of repeats: stratified, the same in any order, every condition tested that can be."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nh_platform.tasks.visual.repeat_splits import split_repeats, split_sizes


def test_the_repeats_with_the_smallest_digests_test_then_validate() -> None:
    keys = [f"allen_vc:1:{number}" for number in range(10)]
    split = split_repeats(np.zeros(10), keys)
    by_digest = sorted(range(10), key=lambda row: hashlib.sha256(f"psth_repeats:{keys[row]}".encode()).hexdigest())
    assert [split[row] for row in by_digest] == ["test"] * 2 + ["val"] * 2 + ["train"] * 6


def test_fifty_repeats_are_thirty_ten_and_ten_of_every_image() -> None:
    images = np.repeat(np.arange(118), 50)
    split = split_repeats(images, [str(number) for number in range(len(images))])
    for image in (0, 60, 117):
        assert Counter(split[images == image]) == {"train": 30, "val": 10, "test": 10}


def test_one_repeat_is_in_no_split_and_two_train_and_test() -> None:
    split = split_repeats(np.array(["once", "twice", "twice"]), ["a", "b", "c"])
    assert split[0] == ""
    assert sorted(split[1:]) == ["test", "train"]
    assert len(split_repeats(np.zeros(0), [])) == 0


@given(st.permutations(range(24)))
def test_the_order_of_the_rows_does_not_matter(order) -> None:
    conditions, keys = np.arange(24) % 4, np.array([f"k{row}" for row in range(24)])
    split = split_repeats(conditions, keys.tolist())
    assert (split_repeats(conditions[order], keys[order].tolist()) == split[order]).all()


@given(st.integers(2, 500))
def test_something_always_trains_and_tests(n) -> None:
    n_test, n_val = split_sizes(n)
    assert n_test >= 1
    assert n - n_test - n_val >= 1
    assert n_val == (n_test if n > 2 else 0)
