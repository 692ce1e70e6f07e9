"""Connections to SQLite databases that are kept: Dagster opens and closes one for each statement.

The last connection to a database that is closed writes its log back, and a new engine compiles each statement anew: of
a small session's run that was a third of what it took around its own work. Add here only how a database is opened.
What is asked of it is `event_shards` and `nh_platform.defs.run_storage`.
"""

from __future__ import annotations

import atexit
import os
import sqlite3
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import sqlalchemy as sa
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS

_AT_MOST = 3
"""Databases whose connections are kept: the index, and the runs that were written to last."""
_LOG_PAGES, _LOG_BYTES = 128, 2**19
"""At how many pages SQLite writes the log of a database back, and to how many bytes it cuts the file then.

By its defaults the log of the index stays at 4 MB for as long as one process has it open: as much as 25 small sessions.
"""


class KeptConnections:
    """One connection to each of a few databases, for the life of a process; safe to be used from several threads.

    A database whose file was removed or replaced, by `nh prune` or another process, is opened anew, and so is
    any in a process that was forked: SQLite forbids to carry a connection across.
    """

    def __init__(self, at_most: int = _AT_MOST) -> None:
        self._at_most = at_most
        self._process = os.getpid()
        self._engines: OrderedDict[str, tuple[sa.Engine, tuple[int, int]]] = OrderedDict()
        self._of_the_parent: list[object] = []
        _open.add(self)

    def has(self, path: str) -> bool:
        """Whether a database is open and its file is the one that was opened."""
        return self._kept(path) is not None

    def _leave_those_of_a_parent(self) -> None:
        if self._process != os.getpid():
            self._of_the_parent.append(self._engines)  # never closed here: it would release the parent's locks
            self._engines, self._process = OrderedDict(), os.getpid()

    def _kept(self, path: str) -> sa.Engine | None:
        self._leave_those_of_a_parent()
        engine, file = self._engines.get(path, (None, None))  # at once: another thread may close it meanwhile
        return engine if file == _file(path) else None

    def engine(self, path: str, address: str) -> sa.Engine:
        """Return the engine of a database, which must be there.

        Parameters
        ----------
        path
            Its file.
        address
            The same as an address of SQLAlchemy's.
        """
        if (kept := self._kept(path)) is not None:
            with suppress(KeyError):  # as above
                self._engines.move_to_end(path)
            return kept
        self.close(path)
        engine = sa.create_engine(
            address,
            poolclass=sa.QueuePool,
            pool_size=1,  # what is asked for beside it, by another thread, is closed again
            max_overflow=-1,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
        )
        sa.event.listen(engine, "connect", _keep_the_log_small)
        self._engines[path] = engine, _file(path)
        while len(self._engines) > self._at_most:
            self.close(next(iter(self._engines)))
        return engine

    @contextmanager
    def begin(self, path: str, address: str) -> Iterator[sa.Connection]:
        """Give a connection to a database in a transaction."""
        with self.engine(path, address).begin() as connection:
            yield connection

    def close(self, path: str | None = None) -> None:
        """Close the connection to a database, to all where none is named."""
        self._leave_those_of_a_parent()
        for one in [path] if path is not None else list(self._engines):
            engine, _ = self._engines.pop(one, (None, None))
            if engine is not None:
                engine.dispose()


_open: weakref.WeakSet[KeptConnections] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Close what a process has open when it ends: the last one removes the log beside a database."""
    for kept in list(_open):
        kept.close()


def _keep_the_log_small(connection: sqlite3.Connection, record: object) -> None:
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")


def is_set_up(address: str) -> bool:
    """Whether a database has all its tables: Dagster notes its version when they are made.

    To hold that version against the newest one, as Dagster does when it opens a database, loads ninety scripts; it
    does nothing then.
    """
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    with engine.connect() as connection:
        try:
            return connection.execute(sa.text("SELECT 1 FROM alembic_version")).first() is not None
        except sa.exc.OperationalError:
            return False


def _file(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return -1, -1
    return found.st_dev, found.st_ino
