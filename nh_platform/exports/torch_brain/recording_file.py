"""The bytes of a recording: objects ↔ the HDF5 file that torch_brain 0.2.1 writes of the same objects.

Contains writing and reading back. Add here what another version of torch_brain stores of an object. Datasets are
contiguous and not compressed, as torch_brain's own are: its lazy reader takes slices of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.exports.torch_brain.objects import FloatArray, Group, interval
from nh_platform.session import StoreError
from nh_platform.store.codecs.hdf5 import create_file

INDEX = "timestamp_indices_1s"
"""Dataset of an ``IrregularTimeSeries``: the first row at or after every second from the start of its domain."""

_OWN_ATTRIBUTES = ("object", "absolute_start")


def write_recording(path: Path, recording: Group) -> None:
    """Write a recording into a file that is not there yet.

    Raises
    ------
    OSError
        If the disk is full.
    """
    with create_file(path) as handle:
        _write(handle, recording)


def read_recording(path: Path) -> Group:
    """Return what a file holds, by h5py alone.

    Raises
    ------
    StoreError
        If it is no whole HDF5 file, or not one of torch_brain's.
    """
    import h5py

    try:
        with h5py.File(path, "r") as handle:
            return _read(handle)
    except (OSError, KeyError) as error:
        raise StoreError(
            str(path), f"it is no recording of torch_brain: {error}", "Export the session again."
        ) from error


def second_index(times: FloatArray, domain: FloatArray) -> npt.NDArray[np.int64]:
    """Return the first row of ``times`` (s) at or after every second from the start of ``domain`` (n, 2) to its end."""
    seconds = np.arange(domain[0, 0], domain[-1, 1] + 1.0, 1.0, dtype=np.float64)
    return np.searchsorted(times, seconds).astype(np.int64)


def _write(handle: Any, group: Group) -> None:
    handle.attrs["object"] = group.kind
    if group.kind == "Data":
        handle.attrs["absolute_start"] = 0.0
        for name, fact in group.attributes.items():
            handle.attrs[name] = fact
        for name, inner in group.groups.items():
            _write(handle.create_group(name), inner)
    text = [name for name, array in group.arrays.items() if array.dtype.kind == "U"]
    for name, array in group.arrays.items():
        handle.create_dataset(name, data=array.astype("S") if name in text else array, track_times=False)
    if group.kind == "RegularTimeSeries":
        handle.attrs["sampling_rate"] = group.rate_hz
    elif group.kind != "Data":
        handle.attrs["_unicode_keys"] = np.array(text, dtype="S")
    if group.timekeys:
        handle.attrs["timekeys"] = np.array(group.timekeys, dtype="S")
    if group.domain is not None:
        _write(handle.create_group("domain"), interval(group.domain))
    if group.kind == "IrregularTimeSeries" and group.domain is not None:
        handle.create_dataset(INDEX, data=second_index(group.arrays["timestamps"], group.domain), track_times=False)


def _read(handle: Any) -> Group:
    import h5py

    kind = str(handle.attrs["object"])
    members = {name: one for name, one in handle.items() if name != "domain" or kind == "Interval"}
    text = _names(handle, "_unicode_keys")
    arrays = {name: one[()] for name, one in members.items() if isinstance(one, h5py.Dataset)}
    arrays = {name: array.astype("U") if name in text else array for name, array in arrays.items()}
    domain = None
    if "domain" in handle:
        bounds = handle["domain"]
        domain = np.column_stack([bounds["start"][()], bounds["end"][()]])
    index = arrays.pop(INDEX, None)
    if kind == "IrregularTimeSeries":
        expected = None if domain is None else second_index(arrays["timestamps"], domain)
        if index is None or expected is None or not np.array_equal(index, expected):
            found = "its index by the second is not that of its times"
            raise StoreError(f"{handle.file.filename}, {handle.name}", found, "Export the session again.")
    return Group(
        kind,  # type: ignore[arg-type]
        arrays=arrays,
        attributes=_facts(handle) if kind == "Data" else {},
        groups={name: _read(one) for name, one in members.items() if isinstance(one, h5py.Group)},
        timekeys=tuple(_names(handle, "timekeys")),
        domain=domain,
        rate_hz=float(handle.attrs["sampling_rate"]) if kind == "RegularTimeSeries" else None,
    )


def _names(handle: Any, attribute: str) -> list[str]:
    return [name.decode() for name in handle.attrs.get(attribute, ())]


def _facts(handle: Any) -> dict[str, str | int | float]:
    return {
        name: one.item() if isinstance(one, np.generic) else one
        for name, one in handle.attrs.items()
        if name not in _OWN_ATTRIBUTES
    }
