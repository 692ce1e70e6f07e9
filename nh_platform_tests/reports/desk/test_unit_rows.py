"""Why the desk asks for a look at a unit: near a threshold by its own share, or a value that is not the release's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.reports.desk.unit_rows import NEAR_SHARE, unit_rows
from nh_platform.sources.registry import sources

BOOK = load_rulebook("ibl-2022-10")


def units(**columns: list[object]) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    usual = {
        "unit_id": [f"u{row}" for row in range(n)],
        "probe": ["probe00"] * n,
        "cluster_id": list(range(n)),
        "n_spikes": [1000] * n,
        "beryl": [None] * n,
        "acronym": ["CA1"] * n,
        f"pass.{BOOK.id}": [True] * n,
        "released.max_confidence": [100.0] * n,
        "released.noise_cutoff": [0.0] * n,
        "released.amp_median": [100e-6] * n,
    }
    return pd.DataFrame({**usual, **columns})


@given(values=st.lists(st.floats(0, 20) | st.just(float("nan")), min_size=1, max_size=20))
def test_a_unit_is_near_where_its_value_is_within_a_tenth_of_the_threshold(values: list[float]) -> None:
    rows = unit_rows(units(**{"released.noise_cutoff": values}), BOOK, ())
    away = np.abs(np.array(values) - 5) / 5
    assert [bool(row.near) for row in rows] == [bool(one <= NEAR_SHARE) for one in away]
    for row, one in zip(rows, away):
        if row.near:
            assert row.nearness == pytest.approx(one)
            assert row.near.startswith("noise_cutoff < 5: ")


def test_the_nearest_rule_is_the_one_that_is_named() -> None:
    (row,) = unit_rows(units(**{"released.noise_cutoff": [5.4], "released.amp_median": [51e-6]}), BOOK, ())
    assert row.near == "amp_median > 50 µV: 51 µV, 2.0 % from it"
    assert (row.region, row.probe, row.cluster) == ("CA1", "probe00", "0")


def test_values_that_differ_from_the_release_are_named_with_both() -> None:
    counterparts = sources()["ibl"].counterparts
    cutoff = next(one for one in counterparts if one.column == "noise_cutoff")
    table = units(**{"released.noise_cutoff": [1.0, 2.0], cutoff.definition: [1.0, 7.25]})
    same, other = unit_rows(table, BOOK, [cutoff])
    assert same.differs == ""
    assert other.differs == "noise_cutoff: released 2, recomputed 7.25"
