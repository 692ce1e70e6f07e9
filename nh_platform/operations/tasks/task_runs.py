"""Benchmark tasks of the stored sessions: their targets made, their baselines run and written, files scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from nh_platform.operations.opened_home import Home, OnProgress, OpenHome, Progress, open_home, unwatched
from nh_platform.operations.tasks.table_files import write_tables
from nh_platform.operations.tasks.task_lookups import task_named
from nh_platform.operations.tasks.task_records import ScoredPredictions, SessionTables, SessionTargets
from nh_platform.operations.tasks.task_sessions import asked_sessions, origin_record, with_origins
from nh_platform.session import ConfigError, NhError

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.home.set_aside import SessionsInUse
    from nh_platform.reading import SessionView
    from nh_platform.tasks.run_table import Run
    from nh_platform.tasks.task import Task, TaskData

Made = TypeVar("Made")


def run_task(
    home: Home,
    name: str,
    *,
    source: str = "",
    sessions: Sequence[str] = (),
    qc_labels: Path | None = None,
    features: str = "intervals",
    seeds: Sequence[int] = (),
    permutations: int | None = None,
    folder: Path | None = None,
    with_set_aside: bool = False,
    on_progress: OnProgress = unwatched,
) -> Run:
    """Run the linear baseline of a task over stored sessions and seeds, against its permutation control.

    Parameters
    ----------
    home
        The home folder.
    name
        Name of the task.
    source
        Source of the sessions; where empty the one that has the task, of several the first with stored sessions.
    sessions
        Ids, or the first characters of them; all stored ones that reviewers did not set aside where empty.
    qc_labels, features
        As of `task_named`.
    seeds
        Seeds; 43 to 47 where empty.
    permutations
        How often targets are moved for the control: 100 where None, 20 for counts; 0 for no control.
    folder
        Empty or new folder that takes ``predictions`` and ``ground_truth``, whole or not at all.
    with_set_aside
        Take sessions too that reviewers set aside.
    on_progress
        Called for each session and seed.

    Returns
    -------
    nh_platform.tasks.run_table.Run
        ``table()``, ``scores()``, ``lacking``: why a session has no score, and ``set_aside``: which are left out.

    Raises
    ------
    ConfigError
        If there is no such task, the source has it not, seeds or permutations cannot be, or the folder holds something.
    UnknownSession
        If a session is not stored, or reviewers set all aside that are.
    StoreError
        If no session is stored, or the folder cannot be written.
    """
    from nh_platform.tasks.predictions import require_seeds
    from nh_platform.tasks.running import SEEDS, Asked
    from nh_platform.tasks.running import run_task as run
    from nh_platform.tasks.whole_folder import whole_folder

    task = task_named(name, qc_labels, features)
    if task.table is not None:
        raise ConfigError(f"task {name}", "it has a table of its own", "Call `task_tables`.")
    chosen = tuple(dict.fromkeys(seeds or SEEDS))
    require_seeds(chosen)
    if permutations is not None and permutations < 0:
        raise ConfigError(f"permutations {permutations}", "it is negative", "Give 0 for no control.")
    with open_home(home) as at:
        asked_of = asked_sessions(at, task, source, sessions, with_set_aside=with_set_aside)
        with nullcontext(None) if folder is None else whole_folder(folder) as staging:
            asked = Asked(chosen, permutations, staging)
            steps = asked.n_steps()
            told = lambda one, done, now: on_progress(Progress(one, done, steps, now))  # noqa: E731
            done = run(with_origins(task, at), asked_of.views, asked, told)
        return replace(done, set_aside=asked_of.in_use.left_out, noted=asked_of.in_use.noted)


def task_tables(
    home: Home,
    name: str,
    *,
    source: str = "",
    sessions: Sequence[str] = (),
    seed: int | None = None,
    permutations: int | None = None,
    folder: Path | None = None,
    with_set_aside: bool = False,
    on_progress: OnProgress = unwatched,
) -> SessionTables:
    """Make the tables of a task that has its own instead of one score: ``psth-forecast``, a row per unit.

    Parameters
    ----------
    home, name, source, sessions, with_set_aside, on_progress
        As of `run_task`.
    seed
        Seed of what the table draws; the task's own (43) where None.
    permutations
        How often conditions are shuffled, 1 at least; the task's own number (1,000) where None.
    folder
        Empty or new folder that takes ``<task>.csv``, the rows of all sessions with their ``session_id``, and
        ``origin.json``, a record per session with release, data versions, terms and citations; whole or not at all.

    Raises
    ------
    ConfigError
        If there is no such task, it has no table of its own, the source has it not, the seed or permutations cannot be,
        or the folder holds something.
    UnknownSession
        If a session is not stored, or reviewers set all aside that are.
    StoreError
        If no session is stored, or the folder cannot be written.
    """
    from nh_platform.tasks.predictions import require_seeds
    from nh_platform.tasks.whole_folder import whole_folder

    task = task_named(name)
    if task.table is None:
        raise ConfigError(f"task {name}", "it has no table of its own", "Call `run_task`.")
    if permutations is not None and permutations < 1:
        action = "Give 1 or more: its intervals need draws."
        raise ConfigError(f"permutations {permutations}", f"{name} makes them", action)
    require_seeds([] if seed is None else [seed])
    asked = {"seed": seed, "n_permutations": permutations}
    table = partial(task.table, **{key: value for key, value in asked.items() if value is not None})

    def make(at: OpenHome, view: SessionView) -> tuple[pd.DataFrame, dict[str, object]]:
        return table(view), origin_record(at, view)

    with nullcontext(None) if folder is None else whole_folder(folder) as staging:
        done = _made(home, task, source, sessions, make, with_set_aside, on_progress)
        tables = {one: table for one, (table, _) in done.made.items()}
        found = SessionTables(task, tables, done.lacking, done.in_use.left_out, done.in_use.noted)
        if staging is not None and tables:
            write_tables(staging, found, [origin for _, origin in done.made.values()])
    return found


def task_targets(
    home: Home,
    name: str,
    *,
    source: str = "",
    sessions: Sequence[str] = (),
    qc_labels: Path | None = None,
    features: str = "intervals",
    with_set_aside: bool = False,
    on_progress: OnProgress = unwatched,
) -> SessionTargets:
    """Make the targets of a task in stored sessions, for a model of your own.

    Parameters
    ----------
    home, name, source, sessions, qc_labels, features, with_set_aside, on_progress
        As of `run_task`.

    Returns
    -------
    SessionTargets
        ``data`` by session (`nh_platform.tasks.task.TaskData`), and ``lacking``: why a session has none.

    Raises
    ------
    ConfigError
        If there is no such task, or the source has it not.
    UnknownSession
        If a session is not stored, or reviewers set all aside that are.
    StoreError
        If no session is stored.
    """
    task = task_named(name, qc_labels, features)

    def make(at: OpenHome, view: SessionView) -> TaskData:
        return with_origins(task, at).make(view)

    done = _made(home, task, source, sessions, make, with_set_aside, on_progress)
    return SessionTargets(task, done.made, done.lacking, done.in_use.left_out, done.in_use.noted)


def score_predictions(predictions: Path | str, truth: Path | str) -> ScoredPredictions:
    """Score files of predictions against files of ground truth, both in BrainWideBench's layout.

    Parameters
    ----------
    predictions, truth
        Folders of predictions, and of ground truth (``predictions`` and ``ground_truth`` of `run_task`).

    Returns
    -------
    ScoredPredictions
        Scores by file with the share of the truth that was predicted, and why other files have none.

    Raises
    ------
    StoreError
        If there is no file of predictions.
    """
    from nh_platform.tasks.named_tasks import tasks
    from nh_platform.tasks.scored_files import score_files

    return ScoredPredictions(*score_files(Path(predictions), Path(truth), tasks()))


@dataclass(frozen=True)
class _Made(Generic[Made]):
    """What is made of each session, why others have nothing, and what reviewers say of those that are set aside."""

    made: dict[str, Made]
    lacking: dict[str, NhError]
    in_use: SessionsInUse


def _made(
    home: Home,
    task: Task,
    source: str,
    sessions: Sequence[str],
    make: Callable[[OpenHome, SessionView], Made],
    with_set_aside: bool,
    on_progress: OnProgress,
) -> _Made[Made]:
    made: dict[str, Made] = {}
    lacking: dict[str, NhError] = {}
    with open_home(home) as at:
        asked = asked_sessions(at, task, source, sessions, with_set_aside=with_set_aside)
        for view in asked.views:
            on_progress(Progress(view.session_id, 0, 1, task.name))
            try:
                made[view.session_id] = make(at, view)
            except NhError as error:
                lacking[view.session_id] = error
            on_progress(Progress(view.session_id, 1, 1, "failed" if view.session_id in lacking else "done"))
    return _Made(made, lacking, asked.in_use)
