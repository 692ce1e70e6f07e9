"""Dagster's history moved from the SQLite files of a home folder into the database of a deployment.

Contains what must hold before and after, and what becomes of runs that had not ended. Which tables there are and how
they are copied is `nh_platform.defs.deployed.moved_tables`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nh_platform.operations.opened_home import OnProgress, Progress, unwatched
from nh_platform.session import ConfigError, StoreError

if TYPE_CHECKING:
    import dagster as dg

    from nh_platform.home.settings import PlatformSettings

_MARK = "nh_history_move"
"""Key in the database under which a move that goes on says of which history it is."""
_CUT_OFF = "It was in progress when the history moved to another database; what it makes is asked for again."
_EMPTY_ACTION = "Take an empty database, and move again: the home still has all of it (docs/operate.md)."
_PROGRAM_ACTION = "Run `dagster instance migrate` for each with its own DAGSTER_HOME, then this command again."


@dataclass(frozen=True)
class HistoryMove:
    """Outcome of a move of Dagster's history.

    Parameters
    ----------
    rows
        Rows by the name of their table, in the order in which they are moved.
    unfinished
        Runs that were in progress: they are in the new history as failed for a reason outside their sessions.
    went_on
        Whether an earlier move was stopped, and this one went on with it.
    printed_to
        Folder into which what runs printed was copied; None where the deployment keeps it elsewhere than in folders.
    """

    rows: Mapping[str, int]
    unfinished: tuple[str, ...]
    went_on: bool = False
    printed_to: Path | None = None


def move_history(home: Path | str, *, dry_run: bool = False, on_progress: OnProgress = unwatched) -> HistoryMove:
    """Move the history of a home folder into the database of ``DAGSTER_HOME``: runs, events, sensors, backfills.

    Stopped at any instant, it goes on when it is called again. The files of the home folder stay as they are. Nothing
    may write to either history meanwhile: `nh ui` must not run.

    Parameters
    ----------
    home
        The home folder.
    dry_run
        Write nothing, and say what would be moved.
    on_progress
        Called for each bunch of rows.

    Raises
    ------
    ConfigError
        If there is no history or no database to move it into, the database holds another one, the versions of both
        differ, or `nh ui` works on the home folder.
    StoreError
        If the database does not hold what was written.
    """
    from nh_platform.home.settings import load_settings
    from nh_platform.operations.instance import open_instance, open_own_instance
    from nh_platform.operations.web.serving import hold_home

    settings = load_settings(Path(home))
    _require_history(settings)
    with ExitStack() as stack:
        if not dry_run:
            stack.enter_context(hold_home(settings))
        source = stack.enter_context(open_instance(settings, embedded=True))
        target = stack.enter_context(open_own_instance())
        return _Move(source, target, on_progress).run(dry_run=dry_run)


def _require_history(settings: PlatformSettings) -> None:
    stated = os.environ.get("DAGSTER_HOME")
    if not stated or Path(stated).absolute() == settings.dagster_home.absolute():
        found = f"it is {stated}, the history that is to be moved" if stated else "it is not set"
        action = "Set it to the folder of the deployment's dagster.yaml (docs/deploy.md), and what that file names."
        raise ConfigError("environment variable DAGSTER_HOME", found, action)
    if not (settings.dagster_home / "history" / "runs.db").is_file():
        found = f"it has no history of Dagster's: {settings.dagster_home / 'history'} is not there"
        raise ConfigError(f"home {settings.home}", found, "Say which home with --home; a new one needs no move.")


class _Move:
    """One move between two instances that are open."""

    def __init__(self, source: dg.DagsterInstance, target: dg.DagsterInstance, on_progress: OnProgress) -> None:
        from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage

        from nh_platform.defs.deployed.moved_events import MovedEvents
        from nh_platform.defs.deployed.moved_tables import moved_tables

        log, kept = source.event_log_storage, target.event_log_storage
        if not isinstance(log, SqliteEventLogStorage):
            raise ConfigError("history of the home", "it is not in SQLite", "Only the embedded history can be moved.")
        if isinstance(kept, SqliteEventLogStorage) or not isinstance(kept, SqlEventLogStorage):
            found = f"it keeps its history in {type(kept).__name__}, which is no server"
            action = "Take the dagster.yaml of deploy/, which names Postgres (docs/deploy.md)."
            raise ConfigError(f"dagster.yaml of DAGSTER_HOME={os.environ['DAGSTER_HOME']}", found, action)
        self._source, self._target, self._on_progress = source, target, on_progress
        self._moved = MovedEvents(log)
        self._tables = moved_tables(source, target, self._moved)

    def run(self, *, dry_run: bool) -> HistoryMove:
        """Move everything, or say what would be moved."""
        from nh_platform.defs.deployed.moved_tables import copy_keys, copy_limits, count_for_plans, forget_key

        self._require_same_version()
        expected = {one.name: one.expected() for one in self._tables}
        went_on = self._require_room(expected)
        unfinished = tuple(run.run_id for run in _unfinished(self._source))
        if dry_run:
            return HistoryMove(expected, unfinished, went_on)
        if not self._is_verified():
            self._mark(expected, verified=False)
            self._copy(expected)
            self._mark(expected, verified=True)
        copy_keys(self._source, self._target, self._moved)
        copy_limits(self._source, self._target)
        for run in _unfinished(self._target):
            self._target.report_run_failed(run, _CUT_OFF)
        printed_to = self._copy_printed()
        count_for_plans(self._target)
        forget_key(self._target, _MARK)
        return HistoryMove(expected, unfinished, went_on, printed_to)

    def _require_same_version(self) -> None:
        for name in ("run_storage", "event_log_storage", "schedule_storage"):
            (old, head), (new, _) = (getattr(one, name).alembic_version() for one in (self._source, self._target))
            if not old == new == head:
                found = f"{name} of the home has version {old}, that of the database {new}; this Dagster writes {head}"
                raise ConfigError("history", found, _PROGRAM_ACTION)

    def _require_room(self, expected: Mapping[str, int]) -> bool:
        """Refuse a database that holds something else; return whether it holds the begin of this move."""
        mark = self._marked()
        if mark is not None:
            if mark["rows"] == dict(expected):
                return True
            found = "it holds a part of another history, or the home changed since the move began"
            raise ConfigError("database of DAGSTER_HOME", found, _EMPTY_ACTION)
        held = {one.name: one.held() for one in self._tables}
        if any(held.values()):
            named = ", ".join(f"{number:,} {name}" for name, number in held.items() if number)
            raise ConfigError("database of DAGSTER_HOME", f"it is not empty: {named}", _EMPTY_ACTION)
        return False

    def _mark(self, expected: Mapping[str, int], *, verified: bool) -> None:
        stated = json.dumps({"rows": dict(expected), "verified": verified})
        self._target.run_storage.set_cursor_values({_MARK: stated})

    def _marked(self) -> dict[str, Any] | None:
        mark = self._target.run_storage.get_cursor_values({_MARK}).get(_MARK)
        return None if mark is None else dict(json.loads(mark))

    def _is_verified(self) -> bool:
        """Whether an earlier move wrote all rows; those of the runs that it then ended are more."""
        return bool((self._marked() or {}).get("verified"))

    def _copy(self, expected: Mapping[str, int]) -> None:
        """Copy every table, and hold the number of rows against those of the source."""
        for one in self._tables:
            one.copy(partial(self._tell, one.name, expected[one.name]))
        for one in self._tables:
            if (held := one.held()) != expected[one.name]:
                found = f"{held:,} of {expected[one.name]:,} rows of {one.name} are there"
                raise StoreError("database of DAGSTER_HOME", found, _EMPTY_ACTION)

    def _tell(self, name: str, expected: int, done: int) -> None:
        self._on_progress(Progress(name.replace("_", " "), done, max(done, expected)))

    def _copy_printed(self) -> Path | None:
        """Copy what runs printed, where both sides keep it in folders, and return the folder."""
        from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager

        source, target = self._source.compute_log_manager, self._target.compute_log_manager
        if not (isinstance(source, LocalComputeLogManager) and isinstance(target, LocalComputeLogManager)):
            return None
        before, after = (Path(one._base_dir) for one in (source, target))  # nothing public says it
        if before.is_dir() and before != after:
            shutil.copytree(before, after, dirs_exist_ok=True)
        return after


def _unfinished(instance: dg.DagsterInstance) -> Sequence[dg.DagsterRun]:
    import dagster as dg

    from nh_platform.defs.automation.attempts import IN_PROGRESS

    return instance.get_runs(dg.RunsFilter(statuses=IN_PROGRESS))
