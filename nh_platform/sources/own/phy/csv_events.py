"""CSV files of trials and of events beside a sorting.

Add here what such a file may say. Columns keep the lab's names; a start and, of trials, a repeat are found by the names
of the settings.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from nh_platform.session import BadUpstreamData, Note
from nh_platform.session.errors import close_matches
from nh_platform.sources.own.event_tables import NAME, START, STOP, presentations_table, trials_table
from nh_platform.sources.own.phy.settings import PhySettings

REPEAT = "repeat"


def read_csv(path: Path) -> pd.DataFrame:
    """Return a CSV file.

    Raises
    ------
    BadUpstreamData
        If it cannot be read.
    """
    try:
        return pd.read_csv(path)
    except (ValueError, OSError) as error:  # pandas' parser errors are ValueErrors
        raise BadUpstreamData(f"file {path.name}", f"it cannot be read as CSV: {error}", "Correct it.") from error


def csv_columns(path: Path) -> list[str]:
    """Return the columns of a CSV file; none of one that cannot be read."""
    try:
        return [str(name) for name in pd.read_csv(path, nrows=0).columns]
    except (ValueError, OSError):
        return []


def read_trials(path: Path, settings: PhySettings) -> tuple[pd.DataFrame, list[Note]]:
    """Return the trials of a CSV file (schema `LAB_TRIALS`), and what to note.

    Raises
    ------
    BadUpstreamData
        If it cannot be read, or lacks the column of starts.
    """
    return trials_table(_renamed(path, {settings.start: START, settings.stop: STOP, settings.repeat: REPEAT}))


def read_presentations(path: Path, settings: PhySettings) -> tuple[pd.DataFrame, list[Note]]:
    """Return stimuli or other events of a CSV file (schema `PRESENTATIONS`), and what to note.

    Raises
    ------
    BadUpstreamData
        As of `read_trials`.
    """
    table = _renamed(path, {settings.start: START, settings.stop: STOP, settings.name: NAME})
    return presentations_table({path.stem: table})


def _renamed(path: Path, names: dict[str, str]) -> pd.DataFrame:
    table = read_csv(path)
    table.columns = [str(name) for name in table.columns]
    start = next(iter(names))
    if start not in table:
        near = close_matches(start, table.columns)
        found = f"it has no column {start!r}; it has {', '.join(table.columns)}"
        raise BadUpstreamData(f"file {path.name}", found, f"Name its column of starts by `start` of the source.{near}")
    return table.rename(columns={old: new for old, new in names.items() if old in table})
