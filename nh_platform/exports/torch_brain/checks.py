"""What torch_brain lets pass in silence, refused: run on what is to be written, and on the file that was read back.

Contains one function per kind of fault and `check_recording`, which runs all of them. Add here what torch_brain reads
wrongly without a word; each fault is planted in a test. Faults of a session's data are mended or left out before, by
the modules that make the objects, so that what is found here is a defect of the export or a damaged file.

The silent effects were measured with torch_brain 0.2.1. An index of units that is one too large counts as unit 0 of the
next bin, -1 as the last unit of the bin before. A gap in the domain of the spikes is filled with zeros, and a window
that begins in one has fewer bins. A domain that begins with the first spike shifts the bins of the first window. Times
outside of the domain are dropped by the lazy reader and kept by the eager one. Unsorted intervals give a lazy slice
other rows. Text as objects or bytes comes back as bytes, which no vocabulary knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.exports.torch_brain.objects import TIMED, FloatArray, Group
from nh_platform.session import StoreError

SPLITS = ("train", "valid", "val", "test")
"""``valid`` is what torch_brain's datasets call it and ``val`` what BrainWideBench does: one and the same."""

NEAR_S = 10.0
"""What lies so near to its own row, in every row, is a time; a length, a count or a label is not."""

RESERVED = frozenset({"domain", "keys", "slice", "sort", "timekeys", "absolute_start", "object", "file"})
"""Names that mean something else on torch_brain's objects."""

_INDEX_TYPES = (np.dtype(np.int64), np.dtype(np.int32))


def check_recording(recording: Group, name: str, bounds: tuple[float, float]) -> None:
    """Check a recording for everything that torch_brain would not refuse and reads wrongly.

    Parameters
    ----------
    recording
        The root object.
    name
        Name of its file without ``.h5``, which torch_brain knows the recording by.
    bounds
        From when to when (s) the session was recorded.

    Raises
    ------
    StoreError
        For the first fault; the text names the object and what is wrong with it.
    """
    for path, group in _walk(recording, ""):
        for fault in _faults_of(group):
            raise _refused(name, path or "the recording", fault)
    for path, fault in (*_faults_of_ids(recording, name), *_faults_of_spikes(recording, bounds)):
        raise _refused(name, path, fault)
    for path, fault in (*_faults_of_domain(recording, bounds), *_faults_of_splits(recording, bounds)):
        raise _refused(name, path, fault)


def _refused(name: str, path: str, fault: str) -> StoreError:
    return StoreError(f"recording {name}, {path}", fault, "Nothing was written. Report it with this text.")


def _walk(group: Group, path: str) -> Iterator[tuple[str, Group]]:
    yield path, group
    for name, inner in group.groups.items():
        yield from _walk(inner, f"{path}.{name}" if path else name)


def _faults_of(group: Group) -> Iterator[str]:
    """Give what is wrong with any object by itself."""
    for name in (*group.arrays, *group.groups, *group.attributes):
        if name in RESERVED or "/" in name or "." in name or not name.isascii():
            yield f"the name {name!r} cannot be that of an attribute there"
    lengths = {name: len(array) for name, array in group.arrays.items()}
    if len(set(lengths.values())) > 1:
        yield f"its arrays have different lengths: {lengths}"
    for name, array in group.arrays.items():
        if array.dtype.kind not in "biufU":
            yield f"{name} has dtype {array.dtype}, and comes back as bytes or not at all; text has dtype <U"
        elif array.dtype.kind == "U" and not _is_ascii(array):
            yield f"{name} has text that is not ASCII, which torch_brain cannot store"
    for name, fact in group.attributes.items():
        if type(fact) not in (str, int, float):
            yield f"{name} is of type {type(fact).__name__}, and no text or number"
    if group.kind in TIMED or group.domain is not None:
        yield from _faults_of_times(group)
    elif group.kind == "Data" and any(_is_timed(inner) for inner in group.groups.values()):
        yield "it has objects with times and no domain"


def _is_ascii(array: npt.NDArray[np.str_]) -> bool:
    """Return whether all text is ASCII: seen on the code points at once, of 0.1 s for a million of 36 characters."""
    points = np.ascontiguousarray(array).view(np.uint32)
    return not points.size or int(points.max()) < 128


def _is_timed(group: Group) -> bool:
    return group.kind in TIMED or (group.kind == "Data" and group.domain is not None)


def _faults_of_times(group: Group) -> Iterator[str]:
    if group.domain is not None:
        yield from (f"its domain {fault}" for fault in _faults_of_ranges(group.domain))
    if group.kind == "Interval":
        yield from (f"they {fault}" for fault in _faults_of_ranges(np.column_stack(_bounds(group))))
    if group.kind == "Interval":
        for name in set(group.arrays) - set(group.timekeys):
            if are_times(group.arrays[name], *_bounds(group)):
                yield f"{name} is a time and not among the timekeys: a slice would not shift it"
    for name in group.timekeys:
        if name not in group.arrays:
            yield f"the timekey {name} is no array of it"
        elif group.arrays[name].dtype != np.float64:
            yield f"{name} has dtype {group.arrays[name].dtype}: times have float64"
    if group.kind == "IrregularTimeSeries":
        yield from _faults_of_series(group)


def are_times(values: npt.NDArray[Any], start: FloatArray, end: FloatArray) -> bool:
    """Return whether (n,) values are times of their rows, whatever they are called.

    They are where all that are finite lie within `NEAR_S` of their own row, one of them in a row that begins more than
    three times that behind 0 s.

    Examples
    --------
    >>> start, end = np.array([5.0, 50.0]), np.array([9.0, 55.0])
    >>> are_times(np.array([6.0, 51.0]), start, end), are_times(np.array([0.5, 0.7]), start, end)
    (True, False)
    """
    if values.dtype.kind != "f" or values.ndim != 1 or len(values) != len(start):
        return False
    known = np.isfinite(values) & np.isfinite(start)
    late = known & (start > 3 * NEAR_S)
    ends = np.fmax(start, end)
    near = (values >= start - NEAR_S) & (values <= ends + NEAR_S)
    return bool(late.any() and near[known].all())


def _bounds(group: Group) -> tuple[FloatArray, FloatArray]:
    return group.arrays["start"], group.arrays["end"]


def _faults_of_ranges(ranges: FloatArray) -> Iterator[str]:
    """Give what is wrong with (n, 2) start and end."""
    if ranges.dtype != np.float64:
        yield f"have dtype {ranges.dtype}: times have float64"
    elif not np.isfinite(ranges).all():
        yield "have a start or an end that is not finite"
    elif (ranges[:, 1] <= ranges[:, 0]).any():
        yield "have one that does not end after it starts"
    elif (np.diff(ranges[:, 0]) < 0).any():
        yield "are not sorted: a lazy slice would give other rows"
    elif (ranges[1:, 0] < ranges[:-1, 1]).any():
        yield "overlap"


def _faults_of_series(group: Group) -> Iterator[str]:
    times = group.arrays["timestamps"]
    if group.domain is None or len(group.domain) != 1:
        yield "its domain is not one stretch: the counts of a gap would be zeros, and those behind it shifted"
    elif not np.isfinite(times).all():
        yield "it has times that are not finite"
    elif (np.diff(times) < 0).any():
        yield "its times are not sorted"
    elif len(times) and (times[0] < group.domain[0, 0] or times[-1] > group.domain[0, 1]):
        yield "it has times outside of its domain: the lazy reader drops them, the eager one does not"


def _faults_of_ids(recording: Group, name: str) -> Iterator[tuple[str, str]]:
    for part in ("brainset", "subject", "session", "device"):
        found = recording.groups[part].attributes.get("id") if part in recording.groups else None
        if not isinstance(found, str) or not found:
            yield part, f"its id is {found!r}, and no text"
    if recording.groups["session"].attributes["id"] != name:
        yield "session", f"its id {recording.groups['session'].attributes['id']!r} is not the name of the file"
    ids = recording.groups["units"].arrays["id"]
    if ids.dtype.kind != "U":
        yield "units.id", f"it has dtype {ids.dtype}: vocabularies want text"
    elif len(np.unique(ids)) != len(ids):
        yield "units.id", "two units have one id"
    if not len(ids):
        yield "units", "there is none"


def _faults_of_spikes(recording: Group, bounds: tuple[float, float]) -> Iterator[tuple[str, str]]:
    spikes, n_units = recording.groups["spikes"], len(recording.groups["units"])
    if spikes.domain is None or (float(spikes.domain[0, 0]), float(spikes.domain[-1, 1])) != bounds:
        yield "spikes", f"their domain is not the recording's, {bounds[0]:g} to {bounds[1]:g} s: bins would be shifted"
    index = spikes.arrays["unit_index"]
    if index.dtype not in _INDEX_TYPES:
        yield "spikes.unit_index", f"it has dtype {index.dtype}: int64, or int32"
    elif len(index) and (int(index.min()) < 0 or int(index.max()) >= n_units):
        found = f"it goes from {index.min()} to {index.max()} and there are {n_units} units"
        yield "spikes.unit_index", f"{found}: spikes would count for other units and bins"


def _faults_of_domain(recording: Group, bounds: tuple[float, float]) -> Iterator[tuple[str, str]]:
    domain = recording.domain
    if domain is None or not len(domain):
        yield "domain", "there is none: no window can be drawn"
    elif domain[0, 0] < bounds[0] or domain[-1, 1] > bounds[1]:
        yield "domain", f"it reaches beyond the recorded time, {bounds[0]:g} to {bounds[1]:g} s"


def _faults_of_splits(recording: Group, bounds: tuple[float, float]) -> Iterator[tuple[str, str]]:
    """Give splits that reach beyond the recording, or overlap within their scope: those of one prefix."""
    for prefix in sorted({name.rpartition("_")[0].rpartition("_")[0] for name in _split_names(recording)}):
        found = {split: recording.groups.get(f"{prefix}_{split}_domain".lstrip("_")) for split in SPLITS}
        there = {split: np.column_stack(_bounds(group)) for split, group in found.items() if group is not None}
        for split, ranges in there.items():
            if len(ranges) and (ranges[0, 0] < bounds[0] or ranges[-1, 1] > bounds[1]):
                yield f"{prefix} {split}".strip(), "it reaches beyond the recorded time"
        for one, other in combinations(there, 2):
            if {one, other} != {"valid", "val"} and _overlap(there[one], there[other]):
                yield f"{prefix} {one} and {other}".strip(), "they overlap: what tests would train"


def _split_names(recording: Group) -> list[str]:
    ends = tuple(f"{split}_domain" for split in SPLITS)
    return [name for name in recording.groups if name.endswith(ends)]


def _overlap(one: FloatArray, other: FloatArray) -> bool:
    both = np.concatenate([one, other])
    both = both[np.argsort(both[:, 0], kind="stable")]
    return bool((both[1:, 0] < both[:-1, 1]).any())
