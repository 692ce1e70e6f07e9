"""Reviews: what is refused, when they count, what disagreement does, how far reviewers agree."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.reviews.review_decisions import (
    apply_reviews,
    interval_reviews,
    reviewed_intervals,
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
from nh_platform.qc.reviews.reviewer_agreement import cohens_kappa, reviewer_agreement
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.session import ConfigError
from nh_platform.session.tables.events import INVALID_TIMES

HEAD = "source: ibl\nsession: s1\nreviews:\n"
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
        (HEAD + entry(interval="[1, 2]"), 4, "about unit and interval"),
        (HEAD + entry().replace("unit: u1\n    decision", "decision"), 4, "about nothing"),
        (HEAD + entry(unit=None, interval="[2, 1]"), 8, "interval 2.0 to 1.0"),
        (HEAD + entry() + entry(), 9, "decided u1 on 2026-01-01 already (line 4)"),
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
