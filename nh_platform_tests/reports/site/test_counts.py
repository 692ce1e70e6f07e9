"""What the site counts: units, shares by group, distributions, outliers, and units in and out by rules."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nh_platform.qc.rules.changes.rulebook_diff import diff_rulebooks
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.verdicts import apply_rulebook
from nh_platform.reports.site.counts.changes import stored_effect
from nh_platform.reports.site.counts.judged_units import judge_units, no_units
from nh_platform.reports.site.counts.outliers import FAR, modified_z
from nh_platform.reports.site.counts.pass_rates import UNKNOWN
from nh_platform.reports.site.counts.rule_distributions import rule_distributions
from nh_platform_tests.reports.site.tables import BEFORE, BOOK, site_of, units_table


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return units_table()


def test_good_units_are_those_of_the_rulebook(table: pd.DataFrame) -> None:
    verdicts, site = apply_rulebook(table, load_rulebook(BOOK)), site_of(table)
    assert site.counts()["good units"] == int(verdicts.good.sum()) > 0
    labs = site.rates["lab"].set_index("group")
    north = table["lab"].to_numpy() == "north"
    assert labs.loc["north", "share"] == pytest.approx(verdicts.good[north].mean())
    assert labs["units"].sum() == len(table)


def test_groups_have_the_quartiles_of_their_sessions(table: pd.DataFrame) -> None:
    good = apply_rulebook(table, load_rulebook(BOOK)).good
    per_insertion = pd.Series(good, index=table.index).groupby(level=0).mean()
    labs = table.groupby(level=0)["lab"].first()
    found = site_of(table).rates["lab"].set_index("group").loc["south"]
    wanted = per_insertion[labs == "south"].quantile([0.25, 0.5, 0.75])
    assert found[["low", "middle", "high"]].tolist() == pytest.approx(wanted.tolist())
    assert found["sessions"] == 5


def test_layers_of_the_cortex_count_as_their_beryl_region(table: pd.DataFrame) -> None:
    assert site_of(table).rates["region"]["group"].tolist() == ["CA1", "VISp"]


def test_what_is_not_stated_is_a_group_of_that_name(table: pd.DataFrame) -> None:
    site = site_of(table.drop(columns=["lab", "date", "acronym"]))
    assert {by: rates["group"].tolist() for by, rates in site.rates.items() if by != "probe"} == {
        "lab": [UNKNOWN],
        "region": [UNKNOWN],
        "month": [UNKNOWN],
    }


def test_a_distribution_counts_every_unit_once_and_holds_the_threshold(table: pd.DataFrame) -> None:
    table = table.assign(noise_cutoff=table["noise_cutoff"].where(np.arange(len(table)) % 7 > 0))
    found = {one.rule: one for one in site_of(table).distributions}
    noise = found["noise_cutoff"]
    assert sum(noise.counts) + noise.below + noise.above + noise.without_value == noise.units == len(table)
    assert 5 in noise.edges[1:-1], "no bar is on both sides of the threshold"
    assert noise.passing + noise.failing == len(table), "NaN counts as a fail"
    amp = found["amp_median"]
    assert amp.unit == "uV"
    assert amp.threshold == 50
    assert amp.edges[0] > 10, "values are in µV as the threshold is"
    assert found["max_confidence"].counts == (), "the table states the outcome and not the value"


def test_units_that_one_rule_alone_throws_out_are_counted(table: pd.DataFrame) -> None:
    verdicts = apply_rulebook(table, load_rulebook(BOOK))
    alone = (~verdicts.passed).sum(axis=1) == 1
    wanted = [int((alone & ~verdicts.passed[:, column]).sum()) for column in range(3)]
    assert [one.alone for one in site_of(table).distributions] == wanted


def test_units_in_and_out_are_those_of_a_diff_of_rulebooks(table: pd.DataFrame) -> None:
    diff = diff_rulebooks(table, load_rulebook(BEFORE), load_rulebook(BOOK))
    (effect,) = site_of(table).effects
    assert (effect.came_in, effect.went_out) == (int(diff.came_in.sum()), int(diff.went_out.sum()))
    wanted = diff.by_rule[diff.by_rule["units"] > 0][["change", "rulebook", "rule", "units", "alone"]]
    pd.testing.assert_frame_equal(effect.by_rule, wanted.reset_index(drop=True), check_dtype=False)
    assert effect.by_session[["in", "out"]].to_numpy().sum() == diff.n_changed


def test_units_that_were_stored_under_other_rules_are_counted_apart() -> None:
    book = load_rulebook(BOOK)
    table = units_table().reset_index(names=["session_id", "unit_id"]).assign(probe="probe00")
    table[f"pass.{book.id}"] = apply_rulebook(table, book).good
    judged = judge_units(table, book).assign(lab="north")
    assert stored_effect(judged, book) is None
    table.loc[:4, f"pass.{book.id}"] = ~table.loc[:4, f"pass.{book.id}"]
    effect = stored_effect(judge_units(table, book).assign(lab="north"), book)
    assert effect is not None
    assert effect.came_in + effect.went_out == 5


def test_a_review_decides_and_is_told_from_the_rules() -> None:
    table = units_table(1).reset_index(names=["session_id", "unit_id"]).assign(probe="probe00", review="none")
    before = judge_units(table, load_rulebook(BOOK))
    table.loc[0, "review"] = "fail" if before.loc[0, "good"] else "pass"
    after = judge_units(table, load_rulebook(BOOK))
    assert after.loc[0, "good"] != before.loc[0, "good"]
    assert after["by_rules"].equals(before["by_rules"])
    assert after["reviewed"].tolist() == [True] + [False] * (len(table) - 1)


def test_a_label_that_says_otherwise_is_counted(table: pd.DataFrame) -> None:
    assert site_of(table).sessions["label_differs"].sum() == 0
    wrong = table.assign(label=np.where(np.arange(len(table)) < 4, 1 - table["label"], table["label"]))
    assert site_of(wrong).sessions["label_differs"].tolist() == [4, *[0] * 9]


def test_an_insertion_far_from_the_others_is_an_outlier_and_the_others_are_none() -> None:
    table = units_table(12)
    table.loc["pid-05", "noise_cutoff"] = 90.0
    outliers = site_of(table).outliers
    odd = outliers[outliers["number"] == "median of noise_cutoff"]
    assert odd["session_id"].tolist() == ["pid-05"]
    assert abs(odd["score"].iloc[0]) > FAR
    assert odd["text"].iloc[0].startswith("median of noise_cutoff: 90, the median is")


def test_few_insertions_have_no_outliers() -> None:
    table = units_table(4)
    table.loc["pid-01", "noise_cutoff"] = 90.0
    assert len(site_of(table).outliers) == 0


@given(st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=60), st.floats(-1e3, 1e3), st.floats(0.1, 1e3))
def test_a_score_does_not_depend_on_origin_or_scale(values: list[float], shift: float, scale: float) -> None:
    numbers = np.array(values)
    spread = np.median(np.abs(numbers - np.median(numbers)))
    if spread < 1e-3:
        return
    np.testing.assert_allclose(modified_z(numbers * scale + shift), modified_z(numbers), rtol=1e-4, atol=1e-4)


@given(st.lists(st.floats(-1e3, 1e3), min_size=9, max_size=50))
def test_one_wild_value_leaves_the_scores_of_the_others_bounded(values: list[float]) -> None:
    numbers = np.array([*values, 1e12])
    scores = modified_z(numbers)
    assert np.isnan(scores).all() or scores[-1] == np.nanmax(scores)


def test_equal_values_have_no_score() -> None:
    assert np.isnan(modified_z(np.ones(9))).all()
    assert np.isnan(modified_z(np.array([np.nan, np.nan]))).all()


def test_a_release_without_units_has_a_site() -> None:
    book = load_rulebook(BOOK)
    empty = no_units(book, [load_rulebook(BEFORE)])
    assert len(empty) == 0
    assert [one.share for one in rule_distributions(empty, book)] == [None, None, None]
