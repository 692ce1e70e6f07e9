"""The commands as a person types them: what they print, how they fail, what they leave behind."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import prepare_instance
from nh_platform_tests.cli.commands import nh
from nh_platform_tests.homes import make_home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home with one simulated IBL session upstream and nothing made of it."""
    # Set, not deleted: the command sets both for its children, and monkeypatch must take that back.
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    make_home(tmp_path, ("ibl",))
    return tmp_path


def session_id(home: Path) -> str:
    return nh(home, "sessions", "--source", "ibl", "--ids").output.strip()


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("command", list(commands(typer.main.get_command(app))), ids=" ".join)
def test_every_command_has_help_with_an_example_of_itself(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    text = re.sub(r"\x1b\[[0-9;]*m", "", result.output)
    assert re.search(r"Examples\s.*nh (--home \S+ )?" + " ".join(command) + r"\b", text, flags=re.DOTALL)


def test_help_answers_without_what_computes() -> None:
    code = "import sys\nfrom nh_platform.cli.app import app\napp(['--help'], standalone_mode=False)\n"
    code += "print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "backfill" in done.stdout
    loaded = set(done.stdout.splitlines()[-1].split())
    assert loaded.isdisjoint({"pandas", "numpy", "dagster", "pyarrow", "boto3", "pydantic", "yaml"})


_REVIEW = ("--unit", "u", "--decision", "fail", "--reviewer", "ada", "--reason", "two")
MISTAKES = [
    *(("show", "ibl", "zzzz"), ("materialize", "ibl", "zzzz"), ("backfill", "ibl", "zzzz"), ("fetch", "ibl", "zzzz")),
    *(("verify", "ibl", "zzzz"), ("lock", "add", "paper-1", "ibl", "zzzz")),
    *(("qc", "explain", "ibl", "zzzz", "probe00/1"), ("qc", "history", "ibl", "zzzz")),
    *(("review", "add", "ibl", "zzzz", *_REVIEW), ("review", "agree", "ibl", "zzzz", "r1", "--reviewer", "ada")),
    *(("review", "show", "ibl", "zzzz", "u"), ("review", "list", "ibl", "zzzz"), ("review", "kappa", "ebl")),
    *(("sync", "ebl"), ("inventory", "ebl"), ("clean", "ebl"), ("prune", "ebl"), ("sessions", "--source", "ebl")),
    *(("qc", "sessions", "ebl"), ("qc", "regions", "ebl"), ("review", "list", "ebl")),
    *(("releases", "show", "ebl"), ("releases", "try", "ebl"), ("releases", "accept", "ebl")),
    *(("releases", "diff", "1", "2", "--source", "ebl"), ("releases", "list", "ebl")),
    *(("qc", "diff", "ibl-2022-10", "ibl-2022-1", "--source", "ibl"), ("qc", "rules", "show", "ibl-2022-1")),
]


def test_a_mistake_is_refused_before_anything_heavy_is_loaded(home: Path) -> None:
    nh(home, "sync", "ibl")
    code = (
        "import json, sys\n"
        "from typer.testing import CliRunner\n"
        "from nh_platform.cli.app import app\n"
        "for mistake in json.loads(sys.argv[2]):\n"
        "    done = CliRunner().invoke(app, ['--home', sys.argv[1], *mistake])\n"
        "    heavy = sorted({'pandas', 'dagster', 'numba'} & set(sys.modules))\n"
        "    print(json.dumps([mistake, done.exit_code, heavy, done.stderr]))\n"
    )
    arguments = [sys.executable, "-c", code, str(home), json.dumps(MISTAKES)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        mistake, exit_code, heavy, said = json.loads(line)
        assert (exit_code, heavy) == (1, []), (mistake, said)
        assert said.startswith("error "), mistake


def test_sync_registers_sessions_and_makes_nothing_else(home: Path) -> None:
    result = nh(home, "sync", "ibl")
    assert "ibl: 1 session, 2 insertions" in result.output
    assert [path.name for path in (home / "store" / "ibl").iterdir()] == ["_source"]


def test_materialize_makes_what_is_missing_once(home: Path) -> None:
    nh(home, "sync", "ibl")
    dry = nh(home, "materialize", "ibl", "--missing", "--dry-run")
    assert "raw_spikes, events, signals, units, windows, unit_embeddings" in dry.output
    assert "1 of 1 sessions would run" in dry.output
    assert "1 session, 7 assets materialized" in nh(home, "materialize", "ibl", session_id(home), "--missing").output
    assert "nothing to do" in nh(home, "materialize", "ibl", "--missing").output
    assert "1 asset materialized" in nh(home, "materialize", "ibl", session_id(home), "--asset", "units").output


def test_what_was_left_out_is_counted_where_people_look(home: Path) -> None:
    (licks,) = (home / "upstream").rglob("licks.times.npy")
    licks.unlink()
    nh(home, "sync", "ibl")
    made = nh(home, "materialize", "ibl", "--all").output
    (row,) = json.loads(nh(home, "sessions", "--source", "ibl", "--sort", "notes", "--format", "json").output)
    shown = nh(home, "show", "ibl", row["session_id"][:4]).output
    assert row["notes"] == shown.count("note, ") > 0
    assert f"notes of what was left out or assumed: {row['notes']} in 1 session; `nh --home {home} show ibl" in made


def test_sessions_are_found_and_printed_in_every_form(home: Path) -> None:
    nh(home, "sync", "ibl")
    nh(home, "materialize", "ibl", "--all")
    (row,) = json.loads(nh(home, "sessions", "--source", "ibl", "--format", "json").output)
    assert row["units"] == 24
    assert 0 < row["good_units"] < 24
    (same,) = csv.DictReader(io.StringIO(nh(home, "sessions", "--source", "ibl", "--format", "csv").output))
    assert same["session_id"] == row["session_id"]
    region = row["regions"].split(", ")[0]
    for found in (
        ["--region", region],
        ["--subject", row["subject"][:6].lower()],
        ["--dataset", "spikes.times.npy"],
        ["--min-units", "24"],
        ["--date-from", row["date"], "--date-to", row["date"]],
    ):
        assert nh(home, "sessions", "--source", "ibl", "--ids", *found).output.strip() == row["session_id"], found
    for not_found in (
        ["--region", "GPe"],
        ["--min-units", "25"],
        ["--dataset", "no.such.npy"],
        ["--date-from", "2999-01-01"],
    ):
        assert nh(home, "sessions", "--source", "ibl", "--ids", *not_found).output.strip() == "", not_found


def test_show_says_what_is_current(home: Path) -> None:
    nh(home, "sync", "ibl")
    session = session_id(home)
    assert nh(home, "show", "ibl", session).output.count("│ missing ") == 7
    nh(home, "materialize", "ibl", session)
    shown = nh(home, "show", "ibl", session).output
    assert shown.count("│ current ") == 7
    assert "ibl-2022-10" in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("sync", "ebl"), "there is no such source"),
        (("materialize", "ibl"), "it needs session ids, --all or --missing"),
        (("materialize", "ibl", "--missing"), " sync ibl"),
        (("materialize", "ibl", "--all", "--asset", "spikes"), "no such per-session asset"),
        (("sessions", "--source", "ibl"), " sync ibl"),
        (("show", "ibl", "nope"), " sync ibl"),
    ],
)
def test_errors_name_the_thing_and_the_next_step(home: Path, arguments: tuple[str, ...], says: str) -> None:
    result = nh(home, *arguments, code=1)
    assert says in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.stderr


def test_a_mistake_is_answered_without_what_is_slow_to_load(home: Path) -> None:
    nh(home, "sync", "ibl")
    code = "import sys\nfrom nh_platform.cli.app import app\n"
    code += "try: app(sys.argv[1:])\nexcept SystemExit as end: print(end.code)\nprint(*sys.modules)"
    for arguments in (
        ("show", "nosuch", "zzz"),
        ("show", "ibl", "zzz"),
        ("materialize", "ibl", "zzz"),
        ("backfill", "ibl", "zzz"),
        ("fetch", "ibl", "zzz"),
        ("qc", "explain", "ibl", "zzz", "probe00/1"),
    ):
        command = [sys.executable, "-c", code, "--home", str(home), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        code_line, loaded = done.stdout.splitlines()[-2:]
        assert code_line == "1", (arguments, done.stderr)
        assert "zzz" in done.stderr or "nosuch" in done.stderr
        assert {"pandas", "dagster", "numba", "h5py"}.isdisjoint(loaded.split()), arguments


def test_the_first_characters_of_a_session_will_do(home: Path) -> None:
    nh(home, "sync", "ibl")
    session = session_id(home)
    planned = nh(home, "materialize", "ibl", session[:4], session[:8], "--dry-run").output
    assert f"ibl {session}: raw_spikes" in planned
    assert planned.count(session) == 1
    assert f"ibl {session}" in nh(home, "show", "ibl", session[:6]).output
    assert "too short" in nh(home, "show", "ibl", session[:3], code=1).stderr


def test_a_session_that_does_not_exist_fails_by_name_and_the_others_go_on(home: Path) -> None:
    nh(home, "sync", "ibl")
    result = nh(home, "materialize", "ibl", "nope", session_id(home), code=1)
    assert "nope" in result.stderr
    assert "1 session, 7 assets materialized" in result.output


def test_settings_that_cannot_be_read_are_named(home: Path) -> None:
    (home / "sources.yaml").write_text("ibl:\n  reed: {}\n", encoding="utf-8")
    result = nh(home, "sync", "ibl", code=1)
    assert "sources.yaml" in result.stderr
    assert "reed" in result.stderr


def test_doctor_reports_without_secrets(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NH_ONE_PASSWORD", "very-secret")
    result = nh(home, "doctor", "--offline", "--format", "json")
    found = {row["about"]: row["found"] for row in json.loads(result.output)}
    assert found["NH_ONE_PASSWORD"] == "set"
    assert "very-secret" not in result.output
    assert found["dagster"].startswith("1.13")
    assert "GB free" in found["disk"]


def test_the_embedded_instance_lies_in_the_home(home: Path) -> None:
    folder = prepare_instance(load_settings(home))
    written = (folder / "dagster.yaml").read_text(encoding="utf-8")
    assert folder == home / "dagster"
    assert f'base_dir: "{home / "dagster"}/history"' in written
    assert ": data/dagster" not in written


def test_a_dagster_home_that_is_set_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "/elsewhere")
    assert str(prepare_instance(load_settings(home))) == "/elsewhere"
    assert not (home / "dagster").exists()


@pytest.mark.slow
def test_the_demo_runs_and_the_second_run_makes_nothing(
    made_demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    printed = made_demo.with_name("made-demo.txt").read_text()
    for text in ("What to open next", "ibl-2022-10", "allen-vc-default", "pass rate"):
        assert text in printed
    shutil.copytree(made_demo, tmp_path / "demo")
    (tmp_path / "demo" / "dagster" / "dagster.yaml").unlink()  # names the folder; it is written anew
    again = CliRunner().invoke(app, ["demo", "--folder", str(tmp_path / "demo")])
    assert "Everything is current; nothing was computed again." in again.output
    other = CliRunner().invoke(app, ["demo", "--folder", str(tmp_path / "demo"), "--seed", "3"])
    assert other.exit_code == 1
    assert "another seed" in other.stderr


def test_explain_says_first_that_units_are_stale_and_what_brings_them_up_to_date(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nh(home, "sync", "ibl")
    session = session_id(home)
    nh(home, "materialize", "ibl", session, "--asset", "raw_spikes", "--asset", "units")
    assert nh(home, "qc", "explain", "ibl", session[:8], "probe00/0").output.startswith("unit ")
    reviews = home / "reviews" / "ibl"
    reviews.mkdir(parents=True)
    (reviews / f"{session}.yaml").write_text(
        f"source: ibl\nsession: {session}\nreviews:\n"
        "  - {interval: [1.0, 2.0], decision: fail, reason: noise, reviewer: ada, date: 2026-01-01}\n"
    )
    with (home / "sources.yaml").open("a") as settings:
        settings.write("  also_rulebooks: [ibl-2022-03]\n")
    lines = nh(home, "qc", "explain", "ibl", session, "probe00/0").output.splitlines()
    changed = (
        "what the reviews of this session say, rulebook ibl-strict (left out) and rulebook nh-common (left out) changed"
    )
    assert lines[0] == f"STALE: since these units were made, {changed}. Below is what is stored."
    assert lines[1] == f"`nh --home {home} materialize ibl {session}` brings it up to date."
    assert lines[3].startswith("unit ")
    nh(home, "materialize", "ibl", session, "--asset", "units")
    explained = nh(home, "qc", "explain", "ibl", session, "probe00/0").output
    assert explained.startswith("unit ")
    review = ("--decision", "fail", "--reviewer", "ada", "--reason", "two neurons")
    nh(home, "review", "add", "ibl", session, "--unit", "probe00/0", *review)
    assert explained.split()[1] in (reviews / f"{session}.yaml").read_text()  # the unit's id, however it was named
    refused = nh(home, "review", "add", "ibl", session, "--unit", "probe00/999", *review, code=1)
    assert "or PROBE/CLUSTER" in refused.stderr
