"""What a benchmark task is: its record, and what is made of it for one session.

Contains the records that targets, baselines, scores and prediction files share. Add a field here when tasks differ in
one more way. Which tasks there are is `named_tasks`; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from nh_platform.session import NhError

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.reading import SessionView

READ = ("raw_spikes", "units", "events", "signals", "pose")
"""Assets that targets are made of; the origin of a task's data has the data versions of those that are stored."""

Kind = Literal["classes", "values", "counts"]
"""What a target is: one class per window, values over time, or counts of spikes or events over time."""


class TargetMissing(NhError):
    """A session lacks what a task predicts; the other sessions go on."""


@dataclass(frozen=True)
class Task:
    """A benchmark task.

    Parameters
    ----------
    name
        For example ``ts1-choice``.
    title
        What is predicted from what, in a sentence.
    kind
        ``classes``, ``values`` or ``counts``.
    metrics
        Names in `nh_platform.tasks.metrics`, the one that ranks first.
    sources
        Sources that have it; all where empty.
    make
        Makes the targets of one session; raises `TargetMissing`, which names what the session lacks.
    references
        Where the definition stands.
    also_reads
        Assets beside `READ` that its inputs are made of.
    table
        Makes the results of one session, a row per unit, of a task whose scores are not those of `metrics`
        (``psth-forecast``: each unit has a noise ceiling of its own); None of all others. It takes ``seed`` and
        ``n_permutations`` by name, and raises as ``make`` does.
    """

    name: str
    title: str
    kind: Kind
    metrics: tuple[str, ...]
    make: Callable[[SessionView], TaskData]
    sources: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    also_reads: tuple[str, ...] = ()
    table: Callable[..., pd.DataFrame] | None = None


@dataclass(frozen=True)
class TaskData:
    """The targets of one task in one session, and the windows of spikes they are predicted from.

    A row is a window; of ``ts3-unit_cosmos`` it is a unit. Inputs and targets are read by row, because a window per
    20 ms of a session (`ts2`) would not fit into memory as a tensor.

    Parameters
    ----------
    task, source, session_id
        Which task of which session.
    row_ids
        (n,) int64, what a row is in upstream's words: row of the trials table, id of a presentation, number of a
        window, row of the unit.
    starts
        (n,) float64, start of the windows in seconds on the session clock; NaN where a row is a unit.
    window_s, bin_s
        Length of a window and of its bins in seconds.
    inputs
        Returns what a model may read of the rows that it is given: (m, n_bins, n_units) spike counts, 0 in bins that it
        must predict and without units that it must predict; of a task about units (m, n_features) float64.
    outputs
        Returns the targets of the rows that it is given. ``classes``: (m,) int64; ``values``: (m, n_times, k) float64,
        NaN where there is none; ``counts``: (m, n_times, k), k units or 1.
    input_ids
        (n_units,) ids of the units, or names of the features, in the order of `inputs`.
    timestamps
        (n_times,) or (n, n_times) float64, seconds from the window's start that `outputs` are of; empty of classes.
    mask
        (n, n_times) bool, False where a value does not count; (n,) of classes.
    split
        (n,) object: ``train``, ``val``, ``test``, or empty where a row lies in none. Of units it is that of the whole
        session: ``test`` where the animal is one of the benchmark's, else ``train``.
    label_names
        Names of the classes in order; empty of other kinds.
    target_ids
        (k,) ids of the units that are predicted; empty where none is.
    target_depths, target_probes
        (n,) depth along the probe in µm (float64) and probe (object) of the units that the rows of a task about units
        are; empty of other tasks.
    left_out
        Number of windows or units that were left out, by reason.
    normalisation
        Mean and standard deviation that `outputs` were z-scored with, of the training windows; None where raw.
    tuning
        Makes the same task with what is held out for ``val``; hyperparameters are chosen on its rows of ``val``. None
        where the rows of ``val`` here are as good: only ``ts2-co_smoothing`` draws the units that it holds out anew, of
        which some may be the same.
    notes
        What a reader of the scores must know: criteria that were not applied, what was done instead.
    origins
        Release, data versions, terms and citations of each session in it, which files state; whoever opens the store
        adds them (`nh_platform.operations`).
    n_valid
        Number of valid windows that lie in ``test``, before those in invalid time or without a target were left out;
        None where that is every row of ``test``.
    """

    task: str
    source: str
    session_id: str
    row_ids: npt.NDArray[np.int64]
    starts: npt.NDArray[np.float64]
    window_s: float
    bin_s: float
    inputs: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.generic]]
    outputs: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.generic]]
    input_ids: npt.NDArray[np.object_]
    timestamps: npt.NDArray[np.float64]
    mask: npt.NDArray[np.bool_]
    split: npt.NDArray[np.object_]
    label_names: tuple[str, ...] = ()
    target_ids: npt.NDArray[np.object_] = field(default_factory=lambda: np.zeros(0, dtype=object))
    target_depths: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    target_probes: npt.NDArray[np.object_] = field(default_factory=lambda: np.zeros(0, dtype=object))
    left_out: Mapping[str, int] = field(default_factory=dict)
    normalisation: tuple[float, float] | None = None
    tuning: Callable[[], TaskData] | None = None
    notes: tuple[str, ...] = ()
    origins: tuple[Mapping[str, object], ...] = ()
    n_valid: int | None = None

    def __len__(self) -> int:
        return len(self.row_ids)

    def rows(self, split: str) -> npt.NDArray[np.int64]:
        """Return (m,) int64, the rows of a split in order."""
        return np.flatnonzero(self.split == split)

    def n_to_test(self) -> int:
        """Return how many windows of ``test`` a model would be asked for, were none left out."""
        return len(self.rows("test")) if self.n_valid is None else self.n_valid
