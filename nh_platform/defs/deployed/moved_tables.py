"""Tables of the embedded history, and how their rows are written into the database of a deployment.

Contains the order of the tables, what of a row is changed, and how a copy goes on where one was stopped. Add a table
here when Dagster gets one. When a history is moved, `nh_platform.operations.upkeep.history_move` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.definitions.data_version import INPUT_EVENT_POINTER_TAG_PREFIX
from dagster._core.storage.event_log import schema as events
from dagster._core.storage.runs import schema as runs
from dagster._core.storage.schedules import schema as schedules

from nh_platform.defs.deployed.moved_events import MovedEvents

AT_A_TIME = 500
"""Rows that one statement writes."""
_OF_RETRIES = "EVENT_LOG_CONSUMER_CURSOR"
"""Begins the keys whose values are ids of events. Without them the daemon begins at the newest event: a run that is
marked to be tried again never is, and a backfill of the page waits for it for good."""
_OF_ITS_DATABASE = ("ASSET_DAEMON_CURSOR",)
"""Begins keys of which the daemon makes new values."""
_Connecting = Callable[[], AbstractContextManager[sa.Connection]]
_Row = dict[str, Any]


@dataclass(frozen=True)
class MovedTable:
    """A table, how each side opens it, and where its rows come from if not from one table of the source."""

    table: sa.Table
    source: _Connecting
    target: _Connecting
    changed: Callable[[_Row], _Row] = dict
    events: MovedEvents | None = None

    @property
    def name(self) -> str:
        """Name of the table."""
        return self.table.name

    def expected(self) -> int:
        """Return how many rows the source has."""
        return self.events.count() if self.events else _count(self.table, self.source)

    def held(self) -> int:
        """Return how many rows the target has."""
        return _count(self.table, self.target)

    def copy(self, on_rows: Callable[[int], None]) -> None:
        """Write the rows that are not yet there; ids ascend, so that they are those above the last one."""
        identity = self.table.c.id
        with self.target() as connection:
            last = connection.execute(sa.select(sa.func.max(identity))).scalar() or 0
        done = 0
        for rows in _bunches(self.events.rows() if self.events else self._rows()):
            missing = [self.changed(row) for row in rows if row["id"] > last]
            if missing:
                with self.target() as connection:
                    connection.execute(sa.insert(self.table), missing)
            done += len(rows)
            on_rows(done)
        with self.target() as connection:
            if connection.dialect.name == "postgresql":  # else the next row that is stored takes an id that is taken
                following = sa.select(sa.func.coalesce(sa.func.max(identity), 0) + 1).scalar_subquery()
                sequence = sa.func.pg_get_serial_sequence(self.name, "id")
                connection.execute(sa.select(sa.func.setval(sequence, following, sa.false())))

    def _rows(self) -> Iterator[_Row]:
        query = sa.select(self.table).order_by(self.table.c.id)
        with self.source() as connection:
            for row in connection.execution_options(yield_per=AT_A_TIME).execute(query).mappings():
                yield dict(row)


def moved_tables(source: dg.DagsterInstance, target: dg.DagsterInstance, moved: MovedEvents) -> list[MovedTable]:
    """Return the tables in the order in which they are written: what others name comes first."""
    of_runs = source.run_storage.connect, target.run_storage.connect  # type: ignore[attr-defined]
    of_events = source.event_log_storage.index_connection, target.event_log_storage.index_connection  # type: ignore[attr-defined]
    of_ticks = source.schedule_storage.connect, target.schedule_storage.connect  # type: ignore[union-attr]

    def tag(row: _Row) -> _Row:
        if row["key"].startswith(INPUT_EVENT_POINTER_TAG_PREFIX) and str(row["value"]).isdecimal():
            row["value"] = str(moved.new_id(int(row["value"])))
        return {**row, "event_id": moved.new_id(row["event_id"])}

    def asset(row: _Row) -> _Row:  # the summary of its partitions names an event; Dagster makes it again
        last = row["last_materialization"]
        return {**row, "last_materialization": last and moved.rewritten(last), "cached_status_data": None}

    def check(row: _Row) -> _Row:
        for column in ("evaluation_event_storage_id", "materialization_event_storage_id"):
            row[column] = row[column] and moved.new_id(row[column])
        return {**row, "evaluation_event": row["evaluation_event"] and moved.rewritten(row["evaluation_event"])}

    def backfill(row: _Row) -> _Row:
        return {**row, "body": row["body"] and moved.rewritten(row["body"])}

    return [
        MovedTable(runs.SnapshotsTable, *of_runs),
        MovedTable(runs.RunsTable, *of_runs),
        MovedTable(runs.RunTagsTable, *of_runs),
        MovedTable(runs.BackfillTagsTable, *of_runs),
        MovedTable(events.SqlEventLogStorageTable, *of_events, events=moved),
        MovedTable(events.AssetEventTagsTable, *of_events, changed=tag),
        MovedTable(events.AssetKeyTable, *of_events, changed=asset),
        MovedTable(events.AssetCheckExecutionsTable, *of_events, changed=check),
        MovedTable(events.DynamicPartitionsTable, *of_events),
        MovedTable(runs.BulkActionsTable, *of_runs, changed=backfill),
        MovedTable(schedules.JobTable, *of_ticks),
        MovedTable(schedules.InstigatorsTable, *of_ticks),
        MovedTable(schedules.JobTickTable, *of_ticks),
        MovedTable(schedules.AssetDaemonAssetEvaluationsTable, *of_ticks),
    ]


def copy_keys(source: dg.DagsterInstance, target: dg.DagsterInstance, moved: MovedEvents) -> None:
    """Take over what the daemon remembers by key; up to which event it tried failures again, by its new id."""
    table = runs.KeyValueStoreTable
    with source.run_storage.connect() as connection:  # type: ignore[attr-defined]
        rows = connection.execute(sa.select(table.c.key, table.c.value)).all()
    kept = {key: value for key, value in rows if not key.startswith(_OF_ITS_DATABASE)}
    for key in (key for key in kept if key.startswith(_OF_RETRIES)):
        kept[key] = str(moved.known().new_id(int(kept[key])))
    if kept:
        target.run_storage.set_cursor_values(kept)


def copy_limits(source: dg.DagsterInstance, target: dg.DagsterInstance) -> None:
    """Take over the limits of pools that a person set; who holds a place in one is not history."""
    for key in source.event_log_storage.get_concurrency_keys():
        info = source.event_log_storage.get_concurrency_info(key)
        if not info.using_default_limit:
            target.event_log_storage.set_concurrency_slots(key, info.slot_count)


def forget_key(target: dg.DagsterInstance, key: str) -> None:
    """Remove a key."""
    with target.run_storage.connect() as connection:  # type: ignore[attr-defined]
        connection.execute(sa.delete(runs.KeyValueStoreTable).where(runs.KeyValueStoreTable.c.key == key))


def count_for_plans(target: dg.DagsterInstance) -> None:
    """Let the database look at its tables: it would plan the first pages for empty ones."""
    with target.run_storage.connect() as connection:  # type: ignore[attr-defined]
        connection.execute(sa.text("ANALYZE"))


def _count(table: sa.Table, connect: _Connecting) -> int:
    with connect() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def _bunches(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    bunch: list[_Row] = []
    for row in rows:
        bunch.append(row)
        if len(bunch) == AT_A_TIME:
            yield bunch
            bunch = []
    if bunch:
        yield bunch
