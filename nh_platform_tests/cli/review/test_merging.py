"""`nh review merge` on a home with stored units: a downloaded file is added once, and what it cannot be is said."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from nh_platform.home.platform import Platform
from nh_platform.qc.reviews.review_files import read_reviews
from nh_platform.store.codecs.parquet import read_table
from nh_platform_tests.cli.commands import nh
from nh_platform_tests.homes import make_home, materialize


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = make_home(tmp_path_factory.mktemp("home"), ("ibl",))
    with dg.DagsterInstance.ephemeral() as instance:
        materialize(platform, instance, "ibl", assets=("raw_spikes", "units"))
    return platform


@pytest.fixture
def home(platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NH_HOME", "")
    monkeypatch.setenv("NH_REVIEWS", str(tmp_path / "reviews"))
    return platform.settings.home


@pytest.fixture
def session(platform: Platform) -> str:
    return platform.manifest("ibl").session_ids[0]


@pytest.fixture
def unit(platform: Platform, session: str) -> str:
    return str(read_table(platform.store.folder("ibl", session, "units") / "units.parquet")["unit_id"][0])


def downloaded(folder: Path, session: str, *reviews: str) -> Path:
    file = folder / "decisions.yaml"
    lines = [f'source: "ibl"\nsession: "{session}"\nreviews:']
    lines += [f'  - {review}\n    reviewer: "ada"\n    date: "2026-05-01"' for review in reviews]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def decision(unit: str, reason: str) -> str:
    shown = f'{{"units": "abc", "rules": {{"{unit}": {{"noise_cutoff": [1.0e-7, "pass"]}}}}}}'
    return f'unit: "{unit}"\n    decision: "fail"\n    reason: "{reason}"\n    shown: {shown}'


def test_a_file_is_merged_once_and_later_decisions_of_it_are_added(
    home: Path, session: str, unit: str, tmp_path: Path
) -> None:
    file = downloaded(tmp_path, session, decision(unit, "two neurons"))
    path = tmp_path / "reviews" / "ibl" / f"{session}.yaml"
    said = nh(home, "review", "merge", str(file), "--dry-run").output
    assert "+    reason: two neurons" in said
    assert not path.exists()
    assert f"1 review added to ibl/{session}.yaml" in nh(home, "review", "merge", str(file)).output
    before = path.read_bytes()
    assert "0 reviews added" in nh(home, "review", "merge", str(file)).output
    assert path.read_bytes() == before
    file = downloaded(tmp_path, session, decision(unit, "two neurons"), decision(unit, "drifts"))
    assert "1 review added" in (said := nh(home, "review", "merge", str(file)).output)
    assert "1 known already" in said
    first, second = read_reviews(path).reviews
    assert (first.reason, second.reason, second.reviewer) == ("two neurons", "drifts", "ada")
    assert first.shown is not None
    assert first.shown.rules[unit]["noise_cutoff"] == (1e-7, "pass")
    assert (tmp_path / "reviews" / "ibl" / session / "spike-trains.tsv").exists()


def test_what_cannot_be_merged_is_named_and_the_others_are(home: Path, session: str, unit: str, tmp_path: Path) -> None:
    whole = downloaded(tmp_path, session, decision(unit, "two neurons"))
    wrong = {
        "other.yaml": whole.read_text().replace(unit, "another-unit"),
        "nowhere.yaml": whole.read_text().replace(session, "no-such-session"),
        "list.yaml": "- 1\n- 2\n",
        "broken.yaml": whole.read_text().replace("reviews:", "reviews: ["),
        "typo.yaml": whole.read_text().replace("decision", "decisions"),
    }
    for name, text in wrong.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    files = [str(tmp_path / name) for name in (*wrong, "missing.yaml", whole.name)]
    ran = nh(home, "review", "merge", *files, code=1)
    for said in (
        "units another-unit are not in",
        "no-such-session",
        "does not state source and session",
        "broken.yaml:",
    ):
        assert said in ran.output
    assert "typo.yaml:" in ran.output
    assert "there is no such file" in ran.output
    assert "1 review added" in ran.output
