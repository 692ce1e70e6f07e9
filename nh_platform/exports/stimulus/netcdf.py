"""Groups of labelled arrays ↔ netCDF4 files that xarray opens as a tree.

Contains the writer and the reader of one group. Add here what every exported netCDF file needs. What the groups are
called and hold stands in `tensor_files` and `stimulus_files`.

Written with h5netcdf on the store's own HDF5 file, which keeps its promise of bytes that depend on the content alone
and survives a full disk. Compressed with gzip, which every HDF5 library reads without a plug-in; level 1, since spikes
in bins are nearly all zeros (level 4 takes three times as long for 6 % less).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.store.hdf5 import create_file

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


Group = Mapping[str, Variable]
"""Variables of one group by name; dimensions of the same name have the same length."""


class NetcdfWriter:
    """An open netCDF4 file; see `create_netcdf`."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write_attributes(self, attributes: Mapping[str, str]) -> None:
        """Write attributes of the whole file."""
        for name in sorted(attributes):
            self._file.attrs[name] = attributes[name]

    def write(self, path: str, group: Group) -> None:
        """Write a group at ``path`` (``session_1/VISp/spike_data``); groups above it are made."""
        target = self._file.create_group(path)
        sizes: dict[str, int] = {}
        for variable in group.values():
            sizes.update(zip(variable.dims, variable.values.shape))
        target.dimensions = sizes
        for name, variable in group.items():
            _write_variable(target, name, variable)


@contextmanager
def create_netcdf(path: Path) -> Iterator[NetcdfWriter]:
    """Open a new netCDF4 file whose bytes depend on its content alone.

    Raises
    ------
    OSError
        If the disk is full.
    """
    import h5netcdf

    with create_file(path) as handle, h5netcdf.File(handle, "a") as file:
        yield NetcdfWriter(file)


def read_group(handle: Any, path: str) -> dict[str, Variable]:
    """Read a group that `NetcdfWriter.write` wrote, from an open `h5py.File` (`nh_platform.store.hdf5.open_file`)."""
    group = handle[path]
    out = {}
    for name in sorted(group):
        dataset = group[name]
        # A coordinate has no dimension scale attached: it is one.
        dims = (name,) if dataset.is_scale else tuple(_scale_name(dimension) for dimension in dataset.dims)
        values = dataset.asstr()[:] if dataset.dtype.kind == "O" else dataset[:]
        out[name] = Variable(
            dims, values, {k: str(dataset.attrs[k]) for k in ("units", "long_name") if k in dataset.attrs}
        )
    return out


def _scale_name(dimension: Any) -> str:
    return str(dimension[0].name).rsplit("/", 1)[-1]


def _write_variable(target: Any, name: str, variable: Variable) -> None:
    import h5py

    values = np.ascontiguousarray(variable.values)
    options: dict[str, Any] = {}
    is_text = values.dtype.kind in "OU"
    if values.size and values.ndim > 1 and not is_text:
        row_bytes = values.itemsize * int(np.prod(values.shape[1:]))
        rows = min(max(CHUNK_BYTES // max(row_bytes, 1), 1), values.shape[0])
        options = {
            "chunks": (rows, *values.shape[1:]),
            "compression": "gzip",
            "compression_opts": GZIP_LEVEL,
            "shuffle": values.itemsize > 1,
        }
    if is_text:
        written = target.create_variable(name, variable.dims, dtype=h5py.string_dtype(), data=values.astype(object))
    else:
        written = target.create_variable(name, variable.dims, data=values, **options)
    for key in sorted(variable.attributes):
        written.attrs[key] = variable.attributes[key]
