"""`nh review add`, `agree` and `show` on a home with stored units: what is written, shown, and refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from nh_platform.home.platform import Platform
from nh_platform.qc.reviews.review_files import SessionReviews, read_reviews
from nh_platform_tests.cli.commands import nh

FAIL = ("--decision", "fail", "--reviewer", "ada", "--reason", "two neurons")


def written(tmp_path: Path, session: str) -> SessionReviews:
    return read_reviews(tmp_path / "reviews" / "ibl" / f"{session}.yaml")


def test_a_decision_keeps_what_is_stored_of_the_unit(stored_home: Path, session: str, tmp_path: Path) -> None:
    said = nh(stored_home, "review", "add", "ibl", session[:8], "--unit", "probe00/0", *FAIL, "--blind").output
    (review,) = written(tmp_path, session).reviews
    assert f"holds 1 now; the new one is {review.id}" in said
    assert (review.decision, review.blind, str(review.date)) == ("fail", True, "2026-05-01")
    assert review.shown is not None
    assert review.shown.rulebook == "ibl-2022-10"
    ((unit, rules),) = review.shown.rules.items()
    assert unit == review.unit
    assert set(rules) == {"max_confidence", "noise_cutoff", "amp_median"}
    shown = nh(stored_home, "review", "show", "ibl", session, "probe00/0").output
    assert f"2026-05-01  ada  fail  {review.id}" in shown
    assert "noise_cutoff" in shown
    assert "pending: fail by ada; 1 of 2 reviewers needed" in shown


def test_a_dry_run_shows_the_change_and_writes_nothing(stored_home: Path, session: str, tmp_path: Path) -> None:
    said = nh(stored_home, "review", "add", "ibl", session, "--whole-session", *FAIL, "--dry-run").stdout
    assert said.startswith(f"--- /dev/null\n+++ b/ibl/{session}.yaml\n")
    assert "+    whole_session: true\n" in said
    assert not (tmp_path / "reviews").exists()


@pytest.mark.parametrize(
    ("options", "about"),
    [
        (("--unit", "probe00/0", "--unit", "probe00/1"), "unit, unit"),
        (("--interval", "1", "2.5"), "interval"),
        (("--interval", "1", "2.5", "--scope", "probe00"), "interval"),
        (("--unit", "probe00/0", "--interval", "1", "2.5"), "unit interval"),
        (("--whole-session",), "session"),
    ],
)
def test_a_second_reader_agrees_on_the_same_thing(
    stored_home: Path, session: str, tmp_path: Path, options: tuple[str, ...], about: str
) -> None:
    nh(stored_home, "review", "add", "ibl", session, *options, *FAIL)
    first = written(tmp_path, session).reviews[0]
    assert ", ".join(one.kind for one in first.about) == about
    nh(stored_home, "review", "agree", "ibl", session, first.id[:5], "--reviewer", "bea")
    second = written(tmp_path, session).reviews[1]
    assert second.about == first.about
    assert (second.decision, second.reason, second.answers, second.blind) == (
        "fail",
        "two neurons",
        first.id,
        False,
    )
    nh(stored_home, "review", "agree", "ibl", session, first.id, "--reviewer", "cal", "--disagree", "--reason", "fine")
    assert written(tmp_path, session).reviews[2].decision == "pass"


def test_a_question_is_answered_and_closed_and_a_decision_withdrawn(
    stored_home: Path, session: str, tmp_path: Path
) -> None:
    unit = ("--unit", "probe00/0")
    asked = nh(stored_home, "review", "add", "ibl", session, *unit, "--reviewer", "ada", "--comment", "an axon?")
    assert f"materialize ibl {session} --asset session_report" in " ".join(asked.output.split())
    question = written(tmp_path, session).reviews[0].id
    answer = ("--answers", question[:4], "--reviewer", "bea", "--comment", "yes", "--closes")
    assert "open" in nh(stored_home, "review", "list", "ibl", session, "--open").output
    nh(stored_home, "review", "add", "ibl", session, *answer)
    assert "no review is like that" in nh(stored_home, "review", "list", "ibl", session, "--open").output
    decided = nh(stored_home, "review", "add", "ibl", session, *unit, *FAIL)
    assert "materialize ibl --missing" in " ".join(decided.output.split())
    nh(stored_home, "review", "add", "ibl", session, *unit, *FAIL[2:], "--decision", "withdrawn")
    shown = nh(stored_home, "review", "show", "ibl", session, "probe00/0").output
    assert [line.split()[2] for line in shown.splitlines() if line.startswith("2026")] == [
        "comment",
        "comment",
        "fail",
        "withdrawn",
    ]
    assert f"answers {question}; closes the thread" in shown
    assert ": withdrawn: withdrawn by ada" in shown
    thread = nh(stored_home, "review", "show", "ibl", session, question).output
    assert "thread about unit" in thread
    assert "fail" not in thread


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--unit", "probe00/999", *FAIL), "or PROBE/CLUSTER"),
        (("--interval", "1", "2", "--scope", "prob00", *FAIL), "Did you mean probe00"),
        (("--unit", "probe00/0", *FAIL, "--rulebook", "ibl-2022-1"), "Did you mean ibl-2022-10"),
        (("--unit", "probe00/0", "--reviewer", "ada", "--comment", "x", "--answers", "r1"), "0 of its 0 reviews match"),
        (FAIL, "it is about nothing"),
        (("--unit", "probe00/0", "--reviewer", "ada"), "neither a decision nor a comment"),
        (("--interval", "0", "1e308", *FAIL), "within 1,000,000,000 s of 0"),
        (("--unit", "probe00/0", *FAIL, "--date", "soon"), "it is 'soon'"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    stored_home: Path, session: str, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    refused = nh(stored_home, "review", "add", "ibl", session, *options, code=1)
    assert said in " ".join(refused.stderr.split())
    assert not (tmp_path / "reviews" / "ibl" / f"{session}.yaml").exists()


def test_a_reader_does_not_agree_with_himself_a_question_or_without_a_reason(
    stored_home: Path, session: str, tmp_path: Path
) -> None:
    nh(stored_home, "review", "add", "ibl", session, "--unit", "probe00/0", *FAIL)
    nh(stored_home, "review", "add", "ibl", session, "--unit", "probe00/0", "--reviewer", "ada", "--comment", "sure?")
    decision, question = (one.id for one in written(tmp_path, session).reviews)
    agree = ("review", "agree", "ibl", session)
    assert "a review of ada already" in nh(stored_home, *agree, decision, "--reviewer", "ada", code=1).stderr
    assert "it is no decision" in nh(stored_home, *agree, question, "--reviewer", "bea", code=1).stderr
    assert "needs a reason" in nh(stored_home, *agree, decision, "--reviewer", "bea", "--disagree", code=1).stderr
    assert "0 of its 2 reviews match" in nh(stored_home, *agree, "q", "--reviewer", "bea", code=1).stderr
    assert "neither a unit nor one review" in nh(stored_home, "review", "show", "ibl", session, "q", code=1).stderr
    assert len(written(tmp_path, session).reviews) == 2


def test_units_that_are_not_stored_are_taken_as_they_are_named(
    stored_home: Path, platform: Platform, tmp_path: Path
) -> None:
    other = platform.manifest("ibl").session_ids[1]
    nh(stored_home, "review", "add", "ibl", other, "--unit", "u1", *FAIL)
    text = (tmp_path / "reviews" / "ibl" / f"{other}.yaml").read_text()
    assert "shown" not in yaml.safe_load(text)["reviews"][0]
    assert "unit u1" in nh(stored_home, "review", "show", "ibl", other, "u1").output
    nh(stored_home, "review", "add", "ibl", platform.manifest("ibl").session_ids[0], "--unit", "probe00/0", *FAIL)
    assert "orphan" not in nh(stored_home, "review", "list", "ibl").output
