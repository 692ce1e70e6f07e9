"""What the reviews of a session come to, as the site lists it: units, intervals, the session itself, open questions.

Contains the list alone. Add here what else people record of a session. What decides is
`nh_platform.qc.reviews.review_decisions`, what is asked `nh_platform.qc.reviews.threads`.
"""

from __future__ import annotations

from nh_platform.qc.reviews.review_decisions import session_review, weighed_things
from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_model import Day
from nh_platform.qc.reviews.threads import threads
from nh_platform.qc.rules.rulebook_model import Rulebook

OPEN, UNDECIDED = "open", ("pending", "conflict", "expired", "open")
"""State of a question without an answer, and the states in which something waits for people."""


def reviewed_things(reviews: SessionReviews, rulebook: Rulebook, today: Day) -> list[tuple[str, str, str]]:
    """Return what each reviewed thing is, its state, and that in words; the state of a question is `OPEN`."""
    weighed = weighed_things(reviews, rulebook, today)
    stated: list[tuple[str, str, str]] = [(str(about), one.state, one.words) for about, one in weighed.items()]
    for thread in threads(reviews):
        if thread.state == OPEN:
            last = thread.entries[-1]
            about = ", ".join(map(str, thread.about)) or "a review"
            stated.append((about, OPEN, f"{last.reviewer} asks: {last.comment or last.reason or ''}"))
    return stated


def set_aside_because(reviews: SessionReviews, rulebook: Rulebook, today: Day) -> str:
    """Return by whom and why a session is set aside; empty where it is not."""
    whole = session_review(reviews, rulebook, today)
    return whole.words if whole is not None and whole.is_set_aside else ""
