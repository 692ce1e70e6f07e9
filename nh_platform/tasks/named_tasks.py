"""The benchmark tasks by name.

Contains the registry. Add a task here as its record, with a function from a session to its targets. How targets are
made belongs to the folder of each family of tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from nh_platform.tasks.brain_wide_bench import suite2, suite3, trial_classes, trial_signals
from nh_platform.tasks.brain_wide_bench.qc_labels import checked_labels
from nh_platform.tasks.brain_wide_bench.suite3 import INTERVALS, UNIT_EMBEDDINGS, UnitFeatures
from nh_platform.tasks.task import Kind, Task, TaskData
from nh_platform.tasks.visual import VISUAL_TASKS

if TYPE_CHECKING:
    import pandas as pd

BRAIN_WIDE_BENCH = ("BrainWideBench 2026, brainbench-org/ibl-bwb, data 0.1.0", "ibl-bwb-eval 0.1.0")


def tasks(qc_labels: pd.DataFrame | None = None, features: UnitFeatures = INTERVALS) -> dict[str, Task]:
    """Return every task by name, in the order in which they are listed.

    Parameters
    ----------
    qc_labels
        BrainWideBench's ``bwm_qc.csv`` (`nh_platform.tasks.brain_wide_bench.qc_labels.read_qc_labels`), whose labels of
        probes and behaviour are in no release. Without it they are not applied, and the tasks' notes say so.
    features
        What ``ts3-unit_cosmos`` reads of a unit (`nh_platform.tasks.brain_wide_bench.suite3.unit_cosmos`).

    Raises
    ------
    ConfigError
        If the table lacks a column.
    """
    if qc_labels is not None:
        checked_labels(qc_labels)
    return {task.name: task for task in (*_brain_wide_bench(qc_labels, features), *VISUAL_TASKS)}


def _brain_wide_bench(qc_labels: pd.DataFrame | None, features: UnitFeatures) -> list[Task]:
    def of_ibl(
        name: str,
        kind: Kind,
        metrics: tuple[str, ...],
        make: Callable[..., TaskData],
        title: str,
        labelled: bool = True,
    ) -> Task:
        made = partial(make, qc_labels=qc_labels) if labelled else make
        return Task(name, title, kind, metrics, made, ("ibl",), BRAIN_WIDE_BENCH)

    classes, values, spikes = ("bacc", "f1", "ap"), ("r2", "mae", "pearson"), ("poisson_d2", "bps")
    regions = ("macro_f1", "macro_precision", "macro_recall")
    first, signals = trial_classes, trial_signals
    return [
        of_ibl(
            "ts1-choice", "classes", classes, first.choice, "Side of the animal's turn, from the 1 s before it", False
        ),
        of_ibl(
            "ts1-reward", "classes", classes, first.reward, "Reward or error, from the 1 s after the feedback", False
        ),
        of_ibl(
            "ts1-stimulus_contrast",
            "classes",
            classes,
            first.stimulus_contrast,
            "Contrast of the stimulus, from 0.9 s before its onset to 0.1 s after",
            False,
        ),
        of_ibl(
            "ts1-licking_rate",
            "counts",
            ("poisson_d2", "mae"),
            signals.licking_rate,
            "Licks per 20 ms in the 1 s after the feedback, from the spikes of it",
        ),
        of_ibl(
            "ts1-whisker_motion_energy",
            "values",
            values,
            signals.whisker_motion_energy,
            "Motion energy of the whisker pad in the 1 s from the first movement on, from the spikes of it",
        ),
        of_ibl(
            "ts1-wheel_speed",
            "values",
            values,
            signals.wheel_speed,
            "Speed of the wheel in the 1 s from the first movement on, from the spikes of it",
        ),
        of_ibl(
            "ts1-left_paw_speed",
            "values",
            values,
            signals.left_paw_speed,
            "Speed of the left front paw in the 1 s from the first movement on, from the spikes of it",
        ),
        of_ibl(
            "ts1-right_paw_speed",
            "values",
            values,
            signals.right_paw_speed,
            "Speed of the right front paw in the 1 s from the first movement on, from the spikes of it",
        ),
        of_ibl(
            "ts2-co_smoothing",
            "counts",
            spikes,
            suite2.co_smoothing,
            "Counts of a hidden tenth of the units, from those of the others in the same 1 s",
        ),
        of_ibl(
            "ts2-forecasting",
            "counts",
            spikes,
            suite2.forecasting,
            "Counts of every unit in the last 100 ms of 1 s, from the 900 ms before",
        ),
        replace(
            of_ibl(
                "ts3-unit_cosmos",
                "classes",
                regions,
                partial(suite3.unit_cosmos, features=features),
                "Cosmos region of a unit, from the whole session",
            ),
            also_reads=(UNIT_EMBEDDINGS,) if features == UNIT_EMBEDDINGS else (),
        ),
    ]
