"""CSV files of trials and of events beside a sorting.

Add here what such a file may say. Columns keep the lab's names; a start and, of trials, a repeat are found by the names
of the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from nh_platform.session import BadUpstreamData, Note
from nh_platform.session.columns import unnamed_fields
from nh_platform.session.errors import close_matches
from nh_platform.sources.own.event_tables import NAME, START, STOP, presentations_table, trials_table
from nh_platform.sources.own.phy.settings import PhySettings

REPEAT = "repeat"


def read_csv(path: Path) -> pd.DataFrame:
    """Return a CSV file.

    Raises
    ------
    BadUpstreamData
        If it cannot be read, or its rows have more fields than the header names.
    """
    try:
        table = pd.read_csv(path)
    except (ValueError, OSError) as error:  # pandas' parser errors are ValueErrors
        raise BadUpstreamData(f"file {path.name}", f"it cannot be read as CSV: {error}", "Correct it.") from error
    if found := unnamed_fields(table):
        raise BadUpstreamData(f"file {path.name}", found, "Name every column, or remove the separator at the row ends.")
    return table


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
    return trials_table(_renamed(path, {START: settings.start, STOP: settings.stop, REPEAT: settings.repeat}))


def read_presentations(path: Path, settings: PhySettings) -> tuple[pd.DataFrame, list[Note]]:
    """Return stimuli or other events of a CSV file (schema `PRESENTATIONS`), and what to note.

    Raises
    ------
    BadUpstreamData
        As of `read_trials`.
    """
    table = _renamed(path, {START: settings.start, STOP: settings.stop, NAME: settings.name})
    return presentations_table({path.stem: table})


def _renamed(path: Path, names: Mapping[str, str]) -> pd.DataFrame:
    """Return a CSV file under our names, each of the column that the settings name; one column may be start and stop.

    A column of the file that has a name of ours and is not the one that the settings mean keeps it with ``_stated``.
    """
    table = read_csv(path)
    table.columns = [str(name) for name in table.columns]
    start = names[START]
    if start not in table:
        near = close_matches(start, table.columns)
        found = f"it has no column {start!r}; it has {', '.join(table.columns)}"
        raise BadUpstreamData(f"file {path.name}", found, f"Name its column of starts by `start` of the source.{near}")
    own = {ours: table[theirs] for ours, theirs in names.items() if theirs in table}
    rest = table.drop(columns=[name for name in set(names.values()) if name in table])
    rest = rest.rename(columns={name: f"{name}_stated" for name in own})
    return pd.concat([pd.DataFrame(own), rest], axis=1)
