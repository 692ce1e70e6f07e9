"""All sessions in one file per stimulus type: ``session_{id}/{structure}/{spike_data,speed,presentations,…}``.

Contains the writer of `stimulus_files` and the subset of natural stimuli in visual cortex. Add here what the files of
all sessions hold; their tables are `tables`. What one session holds stands in `tensor_files`.

Speed, presentations and eyes are repeated under every structure, as that data set has them: a structure is complete.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nh_platform.exports.stimulus.joined_tables import NamesRow, StatisticsRow, bare_tables, write_tables
from nh_platform.exports.stimulus.netcdf import write_group
from nh_platform.exports.stimulus.tensor_files import StoredTensors
from nh_platform.exports.stimulus.tensor_parts import take
from nh_platform.session import Note
from nh_platform.sources.project_tables import ProjectTables
from nh_platform.store.codecs.hdf5 import create_file
from nh_platform.windows.presentations.cleaning import median_durations, regular
from nh_platform.windows.presentations.conventions import (
    BIN_US,
    NATURAL_VISUAL_PREFIX,
    NATURAL_VISUAL_TYPES,
    PUBLISHED_MEDIAN_S,
    Mode,
    tolerance_s,
)

SUBSET_FOLDER = "natural_visual"


@dataclass(frozen=True)
class FilesSummary:
    """What `write_stimulus_files` wrote in one mode.

    Parameters
    ----------
    medians
        Duration (s) that each stimulus was filtered by: its median over all sessions.
    statistics
        One row per stimulus type, session and structure.
    notes
        Where a median is not that of the release.
    """

    medians: dict[str, float]
    statistics: tuple[StatisticsRow, ...]
    notes: tuple[Note, ...]


def write_stimulus_files(
    folder: Path, sessions: Sequence[StoredTensors], mode: Mode, project: ProjectTables | None = None
) -> FilesSummary:
    """Write one file per stimulus type, the natural-visual subset and the tables into ``folder``.

    Parameters
    ----------
    folder
        Folder for the files of this mode; made.
    sessions
        The sessions, all of ``mode``, in any order; they are written by ascending id.
    mode
        How the tensors were made.
    project
        Upstream's tables of these sessions and their units; ids alone are known where None.

    Returns
    -------
    FilesSummary
        Medians, statistics and notes.
    """
    folder.mkdir(parents=True)
    ordered = sorted(sessions, key=lambda stored: (len(stored.session_id), stored.session_id))
    medians = median_durations(stored.presentations for stored in ordered)
    kept = {stored.session_id: _kept_ids(stored, medians) for stored in ordered}
    statistics: list[StatisticsRow] = []
    types = sorted({name for stored in ordered for name in stored.types if len(kept[stored.session_id].get(name, ()))})
    (folder / SUBSET_FOLDER).mkdir()
    for stimulus_type in types:
        shown = [s for s in ordered if len(kept[s.session_id].get(stimulus_type, ()))]
        targets = {folder: ""}
        if stimulus_type in NATURAL_VISUAL_TYPES:
            targets[folder / SUBSET_FOLDER] = NATURAL_VISUAL_PREFIX
        for target, prefix in targets.items():
            with create_file(target / f"{stimulus_type}.h5") as file:
                if mode == "exact":
                    bins = "[a, b) from the start of a presentation"
                    file.attrs.update({"bin_us": str(BIN_US), "bins": bins, "mode": mode})
                for stored in shown:
                    ids = kept[stored.session_id][stimulus_type]
                    rows = _write_session(file, stored, stimulus_type, ids, prefix)
                    statistics += [] if prefix else rows
    names = [row for name in types for stored in ordered for row in _names(stored, name, kept[stored.session_id])]
    write_tables(folder, ordered, medians, statistics, names, mode, project or bare_tables(ordered))
    return FilesSummary(medians, tuple(statistics), _unlike_the_release(medians))


def _unlike_the_release(medians: Mapping[str, float]) -> tuple[Note, ...]:
    """Return a note for each median that the filter would not let through over the 58 sessions of the release.

    That is so where few sessions are joined and most presentations of a stimulus are irregular, or where most were
    shown on a monitor of another refresh rate.
    """
    far = {
        name: median for name, median in medians.items() if abs(median - PUBLISHED_MEDIAN_S[name]) >= tolerance_s(name)
    }
    return tuple(
        Note(
            name,
            f"median duration over these sessions is {median:.4f} s, over the release {PUBLISHED_MEDIAN_S[name]} s",
        )
        for name, median in far.items()
    )


def _kept_ids(stored: StoredTensors, medians: Mapping[str, float]) -> dict[str, np.ndarray]:
    """Return the ids of the presentations that the filter keeps, by stimulus type."""
    table = stored.presentations
    good = table[regular(table, medians) & ~table["blank"].to_numpy()]
    return {str(name): part["presentation_id"].to_numpy() for name, part in good.groupby("stimulus_type")}


def _names(stored: StoredTensors, stimulus_type: str, kept: Mapping[str, np.ndarray]) -> list[NamesRow]:
    """Return under which names the presentations that the filter keeps of a type were shown."""
    table = stored.presentations
    shown = table.loc[table["presentation_id"].isin(kept.get(stimulus_type, ())), "stimulus_name"].value_counts()
    return [NamesRow(stimulus_type, stored.session_id, str(n), int(shown[n])) for n in sorted(shown.index)]


def _write_session(
    file: Any, stored: StoredTensors, stimulus_type: str, ids: np.ndarray, prefix: str
) -> list[StatisticsRow]:
    """Write the groups of one session, structure by structure, and return one row of statistics for each."""
    groups = stored.groups(stimulus_type, ids)
    structures = stored.units["structure"].to_numpy(dtype=object)
    rows = []
    for structure in sorted(set(structures)):
        if not structure.startswith(prefix):
            continue
        units = np.flatnonzero(structures == structure)
        base = f"session_{stored.session_id}/{structure}"
        spikes = {key: take(variable, "unit_id", units) for key, variable in groups["spike_data"].items()}
        write_group(file, f"{base}/spike_data", spikes)
        for name, group in groups.items():
            if name != "spike_data":
                write_group(file, f"{base}/{name}", group)
        has_eyes = "gaze_data" in groups or "pupil_data" in groups
        rows.append(StatisticsRow(stimulus_type, stored.session_id, structure, len(ids), len(units), has_eyes))
    return rows
