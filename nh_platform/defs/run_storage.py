"""The run storage of an instance: Dagster's own, which says of every run where it comes from.

The SQLite one is named in ``dagster.yaml``; that of Postgres stands in `deployed.postgres_storage`. Runs that `nh`
makes in its own process name no code location, and the page left them out of its overview and of the pages of their
jobs: after `nh demo` the first page was empty. Runs that a person launches in the page go through a job of Dagster's
that has none of our tags; what waited in the queue, or ended before its first step, was found by none. Add here only
what the storage itself must do differently.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from dagster import DagsterRun
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.runs import SqliteRunStorage, SqlRunStorage
from dagster._core.storage.tags import MAX_RETRIES_TAG

import nh_platform.defs.run_logs.log_lines  # noqa: F401  leaves out Dagster's warning of the handler, wherever runs are stored
from nh_platform.defs.embedded.kept_storage import KeptSqlite
from nh_platform.defs.run_tags import IN_THE_PAGE, REASON_TAG, SOURCE_TAG
from nh_platform.sources.registry import sources

LOCATION, REPOSITORY = "nh_platform", "__repository__"
"""Name of the code location in ``workspace.yaml``, and Dagster's of the one repository that definitions make."""


def asked_until_there(question: Callable[..., bool]) -> Callable[..., bool]:
    """Ask a storage whether its database has a table or column until it has: nothing takes them away again.

    Dagster asks before most of its queries, and before each event of an asset that it stores: 23 of the 75 statements
    of the page of all assets.
    """
    known = f"_known_{question.__name__}"

    @wraps(question)
    def answer(storage: Any, *asked: Any) -> bool:
        there = storage.__dict__.setdefault(known, set())
        of = asked[-1:]  # a connection stands before the name of a column
        if of not in there and question(storage, *asked):
            there.add(of)
        return of in there

    return answer


class Placing(SqlRunStorage):
    """Gives runs without a code location that of the platform, and every run the tags of source and reason.

    Stands before one of Dagster's storages among the bases of a class.
    """

    has_run_stats_index_cols = asked_until_there(SqlRunStorage.has_run_stats_index_cols)
    has_backfill_id_column = asked_until_there(SqlRunStorage.has_backfill_id_column)
    has_bulk_actions_selector_cols = asked_until_there(SqlRunStorage.has_bulk_actions_selector_cols)
    has_backfill_tags_table = asked_until_there(SqlRunStorage.has_backfill_tags_table)

    def add_run(self, dagster_run: DagsterRun) -> DagsterRun:
        """Store a run; one that began in another process than the code server's is not tried again by the daemon."""
        dagster_run = dagster_run.with_tags({**_lacking_tags(dagster_run), **dagster_run.tags})
        if dagster_run.remote_job_origin is None:
            location = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(LOCATION), REPOSITORY)
            placed = dagster_run._replace(remote_job_origin=RemoteJobOrigin(location, dagster_run.job_name))
            dagster_run = placed.with_tags({MAX_RETRIES_TAG: "0", **dagster_run.tags})
        return super().add_run(dagster_run)


class PlacingSqliteRunStorage(Placing, KeptSqlite, SqliteRunStorage):
    """The run storage of the embedded instance."""

    DATABASE = "runs"

    def dispose(self) -> None:
        """Close the database, and that of ticks: of all storages of an instance Dagster leaves that one open."""
        super().dispose()
        if self.has_instance and self._instance.schedule_storage is not None:
            self._instance.schedule_storage.dispose()


def _lacking_tags(run: DagsterRun) -> dict[str, str]:
    """Return the source and the reason of a run that a person launched: it is of our assets and says neither."""
    keys = {*(run.asset_selection or ()), *(one.asset_key for one in run.asset_check_selection or ())}
    ours = sorted({key.path[0] for key in keys} & set(sources()))
    if not ours and SOURCE_TAG not in run.tags:
        return {}
    return {SOURCE_TAG: ", ".join(ours), REASON_TAG: IN_THE_PAGE}
