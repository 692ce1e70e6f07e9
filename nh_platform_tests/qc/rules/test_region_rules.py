"""Regions need enough good units in enough sessions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nh_platform.qc.rules.region_rules import COLUMNS, region_table
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.rulebook_model import RegionRules

RULES = RegionRules(min_units=2, min_sessions=2, drop=["root"], why="test")
ROWS = [
    *[("s1", "A")] * 2, *[("s2", "A")] * 2, ("s3", "A"),  # two sessions with two units; the third has one
    *[("s1", "B")] * 5,  # one session only
    *[("s1", "root")] * 3, *[("s2", "root")] * 3, ("s1", None),
]  # fmt: skip
SESSION, REGION = pd.Series([s for s, _ in ROWS]), pd.Series([r for _, r in ROWS])
GOOD = np.ones(len(ROWS), dtype=bool)


def test_a_session_with_too_few_good_units_does_not_count() -> None:
    good = GOOD.copy()
    good[0] = False
    assert not region_table(SESSION, REGION, good, RULES)["kept"].any()


def test_the_index_of_the_columns_does_not_matter() -> None:
    shifted = region_table(SESSION.set_axis(range(100, 100 + len(ROWS))), REGION, GOOD, RULES)
    pd.testing.assert_frame_equal(shifted, region_table(SESSION, REGION, GOOD, RULES))


def test_every_region_has_a_row_that_says_why() -> None:
    table = region_table(SESSION, REGION, GOOD, RULES)
    assert tuple(table.columns) == COLUMNS
    assert table.to_dict("records") == [
        {"region": "A", "sessions": 2, "units": 4, "kept": True, "why_not": "", "sessions_with_units": 3,
         "good_units": 5},
        {"region": "B", "sessions": 1, "units": 5, "kept": False, "sessions_with_units": 1, "good_units": 5,
         "why_not": "1 of the 2 sessions needed with at least 2 good units"},
        {"region": "root", "sessions": 2, "units": 6, "kept": False, "why_not": "left out by the rules",
         "sessions_with_units": 2, "good_units": 6},
    ]  # fmt: skip
    assert list(region_table(SESSION[:0], REGION[:0], GOOD[:0], RULES).columns) == list(COLUMNS)


def test_the_brain_wide_map_asks_for_five_units_in_two_sessions() -> None:
    rules = load_rulebook("ibl-bwm-inclusion").regions
    assert rules is not None
    for n_units, n_sessions, kept in ((5, 2, True), (4, 2, False), (5, 1, False)):
        rows = [f"s{session}" for session in range(n_sessions) for _ in range(n_units)]
        good = np.ones(len(rows), dtype=bool)
        table = region_table(pd.Series(rows), pd.Series(["CA1"] * len(rows)), good, rules)
        assert table["kept"].tolist() == [kept]
