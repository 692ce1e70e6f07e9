"""Databases of the embedded instance are kept open, and nobody notices but by the time it takes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.events import EngineEventData

from nh_platform.defs.embedded.event_shards import EventShards
from nh_platform.defs.embedded.kept_connections import KeptConnections
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance


@dg.job
def nothing() -> None: ...


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    with open_instance(load_settings(tmp_path)) as opened:
        yield opened


def shard_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Path:
    assert isinstance(instance.event_log_storage, EventShards)
    return Path(instance.event_log_storage.path_for_shard(run.run_id))


def said(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    return [str(one.dagster_event.message) for one in instance.all_logs(run.run_id) if one.dagster_event]


def say(instance: dg.DagsterInstance, run: dg.DagsterRun, text: str) -> None:
    instance.report_engine_event(text, run, EngineEventData())


def test_a_database_is_opened_once_for_many_questions(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = instance.create_run_for_job(nothing)
    say(instance, run, "first")
    opened = []
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: opened.append(a) or connect(*a, **k))
    monkeypatch.setattr("sqlite3.dbapi2.connect", lambda *a, **k: opened.append(a) or connect(*a, **k))
    for number in range(20):
        say(instance, run, f"event {number}")
        assert instance.get_run_by_id(run.run_id)
    assert opened == []
    assert len(said(instance, run)) == 21


def test_a_run_begins_with_a_copy_that_is_as_one_that_dagster_makes(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    first, second = instance.create_run_for_job(nothing), instance.create_run_for_job(nothing)
    (tmp_path / "stock").mkdir()
    stock = dg.DagsterInstance.local_temp(str(tmp_path / "stock"))
    theirs = stock.create_run_for_job(nothing)
    for storage, run in ((instance, first), (instance, second), (stock, theirs)):
        say(storage, run, "said")

    def tables(path: str | Path) -> set[tuple[str, ...]]:
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            names = set(connection.execute("SELECT type, name, sql FROM sqlite_master"))
            # The database of one run has none of these: decision 56.
            of_events = {one for one in names if one[0] == "index" and " ON event_logs " in (one[2] or "")}
            return names - of_events | set(connection.execute("SELECT version_num FROM alembic_version"))

    found = {frozenset(tables(shard_of(instance, run))) for run in (first, second)}
    assert found == {frozenset(tables(stock.event_log_storage.path_for_shard(theirs.run_id)))}  # type: ignore[attr-defined]
    assert said(instance, first) == said(instance, second) == ["said"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_the_umask_says_who_may_read_the_database_of_a_run(
    umask: int, mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of every other file of the history: a group that shares a home could read the index, and no run."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    before = os.umask(umask)
    try:
        with open_instance(load_settings(tmp_path)) as instance:
            run = instance.create_run_for_job(nothing)
            say(instance, run, "said")
            shard = shard_of(instance, run)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in shard.parent.glob("*.db")}
    assert modes == {shard.name: mode, "index.db": mode}


def test_what_another_process_writes_is_seen_at_once(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run = instance.create_run_for_job(nothing)
    say(instance, run, "here")
    with open_instance(load_settings(tmp_path)) as other:
        say(other, run, "there")
        assert said(instance, run) == ["here", "there"]
        other.delete_run(run.run_id)
    assert instance.get_run_by_id(run.run_id) is None
    assert instance.all_logs(run.run_id) == []


def test_files_that_are_removed_under_it_are_opened_anew(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(nothing)
    say(instance, run, "lost with its file")
    shard = shard_of(instance, run)
    for path in shard.parent.glob(f"{shard.name}*"):
        path.unlink()
    say(instance, run, "kept")
    assert said(instance, run) == ["kept"]
    assert shard.exists()


def test_no_log_is_left_beside_a_database_that_was_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with open_instance(load_settings(tmp_path)) as instance:
        for _ in range(6):
            say(instance, instance.create_run_for_job(nothing), "said")
        logs = {path.name.partition(".db")[0] for path in tmp_path.rglob("*.db-wal")}
        # Ticks, runs, index and the two runs of last: a daemon does not keep those of every run open.
        assert len(logs) <= 5
    assert not [path for path in (tmp_path / "dagster").rglob("*") if path.name.endswith(("-wal", "-shm", ".begun"))]


def test_the_log_of_a_database_stays_small_while_it_is_open(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    for _ in range(60):
        looked = dg.AssetObservation("looked", metadata={"cannot be packed": os.urandom(10_000).hex()})
        instance.report_runless_asset_event(looked)
    assert max(path.stat().st_size for path in tmp_path.rglob("*.db-wal")) < 800_000


def test_a_process_that_ends_without_closing_leaves_no_log(tmp_path: Path) -> None:
    leaving = (
        "import sys; from pathlib import Path; from nh_platform.home.settings import load_settings\n"
        "from nh_platform.operations.instance import open_instance\n"
        "opened = open_instance(load_settings(Path(sys.argv[1])), embedded=True).__enter__()\n"
        "assert opened.get_runs_count() == 0 and list(Path(sys.argv[1]).rglob('*.db-wal'))\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    subprocess.run([sys.executable, "-c", leaving, str(tmp_path)], check=True, env=environment)
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(("-wal", "-shm"))]


def test_who_follows_a_run_in_the_page_is_told_of_each_event(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run = instance.create_run_for_job(nothing)
    say(instance, run, "before")
    seen, told = [], threading.Event()

    def follow(event: dg.EventLogEntry, cursor: str) -> None:
        seen.append(event.dagster_event.message if event.dagster_event else "")
        if "after" in seen:
            told.set()

    with open_instance(load_settings(tmp_path)) as page:
        page.watch_event_logs(run.run_id, None, follow)
        say(instance, run, "after")
        assert told.wait(20), f"told of {seen} alone"
        page.end_watch_event_logs(run.run_id, follow)


def test_a_forked_process_opens_its_own(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(nothing)
    say(instance, run, "parent")
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            say(instance, run, "child")
            instance.event_log_storage.dispose()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    say(instance, run, "parent again")
    assert said(instance, run) == ["parent", "child", "parent again"]


def test_threads_ask_side_by_side(instance: dg.DagsterInstance) -> None:
    runs = [instance.create_run_for_job(nothing) for _ in range(4)]
    problems = []

    def work(run: dg.DagsterRun) -> None:
        try:
            for number in range(10):
                say(instance, run, str(number))
                instance.add_run_tags(run.run_id, {"number": str(number)})
        except Exception as error:  # noqa: BLE001 - it is what is looked for
            problems.append(error)

    threads = [threading.Thread(target=work, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert all(said(instance, run) == [str(number) for number in range(10)] for run in runs)


def test_threads_ask_while_another_closes(tmp_path: Path) -> None:
    """As in the page, whose threads share the run storage, where `nh prune` or a restoration replaces the file."""
    kept, path, problems, is_done = KeptConnections(at_most=1), str(tmp_path / "one.db"), [], threading.Event()

    def ask() -> None:
        try:
            while not is_done.is_set():
                with kept.begin(path, f"sqlite:///{path}") as connection:
                    assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1
        except Exception as error:  # noqa: BLE001 - it is what is looked for
            problems.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for _ in range(5000):
            kept.close(path)
    finally:
        is_done.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(before)
    assert problems == []


def test_of_many_databases_only_the_last_are_kept(tmp_path: Path) -> None:
    kept = KeptConnections(at_most=2)
    paths = [str(tmp_path / f"{number}.db") for number in range(3)]
    for path in paths:
        with kept.begin(path, f"sqlite:///{path}") as connection:
            connection.execute(sa.text("CREATE TABLE one (number)"))
    # The file is made by the connection, so that it is opened once more when it is there.
    for path in paths:
        kept.engine(path, f"sqlite:///{path}")
    assert [kept.has(path) for path in paths] == [False, True, True]
    kept.close()
    assert not any(kept.has(path) for path in paths)
