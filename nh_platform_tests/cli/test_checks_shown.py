"""Checks that warn, and runs that failed, are named by every command where people look, and by the run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.defs.build import build_defs
from nh_platform.defs.run_tags import IN_THE_PAGE, REASON_TAG, SNAPSHOT_TAG, SOURCE_TAG, WARNED_TAG
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
from nh_platform_tests.cli.commands import nh
from nh_platform_tests.homes import make_home
from nh_platform_tests.rulebook_texts import NO_UNIT_PASSES


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with two registered sessions and a rule that no unit passes."""
    folder = tmp_path_factory.mktemp("home")
    make_home(folder, ("ibl",), n_sessions=2)
    (folder / "loud.yaml").write_text(NO_UNIT_PASSES, encoding="utf-8")
    settings = folder / "sources.yaml"
    settings.write_text(settings.read_text() + "  rulebook: loud.yaml\n  also_rulebooks: []\n", encoding="utf-8")
    nh(folder, "sync", "ibl")
    return folder


def test_a_check_that_warns_is_named_wherever_people_look(home: Path) -> None:
    first = nh(home, "sessions", "--source", "ibl", "--ids").output.split()[0]
    made = nh(home, "materialize", "ibl", first).output
    assert "warns units, " in made
    assert "0 of 24 units pass" in made
    assert "checks that warn or fail: in 1 of 1 sessions" in made
    shown = nh(home, "show", "ibl", first).output
    assert "1 warns" in shown
    assert "0 of 24 units pass" in shown
    assert "firing_rate in 1; `nh --home" in nh(home, "status").output
    assert json.loads(nh(home, "status", "--format", "json").output)[0]["warned"].endswith("firing_rate in 1")
    looked_over = CliRunner().invoke(app, ["--home", str(home), "inventory", "ibl"]).output
    assert "firing_rate in 1; `nh --home" in looked_over
    assert "notes of what was left out or assumed" in looked_over
    with open_instance(load_settings(home)) as instance:
        (run,) = [run for run in instance.get_runs() if WARNED_TAG in run.tags]
    assert run.tags[WARNED_TAG].endswith("firing_rate")


def test_a_run_that_nh_did_not_launch_names_its_checks_too(home: Path) -> None:
    """The daemon and the page run the job of the definitions, and nothing of `nh` looks at what came of it."""
    settings = load_settings(home)
    platform = Platform(settings)
    session = platform.manifest("ibl").session_ids[1]
    job = build_defs(platform, queued=False).resolve_job_def("ibl_session")
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with open_instance(settings) as instance:
        made = job.execute_in_process(instance=instance, partition_key=session, run_config=quiet)
        run = instance.get_run_by_id(made.run_id)
    assert run is not None
    failed = [one.check_name for one in made.get_asset_check_evaluations() if not one.passed]
    assert "firing_rate" in failed
    assert run.tags[WARNED_TAG].split(", ") == failed
    assert (run.tags[SOURCE_TAG], run.tags[SNAPSHOT_TAG], run.tags[REASON_TAG]) == ("ibl", "1", IN_THE_PAGE)


def test_a_failed_session_is_shown_as_failed_with_the_reason(home: Path) -> None:
    second = nh(home, "sessions", "--source", "ibl", "--ids").output.split()[1]
    (folder,) = (path for path in (home / "upstream" / "ibl").rglob("*/alf") if _is_of(path, home, second))
    for path in folder.rglob("spikes.times.npy"):
        path.write_bytes(b"broken")
    nh(home, "materialize", "ibl", second, code=1)
    shown = nh(home, "show", "ibl", second).output
    assert "│ raw_spikes      │ failed " in shown
    assert "│ events          │ current " in shown
    assert "failed " in shown.split("checks:")[0]
    assert "spikes.times.npy" in shown
    assert json.loads(nh(home, "status", "--format", "json").output)[0]["failed"] == 1


def _is_of(folder: Path, home: Path, session_id: str) -> bool:
    """Return whether a folder of the local tree is of a session, by its subject."""
    rows = json.loads(nh(home, "sessions", "--source", "ibl", "--format", "json").output)
    return next(row["subject"] for row in rows if row["session_id"] == session_id) in str(folder)
