"""A rule's fallback judges the units, and the sessions, of which its metric has no value, and says so everywhere."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.rules.changes.rulebook_diff import diff_rulebooks
from nh_platform.qc.rules.explain import explain_unit
from nh_platform.qc.rules.methods import methods_paragraph
from nh_platform.qc.rules.rule_summary import criterion, rule_summary
from nh_platform.qc.rules.rulebook import parse_rulebook
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.qc.rules.rulebook_pages import rulebook_page
from nh_platform.qc.rules.verdicts import apply_rulebook
from nh_platform.qc.unit_columns import metric_ids
from nh_platform.session import ConfigError
from nh_platform.session.tables.units import FALLBACK_BITS, UNITS

FIRST, SECOND = "ibl.presence_ratio@2022-10", "ibl.amp_median@2022-10"
FALLBACK = f"fallback: {{metric: {SECOND}, threshold: 50, unit: uV, metric_unit: V}}"


def rulebook(fallback: str = FALLBACK, nan: str = "fail", use: str = "recomputed") -> Rulebook:
    text = f"""\
id: mine
title: A rulebook
version: "1"
sources: [ibl]
why: Because.
use: {use}
rules:
  - id: present
    metric: {FIRST}
    comparison: ">"
    threshold: 0.9
    unit: "1"
    nan: {nan}
    severity: warn
    why: Against absence.
    since: "1"
    {fallback}
"""
    return parse_rulebook(text, "mine.yaml")


def units(first: list[float], second: list[float] | None) -> pd.DataFrame:
    table = pd.DataFrame({"unit_id": [f"u{row}" for row in range(len(first))], FIRST: first})
    table["review"] = "none"
    return table if second is None else table.assign(**{SECOND: second})


NAN = float("nan")


def test_the_fallback_judges_where_the_metric_has_no_value_and_the_reason_names_both() -> None:
    verdicts = apply_rulebook(units([0.95, 0.5, NAN, NAN, NAN], [NAN, 1e-4, 1e-4, 43e-6, NAN]), rulebook())
    assert verdicts.good.tolist() == [True, False, True, False, False]
    assert verdicts.by_fallback.tolist() == [0, 0, 1, 1, 0]
    assert verdicts.missing[:, 0].tolist() == [False, False, False, False, True]
    assert verdicts.reasons().tolist() == [
        "",
        "presence_ratio 0.5 ≤ 0.9",
        "",
        "amp_median 43 µV ≤ 50 µV (in place of presence_ratio, which has no value)",
        "presence_ratio and amp_median not available (NaN) counts as fail",
    ]


def test_a_session_without_the_column_is_judged_by_the_fallback_and_one_without_either_is_refused() -> None:
    table = units([NAN, NAN], [1e-4, 1e-5])
    verdicts = apply_rulebook(table.drop(columns=FIRST), rulebook())
    assert verdicts.good.tolist() == [True, False]
    assert verdicts.by_fallback.tolist() == [1, 1]
    assert apply_rulebook(table.drop(columns=SECOND).assign(**{FIRST: [0.95, NAN]}), rulebook()).good.tolist() == [
        True,
        False,
    ]
    with pytest.raises(ConfigError, match=r"present.*presence_ratio"):
        apply_rulebook(table.drop(columns=[FIRST, SECOND]), rulebook())


def test_the_columns_of_units_say_which_rules_a_fallback_judged() -> None:
    columns = apply_rulebook(units([0.95, NAN], [1e-4, 1e-4]), rulebook()).columns()
    assert columns["fallback.mine"].tolist() == [0, 1]
    assert str(columns["fallback.mine"].dtype) == "uint32"
    assert FALLBACK_BITS in UNITS.patterns
    assert re.fullmatch(FALLBACK_BITS.name, "fallback.mine")
    plain = apply_rulebook(units([0.95, NAN], [1e-4, 1e-4]), rulebook("")).columns()
    assert "fallback.mine" not in plain


def test_words_pages_and_counts_name_the_fallback() -> None:
    book = rulebook()
    assert criterion(book.rules[0]) == "presence_ratio > 0.9, else amp_median > 50 µV"
    page = rulebook_page(book)
    assert "Where that has no value, the fallback judges:" in page
    assert "10^(median(20 log10 a) / 20)" in page
    text = methods_paragraph(book)
    assert "presence_ratio was above 0.9 (where it was not available, amp_median was above 50 µV)" in text
    assert f"Metric definitions: {FIRST}, {SECOND}." in text
    (summary,) = rule_summary(apply_rulebook(units([0.95, 0.5, NAN], [NAN, NAN, 1e-5]), book))
    assert (summary.n_pass, summary.n_fail, summary.n_nan, summary.n_fallback) == (1, 2, 0, 1)
    assert [worst.unit for worst in summary.worst] == ["1"]


def test_explain_says_which_metric_judged() -> None:
    book = rulebook()
    table = units([NAN], [43e-6]).assign(probe="probe00", cluster_id=1, n_spikes=9, acronym=None)
    judged = pd.concat([table, apply_rulebook(table, book).columns()], axis=1)
    text = "\n".join(explain_unit(judged, SessionReviews("ibl", "s"), "2026-01-01", {"mine": book}))
    assert f"amp_median 43 µV (recomputed.{SECOND}) — half of its spikes are larger than 43 µV; in place of" in text
    assert "in place of presence_ratio, which has no value" in text


def test_a_difference_of_rulebooks_counts_what_a_fallback_changes() -> None:
    table = units([0.95, NAN, NAN], [1e-4, 1e-4, 1e-5])
    diff = diff_rulebooks(table, rulebook(""), rulebook())
    assert diff.came_in.tolist() == [False, True, False]
    assert diff.units["old"].tolist() == ["presence_ratio not available (NaN) counts as fail"]
    back = diff_rulebooks(table, rulebook(), rulebook(""))
    assert back.went_out.tolist() == [False, True, False]


def test_the_metric_of_a_fallback_is_computed_and_moves_the_version() -> None:
    fallback = "fallback: {metric: spikeinterface.presence_ratio@0.105}"
    assert "spikeinterface.presence_ratio@0.105" in metric_ids([rulebook(fallback)])
    assert rulebook(fallback).content_version() != rulebook("").content_version()
    assert rulebook("fallback: spikeinterface.presence_ratio@0.105").rules == rulebook(fallback).rules


@pytest.mark.parametrize(
    ("fallback", "found"),
    [
        ("fallback: ibl.presence_ratoi@2022-10", r"rule present.*unknown metric"),
        (f"fallback: {FIRST}", r"rule present.*its own metric"),
        (f"fallback: {{metric: {SECOND}, threshold: 50, unit: Hz}}", r"mine.yaml:17.*'Hz'"),
        (f"fallback: {{metric: {SECOND}, threshold: big, unit: V}}", r"mine.yaml:17.*needs a number"),
        (f"fallback: {{metric: {SECOND}, limit: 5}}", "limit"),
    ],
)
def test_a_wrong_fallback_is_refused_with_its_line(fallback: str, found: str) -> None:
    with pytest.raises(ConfigError, match=found):
        rulebook(fallback)


def test_a_fallback_read_from_the_release_needs_its_column() -> None:
    with pytest.raises(ConfigError, match="no released column stands for"):
        rulebook(use="released")


value = st.one_of(st.just(NAN), st.floats(0, 1))


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(value, value), min_size=1, max_size=20), st.sampled_from(["fail", "pass", "ignore"]))
def test_a_fallback_is_asked_only_where_the_metric_is_silent(rows, nan) -> None:
    first, second = (list(column) for column in zip(*rows))
    verdicts = apply_rulebook(units(first, [x * 1e-4 for x in second]), rulebook(nan=nan))
    for row, (a, b) in enumerate(rows):
        decided = a > 0.9 if not np.isnan(a) else b * 1e-4 > 50e-6 if not np.isnan(b) else None
        expected = nan != "fail" if decided is None else decided
        assert bool(verdicts.passed[row, 0]) == expected
        assert bool(verdicts.counted[row, 0]) == (decided is not None or nan != "ignore")
