"""`nh qc reviews` through the runner: states, agreement, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from nh_platform.cli.qc.rulebooks import app
from nh_platform.home.platform import Platform
from nh_platform.session import ConfigError

REVIEW = "  - {{unit: {unit}, decision: {decision}, reason: seen, reviewer: {reviewer}, date: 2026-03-01{more}}}\n"
INTERVAL = (
    "  - {{interval: [{start}, 99], decision: fail, reason: moved, reviewer: {reviewer}, date: 2026-03-01{more}}}\n"
)
REVIEWS = [
    ("u1", "fail", "ada", ""),
    ("u1", "fail", "bea", ""),
    ("u2", "pass", "ada", ""),
    ("u3", "pass", "ada", ""),
    ("u3", "fail", "bea", ""),
    ("u4", "pass", "ada", ", expiry: 2026-06-01"),
    ("u4", "pass", "bea", ", expiry: 2026-06-01"),
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "reviews" / "ibl"
    folder.mkdir(parents=True)
    monkeypatch.setattr(Platform, "today", "2026-05-01")
    lines = [REVIEW.format(unit=u, decision=d, reviewer=r, more=more) for u, d, r, more in REVIEWS]
    (folder / "s1.yaml").write_text("source: ibl\nsession: s1\nreviews:\n" + "".join(lines), encoding="utf-8")
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.delenv("NH_REVIEWS", raising=False)
    return tmp_path


def run(*arguments: str) -> list[str]:
    result = CliRunner().invoke(app, ["reviews", *arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output.strip().splitlines()


def test_every_reviewed_unit_has_its_state_and_the_reviewers_their_kappa(home: Path) -> None:
    lines = run("ibl")
    assert lines[0] == "s1  u1  counted: fail by ada, bea: seen"
    assert lines[1] == "s1  u2  pending: pass by ada; 1 of 2 reviewers needed"
    assert lines[2].startswith("s1  u3  conflict: reviewers disagree: ada pass, bea fail")
    assert lines[4] == "reviewed units: 1 conflict, 2 counted, 1 pending (on 2026-05-01, quorum 2 of ibl-2022-10)"
    assert lines[5].startswith("reviewed intervals: none (on 2026-05-01")
    # Alike on u1 and u4 of three shared: observed 2/3, expected 2/3·1/3 + 1/3·2/3 = 4/9, kappa 0.4.
    assert lines[6] == "ada and bea: 2 of 3 shared units decided alike, kappa 0.40 (units only, no intervals)"


def test_reviews_expire_on_the_day_that_is_given_and_else_on_the_platforms(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = run("ibl", "--day", "2026-06-02")
    assert given[3] == (
        "s1  u4  expired: no review counts on 2026-06-02: pass by ada, to 2026-06-01; pass by bea, to 2026-06-01"
    )
    assert given[4] == (
        "reviewed units: 1 conflict, 1 counted, 1 expired, 1 pending (on 2026-06-02, quorum 2 of ibl-2022-10)"
    )
    monkeypatch.setattr(Platform, "today", "2026-06-02")
    assert run("ibl") == given


def test_reviewed_intervals_are_listed_with_their_state(home: Path) -> None:
    rows = "".join(
        INTERVAL.format(start=start, reviewer=reviewer, more=more)
        for start, reviewer, more in (
            (10, "ada", ""),
            (10, "bea", ", scope: probe00"),
            (20.5, "ada", ""),
            (20.5, "bea", ""),
            (30, "ada", ", expiry: 2026-04-01"),
        )
    )
    file = home / "reviews" / "ibl" / "s2.yaml"
    file.write_text(f"source: ibl\nsession: s2\nreviews:\n{rows}", encoding="utf-8")
    lines = run("ibl")
    assert lines[4:8] == [
        "s2  interval 10-99 s of all probes  pending: fail by ada; 1 of 2 reviewers needed",
        "s2  interval 10-99 s of probe00  pending: fail by bea; 1 of 2 reviewers needed",
        "s2  interval 20.5-99 s of all probes  counted: fail by ada, bea: moved",
        "s2  interval 30-99 s of all probes  expired: no review counts on 2026-05-01: fail by ada, to 2026-04-01",
    ]
    assert lines[9] == ("reviewed intervals: 1 counted, 1 expired, 2 pending (on 2026-05-01, quorum 2 of ibl-2022-10)")


def test_no_reviews_are_no_error(home: Path) -> None:
    assert run("allen_vc") == [
        "reviewed units: none (on 2026-05-01, quorum 2 of allen-vc-default)",
        "reviewed intervals: none (on 2026-05-01, quorum 2 of allen-vc-default)",
    ]


def test_reviewers_who_always_decided_alike_have_no_kappa(home: Path) -> None:
    rows = "".join(REVIEW.format(unit="u1", decision="fail", reviewer=who, more="") for who in ("ada", "bea"))
    (home / "reviews" / "ibl" / "s1.yaml").write_text(f"source: ibl\nsession: s1\nreviews:\n{rows}", encoding="utf-8")
    assert run("ibl")[3:] == [
        "ada and bea: 1 of 1 shared units decided alike, kappa is not defined: each always decided the same way "
        "(units only, no intervals)"
    ]


def test_a_day_that_is_none_is_refused(home: Path) -> None:
    result = CliRunner().invoke(app, ["reviews", "ibl", "--day", "tomorrow"])
    assert isinstance(result.exception, ConfigError)
    assert "YYYY-MM-DD" in str(result.exception)


def test_a_file_with_a_mistake_is_named_and_the_others_are_listed(home: Path) -> None:
    wrong = home / "reviews" / "ibl" / "s0.yaml"
    wrong.write_text("source: ibl\nsession: s0\nreviews:\n  - {unit: u1, decision: perhaps}\n")
    result = CliRunner().invoke(app, ["reviews", "ibl"])
    assert result.exit_code == 1
    assert "s1  u1  counted" in result.output
    assert "ibl/s0.yaml:4" in result.stderr
