"""A storage of Dagster's in one SQLite database that stays open: that of runs, and that of ticks.

Contains how such a storage is opened and closed. What is asked of it is `nh_platform.defs.run_storage` and
`schedule_storage`; the event log has a database for each run, and is `event_shards`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Self

from dagster._core.storage.sqlite import create_db_conn_string
from sqlalchemy import Connection, make_url

from nh_platform.defs.embedded.kept_connections import KeptConnections, is_set_up


class KeptSqlite:
    """Keeps the database of a storage open. Stands before Dagster's class among the bases of a class."""

    DATABASE: ClassVar[str]
    """Name of the database in its folder, without its suffix."""
    _conn_string: str

    def __init__(self, conn_string: str, inst_data: Any = None) -> None:
        self._kept, self._path = KeptConnections(at_most=1), str(make_url(conn_string).database)
        super().__init__(conn_string, inst_data)  # type: ignore[call-arg]  # of Dagster's class

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> Self:
        """Return the storage that ``dagster.yaml`` describes."""
        address = create_db_conn_string(config_value["base_dir"], cls.DATABASE)
        if os.path.exists(str(make_url(address).database)) and is_set_up(address):
            return cls(address, inst_data)
        made: Self = cls.from_local(inst_data=inst_data, **config_value)  # type: ignore[attr-defined]
        return made

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Give a connection to the database in a transaction."""
        with self._kept.begin(self._path, self._conn_string) as connection:
            yield connection

    def dispose(self) -> None:
        """Close the database."""
        super().dispose()  # type: ignore[misc]
        self._kept.close()
