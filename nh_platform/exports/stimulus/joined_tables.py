"""The tables beside the files of all sessions: statistics, sessions, units, medians, filter summary, stimulus names.

Contains their columns and the writer; names, columns and order are those of the Mlynarski group's data set, so that
code written for it reads these. Its sessions and units are the tables of AllenSDK's project cache (`ProjectTables`).
`STIMULUS_NAMES_FILE` alone is not of that set: it tells the variants of a stimulus apart that share a file, which the
files of ``mlynarski-compat`` do not say. Add a table here. Numbers are made by `cleaning` and `joined_files`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nh_platform.exports.stimulus.tensor_files import StoredTensors
from nh_platform.exports.stimulus.tensors import unit_numbers
from nh_platform.session.tables.stimulus import STIMULUS_UNITS
from nh_platform.sources.project_tables import ProjectTables
from nh_platform.windows.presentations.cleaning import filter_summary
from nh_platform.windows.presentations.conventions import Mode, eye_group

STATISTICS_FILE = "combined_statistics.csv"
SESSIONS_FILE = "sessions.csv"
UNITS_FILE = "units.csv"
MEDIANS_FILE = "presentations_median_durations.csv"
SUMMARY_FILE = "presentations_filtered_summary.csv"
STIMULUS_NAMES_FILE = "stimulus_names.csv"


@dataclass(frozen=True)
class StatisticsRow:
    """What one structure of one session holds of a stimulus type."""

    stimulus_type: str
    session_id: str
    brain_structure: str
    n_presentations: int
    n_units: int
    has_eyes: bool


@dataclass(frozen=True)
class NamesRow:
    """Under which name, and how often, a session was shown the stimulus of a file."""

    stimulus_type: str
    session_id: str
    stimulus_name: str
    n_presentations: int


def names_table(rows: Sequence[NamesRow]) -> pd.DataFrame:
    """Return one row per stimulus type, session and name of the stimulus."""
    return pd.DataFrame(rows, columns=list(NamesRow.__dataclass_fields__))


def statistics_table(rows: Sequence[StatisticsRow], mode: Mode) -> pd.DataFrame:
    """Return `combined_statistics`: one row per stimulus type, session and structure."""
    columns = list(StatisticsRow.__dataclass_fields__)
    table = pd.DataFrame(rows, columns=columns)
    return table.rename(columns={"has_eyes": f"has_{eye_group(mode)}"})


def units_table(sessions: Sequence[StoredTensors], project: ProjectTables, mode: Mode) -> pd.DataFrame:
    """Return one row per unit with upstream's columns, indexed by ``id``.

    ``mlynarski-compat``: every unit that AllenSDK returns of these sessions, those without a structure too, as in the
    table of that data set. ``exact``: the units of the files.
    """
    in_files = _units_of_files(sessions)
    if mode == "exact":
        return _with_rows(project.units[project.units.index.isin(in_files.index)], in_files)
    unlisted = ~in_files["ecephys_session_id"].isin(project.sessions.index)
    return _with_rows(project.units[project.by_default], in_files[unlisted])


def sessions_table(sessions: Sequence[StoredTensors], units: pd.DataFrame, project: ProjectTables) -> pd.DataFrame:
    """Return one row per session with upstream's columns, indexed by ``id``; ``unit_count`` counts ``units``."""
    joined = _session_index(sessions)
    table = _with_rows(project.sessions[project.sessions.index.isin(joined)], pd.DataFrame(index=joined))
    counts = units["ecephys_session_id"].value_counts().reindex(table.index, fill_value=0)
    at = list(table.columns).index("channel_count") if "channel_count" in table else len(table.columns)
    table.insert(at, "unit_count", counts)
    return table


def bare_tables(sessions: Sequence[StoredTensors]) -> ProjectTables:
    """Return what the files say of their sessions and units where upstream has no tables of them."""
    units = _units_of_files(sessions)
    return ProjectTables(pd.DataFrame(index=_session_index(sessions)), units, np.ones(len(units), dtype=bool))


def _session_index(sessions: Sequence[StoredTensors]) -> pd.Index:
    return pd.Index([int(stored.session_id) for stored in sessions], name="id", dtype=np.int64)


def _units_of_files(sessions: Sequence[StoredTensors]) -> pd.DataFrame:
    """Return session and structure of every unit of the files, indexed by ``id``."""
    parts = [stored.units.assign(ecephys_session_id=int(stored.session_id)) for stored in sessions]
    units = pd.concat(parts, ignore_index=True) if parts else STIMULUS_UNITS.empty().assign(ecephys_session_id=0)
    units.index = pd.Index(unit_numbers(units["unit_id"]), name="id", dtype=np.int64)
    named = units.rename(columns={"structure": "ecephys_structure_acronym"})
    return named[["ecephys_session_id", "ecephys_structure_acronym"]]


def _with_rows(table: pd.DataFrame, needed: pd.DataFrame) -> pd.DataFrame:
    """Return a table and those rows of ``needed`` whose index it lacks; what they do not state is NaN."""
    missing = needed[~needed.index.isin(table.index)]
    return pd.concat([table, missing.reindex(columns=table.columns)]) if len(missing) else table.copy()


def medians_table(medians: Mapping[str, float], mode: Mode) -> pd.DataFrame:
    """Return the measured medians to four decimals, as that data set has them; in ``exact`` also as they are."""
    table = pd.DataFrame({"stimulus_name": list(medians), "median_duration": np.round(list(medians.values()), 4)})
    return table if mode == "mlynarski-compat" else table.assign(median_duration_exact=list(medians.values()))


def write_tables(
    folder: Path,
    sessions: Sequence[StoredTensors],
    medians: Mapping[str, float],
    statistics: Sequence[StatisticsRow],
    names: Sequence[NamesRow],
    mode: Mode,
    project: ProjectTables,
) -> None:
    """Write the six tables into ``folder`` as CSV."""
    units = units_table(sessions, project, mode)
    for name, table in (
        (SESSIONS_FILE, sessions_table(sessions, units, project)),
        (UNITS_FILE, units),
    ):
        table.to_csv(folder / name, lineterminator="\n")
    for name, table in (
        (STATISTICS_FILE, statistics_table(statistics, mode)),
        (MEDIANS_FILE, medians_table(medians, mode)),
        (STIMULUS_NAMES_FILE, names_table(names)),
        (SUMMARY_FILE, filter_summary((stored.presentations for stored in sessions), medians)),
    ):
        table.to_csv(folder / name, index=False, lineterminator="\n")
