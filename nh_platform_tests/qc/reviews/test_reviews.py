"""Reviews: what is refused, when they count, what disagreement does, how far reviewers agree."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.reviews.review_decisions import (
    apply_reviews,
    interval_reviews,
    session_review,
    unit_interval_reviews,
    unit_reviews,
    unknown_units,
)
from nh_platform.qc.reviews.review_files import (
    SessionReviews,
    parse_reviews,
    read_all_reviews,
    read_reviews,
    review_path,
    reviews_version,
)
from nh_platform.qc.reviews.review_saving import append_reviews
from nh_platform.qc.reviews.reviewed_times import reviewed_intervals, reviewed_unit_intervals
from nh_platform.qc.reviews.reviewer_agreement import cohens_kappa, reviewer_agreement
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.session.tables.events import INVALID_TIMES
from nh_platform.session.tables.units import UNIT_INVALID_TIMES

HEAD = "source: ibl\nsession: s1\nreviews:\n"
QUESTION = "  - unit: u1\n    comment: an axon?\n    reviewer: ada\n    date: 2026-01-01\n"
TODAY = dt.date(2026, 6, 1)


def entry(unit="u1", decision="pass", reviewer="ada", date="2026-01-01", **more) -> str:
    about = {"unit": unit} if unit else {}
    values = {
        **about,
        "decision": decision,
        "reason": f"seen by {reviewer}",
        "reviewer": reviewer,
        "date": date,
        **more,
    }
    return "  - " + "\n    ".join(f"{key}: {value}" for key, value in values.items()) + "\n"


def reviews_of(*entries: str) -> SessionReviews:
    return parse_reviews(HEAD + "".join(entries), "ibl/s1.yaml", "ibl", "s1")


def decisions(*entries: str, today=TODAY, rulebook="ibl-2022-10") -> list[str]:
    units = pd.DataFrame({"unit_id": ["u1", "u2", "u3"]}, index=[5, 6, 7])
    found = apply_reviews(units, reviews_of(*entries), load_rulebook(rulebook), today)
    assert found.index.tolist() == [5, 6, 7]
    return found.tolist()


def test_one_reviewer_is_not_enough_and_two_are() -> None:
    assert decisions(entry()) == ["none"] * 3
    assert decisions(entry(), entry(reviewer="bob")) == ["pass", "none", "none"]
    assert decisions(entry(decision="fail"), entry(decision="fail", reviewer="bob"))[0] == "fail"


def test_the_same_reviewer_twice_is_one_reviewer() -> None:
    assert decisions(entry(), entry(date="2026-02-01"))[0] == "none"


def test_a_review_of_every_unit_of_a_large_session_is_read_at_once() -> None:
    units = [f"u{number}" for number in range(20_000)]
    began = time.process_time()
    assert len(reviews_of(entry(unit="", units=f"[{', '.join(units)}]")).reviews[0].unit_ids) == 20_000
    assert time.process_time() - began < 5
    with pytest.raises(ConfigError, match="it names u3 twice"):
        reviews_of(entry(unit="", units=f"[{', '.join([*units, 'u3'])}]"))


@pytest.mark.parametrize("spelling", ['" ada "', '"ada\\u200b"', '"\\u00adada"', "'ada  '"])
def test_a_space_that_is_not_seen_makes_no_second_reviewer(spelling: str) -> None:
    assert decisions(entry(), entry(reviewer=spelling, date="2026-02-01"))[0] == "none"


def test_a_reader_is_one_however_the_name_is_capitalised_and_shown_as_last_written() -> None:
    assert decisions(entry(), entry(reviewer="Ada"))[0] == "none"
    assert decisions(entry(), entry(reviewer="Ada", date="2026-02-01"), entry(reviewer="bob"))[0] == "pass"
    outcome = unit_reviews(
        reviews_of(entry(), entry(reviewer="ADA", date="2026-02-01"), entry(reviewer="bob")),
        load_rulebook("ibl-2022-10"),
        TODAY,
    )["u1"]
    assert outcome.passing == ("ADA", "bob")
    assert outcome.text == "pass by ADA, bob: seen by ADA; seen by bob"
    assert len(reviewer_agreement([reviews_of(entry(), entry(reviewer="Ada"))])) == 0
    with_answer = reviews_of(entry(decision="fail"), entry(decision="withdrawn", reviewer="Ada"))
    assert [one.decision for one in with_answer.reviews] == ["fail", "withdrawn"]


def test_a_name_is_one_however_its_accents_are_stored(tmp_path: Path) -> None:
    joined, apart = "Jos\u00e9 P", "Jose\u0301  P"
    assert decisions(entry(reviewer=joined), entry(reviewer=apart, date="2026-02-01"))[0] == "none"
    stated = {"unit": "u1", "decision": "pass", "reason": "seen", "reviewer": apart, "date": "2026-01-01"}
    path = review_path(tmp_path, "ibl", "s1")
    assert append_reviews(path, [stated]).added[0].reviewer == joined
    assert f"reviewer: {joined}\n" in path.read_text(encoding="utf-8")


def test_a_name_that_nobody_sees_is_refused() -> None:
    with pytest.raises(ConfigError, match="reviewer"):
        reviews_of(entry(reviewer='"\\u200b "'))


def test_disagreement_overrides_nothing_and_is_shown() -> None:
    entries = (entry(), entry(reviewer="bob"), entry(reviewer="eve", decision="fail"))
    assert decisions(*entries)[0] == "none"
    found = unit_reviews(reviews_of(*entries), load_rulebook("ibl-2022-10"), TODAY)["u1"]
    assert (found.state, found.passing, found.failing) == ("conflict", ("ada", "bob"), ("eve",))
    assert "reviewers disagree: ada, bob pass, eve fail" in found.text


def test_a_reviewers_later_decision_replaces_the_earlier() -> None:
    entries = (entry(reviewer="bob"), entry(decision="fail", date="2026-03-01"), entry())
    assert decisions(*entries)[0] == "none"
    assert decisions(*entries, entry(date="2026-04-01"))[0] == "pass"


@pytest.mark.parametrize(
    ("today", "decision"),
    [
        (dt.date(2026, 5, 31), "pass"),
        (dt.date(2026, 6, 1), "none"),
        (dt.date(2025, 12, 31), "none"),
        (dt.date(2026, 1, 1), "pass"),
        ("2026-06-01", "none"),
        (None, "pass"),
    ],
)
def test_a_review_counts_from_its_date_to_its_expiry(today, decision) -> None:
    expiring = [entry(reviewer=name, expiry="2026-05-31") for name in ("ada", "bob")]
    assert decisions(*expiring, today=today)[0] == decision


def test_an_expired_review_is_shown_as_expired() -> None:
    found = unit_reviews(reviews_of(entry(expiry="2026-02-01")), load_rulebook("ibl-2022-10"), TODAY)
    assert found["u1"].state == "expired"
    assert found["u1"].text == "no review counts on 2026-06-01: pass by ada, to 2026-02-01"
    later = unit_reviews(reviews_of(entry(date="2026-07-01")), load_rulebook("ibl-2022-10"), "2026-06-01")
    assert later["u1"].text == "no review counts on 2026-06-01: pass by ada, from 2026-07-01"


def test_a_review_of_one_rulebook_leaves_the_others_alone() -> None:
    entries = [entry(reviewer=name, rulebook="ibl-strict") for name in ("ada", "bob")]
    assert decisions(*entries, rulebook="ibl-strict")[0] == "pass"
    assert decisions(*entries, rulebook="ibl-2022-10")[0] == "none"


def test_the_later_entry_of_one_day_is_what_a_reviewer_thinks_now() -> None:
    bob = entry(reviewer="bob", decision="fail")
    assert decisions(entry(), entry(decision="fail"), bob)[0] == "fail"
    assert decisions(entry(decision="fail"), entry(), bob)[0] == "none"


def test_a_decision_that_was_replaced_does_not_come_back_when_the_later_one_expires() -> None:
    entries = (entry(), entry(decision="fail", date="2026-02-01", expiry="2026-03-01"), entry(reviewer="bob"))
    assert decisions(*entries, today="2026-01-15")[0] == "pass"
    assert decisions(*entries, today="2026-02-15")[0] == "none"
    found = unit_reviews(reviews_of(*entries), load_rulebook("ibl-2022-10"), TODAY)["u1"]
    assert (found.state, found.passing) == ("pending", ("bob",))


def test_a_withdrawn_decision_counts_no_more_and_may_be_made_again() -> None:
    entries = (entry(), entry(reviewer="bob"), entry(decision="withdrawn", date="2026-02-01"))
    assert decisions(*entries, today="2026-01-15")[0] == "pass"
    assert decisions(*entries)[0] == "none"
    assert decisions(*entries, entry(date="2026-03-01"))[0] == "pass"
    alone = unit_reviews(reviews_of(entries[0], entries[2]), load_rulebook("ibl-2022-10"), TODAY)["u1"]
    assert (alone.state, alone.decision, alone.text) == ("withdrawn", "none", "withdrawn by ada")
    assert len(reviewer_agreement([reviews_of(*entries)])) == 0


def test_a_question_decides_nothing_and_does_not_change_the_version(tmp_path: Path) -> None:
    path = review_path(tmp_path, "ibl", "s1")
    path.parent.mkdir()
    path.write_text(HEAD + entry())
    before = reviews_version(path, TODAY)
    answer = "  - {answers: q1, comment: yes it is, reviewer: bob, date: 2026-01-02, closes: true}\n"
    path.write_text(HEAD + "# asked\n" + QUESTION + "    id: q1\n" + entry(blind="true", evidence="[a.png]") + answer)
    assert reviews_version(path, TODAY) == before
    assert decisions(QUESTION, answer)[0] == "none"
    assert unit_reviews(read_reviews(path), load_rulebook("ibl-2022-10"), TODAY).keys() == {"u1"}
    path.write_text(HEAD + QUESTION)
    assert reviews_version(path, TODAY) == reviews_version(review_path(tmp_path, "ibl", "none"), TODAY)


def test_the_id_of_an_entry_that_states_none_follows_its_content_for_ever() -> None:
    ids = [one.id for one in reviews_of(entry(), entry(reviewer="bob"), entry(id="mine", unit="u2")).reviews]
    assert ids == ["rbd3a8e6d64", "ra58078f7b1", "mine"]
    assert reviews_of("# a comment\n" + entry(decision="pass  # sure")).reviews[0].id == ids[0]
    assert reviews_of(entry(), entry(decision="fail"), entry()).reviews[2].id == f"{ids[0]}-2"


def test_a_review_is_named_by_the_start_of_its_id() -> None:
    reviews = reviews_of(entry(), entry(reviewer="bob"))
    assert reviews.named(reviews.reviews[1].id[:4]) is reviews.reviews[1]
    for wrong in ("r", "", "q1"):
        with pytest.raises(UnknownSession, match=r"of its 2 reviews match. `nh review list ibl s1` has the ids"):
            reviews.named(wrong)


def test_an_interval_of_one_unit_is_of_that_unit_alone() -> None:
    def decided(unit, reviewer, decision="fail") -> str:
        return entry(unit, decision, reviewer, interval="[10, 20.5]")

    reviews = reviews_of(*(decided("u2", name) for name in ("ada", "bob")), decided("u1", "ada"))
    assert interval_reviews(reviews, 2, TODAY) == []
    assert unit_reviews(reviews, load_rulebook("ibl-2022-10"), TODAY) == {}
    found = unit_interval_reviews(reviews, 2, TODAY)
    assert [(one.name, one.state) for one in found] == [
        ("interval 10-20.5 s of unit u1", "pending"),
        ("interval 10-20.5 s of unit u2", "counted"),
    ]
    table = reviewed_unit_intervals(reviews, 2, TODAY)
    UNIT_INVALID_TIMES.validate(table)
    assert table.to_numpy().tolist() == [["u2", 10.0, 20.5, "review: fail by ada, bob: seen by ada; seen by bob"]]
    assert len(reviewed_unit_intervals(reviews, 3, TODAY)) == 0


def whole(decision="fail", reviewer="ada", **more) -> str:
    return entry(None, decision, reviewer, whole_session="true", **more)


@pytest.mark.parametrize(
    ("entries", "state", "is_set_aside", "short"),
    [
        ((whole(),), "pending", False, "set aside proposed by ada, 1 of 2"),
        ((whole(), whole(reviewer="bob")), "counted", True, "set aside"),
        (
            (whole(), whole(reviewer="bob"), whole("pass", date="2026-02-01")),
            "conflict",
            False,
            "set aside by bob, kept by ada",
        ),
        ((whole(), whole("withdrawn", date="2026-02-01")), "withdrawn", False, ""),
        ((whole(expiry="2026-02-01"), whole(reviewer="bob", expiry="2026-02-01")), "expired", False, ""),
        ((whole("pass"), whole("pass", "bob")), "counted", False, ""),
    ],
)
def test_a_session_is_set_aside_by_the_quorum_and_comes_back(entries, state, is_set_aside, short) -> None:
    found = session_review(reviews_of(entry(), *entries), load_rulebook("ibl-2022-10"), TODAY)
    assert found is not None
    assert (found.state, found.is_set_aside, found.short) == (state, is_set_aside, short)


def test_a_session_that_nobody_reviewed_as_a_whole_has_no_review() -> None:
    assert session_review(reviews_of(entry()), load_rulebook("ibl-2022-10"), TODAY) is None


def test_several_units_in_one_review_and_numbers_as_ids() -> None:
    text = HEAD.replace("s1", "715093703") + "".join(
        f"  - {{units: [950911932, u2], decision: fail, reason: noise, reviewer: {name}, date: 2026-01-01}}\n"
        for name in ("ada", "bob")
    )
    reviews = parse_reviews(text, "f", "ibl", "715093703")
    units = pd.DataFrame({"unit_id": ["950911932", "u2", "u3"]})
    assert apply_reviews(units, reviews, load_rulebook("ibl-2022-10"), TODAY).tolist() == ["fail", "fail", "none"]


def test_a_unit_that_is_not_there_is_named_and_changes_nothing() -> None:
    entries = (entry(unit="gone"), entry(unit="gone", reviewer="bob"))
    assert decisions(*entries) == ["none"] * 3
    assert unknown_units(pd.DataFrame({"unit_id": ["u1"]}), reviews_of(*entries)) == ["gone"]


def test_intervals_need_the_quorum_too() -> None:
    one = entry(unit=None, decision="fail", interval="[10, 20.5]", scope="probe00")
    two = entry(unit=None, decision="fail", interval="[10, 20.5]", scope="probe00", reviewer="bob")
    assert len(reviewed_intervals(reviews_of(one), 2, TODAY)) == 0
    found = reviewed_intervals(reviews_of(one, two), 2, TODAY)
    INVALID_TIMES.validate(found)
    assert found.loc[0, ["start_time", "stop_time", "scope"]].tolist() == [10.0, 20.5, "probe00"]
    assert "ada, bob" in found.loc[0, "label"]


def test_every_reviewed_interval_has_its_state() -> None:
    def decided(start, reviewer, decision="fail", **more) -> str:
        return entry(unit=None, interval=f"[{start}, 99]", reviewer=reviewer, decision=decision, **more)

    reviews = reviews_of(
        *(decided(10, name) for name in ("ada", "bob")),
        decided(20, "ada"),
        *(decided(30, name, decision) for name, decision in (("ada", "fail"), ("bob", "pass"))),
        *(decided(40, name, expiry="2026-02-01") for name in ("ada", "bob")),
        *(decided(50, name, "pass", scope="probe00") for name in ("ada", "bob")),
    )
    found = interval_reviews(reviews, 2, TODAY)
    assert [(one.start_s, one.state, one.decision) for one in found] == [
        (10, "counted", "fail"),
        (20, "pending", "none"),
        (30, "conflict", "none"),
        (40, "expired", "none"),
        (50, "counted", "pass"),
    ]
    assert found[0].name == "interval 10-99 s of all probes"
    assert found[4].name == "interval 50-99 s of probe00"
    assert reviewed_intervals(reviews, 2, TODAY)["start_time"].tolist() == [10]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (HEAD + entry(decision="maybe"), 5, "decision: it is 'maybe'"),
        (HEAD + entry().replace("    reviewer: ada\n", ""), 4, "'reviewer' is missing"),
        (HEAD + entry(verdict="x"), 9, "unknown key 'verdict'"),
        (HEAD + entry(date="soon"), 8, "date: it is 'soon'"),
        (HEAD + entry(expiry="2025-01-01"), 9, "expires on 2025-01-01, before its date"),
        (HEAD + entry(units="[u2]"), 4, "about unit and units"),
        (HEAD + entry(unit=None, units="[u2, u1, u2]"), 8, "names u2 twice"),
        (HEAD + entry(unit=None, units="[u1, u2]", interval="[1, 2]"), 4, "about units and interval"),
        (HEAD + entry(whole_session="true"), 4, "about unit and whole_session"),
        (HEAD + entry(unit=None, whole_session="false"), 8, "whole_session: it is false"),
        (HEAD + entry(unit=None, whole_session="true", rulebook="x"), 9, "the whole session holds for every rulebook"),
        (HEAD + entry(interval="[1, 2]", scope="probe00"), 10, "an interval of one unit is of no probe"),
        (HEAD + entry(interval="[1, 2]", rulebook="x"), 10, "an interval holds for every rulebook"),
        (HEAD + entry().replace("    reason: seen by ada\n", ""), 4, "'reason' is missing"),
        (HEAD + entry(comment="why?"), 9, "it has a reason and a comment"),
        (HEAD + entry().replace("    decision: pass\n", ""), 4, "neither a decision nor a comment"),
        (HEAD + QUESTION + "    expiry: 2027-01-01\n", 8, "'expiry' stands in a comment"),
        (HEAD + QUESTION + "    closes: true\n", 8, "it closes no thread"),
        (HEAD + entry(decision="withdrawn"), 5, "ada decided nothing before about unit u1"),
        (HEAD + entry(date="2026-02-01") + entry(decision="withdrawn"), 10, "decided nothing before"),
        (HEAD + entry(unit="u2") + entry(decision="withdrawn"), 10, "decided nothing before about unit u1"),
        (HEAD + entry(id="3a"), 9, "id: it is '3a'"),
        (HEAD + entry(id="a") + entry(unit="u2", id="a"), 15, "the review in line 4 has the id a too"),
        (HEAD + entry(shown="{rules: {u1: {isi: [1, perhaps]}}}"), 9, "it is 'perhaps'"),
        (HEAD + entry().replace("unit: u1\n    decision", "decision"), 4, "about nothing"),
        (HEAD + entry(unit=None, interval="[2, 1]"), 8, "interval 2.0 to 1.0"),
        (HEAD + entry() + entry(), 9, "it stands in line 4 already, word for word"),
        (HEAD.replace("s1", "s2") + entry(), 2, "session 's2', but its place says 's1'"),
        (HEAD.replace("ibl", "allen_vc") + entry(), 1, "source 'allen_vc', but its place says 'ibl'"),
        ("", 1, "empty"),
        (HEAD + "  - unit: [\n", 5, "not valid YAML"),
    ],
)
def test_a_mistake_is_named_with_its_line(text, line, words) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_reviews(text, "ibl/s1.yaml", "ibl", "s1")
    assert f"ibl/s1.yaml:{line}" in str(raised.value), raised.value
    assert words in str(raised.value), raised.value


def test_a_session_without_a_file_has_no_reviews(tmp_path: Path) -> None:
    found = read_reviews(review_path(tmp_path, "ibl", "s1"))
    assert (found.source, found.session_id, found.reviews) == ("ibl", "s1", ())


def test_the_version_follows_the_content_and_expiry(tmp_path: Path) -> None:
    path = review_path(tmp_path, "ibl", "s1")
    assert reviews_version(path) == reviews_version(path, TODAY)
    path.parent.mkdir()
    path.write_text(HEAD + entry(expiry="2026-05-31"))
    first = reviews_version(path)
    before = [reviews_version(path, dt.date(2026, month, 1)) for month in (2, 3, 5)]
    after = [reviews_version(path, dt.date(2026, month, 1)) for month in (6, 12)]
    assert len(set(before)) == 1
    assert len(set(after)) == 1
    assert set(before) != set(after)
    path.write_text(HEAD + entry(expiry="2026-05-31", decision="fail"))
    assert reviews_version(path) != first


def test_all_reviews_of_a_folder_are_read_in_order(tmp_path: Path) -> None:
    for source, session in (("ibl", "b"), ("ibl", "a"), ("allen_vc", "c")):
        path = review_path(tmp_path, source, session)
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"source: {source}\nsession: {session}\nreviews: []\n")
    (tmp_path / "README.md").write_text("reviews")
    assert [(r.source, r.session_id) for r in read_all_reviews(tmp_path)[0]] == [
        ("allen_vc", "c"),
        ("ibl", "a"),
        ("ibl", "b"),
    ]
    assert [r.session_id for r in read_all_reviews(tmp_path, "ibl")[0]] == ["a", "b"]


def test_kappa_of_the_textbook_example() -> None:
    # 50 things: both yes 20, first only 5, second only 10, both no 15; p_o 0.7, p_e 0.5 (Cohen 1960 arithmetic).
    first = [True] * 25 + [False] * 25
    second = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15
    assert cohens_kappa(first, second) == pytest.approx(0.4)
    assert cohens_kappa([True, False], [True, False]) == 1
    assert cohens_kappa([True, False], [False, True]) == -1
    assert np.isnan(cohens_kappa([], []))
    assert np.isnan(cohens_kappa([True, True], [True, True]))
    with pytest.raises(ValueError, match="same things"):
        cohens_kappa([True], [])


def test_agreement_is_counted_across_files() -> None:
    one = reviews_of(entry("u1"), entry("u2", "fail"), entry("u1", reviewer="bob"), entry("u2", "fail", reviewer="bob"))
    text = (HEAD + entry("u1", "fail") + entry("u1", "pass", reviewer="bob")).replace("s1", "s2")
    two = parse_reviews(text, "ibl/s2.yaml", "ibl", "s2")
    table = reviewer_agreement([one, two])
    assert table[["first", "second", "shared", "agreed"]].to_numpy().tolist() == [
        ["ada", "bob", 3, 2],
        ["all", "all", 3, 2],
    ]
    assert table.loc[0, "agreement"] == pytest.approx(2 / 3)
    assert table.loc[0, "kappa"] == pytest.approx(0.4)
    assert len(reviewer_agreement([reviews_of(entry())])) == 0


def test_decisions_under_two_rulebooks_are_no_shared_decision() -> None:
    strict, other = entry(rulebook="ibl-strict"), entry("u1", "fail", "bob", rulebook="ibl-2022-10")
    assert len(reviewer_agreement([reviews_of(strict, other)])) == 0
    of_all = entry("u1", "fail", "bob")
    assert reviewer_agreement([reviews_of(strict, of_all)])["shared"].tolist() == [1, 1]
    both = (strict, entry(rulebook="ibl-2022-10"), of_all)  # of bob one decision, which meets two of ada's
    assert reviewer_agreement([reviews_of(*both)])[["shared", "agreed"]].to_numpy().tolist() == [[2, 0], [2, 0]]
    withdrawn = entry("u1", "withdrawn", "bob", "2026-02-01")
    assert len(reviewer_agreement([reviews_of(strict, of_all, withdrawn)])) == 0
