"""Databases of the event log: one of each run and the index, each begun as a copy and kept open while it is used.

Contains how the storage of Dagster reaches its databases. Add here what concerns the files, and nothing of what they
hold: that is `nh_platform.defs.event_log`.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dagster import EventLogEntry
from dagster._core.instance import RUNLESS_RUN_ID
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME

from nh_platform.defs.embedded.kept_connections import KeptConnections, is_set_up

_SQLITE_MODE = 0o644
"""Of a new database, less the umask, as SQLite makes them."""


class EventShards(SqliteEventLogStorage):
    """Keeps the databases of the event log open, and begins that of a run as a copy of an empty one.

    To make the 30 tables and indexes of a run's database and to note their version took 0.1 CPU s a run.
    """

    _empty: bytes = b""
    """An empty database of a run, made once in the life of a process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._kept = KeptConnections()
        super().__init__(*args, **kwargs)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        path, address = self.path_for_shard(shard), self.conn_string_for_shard(shard)
        with self._db_lock:
            if not self._kept.has(path):
                self._set_up(shard, path, address)
            with self._kept.begin(path, address) as connection:
                yield connection

    def _set_up(self, shard: str, path: str, address: str) -> None:
        """Make a database where it is not there, or not whole."""
        if shard not in (INDEX_SHARD_NAME, RUNLESS_RUN_ID) and not os.path.exists(path):
            self._copy_the_empty_one(Path(path), address)
        if not is_set_up(address):
            self._initdb(sa.create_engine(address, poolclass=sa.NullPool), for_index_shard=shard == INDEX_SHARD_NAME)
        self._initialized_dbs.add(shard)

    def _copy_the_empty_one(self, path: Path, address: str) -> None:
        if not self._empty:
            type(self)._empty = self._made_empty(address)
        begun = path.with_name(f".{uuid.uuid4().hex}.begun")
        try:
            with os.fdopen(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _SQLITE_MODE), "wb") as file:
                file.write(self._empty)
                file.flush()
                os.fsync(file.fileno())
            with suppress(OSError):  # another process was quicker, or a disk without links: it is made in its place
                os.link(begun, path)
        finally:
            begun.unlink(missing_ok=True)

    def _made_empty(self, address: str) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "empty.db"
            engine = sa.create_engine(sa.make_url(address).set(database=str(path)), poolclass=sa.NullPool)
            self._initdb(engine)
            engine.dispose()
            return path.read_bytes()

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event, and show those who watch the run's file that it was changed.

        While a database is open, SQLite writes into a log beside it, and the page follows a run by its file.
        """
        super().store_event(event)
        with suppress(OSError):
            os.utime(self.path_for_shard(event.run_id))

    def delete_events(self, run_id: str) -> None:
        """Remove the events of a run, and the files that only it had: Dagster leaves 0.3 MB of them behind."""
        super().delete_events(run_id)
        shard = Path(self.path_for_shard(run_id))
        with self._db_lock:
            self._kept.close(str(shard))
        for path in shard.parent.glob(f"{shard.name}*"):
            path.unlink(missing_ok=True)
        self._initialized_dbs.discard(run_id)

    def dispose(self) -> None:
        """Close the databases: the last one who does writes the log of each back and removes it."""
        super().dispose()
        with self._db_lock:
            self._kept.close()
