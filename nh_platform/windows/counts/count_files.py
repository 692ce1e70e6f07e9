"""The counts of a grid, or of windows around events ↔ one group of an HDF5 file, whole or as sparse rows of bins.

Contains the writing and reading of both, and the choice. Add here what of counts is stored. Which groups a file has is
`nh_platform.windows.window_files`.

Whole counts are one dataset ``counts``. Sparse ones are three, a row per bin: ``indptr``, ``indices`` (units) and
``data``; the rows of a window follow each other. They are written where few bins have a spike, which is told from how
many have (docs/decisions/0028-sparse-counts-where-smaller.md), and readers get the same counts.

Counts are written block by block, each dataset in whole chunks, so that memory stays at some MB and the bytes depend on
the content alone. Whole counts have all units of a short time in a chunk: a reader that takes one window reads one or
two of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.store.codecs.hdf5 import ZSTD_LEVEL
from nh_platform.windows.counts.binning import CountPlan
from nh_platform.windows.counts.count_forms import ENTRY_BYTES, ROW_BYTES, sparse

CountArray = npt.NDArray[np.uint8]

CHUNK_BYTES = 1 << 19
"""512 KiB: 749 bins (15 s at 20 ms) of 700 units."""

SPARSE_CHUNK_BYTES = 1 << 14
"""16 KiB of each of three datasets: 1 s of 700 units is read in 1.3 CPU ms, as from whole counts."""

BLOCK_BYTES = 1 << 25
"""32 MiB of counts in memory while writing or reading."""

_MAXIMUM = "Largest count before saturation at 255 and before masking"


def write_counts(group: Any, plan: CountPlan) -> None:
    """Write counts into an empty group: a grid along its bins, windows around events along the windows."""
    group.attrs["bin_us"] = plan.bin_us
    if plan.is_grid:
        group.attrs["start_bin"] = plan.start_us // plan.bin_us
    else:
        group.attrs["start_us"] = plan.start_us
    n_entries = _entries_if_smaller(plan)
    if n_entries is None:
        _write_whole(group, plan)
    else:
        _write_sparse(group, plan, n_entries)


def read_counts(group: Any, first: int = 0, stop: int | None = None) -> tuple[CountArray, int]:
    """Return counts of a group, and the largest before saturation.

    Parameters
    ----------
    group
        What `write_counts` filled.
    first, stop
        Bins of a grid, or windows.
    """
    is_grid = "start_bin" in group.attrs
    if "counts" in group:
        dataset = group["counts"]
        return dataset[:, first:stop] if is_grid else dataset[first:stop], int(dataset.attrs["maximum"])
    shape = [int(length) for length in group.attrs["shape"]]
    first, stop, _ = slice(first, stop).indices(shape[-1] if is_grid else shape[0])
    n_units, n_bins, n = shape[-2], 1 if is_grid else shape[-1], max(stop - first, 0)
    out = np.zeros((1, n_units, n) if is_grid else (n, n_units, n_bins), dtype=np.uint8)
    size = max(BLOCK_BYTES // max(n_units * n_bins, 1), 1)
    for low in range(first, stop, size):
        high = min(low + size, stop)
        starts = group["indptr"][low * n_bins : high * n_bins + 1]
        entries = slice(int(starts[0]), int(starts[-1]))
        rows = np.repeat(np.arange((low - first) * n_bins, (high - first) * n_bins), np.diff(starts))
        window, column = (0, rows) if is_grid else np.divmod(rows, n_bins)
        out[window, group["indices"][entries], column] = group["data"][entries]
    return out[0] if is_grid else out, int(group["data"].attrs["maximum"])


def _entries_if_smaller(plan: CountPlan) -> int | None:
    """Return how many bins of units have a spike if sparse rows are the smaller form, else None."""
    n_counts = int(np.prod(plan.shape, dtype=np.int64))
    if not n_counts:  # an empty dataset has no chunks
        return None
    most = n_counts - ROW_BYTES * (n_counts // plan.spikes.n_units + 1)
    n_entries = 0
    for _, counts, _ in plan.blocks(_block_size(plan, 1)):
        n_entries += int(np.count_nonzero(counts))
        if ENTRY_BYTES * n_entries >= most:
            return None
    return n_entries


def _write_whole(group: Any, plan: CountPlan) -> None:
    n_units = plan.spikes.n_units
    if plan.is_grid:
        meaning = (
            "Spikes of each unit (row) in bins [k w, (k + 1) w) of the session clock; column j is bin start_bin + j"
        )
        chunk = _chunk(n_units, plan.n_bins)
        chunks: tuple[int, ...] = n_units, chunk
    else:
        meaning = "Spikes of each window, unit and bin [e + start + j w, e + start + (j + 1) w) around the event time e"
        # Windows as long as a movie (6006 bins) would make one window of all units a chunk of many MB.
        chunk_units = _chunk(plan.n_bins, n_units)
        chunk = _chunk(chunk_units * plan.n_bins, len(plan.events))
        chunks = chunk, chunk_units, plan.n_bins
    options = _compressed(chunks) if all(plan.shape) else {}
    dataset = group.create_dataset("counts", shape=plan.shape, dtype=np.uint8, track_times=False, **options)
    dataset.attrs.update(unit="1", meaning=meaning)
    largest = 0
    for first, counts, maximum in plan.blocks(_block_size(plan, chunk)):
        if counts.size and plan.is_grid:
            dataset[:, first : first + counts.shape[1]] = counts
        elif counts.size:
            dataset[first : first + len(counts)] = counts
        largest = max(largest, maximum)
    dataset.attrs.update(maximum=largest, maximum_meaning=_MAXIMUM)


def _write_sparse(group: Any, plan: CountPlan, n_entries: int) -> None:
    n_units = plan.spikes.n_units
    n_rows = int(np.prod(plan.shape, dtype=np.int64)) // n_units
    group.attrs["shape"] = plan.shape
    row = "bin start_bin + r of the session clock" if plan.is_grid else "bin r % n of window r // n, n bins a window"
    unit_dtype = np.uint16 if n_units <= 65_536 else np.uint32
    meaning = f"Entries of {row}, are indptr[r] to indptr[r + 1]"
    starts = _Appended(group, "indptr", n_rows + 1, np.int64, meaning)
    units = _Appended(group, "indices", n_entries, unit_dtype, "Unit of each entry, as a row of unit_id")
    values = _Appended(
        group, "data", n_entries, np.uint8, "Spikes of the unit in the bin; those without one have no entry"
    )
    starts.add(np.zeros(1, dtype=np.int64))
    largest = n_before = 0
    for _, counts, maximum in plan.blocks(_block_size(plan, 1)):
        found = sparse(counts.T if plan.is_grid else counts.swapaxes(1, 2).reshape(-1, n_units))
        starts.add(found.indptr[1:].astype(np.int64) + n_before)
        units.add(found.indices.astype(unit_dtype))
        values.add(found.data)
        n_before += len(found.data)
        largest = max(largest, maximum)
    for one in (starts, units, values):
        one.finish()
    group["data"].attrs.update(maximum=largest, maximum_meaning=_MAXIMUM)


class _Appended:
    """A dataset of known length that is written from its begin, in whole chunks."""

    def __init__(self, group: Any, name: str, length: int, dtype: npt.DTypeLike, meaning: str) -> None:
        self._chunk = _chunk(np.dtype(dtype).itemsize, length, SPARSE_CHUNK_BYTES)
        options = _compressed((self._chunk,)) if length else {}
        self._dataset = group.create_dataset(name, shape=(length,), dtype=dtype, track_times=False, **options)
        self._dataset.attrs.update(unit="1", meaning=meaning)
        self._left: npt.NDArray[Any] = np.zeros(0, dtype=dtype)
        self._at = 0

    def add(self, values: npt.NDArray[Any]) -> None:
        self._left = np.concatenate([self._left, values])
        self._write(len(self._left) // self._chunk * self._chunk)

    def finish(self) -> None:
        self._write(len(self._left))

    def _write(self, n: int) -> None:
        if n:
            self._dataset[self._at : self._at + n] = self._left[:n]
        self._at, self._left = self._at + n, self._left[n:]


def _compressed(chunks: tuple[int, ...]) -> dict[str, Any]:
    import hdf5plugin

    return {"chunks": chunks, "compression": hdf5plugin.Zstd(clevel=ZSTD_LEVEL), "shuffle": True}


def _block_size(plan: CountPlan, chunk: int) -> int:
    """Return how many bins of a grid, or windows, are counted at a time: whole chunks, at least one."""
    slice_bytes = plan.spikes.n_units * (1 if plan.is_grid else plan.n_bins)
    return chunk * max(BLOCK_BYTES // max(chunk * slice_bytes, 1), 1)


def _chunk(each_bytes: int, n: int, chunk_bytes: int | None = None) -> int:
    """Return how many of ``n`` things, at least one, make a chunk."""
    return min(max((chunk_bytes or CHUNK_BYTES) // max(each_bytes, 1), 1), max(n, 1))
