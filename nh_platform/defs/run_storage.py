"""The run storage of the embedded instance: Dagster's SQLite one, which says of every run where its job is defined.

Named in ``dagster.yaml``. Runs that `nh` makes in its own process name no code location, and the page left them out of
its overview and of the pages of their jobs: after `nh demo` the first page was empty. Add here only what the storage
itself must do differently.
"""

from __future__ import annotations

from typing import Any

from dagster import DagsterRun
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.tags import MAX_RETRIES_TAG

LOCATION, REPOSITORY = "nh_platform", "__repository__"
"""Name of the code location in ``workspace.yaml``, and Dagster's of the one repository that definitions make."""


class PlacingSqliteRunStorage(SqliteRunStorage):
    """Gives runs without a code location that of the platform."""

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> PlacingSqliteRunStorage:
        """Return the storage that ``dagster.yaml`` describes."""
        return cls.from_local(inst_data=inst_data, **config_value)

    def add_run(self, dagster_run: DagsterRun) -> DagsterRun:
        """Store a run; one that began in another process than the code server's is not tried again by the daemon."""
        if dagster_run.remote_job_origin is None:
            location = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(LOCATION), REPOSITORY)
            placed = dagster_run._replace(remote_job_origin=RemoteJobOrigin(location, dagster_run.job_name))
            dagster_run = placed.with_tags({MAX_RETRIES_TAG: "0", **dagster_run.tags})
        return super().add_run(dagster_run)
