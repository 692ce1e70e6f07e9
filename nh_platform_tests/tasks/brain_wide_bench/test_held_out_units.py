"""Hidden units: the smallest digests, whatever the order, and another salt for choosing than for scoring."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from nh_platform.tasks.brain_wide_bench.held_out_units import held_out_units

UNITS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(200)]


@pytest.mark.parametrize(("n", "k"), [(1, 1), (4, 1), (14, 1), (15, 2), (25, 2), (35, 4), (200, 20)])
def test_a_tenth_is_hidden_rounded_to_even_and_never_none(n, k) -> None:
    assert held_out_units(UNITS[:n], "test").sum() == k


@pytest.mark.parametrize("split", ["val", "test"])
def test_they_are_those_with_the_smallest_digests_of_salt_and_id(split) -> None:
    hidden = {unit for unit, one in zip(UNITS, held_out_units(UNITS, split)) if one}
    ranked = sorted(UNITS, key=lambda unit: hashlib.sha256(f"ts2_co_smoothing_{split}:{unit}".encode()).digest())
    assert hidden == set(ranked[:20])


def test_the_order_of_the_units_changes_nothing() -> None:
    hidden, order = held_out_units(UNITS, "test"), np.random.default_rng(0).permutation(200)
    assert held_out_units([UNITS[row] for row in order], "test").tolist() == hidden[order].tolist()


def test_units_of_val_and_of_test_are_two_draws_that_may_share_some() -> None:
    many = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(1000)]
    val, test = held_out_units(many, "val"), held_out_units(many, "test")
    assert (int(val.sum()), int(test.sum()), int((val & test).sum())) == (100, 100, 11)
