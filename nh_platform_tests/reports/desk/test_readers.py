"""What a reader is told: blindly nothing of others on what is undecided; and no review counts for other spikes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nh_platform.home.platform import Platform
from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_model import Review, reader_of
from nh_platform.qc.reviews.review_saving import append_reviews
from nh_platform.reports.desk.posted import Post
from nh_platform.reports.desk.readers import Reader, decided_by, session_state
from nh_platform.reports.desk.saving import save_post
from nh_platform.reports.desk.settings import Desk
from nh_platform.reports.desk.unit_rows import session_units
from nh_platform.session.tables.carried_reviews import CARRIED_REVIEWS

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
    own = {one.id for one in file.reviews if one.reader == reader_of(name)}
    shown = Reader(name, blind=True).shown(file)
    for review in shown.reviews:
        is_answer = review.decision is None and review.answers in own
        assert review.reader == reader_of(name) or is_answer or set(review.about) <= decided
    kept = [one.id for one in shown.reviews]
    for review in file.reviews:
        if review.reviewer == name or set(review.about) & decided:
            assert review.id in kept
    assert Reader(name).shown(file) is file


def test_a_review_of_other_spikes_counts_no_more_and_is_proposed_until_agreed(
    three_sources: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = three_sources.store.sessions("ibl")[0]
    desk = Desk(Platform(three_sources.settings.model_copy(update={"reviews": tmp_path})), "token")
    units = sorted(session_units(desk.platform, "ibl", session).ids)
    two = [
        {"unit": units[0], "decision": "fail", "reason": f"reason of {name}", "reviewer": name} for name in NAMES[:2]
    ]
    saved = append_reviews(desk.reviews_file("ibl", session), [{**one, "date": "2026-05-01"} for one in two])
    moved = pd.DataFrame(
        {
            "review": [one.id for one in saved.added],
            "reviewed_unit": units[0],
            "probe": "probe00",
            "standing": "proposed",
            "unit": units[1],
            "agreement": 0.97,
        }
    )
    state = session_state(desk, saved.reviews, Reader("carl"))
    assert [one["state"] for one in state["outcomes"]] == ["counted"]
    assert state["proposals"] == []
    monkeypatch.setattr(Desk, "carried", lambda *_: CARRIED_REVIEWS.conform(moved))
    state = session_state(desk, saved.reviews, Reader("carl"))
    assert state["outcomes"] == []
    assert [(one["counts"], "sorted again" in one["note"]) for one in state["reviews"]] == [(False, True)] * 2
    (entry,) = state["proposals"]
    assert (entry["unit"], entry["decision"], entry["reason"]) == (units[1], "fail", "reason of ada; reason of bob")
    stated = {key: value for key, value in entry.items() if value is not None}
    post = Post(reviewer="carl", reviews=[stated])
    after = save_post(desk, "ibl", session, post)
    assert [(one["unit"], one["state"], one["failing"]) for one in after["outcomes"]] == [
        (units[1], "pending", ["carl"])
    ]
    assert after["proposals"] == []


def test_a_session_is_told_to_be_set_aside_and_blindly_not_by_whom(three_sources: Platform, tmp_path: Path) -> None:
    session = three_sources.store.sessions("ibl")[0]
    desk = Desk(Platform(three_sources.settings.model_copy(update={"reviews": tmp_path})), "token")

    def told(name: str, blind: bool) -> str:
        return str(session_state(desk, desk.reviews("ibl", session), Reader(name, blind))["set_aside"])

    def fail(name: str) -> None:
        entry = {"whole_session": True, "decision": "fail", "reason": "seizures", "reviewer": name}
        append_reviews(desk.reviews_file("ibl", session), [{**entry, "date": "2026-05-01"}])

    assert told("carl", False) == ""
    fail("ada")
    assert told("carl", False) == "set aside proposed by ada, 1 of 2"
    assert told("carl", True) == ""
    fail("bob")
    assert told("carl", False) == "set aside by ada, bob: seizures"
    assert told("carl", True) == "set aside"
    assert told("bob", True) == "set aside by ada, bob: seizures"
