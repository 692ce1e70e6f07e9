"""Reviews as a page reads them: which counts, why another does not, and which question is open."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.qc.reviews.review_decisions import unit_reviews
from nh_platform.qc.reviews.review_files import SessionReviews, parse_reviews
from nh_platform.qc.reviews.review_model import Review
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.reports.session_page.told_reviews import told_reviews
from nh_platform_tests.qc.reviews.test_weighing import TODAY, entries


def stated(*entries: str) -> SessionReviews:
    text = "source: ibl\nsession: a\nreviews:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries)
    return parse_reviews(text, "ibl/a.yaml", "ibl", "a")


def told(reviews: SessionReviews, *keys: str) -> list[tuple[Any, ...]]:
    return [tuple(one[key] for key in keys) for one in told_reviews(reviews, "2026-05-01")]


def test_a_reviewer_s_latest_decision_counts_on_its_days() -> None:
    first = "unit: u, decision: fail, reason: r, reviewer: ada, date: 2026-04-01"
    later = "unit: u, decision: pass, reason: s, reviewer: ada, date: 2026-04-02"
    expired = "unit: v, decision: fail, reason: r, reviewer: ada, date: 2026-01-01, expiry: 2026-02-01"
    found = told(stated(first, later, expired), "decision", "counts", "note")
    assert found == [
        ("fail", False, "ada decided on it again later"),
        ("pass", True, ""),
        ("fail", False, "it counts from 2026-01-01 to 2026-02-01"),
    ]


def test_a_decision_counts_until_the_day_from_which_its_successor_does() -> None:
    now = "unit: u, decision: fail, reason: r, reviewer: ada, date: 2026-04-01"
    planned = "unit: u, decision: pass, reason: s, reviewer: ada, date: 2026-12-01"
    found = told(stated(now, planned), "decision", "counts", "note")
    assert found == [("fail", True, ""), ("pass", False, "it counts from 2026-12-01 to any later day")]


def test_a_decision_under_one_rulebook_replaces_none_under_another() -> None:
    of_one = "unit: u, decision: fail, reason: r, reviewer: ada, date: 2026-04-01, rulebook: one"
    of_two = "unit: u, decision: pass, reason: s, reviewer: ada, date: 2026-04-02, rulebook: two"
    of_all = "unit: u, decision: fail, reason: t, reviewer: ada, date: 2026-04-03"
    assert told(stated(of_one, of_two), "counts") == [(True,), (True,)]
    assert told(stated(of_one, of_two, of_all), "counts") == [(False,), (False,), (True,)]
    assert told(stated(of_all.replace("04-03", "03-03"), of_one), "counts") == [(True,), (True,)], "of other rulebooks"


@settings(deadline=None, max_examples=200)
@given(st.lists(entries(), max_size=10))
def test_what_is_said_to_count_is_what_was_weighed(made: list[Review]) -> None:
    named = tuple(one.model_copy(update={"id": f"r{number}"}) for number, one in enumerate(made))
    reviews, book = SessionReviews("ibl", "a", named), load_rulebook("ibl-2022-10")
    counting = [one for one in told_reviews(reviews, TODAY) if one["counts"] and one["about"] == "unit u"]
    outcome = unit_reviews(reviews, book, TODAY).get("u")
    decided = (outcome.passing, outcome.failing) if outcome else ((), ())
    for word, names in zip(("pass", "fail"), decided):
        assert sorted(one["reviewer"] for one in counting if one["decision"] == word) == list(names)


def test_what_was_withdrawn_counts_no_more() -> None:
    made = "unit: u, decision: fail, reason: r, reviewer: ada, date: 2026-04-01"
    back = "unit: u, decision: withdrawn, reason: r, reviewer: ada, date: 2026-04-01"
    assert told(stated(made, back), "decision", "counts") == [("fail", False), ("withdrawn", None)]


def test_a_question_is_open_until_another_answers_and_again_when_the_asker_goes_on() -> None:
    asked = "id: q1, unit: u, comment: an axon?, reviewer: ada, date: 2026-04-01"
    answer = "id: q2, answers: q1, comment: not so, reviewer: bob, date: 2026-04-02"
    again = "id: q3, answers: q2, comment: why?, reviewer: ada, date: 2026-04-03"
    closes = "id: q4, answers: q3, comment: by depth, closes: true, reviewer: bob, date: 2026-04-04"
    assert told(stated(asked), "id", "open", "words") == [("q1", True, "an axon?")]
    assert [one for one, is_open in told(stated(asked, answer), "id", "open") if is_open] == []
    assert [one for one, is_open in told(stated(asked, answer, again), "id", "open") if is_open] == ["q1"]
    assert [one for one, is_open in told(stated(asked, answer, again, closes), "id", "open") if is_open] == []


def test_intervals_and_the_session_are_told_with_what_they_are_about() -> None:
    of_unit = "unit: u, interval: [1, 2.5], decision: fail, reason: r, reviewer: ada, date: 2026-04-01"
    whole = "whole_session: true, decision: fail, reason: r, reviewer: ada, date: 2026-04-01"
    found = told(stated(of_unit, whole), "about", "units", "interval")
    assert found == [("interval 1-2.5 s of unit u", ["u"], [1.0, 2.5]), ("whole session", [], None)]
