"""The reviews of a session as its page reads them, from the file or from the desk.

Contains the form that `SessionPage.reviews` states, and which question is open. Add here what a page is told of one
review; how it looks is `static/reviews.js`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nh_platform.qc.reviews.review_model import Day, Review


def told_reviews(reviews: Sequence[Review], today: Day) -> list[dict[str, Any]]:
    """Return reviews as a page reads them, in their order.

    A decision ``counts`` on a day within its dates unless the same reviewer decided later on the same things; the
    ``note`` says why it does not. A question or comment counts for nothing, and is ``open`` until it is answered.
    """
    in_time = sorted(reviews, key=lambda review: review.date)
    latest = {(review.reviewer, about): review.id for review in in_time if review.decision for about in review.about}
    answered = {review.answers for review in reviews if review.answers}
    return [_told(review, today, latest, answered) for review in reviews]


def _told(review: Review, today: Day, latest: dict[tuple[str, Any], str], answered: set[str]) -> dict[str, Any]:
    counts, note = None, ""
    if review.decision in ("pass", "fail"):
        is_latest = any(latest[review.reviewer, about] == review.id for about in review.about)
        counts = is_latest and review.counts_on(today)
        if not is_latest:
            note = f"{review.reviewer} decided on it again later"
        elif not counts:
            note = f"it counts from {review.date} to {review.expiry or 'any later day'}"
    is_question = not review.decision and not review.answers and not review.closes
    return {
        "id": review.id,
        "about": ", ".join(map(str, review.about)),
        "units": list(review.unit_ids),
        "interval": list(review.interval) if review.interval else None,
        "decision": review.decision or "",
        "words": review.words,
        "reviewer": review.reviewer,
        "date": review.date.isoformat(),
        "counts": counts,
        "note": note,
        "evidence": list(review.evidence),
        "rulebook": review.rulebook or "",
        "answers": review.answers or "",
        "open": is_question and review.id not in answered,
        "blind": bool(review.blind),
    }


def open_questions(reviews: Sequence[Review]) -> list[Review]:
    """Return the questions and comments that nobody has answered or closed, in their order."""
    is_open = {one["id"] for one in told_reviews(reviews, None) if one["open"]}
    return [review for review in reviews if review.id in is_open]
