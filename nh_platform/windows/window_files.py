"""The codec of `windows`: counts, index and masks of one session ↔ files.

``counts.h5`` holds ``/unit_id``, ``/grid_<bin width>us/counts`` (units × bins), ``/aligned/<preset>/counts``
(windows × units × bins) and what readers must know of the presets; ``index.parquet`` and ``masks.parquet`` the tables.
Add here what the files of `windows` need. No window is laid out and nothing is counted here.

Counts are written block by block, each block whole chunks, so that memory stays at some MB and the bytes depend on the
content alone. Chunks hold all units of a short time: a reader that takes one window reads one or two chunks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Note, StoreError
from nh_platform.session.tables.windows import WINDOW_INDEX, WINDOW_MASKS
from nh_platform.store.hdf5 import ZSTD_LEVEL, create_dataset, create_file, open_file
from nh_platform.store.parquet import read_table, write_table
from nh_platform.windows.binning import EventCounts, Grid
from nh_platform.windows.session_windows import AlignedPlan, GridPlan, Windows

COUNTS_FILE = "counts.h5"
INDEX_FILE = "index.parquet"
MASKS_FILE = "masks.parquet"

CHUNK_BYTES = 1 << 19
"""512 KiB: 749 bins (15 s at 20 ms) of 700 units."""

BLOCK_BYTES = 1 << 25
"""32 MiB of counts in memory while writing."""


def write_windows(folder: Path, windows: Windows) -> None:
    """Write the windows of one session into ``folder``; memory stays near `BLOCK_BYTES`.

    Raises
    ------
    SchemaError
        If the index does not conform.
    """
    write_table(folder / INDEX_FILE, windows.index, WINDOW_INDEX)
    write_table(folder / MASKS_FILE, windows.masks, WINDOW_MASKS)
    with create_file(folder / COUNTS_FILE) as handle:
        handle.attrs["note_subjects"] = [note.subject for note in windows.notes]
        handle.attrs["note_texts"] = [note.text for note in windows.notes]
        for preset in sorted(windows.presets, key=lambda preset: preset.id):
            group = handle.create_group(f"presets/{preset.id}")
            group.attrs.update(version=preset.version, kind=preset.kind, bin_us=preset.bin_us, binarise=preset.binarise)
        ids = np.array([unit.encode() for unit in windows.unit_ids], dtype=np.bytes_)
        create_dataset(handle, "unit_id", ids, unit="-", meaning="Units of the unit axis, as in the units table")
        for bin_us in sorted(windows.grids):
            _write_grid(handle.create_group(windows.grids[bin_us].name), windows.grids[bin_us])
        for preset_id in sorted(windows.aligned):
            _write_aligned(handle.create_group(f"aligned/{preset_id}"), windows.aligned[preset_id])


@dataclass(frozen=True)
class StoredPreset:
    """What a reader of counts must know of the preset that they were made with.

    Parameters
    ----------
    id, version
        The preset as it was then; the file of presets may have moved on.
    kind
        ``continuous`` or ``aligned``.
    bin_us
        Width of a bin in µs.
    binarise
        Whether readers of the preset get 0 and 1.
    """

    id: str
    version: int
    kind: str
    bin_us: int
    binarise: bool


@dataclass(frozen=True)
class StoredWindows:
    """The windows of one session on disk; tables and counts are read when first used.

    Parameters
    ----------
    folder
        Folder that `write_windows` filled.
    """

    folder: Path

    @cached_property
    def index(self) -> pd.DataFrame:
        """Every window of every preset, schema `WINDOW_INDEX`."""
        return read_table(self.folder / INDEX_FILE)

    @cached_property
    def masks(self) -> pd.DataFrame:
        """Masked bins per probe, schema `WINDOW_MASKS`."""
        return read_table(self.folder / MASKS_FILE)

    @cached_property
    def unit_ids(self) -> tuple[str, ...]:
        """Unit ids, in the order of the unit axis."""
        with open_file(self.folder / COUNTS_FILE) as handle:
            return tuple(unit.decode() for unit in handle["unit_id"][:])

    @cached_property
    def presets(self) -> dict[str, StoredPreset]:
        """Presets by id, as they were when the windows were made."""
        with open_file(self.folder / COUNTS_FILE) as handle:
            groups = handle["presets"].items() if "presets" in handle else ()
            return {name: _read_preset(name, group.attrs) for name, group in groups}

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """What was left out when the windows were made."""
        with open_file(self.folder / COUNTS_FILE) as handle:
            subjects, texts = handle.attrs["note_subjects"], handle.attrs["note_texts"]
            return tuple(Note(str(subject), str(text)) for subject, text in zip(subjects, texts))

    @property
    def grid_widths(self) -> list[int]:
        """Bin widths (µs) of the session grids that are stored."""
        with open_file(self.folder / COUNTS_FILE) as handle:
            return sorted(int(group.attrs["bin_us"]) for name, group in handle.items() if name.startswith("grid_"))

    def grid(self, bin_us: int, first: int = 0, stop: int | None = None) -> Grid:
        """Read the session grid of one bin width, or its columns ``first`` to ``stop`` (excluded).

        Raises
        ------
        StoreError
            If there is no such grid.
        """
        with open_file(self.folder / COUNTS_FILE) as handle:
            group = self._group(handle, f"grid_{bin_us}us")
            dataset = group["counts"]
            counts = dataset[:, first:stop]
            return Grid(bin_us, int(group.attrs["start_bin"]) + first, counts, int(dataset.attrs["maximum"]))

    def aligned(self, preset_id: str, first: int = 0, stop: int | None = None) -> EventCounts:
        """Read the windows of an aligned preset, or its windows ``first`` to ``stop`` (excluded).

        Raises
        ------
        StoreError
            If the preset is not stored.
        """
        with open_file(self.folder / COUNTS_FILE) as handle:
            group = self._group(handle, f"aligned/{preset_id}")
            dataset = group["counts"]
            return EventCounts(
                bin_us=int(group.attrs["bin_us"]),
                start_us=int(group.attrs["start_us"]),
                counts=dataset[first:stop],
                maximum=int(dataset.attrs["maximum"]),
            )

    def _group(self, handle: Any, name: str) -> Any:
        if name not in handle:
            raise StoreError(
                str(self.folder / COUNTS_FILE),
                f"it has no {name}",
                "Materialize `windows` again with a preset that needs it.",
            )
        return handle[name]


def _read_preset(preset_id: str, attributes: Any) -> StoredPreset:
    return StoredPreset(
        id=preset_id,
        version=int(attributes["version"]),
        kind=str(attributes["kind"]),
        bin_us=int(attributes["bin_us"]),
        binarise=bool(attributes["binarise"]),
    )


def _write_grid(group: Any, plan: GridPlan) -> None:
    group.attrs["bin_us"] = plan.bin_us
    group.attrs["start_bin"] = plan.start_bin
    n_units, n_bins = plan.shape
    chunk = min(max(CHUNK_BYTES // max(n_units, 1), 1), max(n_bins, 1))
    dataset = _create_counts(
        group,
        plan.shape,
        (n_units, chunk),
        "Spikes of each unit (row) in bins [k w, (k + 1) w) of the session clock; column j is bin start_bin + j",
    )
    blocks = ((first, grid.counts, grid.maximum) for first, grid in plan.blocks(_whole_chunks(chunk, n_units)))
    _fill(dataset, blocks, axis=1)


def _write_aligned(group: Any, plan: AlignedPlan) -> None:
    group.attrs["bin_us"] = plan.bin_us
    group.attrs["start_us"] = plan.start_us
    n_windows, n_units, n_bins = plan.shape
    # Windows as long as a movie (6006 bins) would make one window of all units a chunk of many MB.
    chunk_units = min(max(CHUNK_BYTES // max(n_bins, 1), 1), max(n_units, 1))
    chunk = min(max(CHUNK_BYTES // max(chunk_units * n_bins, 1), 1), max(n_windows, 1))
    dataset = _create_counts(
        group,
        plan.shape,
        (chunk, chunk_units, n_bins),
        "Spikes of each window, unit and bin [e + start + j w, e + start + (j + 1) w) around the event time e",
    )
    size = _whole_chunks(chunk, n_units * n_bins)
    blocks = ((first, block.counts, block.maximum) for first, block in plan.blocks(size))
    _fill(dataset, blocks, axis=0)


def _create_counts(group: Any, shape: tuple[int, ...], chunks: tuple[int, ...], meaning: str) -> Any:
    """Create the dataset that `_fill` fills; an empty one cannot be chunked."""
    import hdf5plugin

    options: dict[str, Any] = {}
    if all(shape):
        options = {"chunks": chunks, "compression": hdf5plugin.Zstd(clevel=ZSTD_LEVEL), "shuffle": True}
    dataset = group.create_dataset("counts", shape=shape, dtype=np.uint8, track_times=False, **options)
    dataset.attrs["unit"] = "1"
    dataset.attrs["meaning"] = meaning
    return dataset


def _fill(dataset: Any, blocks: Iterable[tuple[int, npt.NDArray[np.uint8], int]], axis: int) -> None:
    largest = 0
    for first, counts, maximum in blocks:
        target = [slice(None)] * dataset.ndim
        target[axis] = slice(first, first + counts.shape[axis])
        if counts.size:
            dataset[tuple(target)] = counts
        largest = max(largest, maximum)
    dataset.attrs["maximum"] = largest
    dataset.attrs["maximum_meaning"] = "Largest count before saturation at 255 and before masking"


def _whole_chunks(chunk: int, row_bytes: int) -> int:
    """Return the number of rows of a block: whole chunks, about `BLOCK_BYTES`."""
    return chunk * max(BLOCK_BYTES // max(chunk * row_bytes, 1), 1)
