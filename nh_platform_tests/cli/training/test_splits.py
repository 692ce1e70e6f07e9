"""`nh splits`: the shares of a list, who is reserved, and whether a list that grew moved anyone."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from nh_platform.windows.splits import load_reserved
from nh_platform_tests.cli.commands import nh


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "sessions.csv"
    rows = [f"eid{number},mouse{number % 50},lab{number % 50 % 3}" for number in range(150)]
    path.write_text("\n".join(["eid,subject,lab", *rows]) + "\n")
    return path


def test_a_list_that_grew_moves_nobody_and_another_seed_moves_some(tmp_path: Path, listed: Path) -> None:
    earlier = tmp_path / "earlier.csv"
    earlier.write_text("\n".join(listed.read_text().splitlines()[:80]) + "\n")
    lines = nh(tmp_path, "splits", "--sessions", str(listed), "--previous", str(earlier)).output.splitlines()
    assert lines[0].startswith("150 sessions of 50 subjects; never training: brain-wide-bench")
    assert lines[-1] == "moved sessions: 0"
    other = nh(tmp_path, "splits", "--sessions", str(listed), "--previous", str(earlier), "--seed", "1").output
    assert int(other.splitlines()[-1].removeprefix("moved sessions: ")) > 0
    same = ("--seed", "1", "--previous-seed", "1")
    assert nh(tmp_path, "splits", "--sessions", str(listed), "--previous", str(earlier), *same).output.endswith(": 0\n")


def test_every_session_is_printed_with_its_split_as_csv(tmp_path: Path, listed: Path) -> None:
    made = nh(tmp_path, "splits", "--sessions", str(listed), "--hold-out-lab", "lab1", "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(made)))
    assert len(rows) == 150
    assert {row["split"] for row in rows if row["lab"] == "lab1"} == {"held_out"}
    some = nh(tmp_path, "splits", "--sessions", str(listed), "--subset", "10", "--format", "csv").stdout
    more = nh(tmp_path, "splits", "--sessions", str(listed), "--subset", "50", "--format", "csv").stdout
    first, second = (
        {row["session_id"] for row in csv.DictReader(io.StringIO(text)) if row["split"] == "train"}
        for text in (some, more)
    )
    assert (len(first), len(second)) == (10, 50)
    assert first < second


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--reserved", "brain-wide-bunch"), "Did you mean brain-wide-bench"),
        (("--reserved", "brain-wide-bench", "--no-reserved"), "they exclude each other"),
        (("--hold-out-lab", "lab9"), "no session is of it; there are lab0, lab1, lab2"),
        (("--subset", "1000"), "training sessions"),
        (("--by", "region"), "neither lab nor subject"),
        (("--source", "iblb"), "source 'iblb'"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, listed: Path, arguments: tuple[str, ...], found: str) -> None:
    said = nh(tmp_path, "splits", "--sessions", str(listed), *arguments, code=1).stderr
    assert found in " ".join(said.split())


@pytest.mark.reference
def test_the_brain_wide_map_and_its_reserved_subjects(tmp_path: Path, reference_dir: Path) -> None:
    releases = reference_dir / "ibl_releases"
    now, before = (str(releases / f"{name}_bwm_release.csv") for name in ("2023_12", "2022_10"))
    shown = nh(tmp_path, "splits", "--sessions", now, "--previous", before).output
    assert shown.startswith("459 sessions of 139 subjects")
    assert shown.endswith("moved sessions: 0\n")
    other = nh(tmp_path, "splits", "--sessions", now, "--previous", before, "--seed", "1").output
    assert int(other.splitlines()[-1].removeprefix("moved sessions: ")) > 0
    bench = load_reserved("brain-wide-bench")
    for path in (now, before):
        rows = list(csv.DictReader(io.StringIO(nh(tmp_path, "splits", "--sessions", path, "--format", "csv").stdout)))
        own = [row for row in rows if row["subject"] in bench.subjects]
        assert own
        assert {row["split"] for row in own} == {"reserved"}
        assert len(own) == 36 or path == before
