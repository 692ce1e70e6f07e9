"""What differs between our stimulus files and a published copy: presentations, units, bins, and cells.

Contains `compare_files` and what it finds. Add here what two sets are compared by. Files of the copy are read in
`published_set`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.exports.stimulus.axis_order import PRESENTATION, TIME, UNIT, Axes, asked_axes, in_words, readme_order
from nh_platform.exports.stimulus.compare.published_set import (
    PublishedFile,
    PublishedGroup,
    in_order,
    is_pointer,
    opened,
    published_files,
    read_array,
    read_published,
)
from nh_platform.exports.stimulus.netcdf import Variable, read_group
from nh_platform.session import ConfigError, StoreError
from nh_platform.session.errors import close_matches
from nh_platform.store.codecs.hdf5 import open_file
from nh_platform.windows.presentations.cleaning import unknown_stimulus
from nh_platform.windows.presentations.conventions import Mode, eye_group, stimulus_type

FIRST = 3
"""How many of what differs are named; the rest is counted."""

RELATIVE, ABSOLUTE = 2e-7, 1e-9
"""Floats this near are equal: the set stores float32, whose neighbours lie 1.2e-7 apart."""

EYES = ("gaze_data", "pupil_data")
GROUPS = ("spike_data", "speed", "pupil_data", "presentations")
ORDER: dict[str, Axes] = {
    "spike_data": (PRESENTATION, TIME, UNIT),
    "speed": (PRESENTATION, TIME),
    "pupil_data": (PRESENTATION, TIME),
    "presentations": (PRESENTATION,),
}
NAMES = {UNIT: "units", PRESENTATION: "presentations", TIME: "bins"}

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Difference:
    """One way in which two arrays differ.

    Parameters
    ----------
    where
        Stimulus, session, structure and data.
    what
        ``presentations: 2 only here (41, 55)``, in words.
    """

    where: str
    what: str


@dataclass
class Comparison:
    """What a comparison found.

    Parameters
    ----------
    arrays
        How many arrays were compared.
    orders
        How many arrays of spikes had their axes in which order.
    differences
        What differs.
    pointers
        Files that are annex pointers without content.
    not_compared
        What one side alone has, in words.
    agrees_with
        The other mode of ours, where something differs here and nothing there (`other_mode`).
    """

    arrays: int = 0
    orders: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    pointers: list[Path] = field(default_factory=list)
    not_compared: list[str] = field(default_factory=list)
    agrees_with: Mode | None = None

    @property
    def equal(self) -> bool:
        """Whether something was compared, and nothing of it differs; `not_compared` says what was not."""
        return bool(self.arrays) and not self.differences and not self.pointers


@dataclass(frozen=True)
class _Asked:
    """What is compared."""

    structure: str | None
    groups: Sequence[str]
    mode: Mode
    dims: str | None


def compare_files(
    files: Path | str,
    folder: Path | str,
    *,
    stimulus: str | None = None,
    structure: str | None = None,
    data: str | None = None,
    mode: Mode = "mlynarski-compat",
    dims: str | None = None,
) -> Comparison:
    """Hold our stimulus files against a published copy, session by session of those that both have.

    Parameters
    ----------
    files
        Folder of the asset `stimulus_files`, with one folder per mode in it.
    folder
        A clone of the data set, or a folder of its files ``<stimulus>.h5`` or of the arrays of its script.
    stimulus, structure, data
        This stimulus, structure or kind of data (``spike_data``, ``speed``, ``pupil_data``, ``presentations``) alone.
    mode
        Which of our two sets.
    dims
        Order of axes of arrays that do not name theirs and whose shape fits several.

    Raises
    ------
    ConfigError
        If the folder has no such files, the order of an array is not known, or a name is unknown.
    StoreError
        If no session is in both.
    BadUpstreamData
        If a file of the copy is not whole.
    """
    groups = GROUPS if data is None else (data,)
    if data is not None and data not in GROUPS:
        raise ConfigError(f"data {data!r}", "it cannot be compared", f"Use one of: {', '.join(GROUPS)}.")
    if dims is not None:
        asked_axes(dims, "spike_data" if data is None else data)
    found, asked = Comparison(), _Asked(structure, groups, mode, dims)
    theirs = published_files(Path(folder))
    if stimulus is not None:
        wanted = [file for file in theirs if stimulus_type(file.stimulus) == stimulus_type(stimulus)]
        if not wanted:
            raise unknown_stimulus(stimulus, (file.stimulus for file in theirs))
        theirs = wanted
    structures: set[str] = set()
    for file in theirs:
        if is_pointer(file.path):
            found.pointers.append(file.path)
            continue
        ours = Path(files) / mode / file.part / f"{stimulus_type(file.stimulus)}.h5"
        if not ours.is_file():
            found.not_compared.append(f"{file.stimulus}: no session here was shown it")
            continue
        with open_file(ours) as handle:
            structures |= (_compare_array if file.data else _compare)(file, handle, asked, found)
    if structure is not None and structures and structure not in structures:
        near = close_matches(structure, structures) or f" Use one of: {', '.join(sorted(structures))}."
        raise ConfigError(f"structure {structure!r}", "no unit of these sessions lies in it", near.strip())
    if not found.arrays and not found.pointers and not found.differences:
        action = "Materialize a session of the set: `nh materialize allen_vc SESSION`."
        raise StoreError(str(folder), "nothing in it is of a session that is stored here", action)
    return found


def _compare(file: PublishedFile, handle: Any, asked: _Asked, found: Comparison) -> set[str]:
    """Compare the file of a stimulus type; return the structures of its sessions."""
    structures: set[str] = set()
    with opened(file.path) as other:
        here, there = ({name for name in one if name.startswith("session_")} for one in (handle, other))
        title = f"{file.part}/{file.stimulus}" if file.part else file.stimulus
        for names, side in ((there - here, "there"), (here - there, "here")):
            if names:
                found.not_compared.append(f"{title}: {_some(sorted(names), 'sessions')} only {side}")
        for session in sorted(here & there):
            structures |= set(handle[session]) | set(other[session])
            for structure in sorted(set(handle[session]) | set(other[session])):
                if asked.structure not in (None, structure):
                    continue
                where = f"{title} {session} {structure}"
                if structure not in handle[session] or structure not in other[session]:
                    side = "there" if structure in other[session] else "here"
                    found.differences.append(Difference(where, f"the structure is only {side}"))
                    continue
                for group in asked.groups:
                    path = f"{session}/{structure}/{eye_group(asked.mode) if group == 'pupil_data' else group}"
                    mine = read_group(handle, path) if path in handle else None
                    called = EYES if group == "pupil_data" else (group,)
                    name = next((name for name in called if name in other[f"{session}/{structure}"]), "")
                    yours = read_published(other[f"{session}/{structure}/{name}"]) if name else None
                    _compare_groups(f"{where} {group}", group, mine, yours, asked, found)
    return structures


def _compare_array(file: PublishedFile, handle: Any, asked: _Asked, found: Comparison) -> set[str]:
    """Compare one npy file; return its structure."""
    if asked.structure not in (None, file.structure) or file.data not in asked.groups:
        return {file.structure}
    if file.data not in ("spike_data", "speed"):
        found.not_compared.append(f"{file.path.name}: arrays of {file.data} are not compared")
        return {file.structure}
    path = f"{file.session}/{file.structure}/{file.data}"
    if file.session not in handle:
        found.not_compared.append(f"{file.path.name}: the session is only there")
        return {file.structure}
    where = f"{file.stimulus} {file.session} {file.structure} {file.data}"
    mine = read_group(handle, path) if path in handle else None
    _compare_groups(where, file.data, mine, read_array(file), asked, found)
    return {file.structure}


def _compare_groups(
    where: str,
    group: str,
    mine: Mapping[str, Variable] | None,
    yours: PublishedGroup | None,
    asked: _Asked,
    found: Comparison,
) -> None:
    if mine is None or yours is None:
        if mine is not yours:
            found.differences.append(Difference(where, f"it is only {'there' if mine is None else 'here'}"))
        return
    labels = {name: one.values for name, one in mine.items() if one.dims == (name,)}
    sizes = {axis: len(values) for axis, values in labels.items()}
    # `exact` has counts and validity beside the spikes, which the set does not have.
    names = ["spike_data"] if group == "spike_data" else sorted({*mine} - {*labels} | {*yours.arrays})
    axes = ORDER[group]
    for name in names:
        at = where if name == group else f"{where} {name}"
        if name not in mine or name not in yours.arrays:
            found.differences.append(Difference(at, f"it is only {'there' if name not in mine else 'here'}"))
            continue
        own = mine[name].values.transpose([mine[name].dims.index(axis) for axis in axes])
        stated = {axis: len(yours.labels.get(axis, labels[axis])) for axis in axes}
        order = None if asked.dims is None or len(axes) == 1 else _order_of(asked.dims, group)
        values, other = in_order(yours.arrays[name], axes, sizes | stated, order, at)
        found.arrays += 1
        if group == "spike_data":
            found.orders[f"{in_words(other)}: {readme_order(other)}"] += 1
        found.differences += [Difference(at, what) for what in _differing(axes, own, labels, values, yours.labels)]


def _order_of(dims: str, group: str) -> Axes:
    """Return the order asked for; that of arrays without units follows from that of spikes."""
    words = dims.split(",")
    kept = dims if group == "spike_data" else ",".join(word for word in words if "unit" not in word)
    return asked_axes(kept, "speed" if group == "pupil_data" else group)


def _differing(
    axes: Axes, here: Array, labels: Mapping[str, Array], there: Array, their_labels: Mapping[str, Array]
) -> Iterator[str]:
    """Yield in words what differs: labels that one side alone has, then the cells of those that both have."""
    rows: dict[str, tuple[Array, Array]] = {}
    for place, axis in enumerate(axes):
        mine, number = _keys(axis, labels[axis]), there.shape[place]
        yours = _keys(axis, their_labels[axis]) if axis in their_labels else mine
        if len(yours) != number:
            yield f"{NAMES[axis]}: {number} there, {len(mine)} here; the array does not name its own"
            return
        _, at_mine, at_yours = np.intersect1d(mine, yours, return_indices=True)
        rows[axis] = (at_mine, at_yours)
        for keys, taken, side in ((yours, at_yours, "there"), (mine, at_mine, "here")):
            alone = np.delete(keys, taken)
            if len(alone):
                yield f"{NAMES[axis]}: {_some([_shown(axis, key) for key in alone])} only {side}"
    ours = here[np.ix_(*(rows[axis][0] for axis in axes))]
    theirs = there[np.ix_(*(rows[axis][1] for axis in axes))]
    unlike = np.argwhere(_unlike(ours, theirs))
    if not len(unlike):
        return
    shared = {axis: _keys(axis, labels[axis])[rows[axis][0]] for axis in axes}
    parts = [
        f"{NAMES[axis]} {_some([_shown(axis, key) for key in shared[axis][np.unique(unlike[:, place])]], '')}"
        for place, axis in enumerate(axes)
    ]
    first = tuple(unlike[0])
    values = f"first {theirs[first]} there, {ours[first]} here"
    yield f"{len(unlike):,} of {ours.size:,} cells, in {'; '.join(parts)}: {values}"


def _keys(axis: str, labels: Array) -> Array:
    """Return labels that can be told equal: bin centres as whole microseconds."""
    return np.rint(labels * 1e6).astype(np.int64) if axis == TIME else np.asarray(labels).astype(np.int64)


def _shown(axis: str, key: np.int64) -> str:
    return f"{key / 1e6:g} s" if axis == TIME else str(key)


def _some(names: Sequence[str], noun: str | None = None) -> str:
    """Return the first names of many, and how many there are: ``5 (1, 2, 3, …)``."""
    shown = ", ".join(names[:FIRST]) + (", …" if len(names) > FIRST else "")
    if noun == "":
        return shown if len(names) <= FIRST else f"{shown} ({len(names)})"
    return f"{len(names)}{f' {noun}' if noun else ''} ({shown})"


def _unlike(ours: Array, theirs: Array) -> npt.NDArray[np.bool_]:
    if "f" in (ours.dtype.kind, theirs.dtype.kind) and ours.dtype.kind in "fiub" and theirs.dtype.kind in "fiub":
        return ~np.isclose(theirs, ours, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)
    return np.asarray(ours != theirs)
