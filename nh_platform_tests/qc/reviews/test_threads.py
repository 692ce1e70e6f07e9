"""Threads: what is open, answered and closed, and answers that answer nothing."""

from __future__ import annotations

import pytest

from nh_platform.qc.reviews.review_files import SessionReviews, parse_reviews
from nh_platform.qc.reviews.threads import answers_to_nothing, thread_of, threads


def reviews_of(*entries: str) -> SessionReviews:
    lines = "".join(f"  - {{{entry}, date: 2026-01-01}}\n" for entry in entries)
    return parse_reviews(f"source: ibl\nsession: s1\nreviews:\n{lines}", "f", "ibl", "s1")


ASKED = "id: q, unit: u1, comment: an axon?, reviewer: ada"
DECIDED = "id: d, unit: u1, decision: fail, reason: two, reviewer: ada"


@pytest.mark.parametrize(
    ("entries", "states"),
    [
        ((DECIDED,), []),
        ((DECIDED, "answers: d, unit: u1, decision: fail, reason: so too, reviewer: bea"), []),
        ((ASKED,), ["open"]),
        ((ASKED, "answers: q, comment: look again, reviewer: ada"), ["open"]),
        ((ASKED, "answers: q, comment: maybe, reviewer: bea"), ["answered"]),
        ((ASKED, "answers: q, unit: u1, decision: fail, reason: it is, reviewer: bea"), ["answered"]),
        (
            (ASKED, "id: a, answers: q, comment: maybe, reviewer: bea", "answers: a, comment: why, reviewer: ada"),
            ["open"],
        ),
        ((ASKED, "answers: q, comment: never mind, closes: true, reviewer: ada"), ["closed"]),
        (
            (
                ASKED,
                "answers: q, comment: it is, closes: true, reviewer: bea",
                "answers: q, comment: no?, reviewer: ada",
            ),
            ["open"],
        ),
        ((DECIDED, "answers: d, comment: why?, reviewer: bea"), ["open"]),
        ((DECIDED, "answers: d, comment: why?, reviewer: bea", "answers: d, comment: so, reviewer: ada"), ["answered"]),
    ],
)
def test_a_thread_is_open_while_its_asker_spoke_last(entries: tuple[str, ...], states: list[str]) -> None:
    reviews = reviews_of(*entries)
    assert [thread.state for thread in threads(reviews)] == states
    assert answers_to_nothing(reviews) == []
    for review in reviews.reviews:
        assert thread_of(reviews, review).entries == reviews.reviews


def test_an_answer_to_what_does_not_stand_above_it_is_named_and_begins_a_thread() -> None:
    reviews = reviews_of("id: a, answers: b, comment: x, reviewer: ada", "id: b, answers: a, comment: y, reviewer: bea")
    assert [one.id for one in answers_to_nothing(reviews)] == ["a"]
    (thread,) = threads(reviews)
    assert [one.id for one in thread.entries] == ["a", "b"]
    assert thread.about == ()
