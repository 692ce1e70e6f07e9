"""What operations on benchmark tasks return: tasks with their sessions, tables, targets and scores.

Contains the records alone. How they are made is `task_runs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.session import NhError

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.tasks.scored_files import ScoredFile
    from nh_platform.tasks.task import Task, TaskData


@dataclass(frozen=True)
class ListedTask:
    """A task, and for how many sessions it can be asked here.

    Parameters
    ----------
    task
        The task.
    sources
        Sources that have it, with their numbers of stored sessions.
    """

    task: Task
    sources: Mapping[str, int]


@dataclass(frozen=True)
class SessionTables:
    """Tables of a task that has one of its own (``psth-forecast``).

    Parameters
    ----------
    task
        The task.
    tables
        Table by session.
    lacking
        Why a session has none, by session.
    set_aside
        Sessions that reviewers set aside and that are left out, by whom and why.
    noted
        Sessions that are taken although reviewers set them aside, by whom and why.
    """

    task: Task
    tables: Mapping[str, pd.DataFrame]
    lacking: Mapping[str, NhError]
    set_aside: Mapping[str, str] = field(default_factory=dict)
    noted: Mapping[str, str] = field(default_factory=dict)

    def joined(self) -> pd.DataFrame:
        """Return the rows of all sessions, with their ``session_id``; of one session at least."""
        import pandas as pd

        return pd.concat([table.assign(session_id=one) for one, table in self.tables.items()], ignore_index=True)


@dataclass(frozen=True)
class SessionTargets:
    """Targets of a task in sessions.

    Parameters
    ----------
    task
        The task.
    data
        Targets by session.
    lacking
        Why a session has none, by session.
    set_aside
        Sessions that reviewers set aside and that are left out, by whom and why.
    noted
        Sessions that are taken although reviewers set them aside, by whom and why.
    """

    task: Task
    data: Mapping[str, TaskData]
    lacking: Mapping[str, NhError]
    set_aside: Mapping[str, str] = field(default_factory=dict)
    noted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ScoredPredictions:
    """Scores of files of predictions.

    Parameters
    ----------
    files
        Scores of each file, with the share of the ground truth that it predicts.
    refused
        Why other files have none, by path.
    """

    files: Sequence[ScoredFile]
    refused: Mapping[Path, NhError]
