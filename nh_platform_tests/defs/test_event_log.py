"""The embedded event log answers about partitions quickly and never wrongly."""

from __future__ import annotations

import inspect
import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.storage.asset_check_state import _valid_partition_key
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

from nh_platform.defs.event_log import REMEMBERED_S, PartitionCachingSqliteEventLogStorage
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    return open_instance(load_settings(tmp_path))


def test_the_configuration_names_it(instance: dg.DagsterInstance) -> None:
    assert isinstance(instance.event_log_storage, PartitionCachingSqliteEventLogStorage)


def test_many_questions_are_one_read(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [f"s{number}" for number in range(1000)]
    instance.add_dynamic_partitions("ibl_sessions", keys)
    reads = []
    read = PartitionCachingSqliteEventLogStorage.get_dynamic_partitions
    monkeypatch.setattr(
        PartitionCachingSqliteEventLogStorage,
        "get_dynamic_partitions",
        lambda self, name: reads.append(name) or read(self, name),
    )
    monkeypatch.setattr("nh_platform.defs.event_log.time.monotonic", lambda: 1e6)
    assert all(instance.has_dynamic_partition("ibl_sessions", key) for key in keys)
    assert reads == ["ibl_sessions"]
    assert not instance.has_dynamic_partition("ibl_sessions", "other")


def test_a_partition_that_another_process_adds_is_there_at_once(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    instance.add_dynamic_partitions("ibl_sessions", ["a"])
    assert instance.has_dynamic_partition("ibl_sessions", "a")
    other = PartitionCachingSqliteEventLogStorage(str(tmp_path / "dagster" / "history" / "runs"))
    other.add_dynamic_partitions("ibl_sessions", ["b"])
    assert instance.has_dynamic_partition("ibl_sessions", "b")


def test_a_removed_partition_is_gone(instance: dg.DagsterInstance) -> None:
    instance.add_dynamic_partitions("ibl_sessions", ["a"])
    assert instance.has_dynamic_partition("ibl_sessions", "a")
    instance.delete_dynamic_partition("ibl_sessions", "a")
    assert not instance.has_dynamic_partition("ibl_sessions", "a")
    assert REMEMBERED_S <= 5


def test_a_run_takes_little_more_than_its_events(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """Fails loudly when Dagster no longer sets its databases up in the way that is answered here."""

    @dg.job
    def nothing() -> None: ...

    run = nothing.execute_in_process(instance=instance).dagster_run
    runs = tmp_path / "dagster" / "history" / "runs"
    pages = {}
    for name in (run.run_id, "index"):
        with closing(sqlite3.connect(runs / f"{name}.db")) as database:
            ((pages[name],),) = database.execute("PRAGMA page_size").fetchall()
    assert pages == {run.run_id: 512, "index": 4096}
    assert len(instance.all_logs(run.run_id)) > 2
    assert (runs / f"{run.run_id}.db").stat().st_size < 25_000, "it was 140 kB"


def test_what_the_database_has_is_asked_once(instance: dg.DagsterInstance) -> None:
    """Fails loudly when Dagster looks at its tables in another way: it did so before most queries."""

    @dg.asset
    def made() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"rows": 1})

    dg.materialize([made], instance=instance)
    instance.report_runless_asset_event(dg.AssetMaterialization("made"))
    assert instance.get_asset_records([dg.AssetKey("made")])
    assert instance.get_run_records()
    looks: list[str] = []

    def note(*statement: object) -> None:
        if "PRAGMA main.table" in str(statement[2]) or "secondary_indexes" in str(statement[2]):
            looks.append(str(statement[2]))

    sa.event.listen(sa.engine.Engine, "before_cursor_execute", note)
    try:
        instance.report_runless_asset_event(dg.AssetMaterialization("made"))
        (record,) = instance.get_asset_records([dg.AssetKey("made")])
        (run,) = instance.get_run_records()
    finally:
        sa.event.remove(sa.engine.Engine, "before_cursor_execute", note)
    assert not looks
    assert record.asset_entry.last_materialization is not None
    assert run.start_time is not None


def test_dagster_still_asks_in_the_way_that_is_answered_here() -> None:
    """Fails loudly when Dagster moves the method that the subclass replaces, or stops asking once per partition."""
    parameters = ["self", "partitions_def_name", "partition_key"]
    assert list(inspect.signature(SqlEventLogStorage.has_dynamic_partition).parameters) == parameters
    assert list(inspect.signature(SqlEventLogStorage.get_dynamic_partitions).parameters) == parameters[:2]
    assert "has_partition_key" in inspect.getsource(_valid_partition_key)
