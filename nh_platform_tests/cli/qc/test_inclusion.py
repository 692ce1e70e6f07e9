"""`nh qc sessions`, `nh qc regions` and the block of `nh show`, on simulated sessions."""

from __future__ import annotations

import csv
import io
import json
import warnings
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner, Result

from nh_platform.cli.app import app
from nh_platform.qc.rules.rulebook import RULEBOOK_DIR
from nh_platform.reading import open_store
from nh_platform_tests.homes import make_home, materialize, set_aside


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two IBL sessions, of which the first is made, and a rulebook that a short simulated session can pass."""
    folder = tmp_path_factory.mktemp("home")
    platform = make_home(folder, ("ibl",), n_sessions=2)
    with dg.DagsterInstance.ephemeral() as instance, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = sorted(platform.source("ibl").manifest().session_ids)[0]
        materialize(platform, instance, "ibl", [first], assets=["raw_spikes", "events", "units"])
    text = (RULEBOOK_DIR / "ibl-bwm-inclusion.yaml").read_text(encoding="utf-8")
    for old, new in (
        ("id: ibl-bwm-inclusion", "id: short-sessions"),
        ("threshold: 400", "threshold: 20"),
        ('threshold: 0.9\n    unit: "1"\n    nan: ignore', 'threshold: 0.1\n    unit: "1"\n    nan: ignore'),
        ("threshold: 3\n", "threshold: 0\n"),
        ("min_units: 5", "min_units: 1"),
        ("min_sessions: 2", "min_sessions: 1"),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "short.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NH_HOME", str(home))
    monkeypatch.setenv("DAGSTER_HOME", "")


def nh(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, (result.output, result.stderr, result.exception)
    return result


def test_every_session_has_a_verdict_in_words(home: Path) -> None:
    result = nh("qc", "sessions", "ibl")
    assert result.stdout.splitlines()[-1] == "pass: 0 of 2"
    made, listed = json.loads(nh("qc", "sessions", "ibl", "--format", "json").stdout)
    assert (made["verdict"], listed["verdict"]) == ("fail", "fail")
    assert "n_trials: 40 not > 400" in made["reason"]
    assert "behavior: extended_qc.behavior not known, fails as n_trials" in made["reason"]
    assert made["probes"] == "2 of 2"  # resolved, as the insertions table says
    assert made["not_known"] == "session_qc, task QC (10 rules)"
    assert listed["not_known"].endswith("(events and units not made yet)")
    mask = open_store(home).session("ibl", made["session_id"]).trial_mask()
    assert (mask.shape, str(mask.dtype)) == ((40,), "bool")
    assert made["trials_kept"] == f"{mask.sum()} of 40"


def test_a_rulebook_of_ones_own_and_csv(home: Path) -> None:
    result = nh("qc", "sessions", "ibl", "--rulebook", str(home / "short.yaml"), "--format", "csv")
    made, listed = csv.DictReader(io.StringIO(result.stdout))
    assert (made["verdict"], made["reason"], listed["verdict"]) == ("pass", "", "fail")
    assert result.stderr.strip() == "pass: 1 of 2"


def test_regions_across_sessions(home: Path) -> None:
    result = nh("qc", "regions", "ibl")
    last = result.stdout.splitlines()[-1]
    assert last.startswith("kept: 0 of 0 regions")
    assert "units of 0 included sessions count, of 1 stored: `nh qc sessions ibl`" in result.stderr
    everything = nh("qc", "regions", "ibl", "--all-sessions")
    assert "0 of the 2 sessions needed with at least 5 good units" in everything.stdout
    assert "included" not in everything.stderr
    rows = json.loads(nh("qc", "regions", "ibl", "--rulebook", str(home / "short.yaml"), "--format", "json").stdout)
    view = open_store(home).session("ibl", str(nh("sessions", "--source", "ibl", "--ids").stdout.split()[0]))
    assert all(row["kept"] == "yes" for row in rows)
    made = json.loads(nh("qc", "sessions", "ibl", "--format", "json").stdout)[0]["session_id"]
    view = open_store(home).session("ibl", made)
    good = view.units[view.good_units()]
    assert {row["region"]: row["units"] for row in rows} == good["beryl"].value_counts().to_dict()


def test_regions_count_the_insertions_that_sessions_includes_and_no_others(home: Path, tmp_path: Path) -> None:
    text = (home / "short.yaml").read_text(encoding="utf-8").replace("id: short-sessions", "id: one-probe")
    probe_rule = (
        "\n  - {id: yield, scope: probe, field: total_yield, comparison: '>', threshold: 1000, unit: '1', nan: fail, "
        "severity: warn, why: No probe has so many., since: '1'}\n"
    )
    (tmp_path / "one.yaml").write_text(text.replace("\nsession:\n", f"\nsession:{probe_rule}"), encoding="utf-8")
    rules = ("--rulebook", str(tmp_path / "one.yaml"), "--format", "json")
    assert {row["verdict"] for row in json.loads(nh("qc", "sessions", "ibl", *rules).stdout)} == {"fail"}
    assert json.loads(nh("qc", "regions", "ibl", *rules).stdout) == []
    assert json.loads(nh("qc", "regions", "ibl", *rules, "--all-sessions").stdout) != []


def test_show_has_one_block_and_a_line_on_published_counts(home: Path) -> None:
    made = json.loads(nh("qc", "sessions", "ibl", "--format", "json").stdout)[0]["session_id"]
    shown = nh("show", "ibl", made).stdout
    assert "inclusion by ibl-bwm-inclusion: fail; trial mask keeps" in shown
    assert "published counts of ibl: not compared yet (asset ibl/reconciliation)" in shown


def test_a_source_without_rules_about_sessions_says_what_to_give(home: Path) -> None:
    result = nh("qc", "sessions", "allen_vc", code=1)
    assert "it has no rulebook about sessions" in result.stderr
    assert "--rulebook" in result.stderr


def test_label_says_what_to_use_instead(home: Path) -> None:
    units = home / "units.csv"
    units.write_text("amp_median\n1e-4\n", encoding="utf-8")
    error = " ".join(nh("qc", "label", "--rulebook", "ibl-bwm-inclusion", "--units", str(units), code=1).stderr.split())
    assert "it is a rulebook for sessions" in error
    assert "`nh qc sessions ibl --rulebook ibl-bwm-inclusion`" in error


@pytest.mark.parametrize("command", ["sessions", "regions"])
def test_the_commands_have_examples(command: str) -> None:
    assert "Examples" in nh("qc", command, "--help").stdout


def test_a_session_that_is_set_aside_is_named_beside_the_verdict_of_the_rules(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "set aside" not in nh("qc", "sessions", "ibl").stdout
    monkeypatch.setenv("NH_REVIEWS", str(tmp_path))
    session = str(json.loads(nh("qc", "sessions", "ibl", "--format", "json").stdout)[0]["session_id"])
    for name in ("ada", "bea"):
        decision = ("--whole-session", "--decision", "fail", "--reason", "seizures", "--reviewer", name)
        nh("review", "add", "ibl", session, *decision)
    assert "set aside" in nh("qc", "sessions", "ibl").stdout
    rows = json.loads(nh("qc", "sessions", "ibl", "--format", "json").stdout)
    assert [row["set_aside"] for row in rows] == ["set aside", ""]


def test_regions_leave_out_a_session_that_is_set_aside(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_REVIEWS", str(tmp_path))
    session = open_store(home).store.sessions("ibl")[0]
    regions = ("qc", "regions", "ibl", "--rulebook", str(home / "short.yaml"), "--format", "json")
    before = json.loads(nh(*regions).stdout)
    set_aside(tmp_path, "ibl", session)
    refused = " ".join(nh(*regions, code=1).stderr.split())
    assert f"set aside 1 session, and no other is stored; {session}: set aside by ada, bea: seizures" in refused
    taken = nh(*regions, "--with-set-aside")
    assert "taken all the same" in " ".join(taken.stderr.split())
    assert json.loads(taken.stdout) == before != []
