"""What the page says of the session: verdicts as they count, whose rule it is, and that reviewers set it aside."""

from __future__ import annotations

import datetime as dt

import pytest

from nh_platform.qc.inclusion import Inclusion
from nh_platform.qc.reviews.review_files import Review, SessionReviews
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.session_rules import evaluate_session
from nh_platform.reports.session_page.material import PageMaterial
from nh_platform.reports.session_page.session_words import facts, set_aside, verdict_rows
from nh_platform_tests.made_material import grouped, made_material, steady

INCLUSION = load_rulebook("ibl-bwm-inclusion")


def judged(
    record: dict[str, object], probe: dict[str, object] | None = None
) -> dict[tuple[str, str], dict[str, object]]:
    """Return the rows of a session whose record says this, by what they are about and rule."""
    verdict = evaluate_session(record, INCLUSION)
    probes = {"probe00": evaluate_session(probe, INCLUSION, scope="probe")} if probe is not None else {}
    inclusion = Inclusion("eid", verdict, probes, None, None, ())
    material = made_material(grouped(steady(1)), inclusions=[(INCLUSION, inclusion)])
    return {(row["about"], row["rule"]): row for row in verdict_rows(material)}


def test_a_rule_fails_on_the_page_where_what_is_not_known_counts_as_fail() -> None:
    row = judged({}, {"qc": "PASS"})["probe00", "tracing_exists"]
    assert row["passed"] is False
    assert "extended_qc.tracing_exists not known counts as fail" in str(row["text"])


def test_a_rule_that_others_settle_says_which_and_one_that_is_not_known_that_it_counts_as_pass() -> None:
    rows = judged({"n_trials": 420, "performance_easy": 0.98})
    settled, lacking = rows["session", "behavior"], rows["session", "session_qc"]
    assert settled["passed"] is True
    assert "not known, passes as n_trials and performance_easy" in str(settled["text"])
    assert lacking["passed"] is None
    assert "not known counts as pass" in str(lacking["text"])


def test_a_verdict_names_its_rulebook() -> None:
    assert {row["rulebook"] for row in judged({"n_trials": 420}).values()} == {"ibl-bwm-inclusion"}


def whole(reviewer: str, decision: str = "fail", **more: object) -> Review:
    stated = {"whole_session": True, "decision": decision, "reason": "seizures", "reviewer": reviewer}
    return Review.model_validate({**stated, "date": dt.date(2026, 3, 1), **more})


def reviewed(*reviews: Review) -> PageMaterial:
    return made_material(grouped(steady(1)), reviews=SessionReviews("ibl", "eid", reviews=reviews))


@pytest.mark.parametrize(
    ("reviews", "words"),
    [
        ([], ""),
        ([whole("ada")], "set aside proposed by ada, 1 of 2"),
        ([whole("ada"), whole("bea")], "set aside by ada, bea: seizures"),
        ([whole("ada"), whole("bea", "pass")], "set aside by ada, kept by bea"),
        ([whole("ada", "pass")], ""),
        ([whole("ada", expiry=dt.date(2026, 3, 2))], ""),
    ],
)
def test_a_page_says_that_its_session_is_set_aside_or_who_proposes_it(reviews: list[Review], words: str) -> None:
    assert set_aside(reviewed(*reviews)) == words


def test_facts_name_the_source_once() -> None:
    names = [name for name, _ in facts(made_material(grouped(steady(1))))]
    assert len(names) == len(set(names))
