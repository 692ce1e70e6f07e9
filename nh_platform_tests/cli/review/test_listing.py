"""`nh review list` and `kappa` through the runner: states, filters, agreement, and what they refuse."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from nh_platform.cli import console
from nh_platform.cli.review.app import app
from nh_platform.home.platform import Platform
from nh_platform.qc.reviews.review_files import read_reviews
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
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output.strip().splitlines()


def listed(*arguments: str) -> list[tuple[str, str]]:
    """Return state and thing of each row."""
    rows = csv.DictReader(io.StringIO("\n".join(run("list", "ibl", *arguments, "--format", "csv"))))
    return [(row["state"], row["about"]) for row in rows]


def test_every_reviewed_unit_has_its_state_and_the_ids_of_its_reviews(home: Path) -> None:
    lines = run("list", "ibl")
    first, second = (one.id for one in read_reviews(home / "reviews" / "ibl" / "s1.yaml").reviews[:2])
    assert lines[:4] == ["s1", "  counted  unit u1", "    fail by ada, bea: seen", f"    {first}, {second}"]
    assert lines[4:6] == ["  pending  unit u2", "    pass by ada; 1 of 2 reviewers needed"]
    assert lines[7] == "  conflict  unit u3"
    assert lines[8].startswith("    reviewers disagree: ada pass, bea fail")
    assert lines[-2:] == [
        "units: 1 conflict, 2 counted, 1 pending",
        "counted on 2026-05-01, quorum 2 of ibl-2022-10",
    ]


def test_reviews_expire_on_the_day_that_is_given_and_else_on_the_platforms(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = run("list", "ibl", "--day", "2026-06-02")
    assert given[10:12] == [
        "  expired  unit u4",
        "    no review counts on 2026-06-02: pass by ada, to 2026-06-01; pass by bea, to 2026-06-01",
    ]
    assert given[-2:] == [
        "units: 1 conflict, 1 counted, 1 expired, 1 pending",
        "counted on 2026-06-02, quorum 2 of ibl-2022-10",
    ]
    monkeypatch.setattr(Platform, "today", "2026-06-02")
    assert run("list", "ibl") == given


def test_reviewed_intervals_are_listed_with_their_state(home: Path) -> None:
    rows = "".join(
        INTERVAL.format(start=start, reviewer=reviewer, more=more)
        for start, reviewer, more in (
            (10, "ada", ""),
            (10, "bea", ", scope: probe00"),
            (20.5, "ada", ""),
            (20.5, "bea", ""),
            (20.5, "bea", ", unit: u1"),
            (30, "ada", ", expiry: 2026-04-01"),
        )
    )
    file = home / "reviews" / "ibl" / "s1.yaml"
    file.write_text(f"source: ibl\nsession: s1\nreviews:\n{rows}", encoding="utf-8")
    assert listed() == [
        ("pending", "interval 20.5-99 s of unit u1"),
        ("pending", "interval 10-99 s of all probes"),
        ("pending", "interval 10-99 s of probe00"),
        ("counted", "interval 20.5-99 s of all probes"),
        ("expired", "interval 30-99 s of all probes"),
    ]
    assert run("list", "ibl")[-3:-1] == [
        "intervals: 1 counted, 1 expired, 2 pending",
        "intervals of units: 1 pending",
    ]


def test_what_waits_for_somebody_is_found(home: Path) -> None:
    assert listed("--pending") == [("pending", "unit u2")]
    assert listed("--pending", "--conflicts") == [("pending", "unit u2"), ("conflict", "unit u3")]
    assert listed("--conflicts", "--mine", "bea") == [("conflict", "unit u3")]
    assert listed("--mine", "eve") == []
    assert run("list", "ibl", "--mine", "eve")[0] == "no review is like that"
    file = home / "reviews" / "ibl" / "s1.yaml"
    file.write_text(
        file.read_text()
        + "  - {id: q1, unit: u1, comment: an axon?, reviewer: ada, date: 2026-03-02}\n"
        + "  - {id: q2, unit: u2, comment: noise?, reviewer: ada, date: 2026-03-02}\n"
        + "  - {answers: q2, comment: 'no', reviewer: bea, date: 2026-03-02}\n"
        + "  - {answers: q9, comment: what, reviewer: bea, date: 2026-03-02}\n"
        + "  - {unit: u5, decision: fail, rulebook: ibl-1999, reason: x, reviewer: bea, date: 2026-03-02}\n"
    )
    assert listed("--open") == [("open", "unit u1"), ("open", "answers q9")]
    assert listed("--orphans") == [("answers nothing", "answer"), ("unknown rulebook", "unit u5")]
    asked = run("list", "ibl", "--mine", "ada")
    assert "questions: 1 answered, 1 open" in asked
    assert "    ada: noise? — bea: no" in asked


def test_a_session_that_is_set_aside_is_said_first(home: Path) -> None:
    file = home / "reviews" / "ibl" / "s1.yaml"
    aside = "  - {{whole_session: true, decision: fail, reason: seizures, reviewer: {}, date: 2026-03-01}}\n"
    file.write_text(file.read_text() + aside.format("ada"))
    assert run("list", "ibl")[1:3] == ["  pending  whole session", "    set aside proposed by ada, 1 of 2"]
    file.write_text(file.read_text() + aside.format("bea"))
    assert run("list", "ibl")[1:3] == ["  counted  whole session", "    set aside by ada, bea: seizures"]


def test_a_list_fits_80_columns(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = "5f0c1a30-6f0e-4f4c-9e0e-0d6a0b1c2d3e"
    file = home / "reviews" / "ibl" / "4b7fbad4-f6de-43b4-9b15-c7c7ef44db4b.yaml"
    rows = "".join(REVIEW.format(unit=unit, decision="fail", reviewer=who, more="") for who in ("ada", "bea"))
    file.write_text(f"source: ibl\nsession: {file.stem}\nreviews:\n{rows.replace('seen', 'two neurons ' * 12)}")
    printed = io.StringIO()
    monkeypatch.setattr(console, "out", Console(file=printed, width=80, force_terminal=True, color_system=None))
    run("list", "ibl")
    lines = printed.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(unit in line for line in lines) == 1


def test_no_reviews_are_no_error(home: Path) -> None:
    assert run("list", "allen_vc") == [
        "nothing of allen_vc was reviewed",
        "counted on 2026-05-01, quorum 2 of allen-vc-default",
    ]
    assert run("kappa", "allen_vc") == ["no two reviewers decided on the same unit of allen_vc"]
    assert run("kappa", "allen_vc", "--format", "csv") == ["first,second,shared,agreed,agreement,kappa,blind"]


def test_reviewers_have_their_kappa(home: Path) -> None:
    # Alike on u1 and u4 of three shared: observed 2/3, expected 2/3·1/3 + 1/3·2/3 = 4/9, kappa 0.4.
    (row, pooled) = csv.DictReader(io.StringIO("\n".join(run("kappa", "ibl", "--format", "csv"))))
    assert (row["first"], row["second"], row["shared"], row["agreed"]) == ("ada", "bea", "3", "2")
    assert (float(row["kappa"]), row["blind"]) == (pytest.approx(0.4), "0")
    assert pooled["first"] == "all"
    table = "\n".join(run("kappa", "ibl"))
    assert "67 %" in table
    assert "0.40" in table
    assert "all" not in table.split("blind")[1]


def test_reviewers_who_always_decided_alike_have_no_kappa(home: Path) -> None:
    rows = "".join(
        REVIEW.format(unit="u1", decision="fail", reviewer=who, more=", blind: true") for who in ("ada", "bea")
    )
    (home / "reviews" / "ibl" / "s1.yaml").write_text(f"source: ibl\nsession: s1\nreviews:\n{rows}", encoding="utf-8")
    table = "\n".join(run("kappa", "ibl"))
    assert "not defined" in table
    assert run("kappa", "ibl", "--format", "csv")[1] == "ada,bea,1,1,1,,1"


def test_a_day_that_is_none_is_refused(home: Path) -> None:
    result = CliRunner().invoke(app, ["list", "ibl", "--day", "tomorrow"])
    assert isinstance(result.exception, ConfigError)
    assert "YYYY-MM-DD" in str(result.exception)


@pytest.mark.parametrize("command", ["list", "kappa"])
def test_a_file_with_a_mistake_is_named_and_the_others_are_listed(home: Path, command: str) -> None:
    wrong = home / "reviews" / "ibl" / "s0.yaml"
    wrong.write_text("source: ibl\nsession: s0\nreviews:\n  - {unit: u1, decision: perhaps}\n")
    result = CliRunner().invoke(app, [command, "ibl"])
    assert result.exit_code == 1
    assert "ada, bea" in result.output or "0.40" in result.output
    assert "ibl/s0.yaml:4" in result.stderr
