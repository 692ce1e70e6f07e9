"""Making the files of the embedded history smaller: text of earlier versions is packed, and free pages are given back.

SQLite keeps the pages of what was removed for what comes; here they go back to the disk. Nothing is removed. Who asks
for it is `nh_platform.operations.upkeep.run_pruning`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dagster._core.instance import RUNLESS_RUN_ID
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log import schema as events
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS

from nh_platform.defs.packed_events.packed_text import PACKED_FROM

_AT_A_TIME = 500
"""Events that one transaction packs: others may write between two, and wait 30 s at most."""
_MANY_FREE = 0.1
"""Share of free pages from which a file is written anew: a large one takes seconds, in which others wait."""


@dataclass(frozen=True)
class SmallerFiles:
    """Bytes of the history before and after, and the files that another process held all the time."""

    bytes_before: int
    bytes_after: int
    held: tuple[Path, ...]


def make_smaller(
    storage: SqliteEventLogStorage,
    run_ids: Iterable[str],
    on_file: Callable[[str, int], None] = lambda name, total: None,
) -> SmallerFiles:
    """Pack what some runs and the index hold as text, and give back free pages.

    Parameters
    ----------
    storage
        The embedded event log. Others may read and write it meanwhile.
    run_ids
        Runs that ended; those whose file is gone are passed over.
    on_file
        Called with the name of each file before it is looked at, and how many there are.
    """
    folder = Path(storage.path_for_shard(INDEX_SHARD_NAME)).parent
    before, held = _size(folder), []
    shards = [*run_ids, RUNLESS_RUN_ID, INDEX_SHARD_NAME]
    for shard in shards:
        on_file(shard or "events without a run", len(shards))
        path = Path(storage.path_for_shard(shard))
        if path.exists() and not _is_smaller(storage.conn_string_for_shard(shard), _packed_columns(shard)):
            held.append(path)
    for path in (folder.parent / "runs.db", folder.parents[1] / "schedules" / "schedules.db"):
        if path.exists() and not _is_smaller(f"sqlite:///{path}", ()):
            held.append(path)
    return SmallerFiles(before, _size(folder), tuple(held))


def _packed_columns(shard: str) -> tuple[sa.Column[Any], ...]:
    of_all = (events.SqlEventLogStorageTable.c.event,)
    of_index = (events.AssetCheckExecutionsTable.c.evaluation_event, events.AssetKeyTable.c.last_materialization)
    return (*of_all, *of_index) if shard == INDEX_SHARD_NAME else of_all


def _is_smaller(address: str, columns: Iterable[sa.Column[Any]]) -> bool:
    """Make one file smaller; return False where another process held it all the time."""
    timeout = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
    engine = sa.create_engine(address, poolclass=sa.pool.NullPool, connect_args=timeout)
    try:
        n_packed = sum(_pack(engine, column) for column in columns)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            n_pages, n_free = (
                connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("page_count", "freelist_count")
            )
            if n_packed or n_free > _MANY_FREE * n_pages:
                connection.exec_driver_sql("VACUUM")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    except sa.exc.OperationalError as error:
        if "locked" not in str(error.orig):
            raise
        return False
    return True


def _pack(engine: sa.Engine, column: sa.Column[Any]) -> int:
    """Write the text of a column again, which its dialect packs; return how many rows had any."""
    table, last, n_rows = column.table, 0, 0
    query = (
        sa.select(table.c.id, column)
        .where(sa.func.typeof(column) == "text", sa.func.length(column) >= PACKED_FROM)
        .order_by(table.c.id)
        .limit(_AT_A_TIME)
    )
    update = sa.update(table).where(table.c.id == sa.bindparam("of_id")).values({column.name: sa.bindparam("text")})
    while True:
        with engine.begin() as connection:
            # Else another process may write a row between the two statements, and its text of before would come back.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            rows = connection.execute(query.where(table.c.id > last)).all()
            if not rows:
                return n_rows
            connection.execute(update, [{"of_id": row_id, "text": text} for row_id, text in rows])
        last, n_rows = rows[-1][0], n_rows + len(rows)


def _size(folder: Path) -> int:
    """Return bytes of the history and of the ticks."""
    files = [*folder.parent.rglob("*.db*"), *(folder.parents[1] / "schedules").glob("*.db*")]
    return sum(path.stat().st_size for path in files)
