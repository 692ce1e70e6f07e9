"""Scores of prediction files against ground truth files, and the share of the truth that they predict.

Contains what the benchmark's scorer does with files, by our metrics, so that a model of one's own is scored here too.
The layout is `nh_platform.tasks.predictions`, what is refused `nh_platform.tasks.file_checks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nh_platform.session import NhError, SchemaError, StoreError
from nh_platform.tasks.file_checks import Array, TensorFile, require_classes, require_same_units
from nh_platform.tasks.metrics import score_classes, score_counts, score_values
from nh_platform.tasks.predictions import SWEEP_SEED
from nh_platform.tasks.scoring import has_mask
from nh_platform.tasks.task import Task


@dataclass(frozen=True)
class ScoredFile:
    """Scores of one file of predictions.

    Parameters
    ----------
    label, task, session_id, seed
        What it is of; a task about units has ``all`` for the session.
    metrics
        Metrics of the task by name.
    matched
        Share of the rows of the ground truth that have a prediction. Missing ones are left out of the metrics of
        windows, as the benchmark's scorer does, so look at it before the score.
    """

    label: str
    task: str
    session_id: str
    seed: int
    metrics: Mapping[str, float]
    matched: float


def prediction_files(folder: Path) -> list[Path]:
    """Return the files of predictions below a folder, in the order of their names.

    Raises
    ------
    StoreError
        If there is none.
    """
    found = sorted(folder.rglob("seed_*.safetensors"))
    if not found:
        raise StoreError(str(folder), "there is no file seed_<n>.safetensors below it", "Give a folder of predictions.")
    return found


def score_file(path: Path, truth: Path, tasks: Mapping[str, Task]) -> ScoredFile:
    """Score one file of predictions.

    Parameters
    ----------
    path
        The file.
    truth
        Folder of all ground truth.
    tasks
        Tasks by name.

    Raises
    ------
    SchemaError
        If one of the two files is not of the layout: an array is missing or has another shape, kind of number or a
        value that is not finite; an id occurs twice; classes or units are not those of the ground truth, in its order.
        If the predictions are of no known task or of the benchmark's own seed, match no row, or lack a unit of the
        ground truth, which the benchmark's scorer refuses too.
    StoreError
        If one of the two files is missing or not whole.
    """
    given = TensorFile.read(path)
    task, seed = _task_and_seed(given, tasks)
    session_id = given.metadata.get("recording_id", "")
    if session_id in (".", "..") or "/" in session_id:
        raise given.wrong(f"its recording_id {session_id!r} is no name of a session")
    true = TensorFile.read(truth / task.name / session_id / "ground_truth.safetensors")
    if "entity_ids" in true.tensors:
        metrics, matched = _units(task, given, true)
    elif task.kind == "counts" and "targets" in true.tensors:
        metrics, matched = _unit_counts(task, given, true)
    else:
        metrics, matched = _trials(task, given, true)
    return ScoredFile(given.metadata["label"], task.name, session_id or "all", seed, metrics, matched)


def _task_and_seed(given: TensorFile, tasks: Mapping[str, Task]) -> tuple[Task, int]:
    """Return what the metadata say that the predictions are of."""
    metadata = given.metadata
    task, seed = tasks.get(metadata.get("task", "")), metadata.get("seed", "")
    if task is None or "label" not in metadata or not seed.isdecimal():
        about = f"its metadata say task {metadata.get('task')!r}, label {metadata.get('label')!r}"
        action = "Write it with `write_predictions`."
        raise SchemaError(str(given.path), f"{about} and seed {metadata.get('seed')!r}", action)
    if int(seed) == SWEEP_SEED:
        about = f"it is of seed {seed}, which the benchmark keeps for choosing hyperparameters"
        raise SchemaError(str(given.path), f"{about}, and whose scores must not be reported", "Use 43 to 47.")
    if given.path.stem != f"seed_{int(seed)}":
        raise given.wrong(f"its metadata say seed {seed}")
    return task, int(seed)


def _units(task: Task, given: TensorFile, true: TensorFile) -> tuple[dict[str, float], float]:
    if given.metadata.get("label_names") != true.metadata.get("label_names"):
        raise given.wrong(f"its label_names are not those of {true.path}")
    predictions, targets = given.array("pred_proba", "f", 2), true.array("targets", "iu", 1)
    at = {one: row for row, one in enumerate(given.ids("entity_ids", predictions))}
    asked = true.ids("entity_ids", targets)
    missing = [one.decode(errors="replace") for one in asked if one not in at]
    if missing:
        action = "Predict every unit."
        raise SchemaError(str(given.path), f"{len(missing)} units have no prediction, as {missing[0]}", action)
    require_classes(given, true, predictions.shape[1], targets)
    return score_classes(task.metrics, predictions[[at[one] for one in asked]], targets), 1.0


def _unit_counts(task: Task, given: TensorFile, true: TensorFile) -> tuple[dict[str, float], float]:
    predictions, targets = given.array("predictions", "f", 3), true.array("targets", "fiu", 3)
    require_same_units(given, true, predictions.shape[2], targets.shape[2])
    of_given, of_true, matched = _matched("window_timestamps", "f", given, predictions, true, targets)
    log_rates, counts = _same_moments(given, predictions[of_given], targets[of_true])
    n_units = counts.shape[-1]
    return score_counts(task.metrics, [(log_rates.reshape(-1, n_units), counts.reshape(-1, n_units))]), matched


def _trials(task: Task, given: TensorFile, true: TensorFile) -> tuple[dict[str, float], float]:
    predictions = given.array("predictions", "f", 3)
    if task.kind == "classes":
        classes = true.array("values", "iu", 2)
        of_given, of_true, matched = _matched("trial_id", "iu", given, predictions, true, classes)
        if predictions.shape[1] != 1:
            raise given.wrong(f"predictions have the shape {predictions.shape}, and (windows, 1, classes) is asked for")
        require_classes(given, true, predictions.shape[2], classes)
        return score_classes(task.metrics, predictions[of_given][:, 0], classes[of_true][:, 0]), matched
    values = true.array("values", "fiu", 3)
    of_given, of_true, matched = _matched("trial_id", "iu", given, predictions, true, values)
    found, targets = _same_moments(given, predictions[of_given], values[of_true])
    if task.kind == "counts":
        n_trains = targets.shape[-1]
        return score_counts(task.metrics, [(found.reshape(-1, n_trains), targets.reshape(-1, n_trains))]), matched
    mask = np.ones(targets.shape[:2], dtype=bool)
    if has_mask(task.name):
        whole = true.array("mask", "b", 2)
        if whole.shape != values.shape[:2]:
            raise true.wrong(f"mask has the shape {whole.shape}, and values {values.shape}")
        mask = np.asarray(whole[of_true], dtype=bool)
    return score_values(task.metrics, found[mask], targets[mask]), matched


def _matched(
    name: str, kinds: str, given: TensorFile, predictions: Array, true: TensorFile, targets: Array
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], float]:
    """Return rows of both files that are of the same window, and the share of the ground truth that they are.

    The benchmark's own writer makes times float32: those match a ground truth in float64 that is rounded alike.
    """
    ours, theirs = given.keys(name, predictions, kinds), true.keys(name, targets, kinds)
    if kinds == "f":
        coarser = min(ours.dtype, theirs.dtype, key=lambda one: one.itemsize)
        ours, theirs = ours.astype(coarser), theirs.astype(coarser)
        if len(np.unique(theirs)) < len(theirs):
            raise given.wrong(f"{name} are {coarser}, in which windows of {true.path} have one time")
    _, of_given, of_true = np.intersect1d(ours, theirs, return_indices=True)
    if not len(of_true):
        action = "Write the rows of `TaskData`."
        raise SchemaError(str(given.path), f"no {name} of it is one of the ground truth", action)
    return of_given, of_true, len(of_true) / len(theirs)


def _same_moments(given: TensorFile, predictions: Array, targets: Array) -> tuple[Array, Array]:
    if predictions.shape != targets.shape:
        about = f"predictions are {predictions.shape}, targets {targets.shape}"
        raise SchemaError(str(given.path), about, "Predict every moment and every unit of a window.")
    return predictions, targets


def score_files(
    predictions: Path, truth: Path, tasks: Mapping[str, Task]
) -> tuple[list[ScoredFile], dict[Path, NhError]]:
    """Score every file of predictions below a folder.

    Returns
    -------
    list of ScoredFile, dict
        Scores, and why the others have none, by file.

    Raises
    ------
    StoreError
        If there is no file.
    """
    scored, refused = [], {}
    for path in prediction_files(predictions):
        try:
            scored.append(score_file(path, truth, tasks))
        except NhError as error:
            refused[path] = error
    return scored, refused
