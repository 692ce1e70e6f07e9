"""A small history with a check, what pages show of it, and one that an earlier version would have written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage

KEY = dg.AssetKey(["ibl", "units"])
NOTES = dg.MetadataValue.md("- a note about nothing\n" * 40)


@dg.asset(key=KEY, check_specs=[dg.AssetCheckSpec("plausible", asset=KEY)])
def units() -> dg.MaterializeResult:
    found = dg.AssetCheckResult(check_name="plausible", passed=False, metadata={"notes": NOTES})
    return dg.MaterializeResult(metadata={"notes": NOTES}, check_results=[found])


def stock_instance(instance: dg.DagsterInstance) -> dg.DagsterInstance:
    """Return an instance of the same files whose events Dagster's own class keeps, as before there was packing."""
    folder = Path(instance.event_log_storage.path_for_shard("index")).parent  # type: ignore[attr-defined]
    configuration = folder.parents[1] / "dagster.yaml"
    text = configuration.read_text(encoding="utf-8")
    text = text.replace("nh_platform.defs.event_log", "dagster._core.storage.event_log")
    configuration.write_text(text.replace("PartitionCachingSqlite", "Sqlite"), encoding="utf-8")
    stock = dg.DagsterInstance.from_config(str(configuration.parent))
    assert type(stock.event_log_storage) is SqliteEventLogStorage
    return stock


def kinds_of_text(folder: Path, shard: str, column: str = "event", table: str = "event_logs") -> set[str]:
    """Return how SQLite holds a column: ``text``, or ``blob`` where it is packed."""
    with closing(sqlite3.connect(folder / "dagster" / "history" / "runs" / f"{shard}.db")) as database:
        return {kind for (kind,) in database.execute(f"SELECT DISTINCT typeof({column}) FROM {table}")}


def shown(instance: dg.DagsterInstance, run_id: str) -> dict[str, Any]:
    """Return what pages are made of: the events of a run, what was made last, and what checks found."""
    check = dg.AssetCheckKey(KEY, "plausible")
    executions = instance.event_log_storage.get_asset_check_execution_history(check, 5)
    return {
        "events": [one.to_json() for one in instance.all_logs(run_id)],
        "made": instance.fetch_materializations(KEY, limit=5).records,
        "last": instance.get_latest_materialization_event(KEY),
        "check": executions[0].evaluation,
        "checks": [one.evaluation for one in executions],
        "steps": instance.event_log_storage.get_step_stats_for_run(run_id),
    }
