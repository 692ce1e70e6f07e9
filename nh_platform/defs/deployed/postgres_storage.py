"""Dagster's storages in Postgres: of runs, of events, and of the ticks of sensors and schedules.

They do what the embedded ones do (`nh_platform.defs.run_storage`, `nh_platform.defs.event_log`), on a server. Named in
``deploy/dagster.yaml``. Add here only what is Postgres' own.
"""

from __future__ import annotations

import math
import time
from typing import Any, Self

import psycopg2
import sqlalchemy as sa
from dagster import AssetKey
from dagster._core.storage.partition_status_cache import AssetStatusCacheValue
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_postgres.run_storage import PostgresRunStorage
from dagster_postgres.schedule_storage import PostgresScheduleStorage
from dagster_postgres.utils import (
    create_pg_engine,
    get_token_provider_from_config,
    pg_url_from_config,
    set_pg_statement_timeout,
)
from psycopg2.errors import InsufficientPrivilege

from nh_platform.defs.deployed.server_address import POSTGRES_VARIABLE, readable_address, with_driver
from nh_platform.defs.embedded.schedule_storage import AskingOnce
from nh_platform.defs.event_log import PartitionCaching
from nh_platform.defs.rules.rules_in_force import RULEBOOK_DIGEST
from nh_platform.defs.run_storage import Placing
from nh_platform.home.folder import home_folder

_KEPT_CONNECTIONS = 6
"""Of each storage of a page: a browser asks six questions at a time."""
_IDLE_S = 0.5
"""A database that was restarted was away for longer."""
_STATED_LENGTH = 200
"""Characters of a stored evaluation in which its digest stands, from the name of it on."""


class _Configured:
    """Makes a storage from ``dagster.yaml``: Dagster's method makes its own class, whatever class it is called on."""

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> Self:
        """Return the storage that ``dagster.yaml`` describes."""
        described: dict[str, Any] = {
            "inst_data": inst_data,
            "postgres_url": with_driver(readable_address(pg_url_from_config(config_value), POSTGRES_VARIABLE)),
            "should_autocreate_tables": config_value.get("should_autocreate_tables", True),
            "token_provider": get_token_provider_from_config(config_value),
        }
        return cls(**described)

    def optimize_for_webserver(self, statement_timeout: int, pool_recycle: int, max_overflow: int) -> None:
        """Keep connections open for the questions that a page asks at once; those that a restart closed are replaced.

        Dagster's keeps one, and opens and closes another for each question that is asked meanwhile: a fifth of what
        the page of automation took.

        Parameters
        ----------
        statement_timeout
            How long a statement may take [ms].
        pool_recycle
            Age at which a connection is opened anew [s].
        max_overflow
            Connections beyond one at the same time.
        """
        storage: Any = self
        url = storage._engine.url
        options = {"connect_args": {"options": url.query["options"]}} if url.query.get("options") else {}
        storage._engine = create_pg_engine(
            storage.postgres_url,
            storage._token_provider,
            isolation_level="AUTOCOMMIT",
            pool_size=_KEPT_CONNECTIONS,
            pool_recycle=pool_recycle,
            max_overflow=max(max_overflow + 1 - _KEPT_CONNECTIONS, 0),
            **options,
        )

        def limited(connection: Any, _: object) -> None:
            set_pg_statement_timeout(connection, statement_timeout)

        sa.event.listen(storage._engine, "connect", limited)
        sa.event.listen(storage._engine, "checkin", _given_back)
        sa.event.listen(storage._engine, "checkout", _taken)


def _given_back(_: object, record: sa.pool.ConnectionPoolEntry) -> None:
    record.info["given_back"] = time.monotonic()


def _taken(connection: Any, record: sa.pool.ConnectionPoolEntry, _: object) -> None:
    """Ask a connection that was not used for a while whether it is still there; SQLAlchemy opens another where not.

    To ask each time, as SQLAlchemy's own way does, doubles the questions to the server.
    """
    if time.monotonic() - record.info.get("given_back", math.inf) < _IDLE_S:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except psycopg2.Error as error:
        raise sa.exc.DisconnectionError from error


class PlacingPostgresRunStorage(_Configured, Placing, PostgresRunStorage):
    """Runs in Postgres, each of which says where it comes from."""


class PartitionCachingPostgresEventLogStorage(_Configured, PartitionCaching, PostgresEventLogStorage):
    """Events in Postgres, quick about partitions, with the results that count by the rules of ``NH_HOME``.

    Without it a page of eight checks sent 1,000 statements for 1,000 sessions, and as many questions whether the table
    exists: 0.8 s in place of 0.3 s.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._count_by_rules_of(home_folder())

    def _around_digest(self, evaluation: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
        """Return the part of evaluations in which their digests stand."""
        return sa.func.substr(evaluation, sa.func.strpos(evaluation, f'"{RULEBOOK_DIGEST}"'), _STATED_LENGTH)

    def update_asset_cached_status_data(self, asset_key: AssetKey, cache_values: AssetStatusCacheValue) -> None:
        """Keep the summary of an asset's partitions; a role that may only read makes it anew at each look."""
        try:
            super().update_asset_cached_status_data(asset_key, cache_values)
        except sa.exc.ProgrammingError as error:
            if not isinstance(error.orig, InsufficientPrivilege):
                raise


class DriverNamingPostgresScheduleStorage(_Configured, AskingOnce, PostgresScheduleStorage):
    """Ticks of sensors and schedules in Postgres."""
