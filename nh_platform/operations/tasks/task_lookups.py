"""The benchmark tasks by name, as they are listed and asked for.

Contains what every operation on a task begins with. What is done with one is `task_runs`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from nh_platform.operations.opened_home import Home, open_home
from nh_platform.operations.tasks.task_records import ListedTask
from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches

if TYPE_CHECKING:
    from nh_platform.tasks.task import Task


def list_tasks(home: Home) -> list[ListedTask]:
    """Return every benchmark task, with the stored sessions of the sources that have it."""
    from nh_platform.tasks.named_tasks import tasks

    with open_home(home) as at:
        store = at.platform.store
        stored = {source: len(store.sessions(source)) for source in store.sources()}
        return [
            ListedTask(one, {name: stored.get(name, 0) for name in one.sources or tuple(stored)})
            for one in tasks().values()
        ]


def task_named(name: str, qc_labels: Path | None = None, features: str = "intervals") -> Task:
    """Return a task.

    Parameters
    ----------
    name
        Its name.
    qc_labels
        BrainWideBench's ``bwm_qc.csv``, with the labels of probes and behaviour that no release states; without it they
        are not applied, and the notes of the targets say so.
    features
        What ``ts3-unit_cosmos`` reads of a unit: ``intervals``, or ``unit_embeddings`` as they are stored.

    Raises
    ------
    ConfigError
        If there is none of that name (the text names the nearest), the table cannot be used, or there are no such
        features, or not of that task.
    """
    from nh_platform.tasks.brain_wide_bench.qc_labels import read_qc_labels
    from nh_platform.tasks.brain_wide_bench.suite3 import INTERVALS, UnitFeatures
    from nh_platform.tasks.named_tasks import tasks

    if features not in get_args(UnitFeatures):
        action = f"Use {' or '.join(get_args(UnitFeatures))}.{close_matches(features, get_args(UnitFeatures))}"
        raise ConfigError(f"features {features!r}", "there are none of that name", action)
    known = tasks(None if qc_labels is None else read_qc_labels(qc_labels), cast("UnitFeatures", features))
    if name not in known:
        near = close_matches(name, known)
        action = f"`nh task list` names all {len(known)}.{near}"
        raise ConfigError(f"task {name}", "there is no such task", action)
    if features != INTERVALS and not known[name].also_reads:
        found = f"it is about windows, and {features} are of units"
        raise ConfigError(f"task {name}", found, "Leave features out, or run ts3-unit_cosmos.")
    return known[name]
