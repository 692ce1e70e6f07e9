"""Histories that were written before packing, and those that are packed, read the same through Dagster."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from nh_platform.defs.deployed.moved_events import MovedEvents
from nh_platform.defs.event_log import PartitionCachingSqliteEventLogStorage
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
from nh_platform_tests.defs.packed_events.histories import KEY, NOTES, kinds_of_text, shown, stock_instance, units


def test_a_history_from_before_reads_as_it_did_and_is_left_as_it_is(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    stock = stock_instance(instance)
    run_id = dg.materialize([units], instance=stock).run_id
    before = shown(stock, run_id)
    ours = open_instance(load_settings(tmp_path))
    assert isinstance(ours.event_log_storage, PartitionCachingSqliteEventLogStorage)
    assert shown(ours, run_id) == before
    assert kinds_of_text(tmp_path, run_id) == kinds_of_text(tmp_path, "index") == {"text"}

    newer = dg.materialize([units], instance=ours).run_id
    assert kinds_of_text(tmp_path, newer) == {"blob"}
    assert kinds_of_text(tmp_path, run_id) == {"text"}
    assert kinds_of_text(tmp_path, "index") == {"text", "blob"}
    assert [one.run_id for one in ours.fetch_materializations(KEY, limit=5).records] == [newer, run_id]


def test_packed_events_read_as_they_were_stored(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run_id = dg.materialize([units], instance=instance).run_id
    found = shown(instance, run_id)
    assert found["check"].metadata["notes"] == NOTES
    assert found["last"].asset_materialization.metadata["notes"] == NOTES
    assert found["made"][0].asset_materialization == found["last"].asset_materialization
    assert kinds_of_text(tmp_path, "index", "evaluation_event", "asset_check_executions") == {"blob"}
    assert kinds_of_text(tmp_path, "index", "last_materialization", "asset_keys") == {"blob"}
    assert instance.get_asset_records([KEY])[0].asset_entry.last_materialization == found["last"]


def test_packed_events_move_as_text(instance: dg.DagsterInstance) -> None:
    run_id = dg.materialize([units], instance=instance).run_id
    moved = MovedEvents(instance.event_log_storage)  # type: ignore[arg-type]
    rows = list(moved.rows())
    assert all(isinstance(row["event"], str) and row["run_id"] == run_id for row in rows)
    assert len(rows) == moved.count() == len(instance.all_logs(run_id))


def test_a_removed_run_takes_its_packed_events_along(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run_id = dg.materialize([units], instance=instance).run_id
    instance.delete_run(run_id)
    assert not (tmp_path / "dagster" / "history" / "runs" / f"{run_id}.db").exists()
    assert not instance.fetch_materializations(KEY, limit=5).records
