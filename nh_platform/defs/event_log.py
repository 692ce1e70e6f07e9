"""The event log of the embedded instance: Dagster's SQLite one, with quick answers about partitions.

Named in ``dagster.yaml``. The page of a partitioned check asks for every evaluated session whether it is a partition,
one SQL statement each: 3.7 to 4.2 s a check with 1,000 sessions, 0.05 s where the answer costs nothing. Add here only
what the storage itself must do differently; a test fails when Dagster's method moves.
"""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dagster import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME

from nh_platform.home.full_disk import named_full_disk

REMEMBERED_S = 2.0
"""How long the set of partitions is remembered; a partition that another process removed is seen as gone after it."""


class PartitionCachingSqliteEventLogStorage(SqliteEventLogStorage):
    """Answers `has_dynamic_partition` from one read of all partitions.

    A key that is in the remembered set is there; any other key is asked for in the database, so that a partition that
    another process has just added is never missed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._history = Path(self.path_for_shard(INDEX_SHARD_NAME)).parent
        self._remembered: dict[str, tuple[float, frozenset[str]]] = {}
        self._remembered_lock = threading.Lock()

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "PartitionCachingSqliteEventLogStorage":
        """Return the storage that ``dagster.yaml`` describes."""
        return cls(inst_data=inst_data, **config_value)

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event; on a full disk the last line of a run's output says so in words."""
        with named_full_disk(self._history):
            super().store_event(event)

    def delete_events(self, run_id: str) -> None:
        """Remove the events of a run, and the file that only it had: Dagster leaves 0.3 MB of it behind."""
        super().delete_events(run_id)
        shard = Path(self.path_for_shard(run_id))
        for path in shard.parent.glob(f"{shard.name}*"):
            path.unlink(missing_ok=True)
        self._initialized_dbs.discard(run_id)

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

    def _forget(self, partitions_def_name: str) -> None:
        with self._remembered_lock:
            self._remembered.pop(partitions_def_name, None)
