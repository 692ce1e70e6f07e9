"""What came of a run of a task: scores by session and seed, and the table of means, errors, control and p.

Contains the records of a run and how they are averaged. Add a column here for every session's row. What is run stands
in `nh_platform.tasks.running`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from nh_platform.session import NhError
from nh_platform.tasks.control import p_value
from nh_platform.tasks.pooling import ALL
from nh_platform.tasks.task import Task

MULTI_UNIT = ", multi-unit"
"""Ends the name of a row whose predictions are means over neighbours (`multi_unit_mean`)."""


@dataclass(frozen=True)
class SessionRun:
    """Scores of one session, or of the units of all.

    Parameters
    ----------
    session_id
        The session; ``all`` of a task about units.
    label
        Name of the baseline.
    by_seed
        Metrics by seed.
    control
        Scores of the first metric with moved targets, in the order they were moved.
    observed
        What the control is held against: the same metric of the first seed, of the same units and rows.
    n_rows
        Rows of ``train``, ``val`` and ``test`` whose target counts; ``valid``, windows of ``test`` before any was left
        out (`TaskData.n_to_test`).
    n_scored
        Rows of ``test`` that have a prediction.
    left_out
        Windows or units that the task left out, by reason.
    notes
        What a reader must know of the targets.
    multi_unit
        Metrics by seed of means over units that are neighbours; empty where the task is not about units.
    """

    session_id: str
    label: str
    by_seed: Mapping[int, Mapping[str, float]]
    control: Sequence[float]
    observed: float
    n_rows: Mapping[str, int]
    n_scored: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    multi_unit: Mapping[int, Mapping[str, float]] = field(default_factory=dict)

    def variants(self) -> list[SessionRun]:
        """Return the run itself, and of units that of neighbours, which has no control."""
        if not self.multi_unit:
            return [self]
        name = f"{self.session_id}{MULTI_UNIT}"
        return [
            self,
            replace(self, session_id=name, by_seed=self.multi_unit, control=(), observed=float("nan"), multi_unit={}),
        ]


@dataclass(frozen=True)
class Run:
    """What came of a task over sessions and seeds.

    Parameters
    ----------
    task
        The task.
    sessions
        What came of each session that has the target.
    lacking
        Why a session has no score, by session.
    pooled
        Sessions whose units a task about units was run over; empty of others.
    set_aside
        Sessions that reviewers set aside and that are left out, by whom and why.
    noted
        Sessions that are taken although reviewers set them aside, by whom and why.
    """

    task: Task
    sessions: tuple[SessionRun, ...]
    lacking: Mapping[str, NhError]
    pooled: tuple[str, ...] = ()
    set_aside: Mapping[str, str] = field(default_factory=dict)
    noted: Mapping[str, str] = field(default_factory=dict)

    @property
    def seeds(self) -> list[int]:
        """Seeds that were run."""
        return list(self.sessions[0].by_seed) if self.sessions else []

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the scores must know, each once."""
        return tuple(dict.fromkeys(note for one in self.sessions for note in one.notes))

    def scores(self) -> pd.DataFrame:
        """Return one row per session and seed: ``task``, ``model``, ``session_id``, ``seed``, and each metric."""
        rows = [
            {"task": self.task.name, "model": one.label, "session_id": one.session_id, "seed": seed, **metrics}
            for session in self.sessions
            for one in session.variants()
            for seed, metrics in one.by_seed.items()
        ]
        return pd.DataFrame(rows, columns=["task", "model", "session_id", "seed", *self.task.metrics])

    def table(self) -> pd.DataFrame:
        """Return one row per session, and one of all sessions where there are several.

        A task about units has one row of each unit alone and one of neighbours, ``all, multi-unit``.

        Columns: ``session_id``; each metric as its mean over seeds, and ``<metric>_se``, the standard error over seeds
        (NaN of one seed); ``control`` the mean of the first metric with moved targets, ``p``; ``train``, ``val`` and
        ``test`` rows, ``matched`` the share of the valid windows of ``test`` that was predicted (those in invalid time
        or without a target are not); ``left_out`` windows or units.

        Of all sessions a seed's score is its mean over sessions, and mean and error are over those, as the benchmark
        has it (which sets negative R², D² and bits to 0 before; here they stay). A control of all is the mean of the
        sessions' first ones, second ones, and so on, of those sessions whose score and control are known.
        """
        alone = [one for session in self.sessions for one in session.variants()]
        rows = [_row(one.session_id, self.task, list(one.by_seed.values()), [one]) for one in alone]
        if len(self.sessions) > 1:
            over = [
                {name: _mean([one.by_seed[seed][name] for one in self.sessions]) for name in self.task.metrics}
                for seed in self.seeds
            ]
            rows.append(_row(ALL, self.task, over, self.sessions))
        return pd.DataFrame(rows)


def _mean(values: Sequence[float]) -> float:
    """Return the mean of what is known; NaN where nothing is."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _row(
    session_id: str, task: Task, by_seed: Sequence[Mapping[str, float]], sessions: Sequence[SessionRun]
) -> dict[str, object]:
    row: dict[str, object] = {"session_id": session_id}
    for name in task.metrics:
        values = np.array([metrics[name] for metrics in by_seed], dtype=float)
        row[name] = float(values.mean())
        row[f"{name}_se"] = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
    held = [one for one in sessions if not np.isnan(one.observed) and not np.isnan(one.control).all()]
    control = [_mean(moved) for moved in zip(*(one.control for one in held))]
    row["control"] = _mean(control)
    row["p"] = p_value(_mean([one.observed for one in held]), control)
    for split in ("train", "val", "test"):
        row[split] = sum(one.n_rows[split] for one in sessions)
    n_asked = sum(one.n_rows["valid"] for one in sessions)
    row["matched"] = sum(one.n_scored for one in sessions) / n_asked if n_asked else float("nan")
    row["left_out"] = sum(sum(one.left_out.values()) for one in sessions)
    return row
