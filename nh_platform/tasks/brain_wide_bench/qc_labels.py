"""The benchmark's own quality labels of sessions and probes, which are in no release: a table that a user may give.

Contains how ``bwm_qc.csv`` is read and asked. The table is public in ``brainbench-org/test-ibl-bwb``, made by hand, one
row per insertion. Without it targets are made all the same, and a note says which criteria were not applied.
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

import pandas as pd

from nh_platform.session import ConfigError
from nh_platform.tasks.lacking import lacking

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

NEURAL, ALIGNMENT = "qc_neural", "qc_neural_alignment"
BEHAVIOURS = ("whisker", "wheel", "licks", "paws")
COLUMNS = ("eid", "probe_name", NEURAL, ALIGNMENT, *(f"qc_behavior_{name}" for name in BEHAVIOURS))

PASS, FAIL = "PASS", "FAIL"

UNUSABLE = (FAIL, "MISSING")
"""Labels of a behaviour that the benchmark's files do not hold."""


def read_qc_labels(path: str | PathLike[str]) -> pd.DataFrame:
    """Return the table of a CSV file with the columns `COLUMNS`, text; the file may have others.

    Raises
    ------
    ConfigError
        If there is no such file, it is no CSV, or a column is missing.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise ConfigError(
            str(path), f"it cannot be read as CSV: {error}", "Give the benchmark's bwm_qc.csv."
        ) from error
    return checked_labels(table, str(path))


def checked_labels(table: pd.DataFrame, name: str = "table of QC labels") -> pd.DataFrame:
    """Return the table as it is.

    Raises
    ------
    ConfigError
        If a column of `COLUMNS` is missing; ``name`` says of what.
    """
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise ConfigError(name, f"columns missing: {', '.join(missing)}", "Give the benchmark's bwm_qc.csv as it is.")
    return table


def probe_labels(session: SessionView, labels: pd.DataFrame, column: str) -> dict[str, str]:
    """Return the label of each probe of a session that the table knows, by probe name.

    Raises
    ------
    TargetMissing
        If the table has no row of the session.
    """
    rows = _rows(session, labels)
    return dict(zip(rows["probe_name"], rows[column]))


def check_behaviour(session: SessionView, labels: pd.DataFrame | None, behaviour: str) -> tuple[str, ...]:
    """Return the note that a behaviour's label was not applied, or none where a table is given.

    Raises
    ------
    TargetMissing
        If the behaviour fails in the table, or the table has no row of the session.
    """
    column = f"qc_behavior_{behaviour}"
    if labels is None:
        return (not_applied(column),)
    label = str(_rows(session, labels)[column].iloc[0])
    if label in UNUSABLE:
        raise lacking(session, f"{column} is {label}: the benchmark does not use it", "Leave the session out.")
    return ()


def not_applied(column: str) -> str:
    """Return the note that the labels of a column were not applied."""
    return f"{column} was not applied: no release states it; give the benchmark's bwm_qc.csv"


def _rows(session: SessionView, labels: pd.DataFrame) -> pd.DataFrame:
    rows = labels[labels["eid"] == session.session_id]
    if rows.empty:
        raise lacking(session, "the table of QC labels has no row of it", "Add it, or make the task without the table.")
    return rows
