"""Operations as a notebook calls them: what they return, what they raise, and what they leave alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest
from typer.testing import CliRunner

from nh_platform import operations
from nh_platform.assets.registry import session_assets
from nh_platform.cli.app import app
from nh_platform.operations.home_status import SourceStatus
from nh_platform.operations.opened_home import Progress
from nh_platform.operations.simulated.simulated_upstream import write_upstream
from nh_platform.session import BadUpstreamData, ConfigError, StoreError, UnknownSession
from nh_platform.store.names import SOURCE_WIDE
from nh_platform_tests.homes import make_home

ASSETS = tuple(session_assets("ibl"))


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the home and the instance to what is called: nothing is named by the environment."""
    for name in ("NH_HOME", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with one simulated IBL session upstream and nothing made of it."""
    make_home(tmp_path / "home", ("ibl",))
    return tmp_path / "home"


def loaded_by(code: str) -> set[str]:
    """Return the packages that a process of its own has loaded after some code."""
    shown = f"{code}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def ibl_status(home: Path) -> SourceStatus:
    found = operations.status(home).sources["ibl"]
    assert isinstance(found, SourceStatus)
    return found


def test_the_package_offers_functions_and_loads_nothing_heavy() -> None:
    assert {type(getattr(operations, name)) for name in operations.__all__} == {FunctionType}
    loaded = loaded_by("import nh_platform.operations")
    assert loaded.isdisjoint({"pandas", "numpy", "dagster", "pyarrow", "pydantic"})


def test_status_loads_dagster_only_where_something_was_run(home: Path) -> None:
    ask = f"from nh_platform import operations; operations.status({str(home)!r})"
    assert "dagster" not in loaded_by(ask)
    assert not (home / "dagster").exists()
    operations.sync(home, "ibl")
    assert "dagster" in loaded_by(ask)


def test_status_names_a_source_whose_records_are_damaged_and_shows_the_others(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations.sync(home, "ibl")
    damaged = home / "store" / "ibl" / SOURCE_WIDE / "wanted.json"
    damaged.write_text("[")
    found = operations.status(home).sources
    assert isinstance(found["ibl"], StoreError)
    assert isinstance(found["allen_vc"], UnknownSession)
    monkeypatch.setenv("NH_HOME", str(home))
    shown = CliRunner().invoke(app, ["status"])
    assert shown.exit_code == 0, shown.output
    assert f"warning: {damaged} the record of wanted sessions is damaged" in shown.output
    assert "never synced: nh sync" in shown.output


def test_sync_says_what_the_catalogue_holds_and_a_broken_one_is_named(home: Path) -> None:
    found = operations.sync(home, "ibl")
    assert (found.source, found.n_sessions, found.n_insertions) == ("ibl", 1, 2)
    assert found.n_files > 10
    for table in (home / "upstream" / "ibl").rglob("*.pqt"):
        table.write_bytes(b"broken")
    with pytest.raises(BadUpstreamData, match="source ibl, "):
        operations.sync(home, "ibl")
    with pytest.raises(ConfigError, match="there is no such source"):
        operations.sync(home, "ebl")


def test_a_plan_is_what_then_runs_and_its_progress_is_told(home: Path) -> None:
    with pytest.raises(UnknownSession, match="nh sync ibl"):
        operations.materialize(home, "ibl")
    operations.sync(home, "ibl")
    planned = operations.materialize(home, "ibl", dry_run=True)
    assert [plan.assets for plan in planned.plans] == [ASSETS]
    assert planned.outcomes == ()
    steps: list[Progress] = []
    made = operations.materialize(home, "ibl", on_progress=steps.append)
    assert made.plans == planned.plans
    (outcome,) = made.outcomes
    assert (outcome.success, outcome.made, made.n_assets, made.failed) == (True, ASSETS, len(ASSETS), ())
    of_session = [step for step in steps if step.what != "sessions"]
    assert [step.done for step in of_session] == sorted(step.done for step in of_session)
    assert (of_session[0].now, of_session[-1]) == (
        "starting",
        Progress(of_session[0].what, len(ASSETS), len(ASSETS), "done"),
    )
    assert steps[-1] == Progress("sessions", 1, 1)
    assert operations.materialize(home, "ibl").outcomes == ()


def test_a_session_that_cannot_be_planned_or_made_is_an_outcome(home: Path) -> None:
    operations.sync(home, "ibl")
    for path in (home / "upstream" / "ibl").rglob("spikes.times.npy"):
        path.write_bytes(b"broken")
    session_id = operations.materialize(home, "ibl", dry_run=True).plans[0].session_id
    found = operations.materialize(home, "ibl", ["nope", session_id[:8]], assets=["raw_spikes"])
    assert found.n_sessions == 2
    unknown, broken = found.failed
    assert "nope" in unknown.errors[0]
    assert (broken.plan.session_id, broken.made) == (session_id, ())
    assert "spikes.times" in broken.errors[0]
    assert (ibl_status(home).n_failed, ibl_status(home).n_not_loaded) == (1, 1)
    with pytest.raises(ConfigError, match="no such per-session asset"):
        operations.materialize(home, "ibl", assets=["spikes"])


def test_two_homes_in_one_process_each_have_their_own_history(tmp_path: Path) -> None:
    homes = [tmp_path / name for name in ("one", "two")]
    for home in homes:
        make_home(home, ("ibl",))
        operations.sync(home, "ibl")
    assert "DAGSTER_HOME" not in os.environ
    assert "NH_HOME" not in os.environ
    for home in homes:
        with operations.open_home(home) as opened:
            assert len(opened.instance.get_runs()) == 1
            assert Path(opened.instance.root_directory).is_relative_to(home / "dagster")


def test_a_home_that_is_open_stays_open(home: Path) -> None:
    with operations.open_home(home) as opened:
        operations.sync(opened, "ibl")
        instance = opened.instance
        assert operations.materialize(opened, "ibl", assets=["events"]).n_assets == 1
        assert opened.instance is instance
        assert len(instance.get_runs()) == 2


def test_what_is_read_in_place_is_not_fetched(home: Path) -> None:
    found = operations.fetch(home, "ibl")
    assert (found.in_place, found.folder, found.sessions) == (True, home / "upstream" / "ibl", ())
    with pytest.raises(ConfigError, match="no such asset group"):
        operations.fetch(home, "ibl", groups=["wheel"])


def test_a_backfill_is_planned_then_asked_for(home: Path) -> None:
    operations.sync(home, "ibl")
    planned = operations.backfill(home, "ibl", dry_run=True)
    assert list(planned.stale.values()) == [ASSETS]
    assert planned.id == ""
    queued = operations.backfill(home, "ibl")
    assert (queued.stale, queued.n_sessions, queued.is_stopped) == (planned.stale, 1, False)
    assert operations.status(home).sources["ibl"].backfills == {queued.id: 1}
    again = operations.backfill(home, "ibl")
    assert operations.status(home).sources["ibl"].backfills == {again.id: 1}, "it is asked for once, by the last"


def test_status_of_a_home_that_does_not_exist_makes_nothing(tmp_path: Path) -> None:
    found = operations.status(tmp_path / "none")
    assert {type(one) for one in found.sources.values()} == {UnknownSession}
    assert (found.folder_bytes, found.n_free > 0) == ({}, True)
    assert not (tmp_path / "none").exists()


def test_bytes_are_counted_by_folder_and_source(home: Path) -> None:
    operations.sync(home, "ibl")
    (home / "raw" / "deep").mkdir(parents=True)
    (home / "raw" / "deep" / "one.bin").write_bytes(bytes(1000))
    (home / "raw" / "two.bin").write_bytes(bytes(10))
    (home / "raw" / "itself").symlink_to(home / "raw")
    found = operations.status(home)
    assert found.folder_bytes["raw"] == 1010
    stored = [path for path in (home / "store" / "ibl").rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in stored)
    assert ibl_status(home).store_bytes == size > 0
    shutil.move(home / "store" / "ibl", home.parent / "elsewhere")
    (home / "store" / "ibl").symlink_to(home.parent / "elsewhere")
    assert ibl_status(home).store_bytes == size


def test_doctor_finds_settings_that_cannot_be_used(home: Path) -> None:
    assert {finding.about: finding.ok for finding in operations.doctor(home, offline=True)}["home"] is True
    (home / "sources.yaml").write_text("ibl: {reed: 1}\n", encoding="utf-8")
    (wrong,) = (finding for finding in operations.doctor(home, offline=True) if finding.ok is False)
    assert wrong.about == "settings"
    assert "reed" in wrong.text


@pytest.mark.parametrize("part", ["store", "raw"])
def test_a_demo_never_goes_into_a_home_of_real_data(tmp_path: Path, part: str) -> None:
    (tmp_path / part / "ibl").mkdir(parents=True)
    with pytest.raises(ConfigError, match="it is the home of something other than this demo"):
        write_upstream(tmp_path, 7, ["ibl"])
    assert not (tmp_path / "upstream").exists()
    assert not (tmp_path / "sources.yaml").exists()


@pytest.mark.parametrize("place", ["a file", "a file/below"])
def test_a_demo_where_no_folder_can_be_made_says_so(tmp_path: Path, place: str) -> None:
    (tmp_path / "a file").write_text("of a person", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"it is a file, and a folder is expected.*Choose another --folder"):
        operations.demo(tmp_path / place)
    assert (tmp_path / "a file").read_text(encoding="utf-8") == "of a person"
