"""Which rows of a task are scored, and the scores of predictions of them.

Contains what running and prediction files share, so that a file is scored on the rows that the table says. Metrics
themselves are `nh_platform.tasks.metrics`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from nh_platform.tasks.metrics import score_classes, score_counts, score_values
from nh_platform.tasks.task import Task, TaskData

BLOCK = 2_000
"""Windows whose targets are held at once."""


def is_about_units(data: TaskData) -> bool:
    """Whether a row is a unit (``ts3-…``), not a window."""
    return bool(len(data)) and bool(np.isnan(data.starts).all())


def has_mask(task: str) -> bool:
    """Whether single moments may not count: those of paws that no camera saw well, as BrainWideBench has it."""
    return "paw" in task


def truth_rows(data: TaskData, split: str = "test") -> npt.NDArray[np.int64]:
    """Return the rows of a split that are scored: those whose target counts, of a task with a mask in any moment."""
    rows = data.rows(split)
    mask = data.mask[rows]
    if mask.ndim == 1:
        return rows[mask]
    return rows[mask.any(axis=1) if has_mask(data.task) else mask.all(axis=1)]


def scores(
    task: Task, data: TaskData, rows: npt.NDArray[np.int64], predictions: npt.NDArray[np.generic]
) -> dict[str, float]:
    """Return the metrics of a task, of predictions of rows in the form of `nh_platform.tasks.baselines.Model`."""
    if task.kind == "classes":
        return score_classes(task.metrics, predictions, data.outputs(rows))
    if task.kind == "counts":
        return score_counts(task.metrics, _pairs(data, rows, predictions))
    targets, mask = data.outputs(rows), data.mask[rows]
    return score_values(task.metrics, predictions[mask], targets[mask])


def _pairs(
    data: TaskData, rows: npt.NDArray[np.int64], predictions: npt.NDArray[np.generic]
) -> Iterator[tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]]:
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        mask = data.mask[block]
        yield predictions[start : start + BLOCK][mask], data.outputs(block)[mask]
