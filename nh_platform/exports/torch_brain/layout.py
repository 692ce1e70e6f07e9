"""The layout ``torch-brain``: one recording per session in a folder per source, and the data set that opens them.

Contains its record. Add an option here. What is in a recording is `content`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nh_platform.exports.layout import Layout, Request
from nh_platform.exports.torch_brain.checks import check_recording
from nh_platform.exports.torch_brain.content import recording_of
from nh_platform.exports.torch_brain.objects import Group
from nh_platform.exports.torch_brain.recording_file import read_recording, write_recording
from nh_platform.exports.torch_brain.splits import CAUSAL, recorded_bounds, settled_split
from nh_platform.session import ConfigError, StoreError
from nh_platform.store.durable import write_durably

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

DATASET_FILE = "nh_dataset.py"
"""Lies beside the folders of the sources: the subclass without which torch_brain ignores a split."""

INDEX_TYPES = ("int64", "int32")


def write(session: SessionView, path: Path, request: Request) -> tuple[str, ...]:
    """Write a session as a recording that passed every check, before and after it was written.

    Raises
    ------
    NhError
        If the session has no spikes, cannot be divided, or a check fails.
    """
    bounds = recorded_bounds(session)
    recording, notes = recording_of(session, request)
    check_recording(recording, session.session_id, bounds)
    write_recording(path, recording)
    written = read_recording(path)
    check_recording(written, session.session_id, bounds)
    if difference := first_difference(recording, written):
        raise StoreError(
            f"{path.parent.name}/{session.session_id}.h5", f"{difference} was read back otherwise", "Check the disk."
        )
    return notes


def first_difference(one: Group, other: Group, path: str = "") -> str:
    """Return the first object or array in which two recordings differ; empty where they are the same."""
    if (one.kind, one.timekeys, one.rate_hz) != (other.kind, other.timekeys, other.rate_hz):
        return path or "the recording"
    if dict(one.attributes) != dict(other.attributes):
        return f"{path}: its facts"
    if set(one.groups) != set(other.groups) or set(one.arrays) != set(other.arrays):
        return f"{path}: what is in it"
    pairs = {name: (array, other.arrays[name]) for name, array in one.arrays.items()}
    if one.domain is not None and other.domain is not None:
        pairs["domain"] = one.domain, other.domain
    elif one.domain is not other.domain:
        return f"{path}.domain"
    for name, (mine, theirs) in pairs.items():
        if mine.dtype.kind != theirs.dtype.kind or mine.shape != theirs.shape:
            return f"{path}.{name}"
        if not (np.array_equal(mine, theirs) if mine.dtype.kind == "U" else _same_bits(mine, theirs)):
            return f"{path}.{name}"
    for name, inner in one.groups.items():
        if found := first_difference(inner, other.groups[name], f"{path}.{name}".lstrip(".")):
            return found
    return ""


def _same_bits(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    """Return whether two arrays of one shape are the same to the bit: five times as fast as with NaN equal to NaN."""
    if one.dtype != other.dtype:
        return False
    bits = f"u{one.dtype.itemsize}"
    return bool(np.array_equal(np.ascontiguousarray(one).view(bits), np.ascontiguousarray(other).view(bits)))


def settle(options: Mapping[str, Any], home: Path) -> dict[str, Any]:
    """Return the options as they are written; a training set gets its version.

    Raises
    ------
    ConfigError
        If there is no such split or type of the index.
    UnknownSession
        If there is no such training set.
    """
    if options["unit_index"] not in INDEX_TYPES:
        found = f"there are {' and '.join(INDEX_TYPES)}; torch_brain's bin_spikes refuses what is unsigned or float"
        raise ConfigError(f"type {options['unit_index']!r} of the index of units", found, "Use one of those.")
    return {**options, "split": settled_split(str(options["split"]), home)}


def finish(folder: Path) -> tuple[str, ...]:
    """Write the data set of torch_brain that reads the recordings beside it; its name is returned."""
    text = resources.files("nh_platform.exports.torch_brain").joinpath(f"{DATASET_FILE}.txt").read_bytes()
    write_durably(folder / DATASET_FILE, text)
    return (DATASET_FILE,)


def place(session: SessionView) -> str:
    """Return ``<source>/<session>.h5``: torch_brain lists the files of one folder, and knows each by its name."""
    return os.path.join(session.source, f"{session.session_id}.h5")


LAYOUT = Layout(
    name="torch-brain",
    version="3",
    assets=("raw_spikes", "units", "events"),
    also=("signals", "mean_waveforms"),
    place=place,
    write=write,
    options={"split": CAUSAL, "unit_index": "int64"},
    settle=settle,
    finish=finish,
)
