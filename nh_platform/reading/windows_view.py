"""The windows of one preset of a stored session: index, counts, spikes, bin centres, masks.

Contains `WindowsView`. Add here what people read of windows. Splits and normalisation are joined by the training
loader, not here; the files are the matter of `nh_platform.windows.window_files`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import ConfigError, RawRecording, Signal, StoreError, UnknownSession
from nh_platform.session.display import html_facts
from nh_platform.session.errors import close_matches
from nh_platform.windows import StoredWindows
from nh_platform.windows.binning import US_PER_S, CountPlan, bin_centers, bin_edges, binarise
from nh_platform.windows.presets.preset_fields import Resampling, SampleTime
from nh_platform.windows.resampling import counted_events, resampled
from nh_platform.windows.window_files import StoredPreset
from nh_platform.windows.window_rows import planned_counts

CountArray = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]


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
    """

    recording: Callable[[], RawRecording]
    signal: Callable[[str], Signal]
    event_times: Callable[[str], FloatArray]


class WindowsView:
    """Windows of one preset.

    Parameters
    ----------
    stored
        The files.
    preset
        The preset, as it was when the windows were made.
    session
        What is read of the session: its spikes where counts are not stored, and signals.
    """

    def __init__(self, stored: StoredWindows, preset: StoredPreset, session: SessionParts) -> None:
        self.preset = preset
        self._stored = stored
        self._session = session

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        bins = f"bins={self.n_bins}" if self.is_even else "bins differ"
        return f"WindowsView({self.preset.id!r}, windows={len(self)}, units={len(self.unit_ids)}, {bins})"

    def _repr_html_(self) -> str:
        facts = {
            "number": len(self),
            "valid": int(self.index["valid"].sum()),
            "units": len(self.unit_ids),
            "bins": self.n_bins if self.is_even else f"up to {self.n_bins}",
            "around": ", ".join(sorted(set(self.index["alignment"]))) or "-",
        }
        return html_facts(f"Windows {self.preset.id}", facts)

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
        if self._is_dense:
            return self._finish(self._stored.dense(self.preset.id).counts)
        if self._is_aligned:
            return self._finish(self._plan(self.index).count())
        grid = self._stored.grid(self._bin_us).counts
        counts = np.empty((len(self), grid.shape[0], self.n_bins), dtype=np.uint8)
        for row, first in enumerate(self.index["start_bin"]):
            counts[row] = grid[:, first : first + self.n_bins]
        return self._finish(counts)

    def counts_of(self, window_ids: Sequence[int] | npt.NDArray[np.integer]) -> CountArray:
        """Return (n, n_units, n_bins) counts of the windows named, in that order.

        Raises
        ------
        UnknownSession
            If there is no such window.
        ConfigError
            If the windows have no bins, or not all as many.
        """
        rows = [self._row(int(window)) for window in window_ids]
        if self._is_aligned and not self._is_dense:
            return self._finish(self._plan(self.index.iloc[list(map(int, window_ids))]).count())
        counts = [self.window(int(row["window_id"])) for row in rows]
        return np.stack(counts) if counts else np.zeros((0, len(self.unit_ids), self.n_bins), dtype=np.uint8)

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

    def spikes(self, window_id: int) -> tuple[FloatArray, npt.NDArray[np.int64]]:
        """Return the spikes of one window in order of time.

        Those of a probe in an interval that is invalid for it are there too; the index names the probe.

        Returns
        -------
        tuple
            (n_spikes,) seconds from the window's event, or from its start, and (n_spikes,) row of the unit.

        Raises
        ------
        UnknownSession
            If there is no such window.
        """
        row, spikes = self._row(window_id), self._recording.spikes
        first, stop = (spikes.times >= row["start"]), (spikes.times < row["stop"])
        chosen = np.flatnonzero(first & stop)
        units = np.searchsorted(spikes.offsets, chosen, side="right") - 1
        order = np.argsort(spikes.times[chosen], kind="stable")
        zero = float(row["event_time"]) if self._is_aligned else float(row["start"])
        return spikes.times[chosen][order] - zero, units[order].astype(np.int64)

    def signal(
        self, name: str, how: Resampling | None = None, max_gap_s: float | None = None, at: SampleTime | None = None
    ) -> FloatArray:
        """Return a signal in the bins of every window; NaN where the session has no data of it.

        Parameters
        ----------
        name
            Name of a signal of the session; also ``wheel_velocity``, ``wheel_speed`` and ``wheel_acceleration``, which
            are computed as brainbox does; with ``count``, name of a table of events with ``times``, such as ``licks``.
        how, max_gap_s, at
            As `nh_platform.windows.resampling.resampled`, and whether at the ``centre`` or the ``end`` of a bin; as
            the preset states them where it names the signal, else ``linear``, no limit and ``centre``.

        Returns
        -------
        numpy.ndarray
            (n_windows, n_bins) float64, with one more axis where the signal has columns.

        Raises
        ------
        UnknownSession
            If the session has no such signal or events; the text names those that it has.
        ConfigError
            If the windows have no bins, or not all as many.
        """
        stated: dict[str, Any] = next(
            (one for one in self.preset.stated.get("signals", ()) if one["signal"] == name), {}
        )
        how = how or stated.get("how", "linear")
        if max_gap_s is None and stated.get("max_gap_us"):
            max_gap_s = stated["max_gap_us"] / US_PER_S
        zero = self.index["event_time" if self._is_aligned else "start"].to_numpy(dtype=np.float64)
        if not self.is_even:
            raise ConfigError(
                f"signal {name} in windows {self.preset.id}", "they have not all as many bins", "Take even windows."
            )
        edges = zero[:, None] + bin_edges(self.preset.start_us, self.n_bins, self._bin_us)
        if how == "count":
            return counted_events(self._session.event_times(name), edges)
        times = edges[:, 1:] if (at or stated.get("at")) == "end" else zero[:, None] + self.bin_centers
        signal = self._session.signal(name)
        values = signal.values[:, 0] if signal.values.ndim == 2 and len(signal.columns) == 1 else signal.values
        return resampled(signal.timestamps, values, times, how, max_gap_s)

    def mean_rates(self) -> FloatArray:
        """Return (n_units,) mean firing rate of each unit in the valid windows in Hz; NaN without windows.

        What a preset states as ``minimum_rate_hz`` is held against it.
        """
        used = self.index[self.index["valid"]]
        spikes, starts, stops = self._recording.spikes, used["start"].to_numpy(), used["stop"].to_numpy()
        seconds = float((stops - starts).sum())
        if not seconds:
            return np.full(spikes.n_units, np.nan)
        first, stop = (
            np.array(
                [
                    np.searchsorted(spikes.times[slice(*spikes.offsets[unit : unit + 2])], edge, side="left").sum()
                    for unit in range(spikes.n_units)
                ]
            )
            for edge in (starts, stops)
        )
        return (stop - first) / seconds

    @property
    def kept_units(self) -> npt.NDArray[np.bool_]:
        """(n_units,) which units the preset keeps: those above its ``minimum_rate_hz``; all where it states none."""
        minimum = self.preset.stated.get("minimum_rate_hz")
        if minimum is None:
            return np.ones(len(self.unit_ids), dtype=bool)
        return self.mean_rates() > minimum

    def part(self, name: str) -> slice:
        """Return the bins of a named part of the windows, for example ``counts[:, :, view.part("input")]``.

        Raises
        ------
        ConfigError
            If the preset has no such part; the text names those it has.
        """
        parts = self.preset.parts
        if name not in parts:
            raise ConfigError(
                f"part {name!r} of {self.preset.id}",
                f"its windows have {', '.join(parts) or 'no named parts'}",
                f"Name one of them.{close_matches(name, list(parts))}",
            )
        start, stop = ((edge - self.preset.start_us) // self._bin_us for edge in parts[name])
        return slice(start, stop)

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
            attrs={"preset": f"{self.preset.id}@{self.preset.version}", "bin_us": self._bin_us},
        )

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

    def _finish(self, counts: CountArray) -> CountArray:
        return binarise(counts) if self.preset.binarise else counts
