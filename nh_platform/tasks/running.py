"""A task over sessions and seeds: the baseline fitted, scored, held against its control, and written where asked.

Contains what runs and the table that comes of it. Scores of one set of predictions are `nh_platform.tasks.scoring`,
what a task predicts is its `Task.make`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nh_platform.session import ConfigError, DamagedFile, NhError, StoreError
from nh_platform.tasks.baselines import Baseline, NoFit, baseline_of
from nh_platform.tasks.brain_wide_bench.multi_unit import multi_unit_predictions
from nh_platform.tasks.control import N_PERMUTATIONS, moved_targets
from nh_platform.tasks.pooling import ALL, folds, pool
from nh_platform.tasks.predictions import require_seeds, write_ground_truth, write_predictions
from nh_platform.tasks.run_table import Run, SessionRun
from nh_platform.tasks.scoring import is_about_units, scores, truth_rows
from nh_platform.tasks.task import TargetMissing, Task, TaskData
from nh_platform.tasks.whole_folder import whole_part

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

SEEDS = (43, 44, 45, 46, 47)
"""Seeds of BrainWideBench's reported scores, which asks for three at least, one after the other."""

N_CONTROL_UNITS, N_CONTROL_WINDOWS = 8, 1_000
"""Units and test windows that the control of a task of many units is of."""

_NO_CONTROL: tuple[list[float], float] = ([], float("nan"))

OnSeed = Callable[[str, int, str], None]
"""Called with a session, the number of its steps that are done, and what is next."""


@dataclass(frozen=True)
class Asked:
    """What a run is to do.

    Parameters
    ----------
    seeds
        Seeds of the baseline.
    permutations
        How often targets are moved for the control; `N_PERMUTATIONS` of the task's kind where None, none where 0.
    folder
        Folder that takes ``predictions`` and ``ground_truth``, of a session when its seeds and its control are done;
        nothing is written where None.
    """

    seeds: Sequence[int] = SEEDS
    permutations: int | None = None
    folder: Path | None = None

    def n_permutations(self, task: Task) -> int:
        """Return how often targets are moved."""
        return N_PERMUTATIONS[task.kind] if self.permutations is None else self.permutations

    def n_steps(self) -> int:
        """Return the steps of a session: its targets, each seed, the control."""
        return len(self.seeds) + 2


def _unheard(session_id: str, done: int, now: str) -> None:
    """Take no notice of progress."""


def run_task(task: Task, sessions: Sequence[SessionView], asked: Asked, on_seed: OnSeed = _unheard) -> Run:
    """Run a task's baseline over sessions and seeds.

    Parameters
    ----------
    task
        The task.
    sessions
        Sessions of one source. Tasks about windows are fitted and tested within each; those about units (``ts3-…``)
        over all of them.
    asked
        Seeds, control and folder.
    on_seed
        Called when a step of a session is done.

    Returns
    -------
    Run
        Scores by session and seed, the table, and what sessions lack (``all`` for units of one animal alone); a session
        that lacks something stops no other.

    Raises
    ------
    ConfigError
        If there is no seed, or one cannot be reported (`require_seeds`).
    StoreError
        If predictions cannot be written.
    """
    if not asked.seeds:
        raise ConfigError("seeds", "there is none", "Use 43 to 47.")
    require_seeds(asked.seeds)
    from threadpoolctl import threadpool_limits

    for library in ("sklearn.decomposition", "sklearn.linear_model"):
        import_module(library)  # What is loaded later is not limited.
    # The matrices are small: two sessions took 50 CPU s with a thread per core, and 14 s with one.
    with threadpool_limits(limits=1):
        return _run(task, sessions, asked, on_seed)


def _run(task: Task, sessions: Sequence[SessionView], asked: Asked, on_seed: OnSeed) -> Run:
    made: list[tuple[TaskData, str]] = []
    done: list[SessionRun] = []
    lacking: dict[str, NhError] = {}
    for view in sessions:
        on_seed(view.session_id, 0, "targets")
        try:
            data = task.make(view)
            if is_about_units(data):
                made.append((data, _animal(view)))
                on_seed(view.session_id, asked.n_steps(), "done")
            else:
                done.append(_run_data(task, data, asked, on_seed))
        except NhError as error:
            if isinstance(error, StoreError) and not isinstance(error, DamagedFile):
                raise  # of the disk that is written to: no session can go on
            lacking[view.session_id] = error
            on_seed(view.session_id, asked.n_steps(), "failed")
    if made:
        pooled = pool([data for data, _ in made], [animal for _, animal in made])
        origins = tuple(one for data, _ in made for one in data.origins)
        pooled = replace(pooled, data=replace(pooled.data, origins=origins))
        try:
            done.append(_run_folds(task, lambda seed: folds(pooled, seed), asked, on_seed))
        except (ConfigError, NoFit) as error:
            lacking[ALL] = error
    return Run(task, tuple(done), lacking, tuple(data.session_id for data, _ in made))


def _animal(view: SessionView) -> str:
    """Return the animal of a session; two that state none might be of one, and train and test each other.

    Raises
    ------
    TargetMissing
        If the session states no subject.
    """
    if not view.info.subject:
        found = "it states no subject, and units are predicted from other animals'"
        raise TargetMissing(f"{view.source} session {view.session_id}", found, "Leave it out.")
    return view.info.subject


def _run_data(task: Task, data: TaskData, asked: Asked, on_seed: OnSeed) -> SessionRun:
    """Run one session, within which the windows are divided."""
    return _run_folds(task, lambda seed: [data], asked, on_seed)


def _run_folds(task: Task, folds_of: Callable[[int], list[TaskData]], asked: Asked, on_seed: OnSeed) -> SessionRun:
    """Run data that are divided once, or several times so that each row is tested once; files are of whole runs."""
    with _part_of(asked.folder) as folder:
        return _run_into(task, folds_of, replace(asked, folder=folder), on_seed)


@contextmanager
def _part_of(folder: Path | None) -> Iterator[Path | None]:
    """Give a folder whose files go into ``folder`` at the end; None where nothing is written."""
    if folder is None:
        yield None
        return
    with whole_part(folder) as part:
        yield part


def _run_into(task: Task, folds_of: Callable[[int], list[TaskData]], asked: Asked, on_seed: OnSeed) -> SessionRun:
    by_seed: dict[int, dict[str, float]] = {}
    multi_unit: dict[int, dict[str, float]] = {}
    label, control = "", _NO_CONTROL
    for step, seed in enumerate(asked.seeds, 1):
        parts = folds_of(seed)
        data = _tested(parts)
        on_seed(data.session_id, step, f"seed {seed}")
        baselines = [baseline_of(task.kind, part, seed) for part in parts]
        label, rows = baselines[0].label, truth_rows(data)
        predictions = _predicted(baselines, parts, rows)
        by_seed[seed] = scores(task, data, rows, predictions)
        if len(data.target_probes):
            multi_unit[seed] = scores(task, data, rows, multi_unit_predictions(data, rows, predictions))
        if asked.folder is not None:
            write_predictions(asked.folder / "predictions", data, rows, predictions, label=label, seed=seed)
    on_seed(data.session_id, asked.n_steps() - 1, "control")
    if asked.n_permutations(task):
        control = _control(task, folds_of(asked.seeds[0]), asked)
    if asked.folder is not None:
        write_ground_truth(asked.folder / "ground_truth", data)
    n_rows = {split: len(truth_rows(data, split)) for split in ("train", "val", "test")}
    n_rows["valid"] = data.n_to_test()
    if len(parts) > 1:  # every unit is tested by a model of the others
        n_rows |= {
            split: round(np.mean([len(truth_rows(part, split)) for part in parts])) for split in ("train", "val")
        }
    on_seed(data.session_id, asked.n_steps(), "done")
    left_out, notes = data.left_out, data.notes
    return SessionRun(
        data.session_id, label, by_seed, control[0], control[1], n_rows, len(rows), left_out, notes, multi_unit
    )


def _tested(parts: Sequence[TaskData]) -> TaskData:
    """Return data whose rows of ``test`` are those that any fold tests."""
    split = parts[0].split.copy()
    for part in parts:
        split[part.split == "test"] = "test"
    return replace(parts[0], split=split)


def _predicted(
    baselines: Sequence[Baseline],
    parts: Sequence[TaskData],
    rows: npt.NDArray[np.int64],
    moved: Sequence[npt.NDArray[np.int64]] | None = None,
) -> npt.NDArray[np.floating]:
    """Return predictions of rows, each by the fold that tests it."""
    if len(parts) == 1:
        return baselines[0].fit(None if moved is None else moved[0]).predict(rows)
    found: npt.NDArray[np.floating] | None = None
    for number, (baseline, part) in enumerate(zip(baselines, parts)):
        own = np.flatnonzero(part.split[rows] == "test")
        predictions = baseline.fit(None if moved is None else moved[number]).predict(rows[own])
        if found is None:
            found = np.zeros((len(rows), *predictions.shape[1:]), dtype=predictions.dtype)
        found[own] = predictions
    assert found is not None
    return found


def _control(task: Task, parts: Sequence[TaskData], asked: Asked) -> tuple[list[float], float]:
    """Return scores of the first metric with moved targets, and with those of the rows, of the first seed.

    Of a task of many units 8 of them are fitted (drawn by the seed), and 1,000 test windows are scored.
    """
    seed, metric = asked.seeds[0], task.metrics[0]
    if len(parts) == 1 and len(parts[0].target_ids) > N_CONTROL_UNITS:
        parts = [_of_few_units(parts[0], seed)]
    baselines = [baseline_of(task.kind, part, seed) for part in parts]
    data = _tested(parts)
    rows = truth_rows(data)
    if len(data.target_ids) and not is_about_units(data):
        rows = rows[:: max(len(rows) // N_CONTROL_WINDOWS, 1)]

    def score(moved: Sequence[npt.NDArray[np.int64]] | None) -> float:
        predictions = _predicted(baselines, parts, rows, moved)
        return scores(task, data if moved is None else _moved_test(data, parts, moved), rows, predictions)[metric]

    moves = zip(*(moved_targets(part, task.kind, asked.n_permutations(task), seed) for part in parts))
    return [score(moved) for moved in moves], score(None)


def _moved_test(data: TaskData, parts: Sequence[TaskData], moved: Sequence[npt.NDArray[np.int64]]) -> TaskData:
    """Return data whose test rows have the targets that their fold moved there."""
    taken = np.arange(len(data))
    for part, of_part in zip(parts, moved):
        tested = part.rows("test")
        taken[tested] = of_part[tested]
    return replace(data, outputs=lambda rows: data.outputs(taken[rows]), mask=data.mask[taken])


def _of_few_units(data: TaskData, seed: int) -> TaskData:
    """Return the same task of a few of the units that it predicts."""
    kept = np.sort(np.random.default_rng(seed).permutation(len(data.target_ids))[:N_CONTROL_UNITS])
    return replace(data, outputs=lambda rows: data.outputs(rows)[..., kept], target_ids=data.target_ids[kept])
