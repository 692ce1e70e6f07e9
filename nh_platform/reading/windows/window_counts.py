"""The windows of one preset of a stored session and their spike counts.

Contains `WindowCounts`, the part of `WindowsView` that counts, and `SessionParts`, what windows read of their session.
Add here another way to the counts. What else is read of windows is `windows_view`; the files are the matter of
`nh_platform.windows.window_files`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import ConfigError, RawRecording, Signal, StoreError, UnknownSession
from nh_platform.windows import StoredWindows
from nh_platform.windows.counts.binning import CountPlan, bin_centers, binarise
from nh_platform.windows.window_files import StoredPreset
from nh_platform.windows.window_rows import planned_counts

CountArray = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]

NEAR = 8
"""Windows are read in one piece where that is at most so many times what they hold."""


@dataclass(frozen=True)
class SessionParts:
    """What windows read of their session, each when it is first asked for.

    Parameters
    ----------
    recording
        Returns the recording.
    signal
        Returns a sampled signal, or one that is computed of one, by name.
    event_times
        Returns the times (s) of a table of events, by its name.
    presentations
        Returns the stimulus presentations.
    """

    recording: Callable[[], RawRecording]
    signal: Callable[[str], Signal]
    event_times: Callable[[str], FloatArray]
    presentations: Callable[[], pd.DataFrame]


class WindowCounts:
    """Index and counts of the windows of one preset.

    Parameters
    ----------
    stored
        The files.
    preset
        The preset, as it was when the windows were made.
    session
        What is read of the session: its spikes where counts are not stored, signals, presentations.
    """

    def __init__(self, stored: StoredWindows, preset: StoredPreset, session: SessionParts) -> None:
        self.preset = preset
        self._stored = stored
        self._session = session

    def __len__(self) -> int:
        return len(self.index)

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
        """Bins of the longest window; 0 where windows have no bins."""
        return int(self.index["n_bins"].max()) if len(self.index) else self.preset.n_bins

    @property
    def is_even(self) -> bool:
        """Whether all windows have the same number of bins."""
        return bool((self.index["n_bins"] == self.n_bins).all())

    @property
    def bin_centers(self) -> FloatArray:
        """(n_bins,) centres in seconds, from the event (aligned) or from the start of the window (continuous)."""
        return bin_centers(self.preset.start_us, self.n_bins, self._bin_us)

    @cached_property
    def counts(self) -> CountArray:
        """(n_windows, n_units, n_bins) uint8 spike counts, saturating at 255; 0 or 1 if the preset says so.

        Raises
        ------
        ConfigError
            If the windows have no bins, or not all as many: `counts_of` takes those of one length.
        """
        return self.counts_of(np.arange(len(self)))

    def counts_of(self, window_ids: Sequence[int] | npt.NDArray[np.integer]) -> CountArray:
        """Return (n, n_units, n_bins) counts of the windows named, in that order.

        Raises
        ------
        UnknownSession
            If there is no such window.
        ConfigError
            If the windows have no bins, or not all as many.
        """
        rows = self._rows(window_ids)
        if self._is_aligned and not self._is_dense:
            # A window that is named twice is counted once: its masks are found by its id.
            once, place = np.unique(rows, return_inverse=True)
            counts = self._plan(self.index.iloc[once]).count()
            return self._finish(counts if np.array_equal(once, rows) else counts[place])
        counts = np.empty((len(rows), len(self.unit_ids), self.n_bins), dtype=np.uint8)
        if self._is_dense:
            for places, low, high in _reads(rows, 1):
                counts[places] = self._stored.dense(self.preset.id, low, high).counts[rows[places] - low]
            return self._finish(counts)
        bin_us, first_bins = self._bin_us, self.index["start_bin"].to_numpy()[rows]
        for places, low, high in _reads(first_bins, self.n_bins):
            grid = self._stored.grid(bin_us, low, high).counts
            for place in places:
                first = first_bins[place] - low
                counts[place] = grid[:, first : first + self.n_bins]
        return self._finish(counts)

    def window(self, window_id: int) -> CountArray:
        """Return (n_units, n_bins) counts of one window, reading little more than it.

        Raises
        ------
        UnknownSession
            If there is no such window.
        ConfigError
            If windows have no bins.
        """
        row = self._row(window_id)
        if self._is_dense:
            return self._finish(self._stored.dense(self.preset.id, window_id, window_id + 1).counts[0])
        if self._is_aligned:
            return self._finish(self._plan(self.index.iloc[[window_id]]).count()[0])
        first = int(row["start_bin"])
        return self._finish(self._stored.grid(self._bin_us, first, first + self.n_bins).counts)

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
        covered = np.zeros(int(row["n_bins"]), dtype=bool)
        for start, stop in zip(masks["start_bin"] - first, masks["stop_bin"] - first):
            covered[max(start, 0) : max(stop, 0)] = True
        return covered

    @property
    def _is_aligned(self) -> bool:
        return self.preset.kind == "aligned"

    @cached_property
    def _is_dense(self) -> bool:
        return self._is_aligned and self._stored.has_dense(self.preset.id)

    @property
    def _bin_us(self) -> int:
        if self.preset.bin_us is None:
            raise ConfigError(
                f"window preset {self.preset.id}", "its windows have no bins", "Take their spikes: `spikes(window_id)`."
            )
        return self.preset.bin_us

    @cached_property
    def _recording(self) -> RawRecording:
        """The spikes that the windows were laid out for."""
        recording = self._session.recording()
        if tuple(recording.units["unit_id"].astype(str)) != self.unit_ids:
            raise StoreError(
                f"windows {self.preset.id} of {recording.session.source} session {recording.session.session_id}",
                "they were made of other units than `raw_spikes` has now",
                "Materialize `windows` again.",
            )
        return recording

    def _plan(self, rows: pd.DataFrame) -> CountPlan:
        probes = self._recording.units["probe"].to_numpy(dtype=object)
        units_of = {probe: np.flatnonzero(probes == probe) for probe in dict.fromkeys(probes)}
        bin_us, masks = self._bin_us, self._stored.masks
        spikes, start_us = self._recording.spikes, self.preset.start_us
        return planned_counts(rows, start_us, bin_us, spikes, masks, units_of, self.preset.n_bins)

    def _row(self, window_id: int) -> pd.Series:
        if not 0 <= window_id < len(self):
            raise UnknownSession(
                f"window {window_id} of {self.preset.id}", f"there are {len(self)} windows", "Use 0 to that less 1."
            )
        return self.index.iloc[window_id]

    def _rows(self, window_ids: Sequence[int] | npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
        """Return ids of windows as rows of the index; raises as `_row`."""
        rows = np.asarray(window_ids, dtype=np.int64).reshape(-1)
        for unknown in rows[(rows < 0) | (rows >= len(self))].tolist():
            self._row(unknown)
        return rows

    def _finish(self, counts: CountArray) -> CountArray:
        return binarise(counts) if self.preset.binarise else counts


def _reads(first: npt.NDArray[np.int64], width: int) -> Iterator[tuple[npt.NDArray[np.int64], int, int]]:
    """Yield what to read of a file at once for stretches that are ``width`` long: which of them, from where, to where.

    All of them where they lie near each other, since a file is opened and a chunk inflated for each; else each alone.
    """
    places = np.arange(len(first))
    if len(first) and int(first.max()) - int(first.min()) <= NEAR * width * len(first):
        yield places, int(first.min()), int(first.max()) + width
        return
    for place, low in enumerate(first.tolist()):
        yield places[place : place + 1], low, low + width
