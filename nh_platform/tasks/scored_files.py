"""Scores of prediction files against ground truth files, and the share of the truth that they predict.

Contains what the benchmark's scorer does with files, by our metrics, so that a model of one's own is scored here too.
The layout is `nh_platform.tasks.predictions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nh_platform.session import NhError, SchemaError, StoreError
from nh_platform.tasks.metrics import score_classes, score_counts, score_values
from nh_platform.tasks.safetensors_file import read_tensors
from nh_platform.tasks.task import Task

_Tensors = Mapping[str, npt.NDArray[np.generic]]


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
        If a file lacks what the layout has, is of no known task, matches no row, or a unit of the ground truth is
        missing, which the benchmark's scorer refuses too.
    StoreError
        If one of the two files is missing or not whole.
    """
    given, metadata = read_tensors(path)
    task = tasks.get(metadata.get("task", ""))
    if task is None or not {"label", "seed"} <= set(metadata):
        about = f"its metadata say task {metadata.get('task')!r}, label {metadata.get('label')!r}"
        raise SchemaError(str(path), f"{about} and seed {metadata.get('seed')!r}", "Write it with `write_predictions`.")
    session_id = metadata.get("recording_id", "")
    truth_file = truth / task.name / session_id / "ground_truth.safetensors"
    true, of_truth = read_tensors(truth_file)
    try:
        if "entity_ids" in true:
            if metadata.get("label_names") != of_truth.get("label_names"):
                raise SchemaError(str(path), f"its label_names are not those of {truth_file}", "Write both anew.")
            metrics, matched = _units(task, given, true, path)
        else:
            metrics, matched = _windows(task, given, true, path)
    except KeyError as error:
        raise SchemaError(str(path), f"it or {truth_file} lacks the array {error}", "Write both anew.") from error
    label, seed = metadata["label"], int(metadata["seed"])
    return ScoredFile(label, task.name, session_id or "all", seed, metrics, matched)


def _units(task: Task, given: _Tensors, true: _Tensors, path: Path) -> tuple[dict[str, float], float]:
    at = {bytes(one).rstrip(b"\0"): row for row, one in enumerate(given["entity_ids"])}
    asked = [bytes(one).rstrip(b"\0") for one in true["entity_ids"]]
    missing = [one.decode() for one in asked if one not in at]
    if missing:
        raise SchemaError(str(path), f"{len(missing)} units have no prediction, as {missing[0]}", "Predict every unit.")
    return score_classes(task.metrics, given["pred_proba"][[at[one] for one in asked]], true["targets"]), 1.0


def _windows(task: Task, given: _Tensors, true: _Tensors, path: Path) -> tuple[dict[str, float], float]:
    key = "window_timestamps" if "targets" in true else "trial_id"
    _, of_given, of_true = np.intersect1d(given[key], true[key], return_indices=True)
    if not len(of_true):
        raise SchemaError(str(path), f"no {key} of it is one of the ground truth", "Write the rows of `TaskData`.")
    predictions, matched = given["predictions"][of_given], len(of_true) / len(true[key])
    targets = true["targets" if "targets" in true else "values"][of_true]
    if task.kind == "classes":
        return score_classes(task.metrics, predictions[:, 0], targets[:, 0]), matched
    if predictions.shape != targets.shape:
        about = f"predictions are {predictions.shape}, targets {targets.shape}"
        raise SchemaError(str(path), about, "Predict every moment and every unit of a window.")
    if task.kind == "counts":
        n_units = targets.shape[-1]
        return score_counts(task.metrics, [(predictions.reshape(-1, n_units), targets.reshape(-1, n_units))]), matched
    mask = true["mask"][of_true] if "mask" in true else np.ones(targets.shape[:2], dtype=bool)
    return score_values(task.metrics, predictions[mask], targets[mask]), matched


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
