"""A rule's history: what its rulebook states is checked, and what checks recorded is counted."""

from __future__ import annotations

import datetime as dt

import pytest

from nh_platform.qc.rules.changes.rule_history import NOT_COUNTED, RuleEvaluation, rule_history
from nh_platform.qc.rules.rulebook import load_rulebook, parse_rulebook, rulebook_ids
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.qc.rules.rulebook_pages import rulebook_page
from nh_platform.session import ConfigError

CHANGE = '{date: "2026-03-01", who: Ada, what: above 0.9, why: drift}'
COUNTED = (
    '{date: "2026-04", who: Bo, what: above 0.8, why: "too strict", '
    "effect: {came_in: 12, went_out: 3, n_units: 400, measured_on: demo}, references: [ibllib]}"
)


def rulebook(*changes: str) -> Rulebook:
    lines = "".join(f"      - {change}\n" for change in changes)
    text = f"""\
id: mine
title: A rulebook
version: "1"
sources: [ibl]
why: Because.
use: recomputed
rules:
  - id: present
    metric: ibl.presence_ratio@2022-10
    comparison: ">"
    threshold: 0.9
    unit: "1"
    nan: fail
    severity: warn
    why: Against absence.
    since: "1"
    history:
{lines}"""
    return parse_rulebook(text, "mine.yaml")


def evaluation(session: str, day: int, digest: str, n_passing: int, rulebook: str = "mine") -> RuleEvaluation:
    return RuleEvaluation(session, dt.datetime(2026, 5, day, tzinfo=dt.UTC), rulebook, digest, 100, n_passing)


def test_what_a_rulebook_states_comes_newest_first_with_its_effect() -> None:
    newest, oldest = rule_history(rulebook(CHANGE, COUNTED), "present")
    assert (newest.date, newest.who, newest.what, newest.why) == ("2026-04", "Bo", "above 0.8", "too strict")
    assert newest.effect == "12 in, 3 out; 400 units compared (demo)"
    assert newest.references == ("ibllib",)
    assert (oldest.date, oldest.effect, oldest.is_recorded) == ("2026-03-01", NOT_COUNTED, False)
    with pytest.raises(KeyError):
        rule_history(rulebook(CHANGE), "absent")


def test_a_history_changes_no_verdict() -> None:
    assert rulebook(CHANGE).content_version() == rulebook(CHANGE, COUNTED).content_version()


def test_what_checks_recorded_is_counted_over_the_sessions_that_were_judged_again() -> None:
    found = [
        evaluation("a", 1, "old", 40),
        evaluation("a", 2, "old", 41),
        evaluation("a", 5, "new", 60),
        evaluation("b", 6, "new", 70),
        evaluation("b", 3, "old", 50),
        evaluation("c", 4, "new", 90),
    ]
    recorded, stated = rule_history(rulebook(CHANGE), "present", found)
    assert recorded.is_recorded
    assert recorded.date == "2026-05-05"
    assert recorded.what == "another state of the rules judged 2 sessions: mine old → new"
    assert recorded.effect == "91 → 130 of 200 units pass this rule"
    assert stated.who == "Ada"


def test_going_back_to_an_earlier_rulebook_is_a_change_of_its_own() -> None:
    found = [
        evaluation("a", 1, "x", 40),
        evaluation("a", 2, "y", 60, rulebook="other"),
        evaluation("a", 3, "x", 40),
    ]
    back, there = rule_history(rulebook(CHANGE), "present", found)[:2]
    assert there.what.endswith("mine x → other y")
    assert back.what.endswith("other y → mine x")
    assert (there.effect, back.effect) == ("40 → 60 of 100 units pass this rule", "60 → 40 of 100 units pass this rule")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (['{date: "2026-13-01", who: A, what: b, why: c}'], "mine.yaml:18.*is no date"),
        (["{date: yesterday, who: A, what: b, why: c}"], "is no date"),
        (['{date: "2026", who: A, what: b}'], "rule present.*why"),
        ([CHANGE, '{date: "2025-01", who: A, what: b, why: c}'], "mine.yaml:19, rule present: the change of 2025-01"),
        ([CHANGE.replace("why: drift", "why: d, references: [ibllob]")], "unknown reference 'ibllob'"),
        ([COUNTED.replace("n_units: 400", "n_units: 4")], "12 in and 3 out are more than the 4 units"),
        ([COUNTED.replace("came_in: 12", "came_in: -1")], "greater than or equal to 0"),
    ],
)
def test_a_wrong_history_is_refused_with_its_line(changes: list[str], found: str) -> None:
    with pytest.raises(ConfigError, match=found):
        rulebook(*changes)


@pytest.mark.parametrize("rulebook_id", rulebook_ids())
def test_every_page_has_the_history_of_every_rule(rulebook_id: str) -> None:
    book = load_rulebook(rulebook_id)
    page = rulebook_page(book)
    assert page.count("History:") >= len(book.rules)
    for rule in book.rules:
        for entry in rule_history(book, rule.id):
            assert f"| {entry.date} | {entry.who} | {entry.what}" in page
