"""Whatever reviewers enter, in whichever order: who counts, and that the quorum alone decides."""

from __future__ import annotations

import datetime as dt

from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.qc.reviews.review_decisions import session_review, unit_interval_reviews, unit_reviews
from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_model import Review
from nh_platform.qc.rules.rulebook import load_rulebook

TODAY = dt.date(2026, 1, 10)
DAYS = st.integers(1, 20).map(lambda day: dt.date(2026, 1, day))
ABOUT = st.sampled_from([{"unit": "u"}, {"whole_session": True}, {"unit": "u", "interval": (1.0, 2.0)}])


@st.composite
def entries(draw: st.DrawFn) -> Review:
    date = draw(DAYS)
    expiry = draw(st.none() | DAYS.filter(lambda day: day >= date))
    decision = draw(st.sampled_from(["pass", "fail", "withdrawn"]))
    who = draw(st.sampled_from("abc"))
    return Review(**draw(ABOUT), decision=decision, reason="r", reviewer=who, date=date, expiry=expiry)


def thought(reviews: list[Review], kind: str) -> dict[str, str]:
    """Return what each reviewer thinks today, told entry by entry."""
    found: dict[str, Review] = {}
    for day in range(1, TODAY.day + 1):
        for review in reviews:
            if review.date.day == day and review.about[0].kind == kind:
                found[review.reviewer] = review
    still = {who: one for who, one in found.items() if one.expiry is None or one.expiry >= TODAY}
    return {who: str(one.decision) for who, one in still.items() if one.decision != "withdrawn"}


@settings(deadline=None, max_examples=300)
@given(st.lists(entries(), max_size=12))
def test_a_decision_is_counted_where_the_quorum_agrees_and_nobody_disagrees(stated: list[Review]) -> None:
    reviews, book = SessionReviews("ibl", "s1", tuple(stated)), load_rulebook("ibl-2022-10")
    outcomes = {
        "unit": unit_reviews(reviews, book, TODAY).get("u"),
        "session": session_review(reviews, book, TODAY),
        "unit interval": next(iter(unit_interval_reviews(reviews, book.review_quorum, TODAY)), None),
    }
    for kind, outcome in outcomes.items():
        if not any(review.about[0].kind == kind for review in stated):
            assert outcome is None
            continue
        assert outcome is not None
        now = thought(stated, kind)
        passing, failing = (sorted(who for who, one in now.items() if one == word) for word in ("pass", "fail"))
        assert (list(outcome.passing), list(outcome.failing)) == (passing, failing)
        agree = passing if not failing else failing if not passing else []
        word = "pass" if agree == passing else "fail"
        assert outcome.decision == (word if len(agree) >= book.review_quorum else "none")
        assert (outcome.state == "conflict") == bool(passing and failing)
        assert (outcome.state in ("expired", "withdrawn")) == (not now)
