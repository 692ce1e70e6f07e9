"""The benchmark tasks by name.

Contains the registry. Add a task here as its record, with a function from a session to its targets. How targets are
made belongs to the folder of each family of tasks.
"""

from __future__ import annotations

from nh_platform.tasks.brain_wide_bench.trial_classes import choice, reward, stimulus_contrast
from nh_platform.tasks.task import Task

BRAIN_WIDE_BENCH = ("BrainWideBench 2026, brainbench-org/ibl-bwb, data 0.1.0", "ibl-bwb-eval 0.1.0")
_OF_CLASSES = ("bacc", "f1", "ap")


def tasks() -> dict[str, Task]:
    """Return every task by name, in the order in which they are listed."""
    return {task.name: task for task in _trial_classes()}


def _trial_classes() -> list[Task]:
    titles = {
        "ts1-choice": ("To which side the animal turns, from the second before its first movement", choice),
        "ts1-reward": ("Whether the animal was rewarded, from the second after the feedback", reward),
        "ts1-stimulus_contrast": (
            "Contrast of the stimulus, from 0.9 s before to 0.1 s after onset",
            stimulus_contrast,
        ),
    }
    return [
        Task(name, title, "classes", _OF_CLASSES, make, ("ibl",), BRAIN_WIDE_BENCH)
        for name, (title, make) in titles.items()
    ]
