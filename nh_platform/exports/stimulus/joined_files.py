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

from nh_platform.exports.stimulus.grids import time_edges
from nh_platform.exports.stimulus.joined_tables import NamesRow, StatisticsRow, write_tables
from nh_platform.exports.stimulus.netcdf import Variable, write_group
from nh_platform.exports.stimulus.tensor_files import StoredTensors
from nh_platform.session import Note
from nh_platform.store.hdf5 import create_file
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
        Where the published median had to do.
    """

    medians: dict[str, float]
    statistics: tuple[StatisticsRow, ...]
    notes: tuple[Note, ...]


def write_stimulus_files(folder: Path, sessions: Sequence[StoredTensors], mode: Mode) -> FilesSummary:
    """Write one file per stimulus type, the natural-visual subset and the tables into ``folder``.

    Parameters
    ----------
    folder
        Folder for the files of this mode; made.
    sessions
        The sessions, all of ``mode``, in any order; they are written by ascending id.
    mode
        How the tensors were made.

    Returns
    -------
    FilesSummary
        Medians, statistics and notes.
    """
    folder.mkdir(parents=True)
    ordered = sorted(sessions, key=lambda stored: (len(stored.session_id), stored.session_id))
    medians, notes = usable_medians(median_durations(stored.presentations for stored in ordered))
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
    write_tables(folder, ordered, medians, statistics, names, mode)
    return FilesSummary(medians, tuple(statistics), tuple(notes))


def usable_medians(medians: Mapping[str, float]) -> tuple[dict[str, float], list[Note]]:
    """Return the medians to filter by, and a note for each that had to be the published one.

    Tensors reach two tolerances around the published median; around a median further than one from it, presentations
    would be missing. That happens where a store has few sessions and most of a stimulus' presentations are irregular.
    """
    used, notes = {}, []
    for name, median in medians.items():
        published = PUBLISHED_MEDIAN_S[name]
        near = abs(median - published) < tolerance_s(name)
        used[name] = median if near else published
        if not near:
            text = f"median duration over these sessions is {median:.4f} s; the published {published} s was used"
            notes.append(Note(name, text))
    return used, notes


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
    table = stored.presentations.set_index("presentation_id").loc[ids]
    n_bins = len(time_edges(float(table["duration"].max()), stored.mode)) - 1
    groups = {
        name: {key: _cut(variable, group, ids, n_bins) for key, variable in group.items()}
        for name, group in stored.groups(stimulus_type).items()
    }
    structures = stored.units["structure"].to_numpy(dtype=object)
    rows = []
    for structure in sorted(set(structures)):
        if not structure.startswith(prefix):
            continue
        units = np.flatnonzero(structures == structure)
        base = f"session_{stored.session_id}/{structure}"
        spikes = {key: _take(variable, "unit_id", units) for key, variable in groups["spike_data"].items()}
        write_group(file, f"{base}/spike_data", spikes)
        for name, group in groups.items():
            if name != "spike_data":
                write_group(file, f"{base}/{name}", group)
        has_eyes = "gaze_data" in groups or "pupil_data" in groups
        rows.append(StatisticsRow(stimulus_type, stored.session_id, structure, len(ids), len(units), has_eyes))
    return rows


def _cut(variable: Variable, group: Mapping[str, Variable], ids: np.ndarray, n_bins: int) -> Variable:
    """Return the presentations ``ids`` and the first ``n_bins`` bins of a variable."""
    if "presentation_id" in variable.dims:
        stored = group["presentation_id"].values
        variable = _take(variable, "presentation_id", np.flatnonzero(np.isin(stored, ids)))
    if "time" in variable.dims:
        variable = _take(variable, "time", np.arange(n_bins))
    return variable


def _take(variable: Variable, dimension: str, index: np.ndarray) -> Variable:
    if dimension not in variable.dims:
        return variable
    values = np.take(variable.values, index, axis=variable.dims.index(dimension))
    return Variable(variable.dims, values, variable.attributes)
