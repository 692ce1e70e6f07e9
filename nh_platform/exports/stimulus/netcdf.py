"""Groups of labelled arrays ↔ netCDF4 files that xarray opens as a tree.

Contains the writer and the reader of one group. Add here what every exported netCDF file needs. What the groups are
called and hold stands in `tensor_files` and `stimulus_files`.

A netCDF4 file is an HDF5 file whose coordinates are dimension scales. It is written with h5py on the store's own file,
which keeps its promise of bytes that depend on the content alone and survives a full disk; h5netcdf writes the same in
six times the CPU (21 s against 3.5 s for two small sessions; the full release has 250,000 variables). Compressed with
gzip, which every HDF5 library reads without a plug-in; level 1, since spikes in bins are nearly all zeros.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

CHUNK_BYTES = 1 << 20
GZIP_LEVEL = 1


@dataclass(frozen=True)
class Variable:
    """An array with named dimensions. One that is named like its only dimension is the coordinate of it.

    Parameters
    ----------
    dims
        Names of the dimensions.
    values
        Numbers, or an object array of texts.
    attributes
        ``units``, ``long_name`` and the like.
    """

    dims: tuple[str, ...]
    values: npt.NDArray[Any]
    attributes: Mapping[str, str] = field(default_factory=dict)


NOT_A_VARIABLE = "This is a netCDF dimension but not a netCDF variable."
"""What netCDF4 calls the scale of a dimension that has no coordinate (netCDF-4 file format, "Dimensions")."""

Group = Mapping[str, Variable]
"""Variables of one group by name; dimensions of the same name have the same length."""


def write_group(handle: Any, path: str, group: Group) -> None:
    """Write a group at ``path`` (``session_1/VISp/spike_data``, or ``/``) of an open file; groups above it are made.

    Parameters
    ----------
    handle
        From `nh_platform.store.codecs.hdf5.create_file`, so that the bytes of the file depend on its content alone.
    path, group
        What to write, and where.
    """
    target = handle if path == "/" else handle.create_group(path)
    scales = {}
    for dimension, size in _without_coordinate(group).items():
        dataset = target.create_dataset(dimension, shape=(size,), dtype=">f4", track_times=False)
        dataset.make_scale(f"{NOT_A_VARIABLE}{size:10}")
        scales[dimension] = dataset
    for name in sorted(group, key=lambda name: (group[name].dims != (name,), name)):
        dataset = _write_variable(target, name, group[name])
        if group[name].dims == (name,):
            dataset.make_scale(name)
            scales[name] = dataset
            continue
        for axis, dimension in enumerate(group[name].dims):
            dataset.dims[axis].attach_scale(scales[dimension])


def read_group(handle: Any, path: str) -> dict[str, Variable]:
    """Read a group that `write_group` wrote, from an open `h5py.File` (`nh_platform.store.codecs.hdf5.open_file`)."""
    group = handle[path]
    out = {}
    for name in sorted(group):
        dataset = group[name]
        if dataset.is_scale and dataset.attrs["NAME"].decode().startswith(NOT_A_VARIABLE):
            continue
        # A coordinate has no dimension scale attached: it is one.
        dims = (name,) if dataset.is_scale else tuple(_scale_name(dimension) for dimension in dataset.dims)
        values = dataset.asstr()[:] if dataset.dtype.kind == "O" else dataset[:]
        attributes = {key: str(dataset.attrs[key]) for key in ("units", "long_name") if key in dataset.attrs}
        out[name] = Variable(dims, values, attributes)
    return out


def _without_coordinate(group: Group) -> dict[str, int]:
    """Return the sizes of dimensions that no variable of the group labels, by name."""
    sizes = {name: size for one in group.values() for name, size in zip(one.dims, one.values.shape)}
    return {name: size for name, size in sorted(sizes.items()) if name not in group}


def _scale_name(dimension: Any) -> str:
    return str(dimension[0].name).rsplit("/", 1)[-1]


def _write_variable(target: Any, name: str, variable: Variable) -> Any:
    import h5py

    values = np.ascontiguousarray(variable.values)
    options: dict[str, Any] = {}
    if values.dtype.kind in "OU":
        values, options = values.astype(object), {"dtype": h5py.string_dtype()}
    elif values.size and values.ndim > 1:
        row_bytes = values.itemsize * int(np.prod(values.shape[1:]))
        rows = min(max(CHUNK_BYTES // max(row_bytes, 1), 1), values.shape[0])
        options = {
            "chunks": (rows, *values.shape[1:]),
            "compression": "gzip",
            "compression_opts": GZIP_LEVEL,
            "shuffle": values.itemsize > 1,
        }
    dataset = target.create_dataset(name, data=values, track_times=False, **options)
    for key in sorted(variable.attributes):
        dataset.attrs[key] = variable.attributes[key]
    return dataset
