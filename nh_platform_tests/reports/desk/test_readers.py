"""A blind reader: whatever the file holds, nothing of others is told of a thing that the reader has not decided on."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_model import Review
from nh_platform.reports.desk.readers import Reader, decided_by

NAMES, UNITS = ("ada", "bob", "carl"), ("u1", "u2", "u3")


@st.composite
def reviews(draw: st.DrawFn) -> SessionReviews:
    made: list[Review] = []
    for number in range(draw(st.integers(0, 12))):
        decision = draw(st.sampled_from(["pass", "fail", None]))
        about = draw(
            st.sampled_from([{"units": [*UNITS[:2]]}, {"whole_session": True}, {"interval": (1.0, 2.0)}])
            | st.sampled_from(UNITS).map(lambda unit: {"unit": unit})
        )
        words = {"decision": decision, "reason": f"r{number}"} if decision else {"comment": f"c{number}"}
        answers = draw(st.sampled_from([None, *(one.id for one in made)]))
        name = draw(st.sampled_from(NAMES))
        made.append(Review(id=f"i{number}", reviewer=name, date=dt.date(2026, 5, 1), answers=answers, **about, **words))
    return SessionReviews("ibl", "a", tuple(made))


@given(file=reviews(), name=st.sampled_from([*NAMES, "", "Ada"]))
def test_nothing_of_others_is_told_of_what_is_undecided(file: SessionReviews, name: str) -> None:
    decided = decided_by(name, file.reviews)
    own = {one.id for one in file.reviews if one.reviewer == name}
    shown = Reader(name, blind=True).shown(file)
    for review in shown.reviews:
        is_answer = review.decision is None and review.answers in own
        assert review.reviewer == name or is_answer or set(review.about) <= decided
    kept = [one.id for one in shown.reviews]
    for review in file.reviews:
        if review.reviewer == name or set(review.about) & decided:
            assert review.id in kept
    assert Reader(name).shown(file) is file
