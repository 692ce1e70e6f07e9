"""The file of `spike_events`: a session's spikes in the order of time ↔ HDF5, laid out for memory maps.

Datasets are contiguous and not compressed, so that any reader maps them at the offset that HDF5 states
(`dataset.id.get_offset()`), and reading a window costs its bytes and no more (docs/decisions/0026). Add here what else
is stored in that file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.session import StoreError
from nh_platform.store.codecs.hdf5 import create_file, open_file
from nh_platform.store.objects.address import shown

SPIKE_EVENTS_FILE = "spike_events.h5"


@dataclass(frozen=True)
class SpikeEvents:
    """Spikes of a session in the order of time.

    Parameters
    ----------
    times
        (n_spikes,) float64 seconds on the session clock, ascending.
    unit_row
        (n_spikes,) uint16 or uint32; row of the units table of each spike.
    start_second
        Whole second at or before the first spike.
    second_offsets
        (n_seconds + 1,) int64; first spike at or after ``start_second + k``.
    unit_ids
        Id of every row of the units table.
    """

    times: npt.NDArray[np.float64]
    unit_row: npt.NDArray[np.unsignedinteger]
    start_second: int
    second_offsets: npt.NDArray[np.int64]
    unit_ids: tuple[str, ...]


def write_spike_events(folder: Path, events: SpikeEvents) -> None:
    """Write the spikes of one session into ``folder``."""
    unit_ids = np.array([one.encode() for one in events.unit_ids] or np.zeros(0, "S1"), dtype=np.bytes_)
    with create_file(folder / SPIKE_EVENTS_FILE) as handle:
        _write(handle, "times", events.times, "s", "Time of each spike on the session clock, ascending")
        _write(handle, "unit_row", events.unit_row, "1", "Row of the unit of each spike in unit_id")
        meaning = "First spike at or after the second start_second + k"
        _write(handle, "second_offsets", events.second_offsets, "1", meaning)
        handle["second_offsets"].attrs["start_second"] = events.start_second
        _write(handle, "unit_id", unit_ids, "-", "Upstream id of every unit")


def map_spike_events(path: Path) -> SpikeEvents:
    """Map the file ``path`` into memory; nothing of the spikes is read before they are used.

    Raises
    ------
    DamagedFile
        If it is not the bytes that were published; they are compared once per process.
    StoreError
        If it cannot be read, or holds no such datasets.
    """
    with open_file(path) as handle:
        if missing := [one for one in ("times", "unit_row", "second_offsets", "unit_id") if one not in handle]:
            raise StoreError(shown(path), f"it has no {', '.join(missing)}", "Materialize `spike_events` again.")
        return SpikeEvents(
            times=_map(path, handle["times"]),
            unit_row=_map(path, handle["unit_row"]),
            start_second=int(handle["second_offsets"].attrs["start_second"]),
            second_offsets=handle["second_offsets"][:],
            unit_ids=tuple(one.decode() for one in handle["unit_id"][:]),
        )


def _write(handle: Any, name: str, array: npt.NDArray[Any], unit: str, meaning: str) -> None:
    dataset = handle.create_dataset(name, data=np.ascontiguousarray(array), track_times=False)
    dataset.attrs["unit"] = unit
    dataset.attrs["meaning"] = meaning


def _map(path: Path, dataset: Any) -> npt.NDArray[Any]:
    offset = dataset.id.get_offset()
    if not dataset.size:
        return np.zeros(0, dtype=dataset.dtype)
    if offset is None:
        found = f"{dataset.name} is not in one piece"
        raise StoreError(shown(path), found, "Materialize `spike_events` again.")
    mapped = np.memmap(path, dtype=dataset.dtype, mode="r", offset=offset, shape=dataset.shape)
    return np.asarray(mapped)  # a plain view: numba compiles one kernel for it, and slices are cheap
