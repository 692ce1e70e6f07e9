"""Dagster's storages in Postgres: of runs, of events, and of the ticks of sensors and schedules.

They do what the embedded ones do (`nh_platform.defs.run_storage`, `nh_platform.defs.event_log`), on a server. Named in
``deploy/dagster.yaml``. Add here only what is Postgres' own.
"""

from __future__ import annotations

from typing import Any, Self

import sqlalchemy as sa
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_postgres.run_storage import PostgresRunStorage
from dagster_postgres.schedule_storage import PostgresScheduleStorage
from dagster_postgres.utils import get_token_provider_from_config, pg_url_from_config

from nh_platform.defs.deployed.server_address import readable_address, with_driver
from nh_platform.defs.event_log import PartitionCaching
from nh_platform.defs.run_storage import Placing
from nh_platform.home.folder import home_folder

POSTGRES_VARIABLE = "NH_POSTGRES_URL"
"""Environment variable with the address of the database, as ``deploy/dagster.yaml`` names it."""


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


class PlacingPostgresRunStorage(_Configured, Placing, PostgresRunStorage):
    """Runs in Postgres, each of which says where it comes from."""


class PartitionCachingPostgresEventLogStorage(_Configured, PartitionCaching, PostgresEventLogStorage):
    """Events in Postgres, quick about partitions, with the results that count by the rules of ``NH_HOME``.

    Without it a page of eight checks sent 1,000 statements for 1,000 sessions, and as many questions whether the table
    exists: 0.8 s in place of 0.3 s.
    """

    position_of_text = staticmethod(sa.func.strpos)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._count_by_rules_of(home_folder())


class DriverNamingPostgresScheduleStorage(_Configured, PostgresScheduleStorage):
    """Ticks of sensors and schedules in Postgres."""
