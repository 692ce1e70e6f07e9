"""The reviews of a session as its page reads them, from the file or from the desk.

Contains the form that `nh_platform.reports.session_page.content.SessionPage` states, and which question is open. Add
here what a page is told of one review; how it looks is `static/reviews.js`.
"""

from __future__ import annotations

from typing import Any

from nh_platform.qc.reviews.review_decisions import standing_reviews
from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_model import Day, Review
from nh_platform.qc.reviews.threads import threads


def told_reviews(reviews: SessionReviews, today: Day) -> list[dict[str, Any]]:
    """Return reviews as a page reads them, in their order.

    A decision ``counts`` on a day within its dates unless the same reviewer decided later on the same things, and that
    counts since; the ``note`` says why it does not. A question or comment counts for nothing, and is ``open`` while its
    thread is.
    """
    standing = standing_reviews(reviews, today)
    is_open = {review.id for review in open_questions(reviews)}
    return [_told(review, today, review.id in standing) | {"open": review.id in is_open} for review in reviews.reviews]


def open_questions(reviews: SessionReviews) -> list[Review]:
    """Return the first question or comment of every thread that waits for an answer, in their order."""
    waiting = (thread for thread in threads(reviews) if thread.state == "open")
    return [next(one for one in thread.entries if one.decision is None) for thread in waiting]


def _told(review: Review, today: Day, stands: bool) -> dict[str, Any]:
    counts, note = None, ""
    if review.decision in ("pass", "fail"):
        counts = stands
        if not review.counts_on(today):
            note = f"it counts from {review.date} to {review.expiry or 'any later day'}"
        elif not stands:
            note = f"{review.reviewer} decided on it again later"
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
        "blind": bool(review.blind),
    }
