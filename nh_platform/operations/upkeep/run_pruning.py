"""Removing Dagster's old runs that newer ones supersede, with their events, and what old runs printed.

What of the history stays is made smaller in the same go (`nh_platform.defs.packed_events.smaller_files`).
"""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OnProgress, Progress, open_home, unwatched
from nh_platform.session.errors import ConfigError

if TYPE_CHECKING:
    import dagster as dg

    from nh_platform.defs.packed_events.smaller_files import SmallerFiles
    from nh_platform.planning.superseded_runs import EndedRun

_PAGE = 500
"""Runs that are read at a time."""
_DAY_S = 86400.0


@dataclass(frozen=True)
class RunPruning:
    """Outcome of removing old runs.

    Parameters
    ----------
    run_ids
        Runs that were removed, or would be, newest first.
    n_old
        Runs that ended before the time, those that stay included.
    n_bytes
        Bytes of what these runs, and others before the time, had printed.
    n_history_bytes
        Bytes by which the files of the embedded history became smaller, 0 in a dry run.
    held
        Files of it that another process wrote all the time, and that stayed as large as they are.
    """

    run_ids: tuple[str, ...]
    n_old: int
    n_bytes: int
    n_history_bytes: int = 0
    held: tuple[Path, ...] = ()


def prune_runs(
    home: Home, older_than_days: float, *, dry_run: bool = False, on_progress: OnProgress = unwatched
) -> RunPruning:
    """Remove the runs that ended long ago and that newer runs supersede, and what old runs printed.

    The last run that made an asset of a session, or evaluated a check of it, always stays. `nh qc history` no longer
    lists what removed runs found. Free space of the embedded history goes back to the disk, and events that earlier
    versions stored as text are packed.

    Parameters
    ----------
    home
        The home folder.
    older_than_days
        Runs that ended more days ago.
    dry_run
        Remove nothing, and say what would be removed.
    on_progress
        Called for each run that is removed.

    Raises
    ------
    ConfigError
        If the number of days is not positive.
    """
    from nh_platform.planning.superseded_runs import superseded

    if not older_than_days > 0:
        raise ConfigError(
            "--runs", f"{older_than_days:g} is no number of days above 0", "Say, for example, --runs 180."
        )
    before = time.time() - older_than_days * _DAY_S
    with open_home(home) as at:
        runs = list(_ended(at.instance))
        gone = superseded(runs, before)
        old = [run.run_id for run in runs if run.ended_at < before]
        printed = list(_printed(at.platform.settings.dagster_home, old))
        n_bytes = sum(path.stat().st_size for folder in printed for path in folder.rglob("*") if path.is_file())
        if not dry_run:
            for done, run_id in enumerate(gone):
                on_progress(Progress("runs", done, len(gone), run_id))
                at.instance.delete_run(run_id)
            on_progress(Progress("runs", len(gone), len(gone), "done"))
            for folder in printed:
                shutil.rmtree(folder, ignore_errors=True)
            smaller = _made_smaller(at.instance, old, on_progress)
            if smaller is not None:
                n_given_back = smaller.bytes_before - smaller.bytes_after
                return RunPruning(tuple(gone), len(old), n_bytes, n_given_back, smaller.held)
    return RunPruning(tuple(gone), len(old), n_bytes)


def _made_smaller(instance: dg.DagsterInstance, run_ids: list[str], on_progress: OnProgress) -> SmallerFiles | None:
    """Make the files of the embedded history smaller; a server sees to its own."""
    from nh_platform.defs.event_log import PartitionCachingSqliteEventLogStorage
    from nh_platform.defs.packed_events.smaller_files import make_smaller

    log, looked_at = instance.event_log_storage, itertools.count()
    if not isinstance(log, PartitionCachingSqliteEventLogStorage):
        return None

    def tell(name: str, total: int) -> None:
        on_progress(Progress("history", next(looked_at), total, name))

    return make_smaller(log, run_ids, tell)


def _ended(instance: dg.DagsterInstance) -> Iterator[EndedRun]:
    """Give every run that ended."""
    import dagster as dg

    from nh_platform.defs.run_tags import PARTITION_TAG
    from nh_platform.planning.superseded_runs import EndedRun

    statuses = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    cursor = None
    while page := instance.get_run_records(dg.RunsFilter(statuses=statuses), limit=_PAGE, cursor=cursor):
        for record in page:
            run = record.dagster_run
            assets, checks = run.asset_selection, run.asset_check_selection
            if assets is None and checks is not None:
                assets = frozenset()  # checks alone
            yield EndedRun(
                run_id=run.run_id,
                job=run.job_name,
                partition=run.tags.get(PARTITION_TAG, ""),
                assets=None if assets is None else frozenset(key.to_user_string() for key in assets),
                checks=None
                if checks is None
                else frozenset((key.asset_key.to_user_string(), key.name) for key in checks),
                succeeded=run.status is dg.DagsterRunStatus.SUCCESS,
                # A run that ended before it began has no end of its own.
                ended_at=record.end_time or record.update_timestamp.timestamp(),
            )
        cursor = page[-1].dagster_run.run_id


def _printed(dagster_home: Path, run_ids: list[str]) -> Iterator[Path]:
    """Give the folders of what some runs printed."""
    for run_id in run_ids:
        folder = dagster_home / "compute_logs" / run_id
        if folder.is_dir():
            yield folder
