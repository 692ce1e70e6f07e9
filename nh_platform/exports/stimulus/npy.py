"""One npy per session out of the files of all sessions, for one stimulus and structure, in any order of axes.

Contains `export_npy`. Add here what is taken from the stimulus files as plain arrays. Nothing is computed here.
"""

from __future__ import annotations

import difflib
import json
import os
import uuid
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from nh_platform.exports.stimulus.axis_order import Axes, asked_axes, readme_order
from nh_platform.exports.stimulus.joined_tables import STIMULUS_NAMES_FILE
from nh_platform.exports.stimulus.netcdf import Variable, read_group
from nh_platform.session import ConfigError
from nh_platform.store.codecs.hdf5 import open_file
from nh_platform.store.durable import disk_in_words, write_durably
from nh_platform.store.file_hashes import is_stored
from nh_platform.store.records import record_names
from nh_platform.windows.presentations.cleaning import unknown_stimulus
from nh_platform.windows.presentations.conventions import Mode, eye_group, stimulus_type

Data = Literal["spike_data", "speed", "pupil_data"]
DATA: tuple[Data, ...] = get_args(Data)


def export_npy(
    files: Path | str,
    stimulus: str,
    structure: str,
    out: Path | str,
    data: str = "spike_data",
    mode: Mode = "exact",
    variant: str | None = None,
    dims: str | None = None,
) -> list[Path]:
    """Write ``session_<id>-<stimulus>-<structure>-<data>.npy`` for every session that has it.

    The file of ``natural_movie_one`` holds the sessions of ``natural_movie_one_more_repeats`` too: the same movie, 60
    times in place of 20. Both are exported; ``variant`` takes the sessions of one.

    Parameters
    ----------
    files
        Folder of the asset `stimulus_files`, with one folder per mode in it.
    stimulus
        Stimulus type, for example ``natural_movie_one``; or the name of a variant, for its sessions alone.
    structure
        Acronym, for example ``VISp``.
    out
        Folder to write into; made where it is missing.
    data
        ``spike_data``: units × presentations × time, 0 or 1. ``speed``: presentations × time, cm/s. ``pupil_data``:
        variables × presentations × time.
    mode
        Which of the two sets of files.
    variant
        Name under which the stimulus was shown; sessions that were shown another one are left out.
    dims
        Order of the axes, for example ``unit,time,presentation``; that of ``data`` above where None.

    Returns
    -------
    list of Path
        The npy files. ``<stimulus>-<structure>-<data>.json`` beside them names the axes in their order (``axes``),
        which order of the data set's README that is (``readme_order``, of spikes), units, presentations, bin centres
        and variables of each axis, and under which name the stimulus was shown (``stimulus_name``), by session.

    Raises
    ------
    ConfigError
        If there is no such stimulus, variant, structure, data or axis; the text names what comes close.
    StoreError
        If the disk is full, or the folder cannot be written into.
    """
    if data not in DATA:
        raise ConfigError(f"data {data!r}", "it cannot be exported", f"Use one of: {', '.join(DATA)}.")
    axes = asked_axes(dims, data)
    folder = Path(files) / mode
    source = folder / f"{stimulus_type(stimulus)}.h5"
    if not is_stored(source):
        raise unknown_stimulus(stimulus, (Path(one).stem for one in record_names(folder) if one.endswith(".h5")))
    names = shown_names(folder, stimulus)
    wanted = variant or (stimulus if stimulus_type(stimulus) != stimulus else None)
    if wanted is not None and wanted not in names.values():
        raise unknown_stimulus(wanted, names.values())
    target = Path(out)
    with disk_in_words(target):
        target.mkdir(parents=True, exist_ok=True)
    group_name = eye_group(mode) if data == "pupil_data" else data
    written: list[Path] = []
    sessions: dict[str, Any] = {}
    known: set[str] = set()
    with open_file(source) as handle:
        for session in sorted(name for name in handle if name.startswith("session_")):
            known |= set(handle[session])
            if wanted not in (None, names[session]):
                continue
            path = f"{session}/{structure}/{group_name}"
            if path not in handle:
                continue
            group = read_group(handle, path)
            array, labels = _array(group, data, axes)
            name = target / f"{session}-{stimulus}-{structure}-{data}.npy"
            _save(name, array)
            sessions[session] = {**labels, "stimulus_name": names[session]}
            written.append(name)
    if structure not in known:
        close = difflib.get_close_matches(structure, sorted(known), n=3, cutoff=0.5)
        action = f"Did you mean {' or '.join(close)}?" if close else f"Use one of: {', '.join(sorted(known))}."
        raise ConfigError(f"structure {structure!r}", f"no unit of these sessions lies in it ({stimulus})", action)
    described: dict[str, Any] = {"axes": axes, "mode": mode, "sessions": sessions}
    if data == "spike_data":
        described["readme_order"] = readme_order(axes)
    text = json.dumps(described, indent=1, sort_keys=True) + "\n"
    with disk_in_words(target):
        write_durably(target / f"{stimulus}-{structure}-{data}.json", text.encode())
    return written


def shown_names(folder: Path | str, stimulus: str) -> dict[str, str]:
    """Return under which name every session of a stimulus was shown it, by ``session_<id>``.

    Parameters
    ----------
    folder
        Folder of one mode of the asset `stimulus_files`.
    stimulus
        Stimulus type, or a variant of it. No session was shown two variants of one type.
    """
    table = pd.read_csv(Path(folder) / STIMULUS_NAMES_FILE, dtype={"session_id": str})
    own = table[table["stimulus_type"] == stimulus_type(stimulus)]
    return {f"session_{session}": str(name) for session, name in zip(own["session_id"], own["stimulus_name"])}


def _array(group: dict[str, Variable], data: str, axes: Axes) -> tuple[np.ndarray, dict[str, list[Any]]]:
    """Return the array with its axes in the order ``axes``, and the labels of every axis."""
    labels: dict[str, list[Any]] = {
        name: variable.values.tolist() for name, variable in group.items() if variable.dims == (name,)
    }
    if data != "pupil_data":
        values, dims = group[data].values, group[data].dims
    else:
        names = [name for name, variable in sorted(group.items()) if variable.dims != (name,)]
        values, dims = np.stack([group[name].values for name in names]), ("variable", *group[names[0]].dims)
        labels["variable"] = names
    return np.ascontiguousarray(values.transpose([dims.index(axis) for axis in axes])), labels


def _save(path: Path, array: np.ndarray) -> None:
    """Write whole or not at all: a file cut short by a full disk looks like data."""
    # Not by a process id: workers in containers have the same one, and write into folders that they share.
    staging = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with disk_in_words(path.parent):
            with staging.open("wb") as handle:
                np.save(handle, array, allow_pickle=False)
            os.replace(staging, path)
    finally:
        staging.unlink(missing_ok=True)
