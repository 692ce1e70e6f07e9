"""The tables beside the files of all sessions: statistics, sessions, units, medians, filter summary, stimulus names.

Contains their columns and the writer; names and columns are those of the Mlynarski group's data set, so that code
written for it reads these. `STIMULUS_NAMES_FILE` alone is not of that set: it tells the variants of a stimulus apart
that share a file, which the files of ``mlynarski-compat`` do not say. Add a table here. Numbers are made by
`cleaning` and `stimulus_files`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nh_platform.exports.stimulus.tensor_files import StoredTensors
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


def sessions_table(sessions: Sequence[StoredTensors], rows: Sequence[StatisticsRow]) -> pd.DataFrame:
    """Return one row per session: units, structures, stimulus types, and whether it has eye data."""
    out = []
    for stored in sessions:
        own = [row for row in rows if row.session_id == stored.session_id]
        out.append(
            {
                "id": stored.session_id,
                "unit_count": len(stored.units),
                "ecephys_structure_acronyms": " ".join(sorted(set(stored.units["structure"]))),
                "stimulus_types": " ".join(sorted({row.stimulus_type for row in own})),
                "has_eye_data": any(row.has_eyes for row in own),
            }
        )
    columns = ["id", "unit_count", "ecephys_structure_acronyms", "stimulus_types", "has_eye_data"]
    return pd.DataFrame(out, columns=columns)


def units_table(sessions: Sequence[StoredTensors]) -> pd.DataFrame:
    """Return one row per unit of the files: its id, session, structure and probe."""
    columns = {"unit_id": "id", "structure": "ecephys_structure_acronym", "probe": "probe_description"}
    parts = [
        stored.units.rename(columns=columns).assign(ecephys_session_id=stored.session_id)
        for stored in sessions
        if len(stored.units)
    ]
    names = ["id", "ecephys_session_id", "ecephys_structure_acronym", "probe_description"]
    return pd.concat(parts, ignore_index=True)[names] if parts else pd.DataFrame(columns=names)


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
) -> None:
    """Write the six tables into ``folder`` as CSV."""
    for name, table in (
        (STATISTICS_FILE, statistics_table(statistics, mode)),
        (SESSIONS_FILE, sessions_table(sessions, statistics)),
        (UNITS_FILE, units_table(sessions)),
        (MEDIANS_FILE, medians_table(medians, mode)),
        (STIMULUS_NAMES_FILE, names_table(names)),
        (SUMMARY_FILE, filter_summary((stored.presentations for stored in sessions), medians)),
    ):
        table.to_csv(folder / name, index=False, lineterminator="\n")
