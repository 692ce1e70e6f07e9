"""The schedule storage of an instance: Dagster's own, whose database is kept open and asked once what it has.

The page of the automation asks for each sensor and schedule on its own, and Dagster opens the database four times for
each answer: half of what that page took. The embedded one is named in ``dagster.yaml``; that of Postgres stands in
`nh_platform.defs.deployed.postgres_storage`. Add here only what the storage itself must do differently.
"""

from __future__ import annotations

from dagster._core.storage.schedules import SqliteScheduleStorage, SqlScheduleStorage

from nh_platform.defs.embedded.kept_storage import KeptSqlite
from nh_platform.defs.run_storage import asked_until_there


class AskingOnce(SqlScheduleStorage):
    """Asks its database until it has a table or index. Stands before one of Dagster's storages among the bases."""

    has_instigators_table = asked_until_there(SqlScheduleStorage.has_instigators_table)
    has_secondary_index_table = asked_until_there(SqlScheduleStorage.has_secondary_index_table)
    has_built_index = asked_until_there(SqlScheduleStorage.has_built_index)


class KeptSqliteScheduleStorage(AskingOnce, KeptSqlite, SqliteScheduleStorage):
    """The schedule storage of the embedded instance."""

    DATABASE = "schedules"
