"""The building blocks of an NWB 2.2 file, written with h5py: tables, time series, modules, references.

Contains the attributes that pynwb expects of each type. Add a type here when the file needs one. What the file holds is
decided in `nh_platform.simulation.allen.coding_nwb`.

pynwb is not used: it writes newer layouts than the released files have (2.2.2), random object ids and the current time.
The extension's specification is not cached in the file, since AllenSDK brings its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.simulation.seeding import uuid4

TEXT = h5py.string_dtype("utf-8")
REFERENCE = h5py.special_dtype(ref=h5py.Reference)
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Ragged:
    """A column with a different number of values in each row.

    Parameters
    ----------
    values
        The values of all rows, one after the other.
    stops
        (n_rows,) integer, where each row ends, exclusive.
    """

    values: Array
    stops: npt.NDArray[np.integer]


class NwbWriter(h5py.File):
    """A new NWB file; object ids follow from the seed and the place in the file.

    Parameters
    ----------
    path
        File to write; an older one is replaced.
    seed, session_id
        What the object ids depend on.
    """

    def __init__(self, path: Path, seed: int, session_id: int) -> None:
        super().__init__(path, "w", track_order=False)
        self._seed, self._session_id = seed, session_id

    def typed(self, item: h5py.HLObject, neurodata_type: str, namespace: str = "core", **attributes: object) -> None:
        """Make an object a neurodata type, with its further attributes."""
        item.attrs["namespace"] = namespace
        item.attrs["neurodata_type"] = neurodata_type
        item.attrs["object_id"] = uuid4(self._seed, "allen_vc", self._session_id, item.name)
        for name, value in attributes.items():
            item.attrs[name] = value

    def group(
        self, path: str, neurodata_type: str | None = None, namespace: str = "core", **attributes: object
    ) -> h5py.Group:
        """Create a group, typed or plain."""
        group = self.require_group(path)
        if neurodata_type is not None:
            self.typed(group, neurodata_type, namespace, **attributes)
        return group

    def texts(self, folder: str, **values: str) -> None:
        """Write one text below ``folder`` for each name."""
        for name, value in values.items():
            self.create_dataset(f"{folder}/{name}", data=value, dtype=TEXT)

    def dataset(self, path: str, values: Array) -> h5py.Dataset:
        """Write an array: contiguous, uncompressed, text as variable-length UTF-8, without a time stamp."""
        is_text = values.dtype == object and h5py.check_ref_dtype(values.dtype) is None
        dtype = TEXT if is_text else values.dtype
        return self.create_dataset(path, data=values, dtype=dtype, track_times=False)

    def time_series(
        self, path: str, timestamps: Array | str, data: Array, unit: str, description: str = "no description"
    ) -> None:
        """Write a TimeSeries; ``timestamps`` may name another series, whose time stamps are linked."""
        group = self.group(path, "TimeSeries", comments="no comments", description=description)
        values = self.dataset(f"{path}/data", data)
        values.attrs.update({"conversion": 1.0, "resolution": -1.0, "unit": unit})
        if isinstance(timestamps, str):
            group["timestamps"] = h5py.SoftLink(f"/{timestamps}/timestamps")
        else:
            times = self.dataset(f"{path}/timestamps", timestamps)
            times.attrs.update({"interval": 1, "unit": "seconds"})

    def module(self, name: str, description: str) -> str:
        """Create a processing module and return its path."""
        self.group(f"processing/{name}", "ProcessingModule", description=description)
        return f"processing/{name}"

    def table(
        self,
        path: str,
        columns: Mapping[str, Array | Ragged],
        ids: npt.NDArray[np.int64] | None = None,
        *,
        neurodata_type: str = "DynamicTable",
        namespace: str = "hdmf-common",
        description: str = "",
        column_descriptions: Mapping[str, str] | None = None,
    ) -> None:
        """Write a DynamicTable or one of its kinds; a `Ragged` column gets its index beside it."""
        descriptions = column_descriptions or {}
        group = self.group(path, neurodata_type, namespace, description=description)
        group.attrs.create("colnames", np.array(list(columns), dtype=object), dtype=TEXT)
        if ids is None:
            first = next(iter(columns.values()))
            ids = np.arange(len(first.stops if isinstance(first, Ragged) else first), dtype=np.int64)
        self.typed(self.dataset(f"{path}/id", ids), "ElementIdentifiers", "hdmf-common")
        for name, column in columns.items():
            values = column.values if isinstance(column, Ragged) else column
            written = self.dataset(f"{path}/{name}", values)
            self.typed(written, "VectorData", "hdmf-common", description=descriptions.get(name, "no description"))
            if isinstance(column, Ragged):
                index = self.dataset(f"{path}/{name}_index", column.stops)
                note = f"Index for VectorData '{name}'"
                self.typed(index, "VectorIndex", "hdmf-common", description=note, target=written.ref)

    def intervals(
        self, path: str, table: pd.DataFrame, tags: Sequence[Sequence[str]], series: str | None, description: str
    ) -> None:
        """Write TimeIntervals with the ``tags`` of each row and, where given, references into the series ``series``."""
        columns: dict[str, Array | Ragged] = {**plain_columns(table)}
        flat = np.array([tag for row in tags for tag in row], dtype=object)
        columns["tags"] = Ragged(flat, np.cumsum([len(row) for row in tags]).astype(np.int64))
        if series is not None:
            rows = np.empty(len(table), dtype=[("idx_start", "<i4"), ("count", "<i4"), ("timeseries", REFERENCE)])
            rows["idx_start"], rows["count"] = np.arange(len(table)), 1
            rows["timeseries"] = self[series].ref
            columns["timeseries"] = Ragged(rows, np.arange(1, len(table) + 1, dtype=np.int64))
        self.table(path, columns, neurodata_type="TimeIntervals", namespace="core", description=description)


def plain_columns(table: pd.DataFrame) -> dict[str, Array]:
    """Return the columns of a table as arrays, texts as objects."""
    return {name: table[name].to_numpy(dtype=object if table[name].dtype == object else None) for name in table}
