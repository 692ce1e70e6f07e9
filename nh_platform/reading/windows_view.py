"""The windows of one preset of a stored session: counts, index, bin centres, masks.

Contains `WindowsView`. Add here what people read of windows. Splits and normalisation are joined by the training
loader, not here; the files are the matter of `nh_platform.windows.window_files`.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import UnknownSession
from nh_platform.windows import StoredWindows
from nh_platform.windows.binning import bin_centers, binarise
from nh_platform.windows.window_files import StoredPreset

CountArray = npt.NDArray[np.uint8]


class WindowsView:
    """Windows of one preset.

    Parameters
    ----------
    stored
        The files.
    preset
        The preset, as it was when the windows were made.
    """

    def __init__(self, stored: StoredWindows, preset: StoredPreset) -> None:
        self.preset = preset
        self._stored = stored

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        return f"WindowsView({self.preset.id!r}, windows={len(self)}, units={len(self.unit_ids)}, bins={self.n_bins})"

    @cached_property
    def index(self) -> pd.DataFrame:
        """One row per window, schema `WINDOW_INDEX`: start, stop, event, whether it is valid."""
        rows = self._stored.index
        return rows[rows["preset"] == self.preset.id].reset_index(drop=True)

    @property
    def unit_ids(self) -> tuple[str, ...]:
        """Ids of the unit axis."""
        return self._stored.unit_ids

    @property
    def n_bins(self) -> int:
        """Bins of a window; 0 where there is no window."""
        return int(self.index["n_bins"].iloc[0]) if len(self.index) else 0

    @property
    def bin_centers(self) -> npt.NDArray[np.float64]:
        """(n_bins,) centres in seconds, from the event (aligned) or from the start of the window (continuous)."""
        start_us = self._stored.aligned(self.preset.id, 0, 0).start_us if self._is_aligned else 0
        return bin_centers(start_us, self.n_bins, self.preset.bin_us)

    @cached_property
    def counts(self) -> CountArray:
        """(n_windows, n_units, n_bins) uint8 spike counts, saturating at 255; 0 or 1 if the preset says so."""
        if self._is_aligned:
            counts = self._stored.aligned(self.preset.id).counts
        else:
            grid = self._stored.grid(self.preset.bin_us).counts
            counts = np.empty((len(self), grid.shape[0], self.n_bins), dtype=np.uint8)
            for row, first in enumerate(self.index["start_bin"]):
                counts[row] = grid[:, first : first + self.n_bins]
        return self._finish(counts)

    def window(self, window_id: int) -> CountArray:
        """Return (n_units, n_bins) counts of one window, reading little more than it.

        Raises
        ------
        UnknownSession
            If there is no such window.
        """
        row = self._row(window_id)
        if self._is_aligned:
            return self._finish(self._stored.aligned(self.preset.id, window_id, window_id + 1).counts[0])
        first = int(row["start_bin"])
        return self._finish(self._stored.grid(self.preset.bin_us, first, first + self.n_bins).counts)

    def masked(self, window_id: int, probe: str) -> npt.NDArray[np.bool_]:
        """Return (n_bins,) where the units of a probe are 0 because its recording is invalid there.

        Raises
        ------
        UnknownSession
            If there is no such window.
        """
        row = self._row(window_id)
        masks = self._stored.masks
        masks = masks[masks["probe"] == probe]
        if self._is_aligned:
            masks = masks[(masks["grid"] == self.preset.id) & (masks["window_id"] == window_id)]
            first = 0
        else:
            masks = masks[masks["grid"] == f"grid_{self.preset.bin_us}us"]
            first = int(row["start_bin"])
        covered = np.zeros(self.n_bins, dtype=bool)
        for start, stop in zip(masks["start_bin"] - first, masks["stop_bin"] - first):
            covered[max(start, 0) : max(stop, 0)] = True
        return covered

    def to_xarray(self) -> Any:
        """Return an `xarray.DataArray` of the counts over ``window``, ``unit`` and ``time``, with the index."""
        import xarray as xr

        per_window = ("start", "stop", "event_id", "event_time", "valid", "invalid_probes")
        return xr.DataArray(
            self.counts,
            dims=("window", "unit", "time"),
            name="counts",
            coords={
                "window": self.index["window_id"].to_numpy(),
                "unit": np.array(self.unit_ids, dtype=object),
                "time": ("time", self.bin_centers, {"units": "s"}),
                **{name: ("window", self.index[name].to_numpy()) for name in per_window},
            },
            attrs={"preset": f"{self.preset.id}@{self.preset.version}", "bin_us": self.preset.bin_us},
        )

    @property
    def _is_aligned(self) -> bool:
        return self.preset.kind == "aligned"

    def _row(self, window_id: int) -> pd.Series:
        if not 0 <= window_id < len(self):
            raise UnknownSession(
                f"window {window_id} of {self.preset.id}", f"there are {len(self)} windows", "Use 0 to that less 1."
            )
        return self.index.iloc[window_id]

    def _finish(self, counts: CountArray) -> CountArray:
        return binarise(counts) if self.preset.binarise else counts
