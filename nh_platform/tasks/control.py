"""The control of a score: the same baseline fitted on targets that belong to other rows, and the p value.

Contains how targets are moved, by the kind of a task. Add a way here for a kind whose rows depend on each other in one
more manner. Models are `nh_platform.tasks.baselines`; when the control is run is `nh_platform.tasks.running`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from nh_platform.tasks.task import Kind, TaskData

N_PERMUTATIONS: dict[Kind, int] = {"classes": 100, "values": 100, "counts": 20}
"""How often targets are moved where nobody says; a fit of the counts of 150 units takes seconds."""

LEAST_ROLLED = 0.1
"""Share of a split that targets are rolled by at least, from either end."""


def moved_targets(data: TaskData, kind: Kind, n_times: int, seed: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield (n,) the row whose target each row takes, of its own split; rows of no split keep theirs.

    Classes are shuffled within ``train``, ``val`` and ``test``: what is lost is which spikes belong to which class.
    Values and counts over time are rolled by 10 to 90 % of the rows of each split in their order, which keeps how they
    depend on their neighbours and on the time in a window; a roll occurs once, so that there may be fewer than asked.

    ``test`` is moved too: against its real classes, a model of shuffled ones scores near 0 or near 1 where the spikes
    fall into two heaps, and such a control says little (p of 0.2 for a made-up session decoded without an error).

    Parameters
    ----------
    data
        The task's data.
    kind
        Kind of its targets.
    n_times
        How many to make.
    seed
        Of the moves.
    """
    rng = np.random.default_rng(seed)
    splits = [data.rows(split) for split in ("train", "val", "test")]
    own = np.arange(len(data), dtype=np.int64)
    if kind == "classes":
        splits = [rows[data.mask[rows]] for rows in splits]
        for _ in range(n_times):
            taken = own.copy()
            for rows in splits:
                taken[rows] = rng.permutation(rows)
            yield taken
        return
    n_rows = len(splits[0])
    least = max(round(LEAST_ROLLED * n_rows), 1)
    steps = np.arange(least, n_rows - least + 1)
    for step in rng.permutation(steps)[:n_times]:
        taken = own.copy()
        for rows in splits:
            taken[rows] = np.roll(rows, round(step * len(rows) / n_rows))
        yield taken


def p_value(observed: float, control: Sequence[float]) -> float:
    """Return the share of scores that are at least the observed one, itself counted: ``(1 + k) / (1 + n)``.

    So it is never 0 (Phipson & Smyth 2010); NaN without a control or an observation.

    Examples
    --------
    >>> p_value(0.9, [0.5, 0.4, 0.95])
    0.5
    """
    known = [score for score in control if not np.isnan(score)]
    if not known or np.isnan(observed):
        return float("nan")
    return (1 + sum(score >= observed for score in known)) / (1 + len(known))
