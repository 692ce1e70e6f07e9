"""Which baseline a kind of target has. Add the record of a new one here."""

from __future__ import annotations

from collections.abc import Callable

from nh_platform.tasks.baselines.fitting import Baseline
from nh_platform.tasks.baselines.logistic import Logistic
from nh_platform.tasks.baselines.poisson import Poisson
from nh_platform.tasks.baselines.ridge import Ridge
from nh_platform.tasks.task import Kind, TaskData

BASELINES: dict[Kind, Callable[[TaskData, int], Baseline]] = {"classes": Logistic, "values": Ridge, "counts": Poisson}
"""Baselines by the kind of target; each is prepared for data and a seed."""


def baseline_of(kind: Kind, data: TaskData, seed: int) -> Baseline:
    """Return the prepared baseline of a kind of target.

    Raises
    ------
    NoFit
        If the training rows do not allow a fit.
    """
    return BASELINES[kind](data, seed)
