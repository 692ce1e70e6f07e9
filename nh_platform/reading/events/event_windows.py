"""Spike counts in windows around events that a person names, without a preset and without a file.

Contains the labelled counts. Windows of presets, which are stored, are `nh_platform.reading.windows`; counting is
`nh_platform.windows.counts.binning`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Spikes
from nh_platform.session.display import html_facts
from nh_platform.windows.counts.binning import bin_events, whole_microseconds
from nh_platform.windows.unit_valid_time import without_unit_intervals
from nh_platform.windows.valid_time import InvalidTimes, valid_windows
from nh_platform.windows.whole_bins import whole_bins

FloatArray = npt.NDArray[np.float64]

SATURATED = 255
"""Largest count that a bin can hold."""


@dataclass(frozen=True, repr=False, eq=False)
class EventWindows:
    """Counts of units around events.

    Parameters
    ----------
    counts
        (n_events, n_units, n_bins) uint8 spikes, saturating at 255. A spike counts in the bin that it begins.
    times
        (n_events,) seconds on the session clock, in the order in which they were given.
    bin_centers
        (n_bins,) seconds from the event.
    unit_ids
        (n_units,) ids.
    valid
        (n_events, n_units) False where an invalid interval of the unit's probe, or of the session, overlaps the window,
        where it reaches beyond the recorded time, or where upstream calls the event invalid. The counts stay.
    rows
        The rows that the events are; None for times of one's own.
    event
        Name of the event, or ``table.column``.
    start, stop, bin_s
        Window relative to the event and width of a bin in seconds.
    maximum
        Largest count before saturation.
    """

    counts: npt.NDArray[np.uint8]
    times: FloatArray
    bin_centers: FloatArray
    unit_ids: npt.NDArray[np.object_]
    valid: npt.NDArray[np.bool_]
    rows: pd.DataFrame | None
    event: str
    start: float
    stop: float
    bin_s: float
    maximum: int

    def __len__(self) -> int:
        return len(self.times)

    def __repr__(self) -> str:
        n_events, n_units, n_bins = self.counts.shape
        return f"EventWindows({self.event!r}, events={n_events}, units={n_units}, bins={n_bins}, {self._window})"

    def _repr_html_(self) -> str:
        n_events, n_units, n_bins = self.counts.shape
        saturated = {"largest count": f"{self.maximum}, stored as {SATURATED}"} if self.maximum > SATURATED else {}
        facts = {
            "number of events": n_events,
            "units": n_units,
            "bins": n_bins,
            "window": self._window,
            "valid": f"{self.valid.mean():.1%}" if self.valid.size else "-",
            **saturated,
        }
        return html_facts(f"Counts around {self.event}", facts)

    @property
    def _window(self) -> str:
        return f"{self.start:g} to {self.stop:g} s by {self.bin_s:g} s"

    def to_xarray(self) -> Any:
        """Return an `xarray.DataArray` of the counts over ``event``, ``unit`` and ``time``."""
        import xarray as xr

        return xr.DataArray(
            self.counts,
            dims=("event", "unit", "time"),
            name="counts",
            coords={
                "event": ("event", self.times, {"units": "s"}),
                "unit": self.unit_ids,
                "time": ("time", self.bin_centers, {"units": "s"}),
                "valid": (("event", "unit"), self.valid),
            },
            attrs={"event": self.event, "bin_s": self.bin_s},
        )


def count_around(
    spikes: Spikes,
    rows: npt.NDArray[np.int64],
    units: pd.DataFrame,
    times: FloatArray,
    fit: npt.NDArray[np.bool_],
    invalid: InvalidTimes,
    of_units: Mapping[str, FloatArray],
    *,
    event: str,
    start: float,
    stop: float,
    bin_s: float,
    table: pd.DataFrame | None = None,
) -> EventWindows:
    """Count the units in ``rows`` around finite ``times`` (s).

    ``of_units`` are invalid intervals (n, 2) of single units, by id.

    Raises
    ------
    ConfigError
        If the window is not a whole, positive number of bins.
    """
    bin_us = whole_microseconds(bin_s, "bin_s")
    start_us, n_bins = whole_bins(start, stop, bin_us)
    probes = units["probe"].to_numpy(dtype=object)[rows].tolist()
    unit_ids = units["unit_id"].to_numpy(dtype=object)[rows]
    valid = valid_windows(times, start, stop, probes, invalid) & fit[:, None]
    counted = bin_events(spikes.take(rows), times, start_us, n_bins, bin_us)
    return EventWindows(
        counts=counted.counts,
        times=times,
        bin_centers=counted.bin_centers,
        unit_ids=unit_ids,
        valid=without_unit_intervals(valid, times, start, stop, unit_ids, of_units),
        rows=table,
        event=event,
        start=start,
        stop=stop,
        bin_s=bin_s,
        maximum=counted.maximum,
    )
