"""The windows of one preset of a stored session: index, counts, spikes, bin centres, masks.

Contains `WindowsView`. Add here what people read of windows. Counts are `window_counts` and `window_forms`, stimuli
`shown_windows`. Splits and normalisation are joined by the training loader, not here.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.reading.windows.shown_windows import ShownWindows
from nh_platform.reading.windows.window_counts import FloatArray
from nh_platform.session import ConfigError
from nh_platform.session.display import html_facts
from nh_platform.session.errors import close_matches
from nh_platform.windows.counts.binning import US_PER_S, bin_edges
from nh_platform.windows.presets.preset_fields import Resampling, SampleTime
from nh_platform.windows.presets.preset_files import renamed
from nh_platform.windows.resampling import counted_events, resampled


class WindowsView(ShownWindows):
    """Windows of one preset. Parameters are those of `WindowCounts`."""

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


def stored_preset(presets: Collection[str], asked: str) -> str:
    """Return the id under which the windows of a session were made with a preset, of ``presets``.

    Raises
    ------
    ConfigError
        If they were made without it; the text names those they were made with.
    """
    # Windows of a store may have been made when a preset had an earlier id, and code may still use that.
    named = {renamed(stored_id): stored_id for stored_id in presets} | {one: one for one in presets}
    found = named.get(asked, named.get(renamed(asked)))
    if found is None:
        raise ConfigError(
            f"window preset {asked!r}",
            f"the windows of this session were made with {', '.join(sorted(presets)) or 'none'}",
            "Use one of those, or configure the preset for the source and materialize `windows` again."
            f"{close_matches(asked, named)}",
        )
    return found
