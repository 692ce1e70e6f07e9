"""Reviews as a page reads them: which counts, why another does not, and which question is open."""

from __future__ import annotations

from typing import Any

from nh_platform.qc.reviews.review_files import SessionReviews, parse_reviews
from nh_platform.reports.session_page.told_reviews import told_reviews


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
