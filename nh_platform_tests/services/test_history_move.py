"""The history of a home moves into a real Postgres: every run, asset and check is there, in the same order."""

from __future__ import annotations

import os
import random
import secrets
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.events.log import EventLogEntry
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from typer.testing import CliRunner

from nh_platform import operations
from nh_platform.cli.app import app
from nh_platform.defs.deployed import moved_tables
from nh_platform.defs.deployed.moved_events import MovedEvents
from nh_platform.defs.run_storage import LOCATION, REPOSITORY
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance, open_own_instance
from nh_platform.session import ConfigError
from nh_platform_tests.homes import make_home, materialize
from nh_platform_tests.loopback.object_store import FORK
from nh_platform_tests.services.deployment import CONFIGURATION
from nh_platform_tests.services.postgres import Postgres
from nh_platform_tests.services.servers import passable_folder

pytestmark = pytest.mark.service

KILLS = 10
POINTER = "dagster/input_event_pointer/"
RETRIED_UP_TO = "EVENT_LOG_CONSUMER_CURSOR-PIPELINE_FAILURE"
SENSOR = InstigatorState(
    RemoteInstigatorOrigin(RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(LOCATION), REPOSITORY), "ibl_release"),
    InstigatorType.SENSOR,
    InstigatorStatus.RUNNING,
    SensorInstigatorData(cursor="what it remembers"),
)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with passable_folder() as folder:
        (folder / "postgres").mkdir()
        server = Postgres(folder / "postgres", secrets.token_hex(8))
        server.start()
        yield server
        server.stop("immediate")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home with two sessions, a pool with a limit, and a run that did not end."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NH_HOME", str(folder))
        patch.setenv("DAGSTER_HOME", "")
        platform = make_home(folder, ("ibl",), n_sessions=2)
        with open_instance(platform.settings) as instance:
            materialize(platform, instance, "ibl", assets=("raw_spikes", "events", "units"))
            materialize(platform, instance, "ibl", assets=("raw_spikes", "events", "units"), only_stale=False)
            instance.event_log_storage.set_concurrency_slots("sessions", 7)
            run = instance.create_run_for_job(_nothing, status=dg.DagsterRunStatus.STARTED)
            instance.run_storage.set_cursor_values({RETRIED_UP_TO: "3"})
            assert run.status == dg.DagsterRunStatus.STARTED
            Path(platform.settings.dagster_home, "compute_logs", "a").mkdir(parents=True, exist_ok=True)
            instance.add_instigator_state(SENSOR)
            instance.create_tick(
                TickData(
                    SENSOR.instigator_origin_id,
                    "ibl_release",
                    InstigatorType.SENSOR,
                    TickStatus.SUCCESS,
                    1.0,
                    run_ids=[],
                    selector_id=SENSOR.selector_id,
                    cursor="what it remembers",
                )
            )
    return folder


@dg.job
def _nothing() -> None:
    pass


@pytest.fixture
def deployed(tmp_path: Path, home: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a Dagster home of a deployment whose database is empty."""
    postgres.query("drop schema public cascade; create schema public")
    shutil.copy(CONFIGURATION / "dagster.yaml", tmp_path)
    for name, value in _variables(tmp_path, home, postgres).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def _variables(folder: Path, home: Path, postgres: Postgres) -> dict[str, str]:
    return {
        "DAGSTER_HOME": str(folder),
        "NH_HOME": str(home),
        "NH_POSTGRES_URL": postgres.url,
        "NH_REDIS_URL": "redis://127.0.0.1:1/0",
        "NH_COMPUTE_LOGS": str(folder / "printed"),
    }


def test_a_dry_run_counts_and_writes_nothing(home: Path, deployed: Path, postgres: Postgres) -> None:
    said = CliRunner().invoke(app, ["--home", str(home), "move-history", "--dry-run"])
    assert said.exit_code == 0, said.output
    assert "Would move" in said.output
    assert "1 run had not ended" in said.output
    assert postgres.query("select count(*) from runs") == "0"
    found = operations.move_history(home, dry_run=True)
    with open_instance(load_settings(home), embedded=True) as old:
        assert found.rows["runs"] == old.get_runs_count()
        assert found.rows["event_logs"] >= sum(len(old.all_logs(run.run_id)) for run in old.get_runs())


def test_everything_is_there_after_a_move_that_was_stopped_again_and_again(
    home: Path, deployed: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moved_tables, "AT_A_TIME", 40)
    stops, found = 0, None
    while found is None:
        calls = 0

        def stop(_: object) -> None:
            nonlocal calls
            calls += 1
            if calls > 1 + 3 * stops:  # later each time, so that it comes to an end  # noqa: B023
                raise KeyboardInterrupt

        try:
            found = operations.move_history(home, on_progress=stop)
        except KeyboardInterrupt:
            stops += 1
    assert stops >= 3
    assert found.went_on
    with open_instance(load_settings(home), embedded=True) as old, open_own_instance() as new:
        _hold_against(old, new)
        assert new.event_log_storage.get_concurrency_info("sessions").slot_count == 7
        (cut_off,) = new.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
        assert (cut_off.run_id,) == found.unfinished
        assert "moved to another database" in new.all_logs(cut_off.run_id)[-1].message
        (retried,) = new.run_storage.get_cursor_values({RETRIED_UP_TO, "nh_history_move"}).items()
        assert retried[0] == RETRIED_UP_TO
        assert _event(new, int(retried[1])) == _event(old, 3)
        assert new.get_instigator_state(SENSOR.instigator_origin_id, SENSOR.selector_id) == SENSOR
        (tick,) = new.get_ticks(SENSOR.instigator_origin_id, SENSOR.selector_id)
        assert tick.cursor == "what it remembers"
    assert (deployed / "printed" / "a").is_dir()
    with pytest.raises(ConfigError, match="is not empty"):
        operations.move_history(home)


def test_killed_at_ten_random_moments_it_goes_on_and_nothing_is_lost_or_there_twice(
    home: Path, deployed: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL, which no `finally` sees: from the first look at the database to the last row."""
    monkeypatch.setattr(moved_tables, "AT_A_TIME", 10)
    rng, n_kills, longest_s = random.Random(11), 0, 0.0
    while True:
        began = time.monotonic()
        process = FORK.Process(target=operations.move_history, args=(home,))
        process.start()
        # The first goes to its end, and says how long that is; the others begin on an empty database after an end.
        process.join(rng.uniform(0.0, longest_s) if longest_s and n_kills < KILLS else None)
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            n_kills += 1
            if not is_moved(postgres):
                continue
        else:
            # The server may end what a killed client last sent only now: then all was written, and this one refused.
            assert process.exitcode == 0 or is_moved(postgres)
        longest_s = max(longest_s, time.monotonic() - began)
        if n_kills >= KILLS:
            break
        postgres.query("drop schema public cascade; create schema public")
    with open_instance(load_settings(home), embedded=True) as old, open_own_instance() as new:
        _hold_against(old, new)
        moved = moved_tables.moved_tables(old, new, MovedEvents(old.event_log_storage))
        more = {one.name: one.held() - one.expected() for one in moved}
    # The run that is failed at the end of a move adds its own events, and a tag that nothing tries it again.
    assert {name: number for name, number in more.items() if number and name not in ("event_logs", "run_tags")} == {}
    assert 1 <= more["event_logs"] <= 3
    assert more["run_tags"] <= 1


def is_moved(postgres: Postgres) -> bool:
    """Whether all was written: who is killed while it closes what it had open leaves nothing to go on with."""
    if postgres.query("select to_regclass('runs') is not null and to_regclass('kvs') is not null") != "t":
        return False
    marked = "exists (select 1 from kvs where key = 'nh_history_move')"
    return postgres.query(f"select exists (select 1 from runs) and not {marked}") == "t"


def _event(instance: dg.DagsterInstance, event_id: int) -> EventLogEntry:
    found = instance.event_log_storage.get_logs_for_all_runs_by_log_id(after_cursor=event_id - 1, limit=1)
    return found[event_id]


def _hold_against(old: dg.DagsterInstance, new: dg.DagsterInstance) -> None:
    runs = {run.run_id: run for run in old.get_runs()}
    assert [run.run_id for run in new.get_runs()] == list(runs)
    n_pointers = 0
    for run_id, run in runs.items():
        if run.status != dg.DagsterRunStatus.SUCCESS:
            continue
        assert new.get_run_by_id(run_id) == run
        assert new.get_run_stats(run_id).end_time == old.get_run_stats(run_id).end_time
        pairs = list(zip(old.all_logs(run_id), new.all_logs(run_id), strict=True))
        assert [(a.timestamp, a.message) for a, _ in pairs] == [(b.timestamp, b.message) for _, b in pairs]
        for before, after in pairs:
            made, moved = before.asset_materialization, after.asset_materialization
            for tag, pointer in (made.tags if made else {}).items():
                if tag.startswith(POINTER) and pointer != "NULL":
                    assert _time_of(old, tag, pointer) == _time_of(new, tag, moved.tags[tag])
                    n_pointers += 1
    assert n_pointers >= 4
    keys = old.all_asset_keys()
    assert set(new.all_asset_keys()) == set(keys)
    for key in keys:
        last = [one.get_latest_materialization_event(key) for one in (old, new)]
        assert (last[0] and last[0].timestamp) == (last[1] and last[1].timestamp)
        assert old.get_materialized_partitions(key) == new.get_materialized_partitions(key)
    checks = [one.event_log_storage.get_asset_check_partition_info(_checks(one)) for one in (old, new)]
    found = [
        sorted((one.check_key.name, str(one.partition_key), one.latest_execution_status) for one in side)
        for side in checks
    ]
    assert found[0] == found[1]
    for info in checks[1]:  # a check that names another materialization reads as not evaluated
        assert info.latest_target_materialization_storage_id == info.latest_materialization_storage_id
    assert new.get_dynamic_partitions("ibl_sessions") == old.get_dynamic_partitions("ibl_sessions")


def _checks(instance: dg.DagsterInstance) -> list[dg.AssetCheckKey]:
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable as Executions

    with instance.event_log_storage.index_connection() as connection:
        rows = connection.execute(Executions.select()).mappings().all()
    assert len(rows) > 10
    return sorted({dg.AssetCheckKey(dg.AssetKey.from_db_string(one["asset_key"]), one["check_name"]) for one in rows})


def _time_of(instance: dg.DagsterInstance, tag: str, pointer: str) -> float:
    key = dg.AssetKey.from_user_string(tag.removeprefix(POINTER))
    (record,) = instance.fetch_materializations(dg.AssetRecordsFilter(key, storage_ids=[int(pointer)]), limit=1).records
    return record.timestamp


def test_what_cannot_be_moved_is_said(
    home: Path, deployed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="has no history of Dagster's"):
        operations.move_history(tmp_path / "new")
    monkeypatch.setenv("DAGSTER_HOME", "")
    with pytest.raises(ConfigError, match="DAGSTER_HOME: it is not set"):
        operations.move_history(home)
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    with pytest.raises(ConfigError, match="the history that is to be moved"):
        operations.move_history(home)
    other = tmp_path / "sqlite"
    other.mkdir()
    (other / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    monkeypatch.setenv("DAGSTER_HOME", str(other))
    with pytest.raises(ConfigError, match="which is no server"):
        operations.move_history(home)
