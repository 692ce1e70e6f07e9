"""The schedule storage keeps its database open, asks it once what it has, and remembers ticks as Dagster's does."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, TickData, TickStatus
from dagster._core.storage.schedules import SqliteScheduleStorage

from nh_platform.defs.embedded.schedule_storage import KeptSqliteScheduleStorage
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance

ORIGIN = RemoteInstigatorOrigin(RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("nh_platform"), "r"), "s")
SENSOR = InstigatorState(ORIGIN, InstigatorType.SENSOR, InstigatorStatus.RUNNING)


def opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return open_instance(load_settings(home))


def test_the_configuration_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path, monkeypatch) as instance:
        assert isinstance(instance.schedule_storage, KeptSqliteScheduleStorage)


def test_many_questions_open_the_database_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path, monkeypatch) as instance:
        instance.add_instigator_state(SENSOR)
    connects, connect = [], sqlite3.dbapi2.connect
    monkeypatch.setattr(
        sqlite3.dbapi2, "connect", lambda path, *given, **named: connects.append(path) or connect(path, *given, **named)
    )
    with opened(tmp_path, monkeypatch) as instance:
        for _ in range(20):
            assert instance.get_instigator_state(SENSOR.instigator_origin_id, SENSOR.selector_id) == SENSOR
    of_it = [path for path in connects if str(path).endswith("schedules.db")]
    assert 1 <= len(of_it) <= 2, "with Dagster's own 80"  # one asks whether it is set up


def test_what_dagsters_own_stored_is_there_and_the_other_way_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base_dir = str(tmp_path / "dagster" / "schedules")
    tick = TickData(
        ORIGIN.get_id(), "s", InstigatorType.SENSOR, TickStatus.SKIPPED, 1.0, selector_id=SENSOR.selector_id
    )
    own = SqliteScheduleStorage.from_local(base_dir)
    own.add_instigator_state(SENSOR)
    own.create_tick(tick)
    with opened(tmp_path, monkeypatch) as instance:
        assert instance.get_instigator_state(ORIGIN.get_id(), SENSOR.selector_id) == SENSOR
        assert len(instance.get_ticks(ORIGIN.get_id(), SENSOR.selector_id)) == 1
        instance.create_tick(tick._replace(timestamp=2.0))
    assert not list((tmp_path / "dagster").rglob("schedules.db-wal")), "Dagster disposes of all storages but this one"
    assert [one.timestamp for one in own.get_ticks(ORIGIN.get_id(), SENSOR.selector_id)] == [2.0, 1.0]
