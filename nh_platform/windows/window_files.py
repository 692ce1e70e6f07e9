"""The files of `windows`: counts, index and masks of one session ↔ HDF5 and Parquet.

``counts.h5`` holds ``/unit_id``, ``/grid_<bin width>us`` (counts of units × bins), for presets that store them
``/aligned/<preset>`` (counts of windows × units × bins), and what readers must know of the presets; ``index.parquet``
and ``masks.parquet`` the tables. Add here what the files of `windows` need. How the counts of a group are stored is
`counts.count_files`; where windows lie and what is counted is decided elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nh_platform.session import Note, Spikes, StoreError
from nh_platform.session.tables.windows import WINDOW_INDEX, WINDOW_MASKS
from nh_platform.store.codecs.hdf5 import create_dataset, create_file, open_file, read_notes, write_notes
from nh_platform.store.codecs.parquet import read_table, write_table
from nh_platform.windows.counts.binning import CountPlan, EventCounts, Grid
from nh_platform.windows.counts.count_files import read_counts, write_counts
from nh_platform.windows.session_windows import Windows
from nh_platform.windows.window_rows import count_masks

COUNTS_FILE = "counts.h5"
INDEX_FILE = "index.parquet"
MASKS_FILE = "masks.parquet"


def write_windows(folder: Path, windows: Windows) -> None:
    """Write the windows of one session into ``folder``; memory stays at some MB.

    Raises
    ------
    SchemaError
        If the index does not conform.
    """
    with create_file(folder / COUNTS_FILE) as handle:
        write_notes(handle, windows.notes)
        for preset in sorted(windows.presets, key=lambda preset: preset.id):
            group = handle.create_group(f"presets/{preset.id}")
            stated = json.dumps(preset.stated, sort_keys=True)
            group.attrs.update(version=preset.version, kind=preset.kind, n_bins=preset.n_bins, stated=stated)
        ids = np.array([unit.encode() for unit in windows.unit_ids], dtype=np.bytes_)
        create_dataset(handle, "unit_id", ids, unit="-", meaning="Units of the unit axis, as in the units table")
        grids = {f"grid_{bin_us}us": plan for bin_us, plan in sorted(windows.grids.items())}
        aligned = {f"aligned/{preset}": plan for preset, plan in sorted(windows.dense.items())}
        for name, plan in {**grids, **aligned}.items():
            write_counts(handle.create_group(name), plan)
    write_table(folder / INDEX_FILE, windows.index, WINDOW_INDEX)
    write_table(folder / MASKS_FILE, windows.masks, WINDOW_MASKS)


@dataclass(frozen=True)
class StoredPreset:
    """Facts of a preset that a reader of windows must know, as it was then; the file of presets may have moved on.

    Parameters
    ----------
    id, version
        The preset.
    kind
        ``continuous`` or ``aligned``.
    bin_us
        Width of a bin in µs; None where windows have no bins.
    binarise
        Whether readers of the preset get 0 and 1.
    start_us
        Start of a window in µs from its event; 0 for continuous windows.
    n_bins
        Bins of a window; 0 where windows have none, or their events say how many.
    parts, marks
        Named stretches (start, stop) and moments of a window in µs from its event, or from its start.
    stated
        Every field of the preset as it was written.
    """

    id: str
    version: int
    kind: str
    bin_us: int | None
    binarise: bool
    start_us: int
    n_bins: int
    parts: dict[str, tuple[int, int]]
    marks: dict[str, int]
    stated: dict[str, Any]


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
            return {name: _read_preset(name, group.attrs, handle.get(f"aligned/{name}")) for name, group in groups}

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """What was left out when the windows were made."""
        with open_file(self.folder / COUNTS_FILE) as handle:
            return read_notes(handle)

    def finest_grid(self, spikes: Spikes, probes: Sequence[str]) -> Grid | None:
        """Count the session grid with the smallest bins; None where no continuous preset was stored.

        The counts are those that are stored, masked bins included: to read them takes ten times as long.

        Parameters
        ----------
        spikes
            The spikes that the windows were made of.
        probes
            (n_units,) probe of each unit: masked bins are those of a probe.
        """
        with open_file(self.folder / COUNTS_FILE) as handle:
            grids = (group for name, group in handle.items() if name.startswith("grid_"))
            finest = min(grids, key=lambda group: int(group.attrs["bin_us"]), default=None)
            if finest is None:
                return None
            n_bins = int((finest["counts"].shape if "counts" in finest else finest.attrs["shape"])[-1])
            bin_us, start_bin = int(finest.attrs["bin_us"]), int(finest.attrs["start_bin"])
        of_unit = np.asarray(probes, dtype=object)
        units_of = {probe: np.flatnonzero(of_unit == probe) for probe in set(probes)}
        masks = count_masks(self.masks[self.masks["grid"] == f"grid_{bin_us}us"], [-1], units_of)
        plan = CountPlan(bin_us, start_bin * bin_us, n_bins, np.zeros(1), spikes, masks, is_grid=True)
        whole = next(plan.blocks(max(n_bins, 1)), (0, np.zeros(plan.shape, dtype=np.uint8), 0))
        return Grid(bin_us, start_bin, whole[1], whole[2])

    def grid(self, bin_us: int, first: int = 0, stop: int | None = None) -> Grid:
        """Read the session grid of one bin width, or its columns ``first`` to ``stop`` (excluded).

        Raises
        ------
        StoreError
            If there is no such grid.
        """
        with open_file(self.folder / COUNTS_FILE) as handle:
            group = self._group(handle, f"grid_{bin_us}us")
            counts, maximum = read_counts(group, first, stop)
            return Grid(bin_us, int(group.attrs["start_bin"]) + first, counts, maximum)

    def has_dense(self, preset_id: str) -> bool:
        """Return whether the counts of an aligned preset are stored."""
        with open_file(self.folder / COUNTS_FILE) as handle:
            return f"aligned/{preset_id}" in handle

    def dense(self, preset_id: str, first: int = 0, stop: int | None = None) -> EventCounts:
        """Read the counts of an aligned preset that stores them, or those of its windows ``first`` to ``stop``.

        Raises
        ------
        StoreError
            If they are not stored.
        """
        with open_file(self.folder / COUNTS_FILE) as handle:
            group = self._group(handle, f"aligned/{preset_id}")
            counts, maximum = read_counts(group, first, stop)
            return EventCounts(int(group.attrs["bin_us"]), int(group.attrs["start_us"]), counts, maximum)

    def _group(self, handle: Any, name: str) -> Any:
        if name not in handle:
            raise StoreError(
                str(self.folder / COUNTS_FILE),
                f"it has no {name}",
                "Materialize `windows` again with a preset that needs it.",
            )
        return handle[name]


def _read_preset(preset_id: str, attributes: Any, aligned: Any) -> StoredPreset:
    """Return the preset of a group's ``attributes``; where these are of before 2026-12, ``aligned`` says the rest."""
    stated = json.loads(attributes["stated"]) if "stated" in attributes else {}
    old = stated or attributes
    start_us = stated.get("start_us", 0 if aligned is None else int(aligned.attrs["start_us"]))
    return StoredPreset(
        id=preset_id,
        version=int(attributes["version"]),
        kind=str(attributes["kind"]),
        bin_us=None if old["bin_us"] is None else int(old["bin_us"]),
        binarise=bool(old["binarise"]),
        start_us=start_us,
        n_bins=int(attributes.get("n_bins", 0)),
        parts={name: (part["start_us"], part["stop_us"]) for name, part in stated.get("parts", {}).items()},
        marks=stated.get("marks", {}),
        stated=stated,
    )
