"""The event log of an instance: Dagster's own, quick about partitions, and true to the rules in force.

The SQLite one is named in ``dagster.yaml``; that of Postgres stands in `deployed.postgres_storage`. The page of a
partitioned check asks for every evaluated session whether it is a partition, one SQL statement each: 3.7 to 4.2 s a
check with 1,000 sessions, 0.05 s where the answer costs nothing. What a check found by a rulebook that is no longer the
active one is history, and no result: no page shows it as the outcome. Add here only what the storage itself must do
differently; a test fails when Dagster's method moves.
"""

import re
import threading
import time
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dagster import AssetCheckKey, DagsterEventType, EventLogEntry, PartitionsDefinition
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.instance import RUNLESS_RUN_ID
from dagster._core.storage.asset_check_execution_record import (
    COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES,
    AssetCheckExecutionRecord,
    AssetCheckPartitionInfo,
)
from dagster._core.storage.asset_check_state import AssetCheckState
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.base import AssetCheckSummaryRecord
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetKeyTable,
    DynamicPartitionsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME

from nh_platform.defs.embedded.event_shards import EventShards
from nh_platform.defs.packed_events.packed_sqlite import packed_address
from nh_platform.defs.rules.check_states import CheckStates
from nh_platform.defs.rules.rules_in_force import RULEBOOK_DIGEST, RulesInForce, digest_of
from nh_platform.defs.run_storage import asked_until_there
from nh_platform.home.folder import home_folder
from nh_platform.home.full_disk import named_full_disk

REMEMBERED_S = 2.0
"""How long the set of partitions is remembered; a partition that another process removed is seen as gone after it."""
_AT_A_TIME = 1000
"""Rows whose digest one statement asks for."""
_STATED_DIGEST = re.compile(rf'"{RULEBOOK_DIGEST}": {{[^}}]*"text": "(?P<digest>\w*)"')
_PAGE_BYTES = 512
"""Of the database of a run: with SQLite's 4,096 a run without events took 140 kB."""


class PartitionCaching(SqlEventLogStorage):
    """Answers `has_dynamic_partition` from one read of all partitions, and with the results that count.

    A key that is in the remembered set is there; any other key is asked for in the database, so that a partition that
    another process has just added is never missed. Stands before one of Dagster's storages among the bases of a class.
    """

    _has_asset_key_col_on_connection = asked_until_there(SqlEventLogStorage._has_asset_key_col_on_connection)
    has_asset_key_col = asked_until_there(SqlEventLogStorage.has_asset_key_col)
    has_secondary_index = asked_until_there(SqlEventLogStorage.has_secondary_index)

    @asked_until_there
    def has_table(self, table_name: str) -> bool:
        """Return whether the database has a table."""
        return super().has_table(table_name)  # type: ignore[safe-super]  # that of the storage among the bases

    def _count_by_rules_of(self, home: Path) -> None:
        """Begin to remember partitions, and to count results by the rules of a home folder."""
        self._remembered: dict[str, tuple[float, frozenset[str]]] = {}
        self._remembered_lock = threading.Lock()
        self._rules = RulesInForce(home)
        self._digests: dict[int, str] = {}
        self._check_states = CheckStates()

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        """Return whether a key is a partition."""
        with self._remembered_lock:
            read_at, keys = self._remembered.get(partitions_def_name, (-REMEMBERED_S, frozenset()))
            if time.monotonic() - read_at >= REMEMBERED_S:
                keys = frozenset(self.get_dynamic_partitions(partitions_def_name))
                self._remembered[partitions_def_name] = (time.monotonic(), keys)
        return partition_key in keys or super().has_dynamic_partition(partitions_def_name, partition_key)

    def add_dynamic_partitions(self, partitions_def_name: str, partition_keys: Sequence[str]) -> None:
        """Add partitions and forget what was remembered of their definition."""
        super().add_dynamic_partitions(partitions_def_name, partition_keys)
        self._forget(partitions_def_name)

    def delete_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> None:
        """Remove a partition and forget what was remembered of its definition."""
        super().delete_dynamic_partition(partitions_def_name, partition_key)
        self._forget(partitions_def_name)

    def get_latest_asset_check_execution_by_key(
        self, check_keys: Sequence[AssetCheckKey], partition_filter: PartitionKeyFilter | None = None
    ) -> Mapping[AssetCheckKey, AssetCheckExecutionRecord]:
        """Return the last execution of each check, unless it is a result that does not count."""
        latest = super().get_latest_asset_check_execution_by_key(check_keys, partition_filter)
        return {key: record for key, record in latest.items() if self._is_counted(record)}

    def get_asset_check_summary_records(
        self, asset_check_keys: Sequence[AssetCheckKey]
    ) -> Mapping[AssetCheckKey, AssetCheckSummaryRecord]:
        """Return the last executions of each check as far as they count; the health of assets follows from them."""
        found = super().get_asset_check_summary_records(asset_check_keys)
        return {key: self._counted_summary(one) for key, one in found.items()}

    def get_asset_check_partition_info(
        self,
        keys: Sequence[AssetCheckKey],
        after_storage_id: int | None = None,
        partition_keys: Sequence[str] | None = None,
    ) -> Sequence[AssetCheckPartitionInfo]:
        """Return the last execution of each check in each partition; what does not count is of no materialization."""
        infos = super().get_asset_check_partition_info(keys, after_storage_id, partition_keys)
        in_force = {key: self._rules.digest(key) for key in keys}
        of_rules = [
            one
            for one in infos
            if in_force[one.check_key] is not None
            and one.latest_execution_status in COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES
        ]
        self._read_digests([one.latest_check_event_storage_id for one in of_rules])
        of_others = {
            one.latest_check_event_storage_id
            for one in of_rules
            if self._digests.get(one.latest_check_event_storage_id) != in_force[one.check_key]
        }
        return [_of_no_materialization(one) if one.latest_check_event_storage_id in of_others else one for one in infos]

    def get_asset_check_state(
        self, keys: Sequence[tuple[AssetCheckKey, PartitionsDefinition[str] | None]]
    ) -> Mapping[AssetCheckKey, AssetCheckState]:
        """Return how each check stands in all partitions, as it was counted last where nothing was stored since."""
        stored = self._newest_rows()
        stamps = {key: (stored, definition, self._rules.digest(key)) for key, definition in keys}
        found, is_settled = self._check_states.known(stamps), self._check_states.is_settled(stored)
        if left := [(key, definition) for key, definition in keys if key not in found]:
            counted = super().get_asset_check_state(left)
            found |= counted
            if is_settled:
                by_same_rules = [key for key in counted if self._rules.digest(key) == stamps[key][2]]
                self._check_states.remember({key: (stamps[key], counted[key]) for key in by_same_rules})
        return found

    def _newest_rows(self) -> Hashable:
        """Return what changes with every row that a state of checks is counted from, and with rows that go.

        They go with a run that is deleted and an asset that is wiped; SQLite gives the id of the last row again.
        """
        columns = (
            sa.func.max(SqlEventLogStorageTable.c.id),
            sa.func.max(AssetCheckExecutionsTable.c.id),
            sa.func.count(AssetCheckExecutionsTable.c.id),
            sa.func.max(AssetKeyTable.c.wipe_timestamp),
            sa.func.max(DynamicPartitionsTable.c.id),
            sa.func.max(DynamicPartitionsTable.c.create_timestamp),
            sa.func.count(DynamicPartitionsTable.c.id),
        )
        kind, outputs = SqlEventLogStorageTable.c.dagster_event_type, DagsterEventType.ASSET_MATERIALIZATION.value
        of_outputs = sa.select(sa.func.count()).where(kind == outputs).scalar_subquery()
        asked = sa.select(*(sa.select(one).scalar_subquery() for one in columns), of_outputs)
        with self.index_connection() as connection:
            return tuple(connection.execute(asked).one())

    def _is_counted(self, record: AssetCheckExecutionRecord | None) -> bool:
        if record is None or record.status not in COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES:
            return True
        return self._rules.is_counted(record.key, digest_of(record.evaluation))

    def _counted_summary(self, summary: AssetCheckSummaryRecord) -> AssetCheckSummaryRecord:
        last, completed = summary.last_check_execution_record, summary.last_completed_check_execution_record
        return AssetCheckSummaryRecord(
            asset_check_key=summary.asset_check_key,
            last_check_execution_record=last if self._is_counted(last) else None,
            last_run_id=summary.last_run_id,
            last_completed_check_execution_record=completed if self._is_counted(completed) else None,
        )

    def _read_digests(self, storage_ids: Sequence[int]) -> None:
        """Read by which rulebooks evaluations were made, each once in the life of the process: they never change."""
        table = AssetCheckExecutionsTable.c
        stated = self._around_digest(table.evaluation_event)
        unread = [one for one in storage_ids if one not in self._digests]
        for start in range(0, len(unread), _AT_A_TIME):
            asked = unread[start : start + _AT_A_TIME]
            query = sa.select(table.evaluation_event_storage_id, stated).where(
                table.evaluation_event_storage_id.in_(asked)
            )
            with self.index_connection() as connection:
                rows = connection.execute(query).all()
            for storage_id, text in rows:
                found = _STATED_DIGEST.search(text or "")
                self._digests[storage_id] = found["digest"] if found else ""

    def _around_digest(self, evaluation: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
        """Return what is read of evaluations to find their digests: all of it, where no SQL can look for it."""
        return evaluation

    def _forget(self, partitions_def_name: str) -> None:
        with self._remembered_lock:
            self._remembered.pop(partitions_def_name, None)


class PartitionCachingSqliteEventLogStorage(PartitionCaching, EventShards):
    """The event log of the embedded instance."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._history = Path(self.path_for_shard(INDEX_SHARD_NAME)).parent
        self._count_by_rules_of(_home_of(self._history))

    def conn_string_for_shard(self, shard_name: str) -> str:
        """Return the address of a database, whose events are packed: they were two thirds of Dagster's files."""
        return packed_address(super().conn_string_for_shard(shard_name))

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "PartitionCachingSqliteEventLogStorage":
        """Return the storage that ``dagster.yaml`` describes."""
        return cls(inst_data=inst_data, **config_value)

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event; on a full disk the last line of a run's output says so in words."""
        with named_full_disk(self._history):
            super().store_event(event)

    def _initdb(self, engine: sa.Engine, for_index_shard: bool = False) -> None:
        """Set up a database; that of a run has small pages, since each of its 20 tables and indexes takes one.

        Indexes of the 75 events of a run took as much as the events, and one run is all that its database holds.
        """
        path = Path(str(engine.url.database))
        is_new_run = path.stem != INDEX_SHARD_NAME and not (path.exists() and path.stat().st_size)
        if is_new_run:
            with engine.connect() as connection:
                connection.exec_driver_sql(f"PRAGMA page_size = {_PAGE_BYTES}")
                connection.exec_driver_sql("PRAGMA user_version = 0")  # writes the first page, and with it their size
        super()._initdb(engine, for_index_shard)
        if is_new_run and path != Path(self.path_for_shard(RUNLESS_RUN_ID)):
            with engine.begin() as connection:
                for index in SqlEventLogStorageTable.indexes:
                    connection.exec_driver_sql(f"DROP INDEX IF EXISTS {index.name}")


def _home_of(history: Path) -> Path:
    """Return the home of ``<home>/dagster/history/runs``; that of ``NH_HOME`` where Dagster's is elsewhere."""
    return history.parents[2] if history.parents[1].name == "dagster" else home_folder()


def _of_no_materialization(info: AssetCheckPartitionInfo) -> AssetCheckPartitionInfo:
    """Return a result as one of an older materialization: Dagster shows the partition as not evaluated then."""
    return AssetCheckPartitionInfo(
        check_key=info.check_key,
        partition_key=info.partition_key,
        latest_execution_status=info.latest_execution_status,
        latest_planned_run_id=info.latest_planned_run_id,
        latest_check_event_storage_id=info.latest_check_event_storage_id,
        latest_materialization_storage_id=info.latest_materialization_storage_id or 0,
        latest_target_materialization_storage_id=None,
    )
