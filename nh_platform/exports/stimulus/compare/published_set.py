"""The published data set on disk: its files, the annex pointers among them, and its arrays in whatever order of axes.

Contains what is known of a clone of Mlynarski-Group/Allen_visual_neuropixel_data_binned. Add here what a copy of it may
look like. What is held against it stands in `comparison`.

The set is a DataLad repository: a clone has a symbolic link into ``.git/annex/objects`` for every data file, and the
content comes by ``datalad get``. An unlocked file, or a link on a system without links, is a small text file instead.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.exports.stimulus.axis_order import STATED_NAMES, Axes, axes_of_shape, in_words
from nh_platform.exports.stimulus.joined_files import SUBSET_FOLDER
from nh_platform.exports.stimulus.netcdf import NOT_A_VARIABLE
from nh_platform.session import BadUpstreamData, ConfigError

PARTS = {"02_stimulus_types": "", "03_subset_natural_visual": SUBSET_FOLDER}
"""Folder of stimulus files in the set, and the folder of ours that holds the same."""

POINTER_BYTES = 32_768
"""What git-annex allows a pointer file at most (git-annex, "pointer file format")."""

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class PublishedFile:
    """One file of the set: all sessions of a stimulus type, or one array of one session.

    Parameters
    ----------
    path
        Where it lies.
    stimulus
        Stimulus, as its name has it.
    part
        Folder of ours, within that of a mode, that holds the same.
    session, structure, data
        Of an npy file: what its array is; empty for the file of a stimulus type.
    """

    path: Path
    stimulus: str
    part: str = ""
    session: str = ""
    structure: str = ""
    data: str = ""


@dataclass(frozen=True)
class PublishedArray:
    """An array of the set.

    Parameters
    ----------
    values
        As stored.
    axes
        Its axes in their order; empty where the file names none.
    """

    values: Array
    axes: Axes


@dataclass(frozen=True)
class PublishedGroup:
    """The arrays of one group, and the labels of their axes that the file has."""

    arrays: Mapping[str, PublishedArray]
    labels: Mapping[str, Array]


def published_files(folder: Path) -> list[PublishedFile]:
    """Return the stimulus files of a clone of the set, or of a folder of such files or of arrays of its script.

    Raises
    ------
    ConfigError
        If there are none.
    """
    found = []
    for root in (folder / "data", folder):
        for name, part in PARTS.items():
            found += [PublishedFile(path, path.stem, part) for path in sorted((root / name).glob("*.h5"))]
    part = PARTS.get(folder.resolve().name, "")
    found += [PublishedFile(path, path.stem, part) for path in sorted(folder.glob("*.h5"))]
    found += [_array_file(path) for path in sorted(folder.glob("session_*-*-*-*.npy"))]
    if not found:
        action = f"Name a clone of the data set, or a folder with its files (data/{next(iter(PARTS))})."
        raise ConfigError(str(folder), "it holds no file <stimulus>.h5 and no array session_<id>-….npy", action)
    return found


def _array_file(path: Path) -> PublishedFile:
    session, stimulus, *structure, data = path.stem.split("-")
    return PublishedFile(path, stimulus, session=session, structure="-".join(structure), data=data)


def is_pointer(path: Path) -> bool:
    """Return whether a file of an annex is there in name alone: its content was not fetched."""
    if not path.exists():
        return path.is_symlink()
    if path.stat().st_size > POINTER_BYTES:
        return False
    with path.open("rb") as file:
        first = file.readline()
    return b"annex/objects/" in first and first[:1] in (b"/", b".")


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a file of a stimulus type.

    Raises
    ------
    BadUpstreamData
        If it is no whole HDF5 file.
    """
    import h5py

    try:
        handle = h5py.File(path, "r")
    except OSError as error:
        action = f"Fetch it again: `git annex fsck {path.name}`, then `datalad get {path.name}`."
        raise BadUpstreamData(str(path), f"it cannot be read: {error}", action) from error
    with handle:
        yield handle


def read_published(group: Any) -> PublishedGroup:
    """Read a group of an open file, whatever its order of axes and whether it names them."""
    arrays, labels = {}, {}
    for name in sorted(group):
        dataset = group[name]
        if dataset.is_scale and str(dataset.attrs["NAME"], "utf-8").startswith(NOT_A_VARIABLE):
            continue
        if name in STATED_NAMES and dataset.ndim == 1:
            labels[STATED_NAMES[name]] = dataset[:]
            continue
        values = dataset.asstr()[:] if dataset.dtype.kind == "O" else dataset[:]
        arrays[name] = PublishedArray(values, _named_axes(dataset))
    return PublishedGroup(arrays, labels)


def _named_axes(dataset: Any) -> Axes:
    names = [STATED_NAMES.get(str(scale[0].name).rsplit("/", 1)[-1]) for scale in dataset.dims if len(scale)]
    axes = tuple(name for name in names if name is not None)
    return axes if len(axes) == dataset.ndim else ()


def read_array(file: PublishedFile) -> PublishedGroup:
    """Read an npy file, and its labels and order where `export_npy` wrote them beside it.

    Raises
    ------
    BadUpstreamData
        If it is no whole npy file.
    """
    try:
        values = np.load(file.path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise BadUpstreamData(str(file.path), f"it cannot be read: {error}", "Export it again.") from error
    beside = file.path.with_name(f"{file.stimulus}-{file.structure}-{file.data}.json")
    stated = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
    axes = tuple(stated.get("axes", ()))
    own = stated.get("sessions", {}).get(file.session, {})
    labels = {axis: np.asarray(own[axis]) for axis in axes if axis in own}
    return PublishedGroup({file.data: PublishedArray(values, axes)}, labels)


def in_order(
    found: PublishedArray, axes: Axes, sizes: Mapping[str, int], asked: Axes | None, where: str
) -> tuple[Array, Axes]:
    """Return the array with its axes in the order ``axes``, and the order that it has.

    Parameters
    ----------
    found
        The array.
    axes
        Order to return it in.
    sizes
        How long every axis should be, for an array that names none.
    asked
        The order that the user says such an array has.
    where
        What it is, for errors.

    Raises
    ------
    ConfigError
        If the order is not known, or is another one than the user says.
    """
    if found.axes:
        if asked is not None and asked != found.axes:
            stated = f"it names its axes itself: {in_words(found.axes)}, not {in_words(asked)}"
            raise ConfigError(where, stated, "Leave --dims out.")
        own = found.axes
    elif len(axes) == 1:
        own = axes
    else:
        own = asked or axes_of_shape(found.values.shape, {axis: sizes[axis] for axis in axes}, where)
    if len(own) != found.values.ndim or sorted(own) != sorted(axes):
        shown = " × ".join(map(str, found.values.shape))
        raise ConfigError(where, f"its shape {shown} is not that of {in_words(axes)}", "Name another file.")
    return found.values.transpose([own.index(axis) for axis in axes]), own
