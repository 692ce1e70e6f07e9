"""Spike counts and signals per stimulus presentation: any bin edges, clipped to the presentation where asked.

Contains the counting of spikes around presentations and the mean of a signal over each. Add here what turns spikes or
signals into one value per presentation and bin. Which presentations count is
`nh_platform.windows.presentations.cleaning`; windows of the presets, all alike, are
`nh_platform.windows.counts.binning`.

The counts are those of AllenSDK's `EcephysSession.presentationwise_spike_counts` (2.16.2) but for one thing: AllenSDK
takes bins closed at both ends, so that a spike exactly on an inner edge counts in both bins. Here it counts in the bin
that it begins; ``closed=True`` gives AllenSDK's counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.session import BadUpstreamData, ConfigError, Signal, Spikes
from nh_platform.windows.counts.binning import bin_edges as whole_edges
from nh_platform.windows.counts.binning import check_sorted, whole_microseconds
from nh_platform.windows.whole_bins import whole_bins

FloatArray = npt.NDArray[np.float64]
CountArray = npt.NDArray[np.unsignedinteger]


MAX_CELLS = 1 << 20
"""Cells of 4 bytes by which windows are found, which stay in the cache: 0.25 s windows over 2.5 h need 36,000."""

CELLS_IN_WINDOW, MOST_OPEN = 4, 0.6
"""Narrow cells of a mean window, and the share of the time in windows up to which spikes between them are passed by."""


@dataclass(frozen=True)
class PresentationCounts:
    """Spike counts of every unit in every bin of every presentation.

    Parameters
    ----------
    counts
        (n_presentations, n_bins, n_units) uint8, or uint16 where a bin holds more than 255 spikes.
    bin_edges
        (n_bins + 1,) seconds from the start of a presentation.
    presentation_ids
        (n_presentations,) int64.
    unit_ids
        (n_units,) ids.
    valid
        (n_presentations, n_units) False where an invalid interval of the unit's probe, or of the whole session,
        overlaps the bins of the presentation; the counts there are what was recorded.
    """

    counts: CountArray
    bin_edges: FloatArray
    presentation_ids: npt.NDArray[np.int64]
    unit_ids: npt.NDArray[Any]
    valid: npt.NDArray[np.bool_]

    @property
    def bin_centers(self) -> FloatArray:
        """(n_bins,) centres of the bins in seconds from the start of a presentation."""
        return self.bin_edges[:-1] + np.diff(self.bin_edges) / 2

    def to_xarray(self) -> Any:
        """Return an `xarray.DataArray` with AllenSDK's dimensions and names, and ``valid`` as a coordinate."""
        import xarray as xr

        return xr.DataArray(
            self.counts,
            dims=("stimulus_presentation_id", "time_relative_to_stimulus_onset", "unit_id"),
            coords={
                "stimulus_presentation_id": self.presentation_ids,
                "time_relative_to_stimulus_onset": self.bin_centers,
                "unit_id": self.unit_ids,
                "valid": (("stimulus_presentation_id", "unit_id"), self.valid),
            },
            name="spike_counts",
        )


def even_edges(start: float, stop: float, bin_s: float) -> FloatArray:
    """Return edges from ``start`` to ``stop`` (s) every ``bin_s`` (s), each the float64 nearest to the true edge.

    Raises
    ------
    ConfigError
        If they are no whole microseconds, or the span is not a whole, positive number of bins.

    Examples
    --------
    >>> len(even_edges(-0.05, 0.5, 0.01)) - 1
    55
    """
    bin_us = whole_microseconds(bin_s, "bin_s")
    return whole_edges(*whole_bins(start, stop, bin_us), bin_us)


def presentation_domain(start_times: FloatArray, edges: FloatArray, stop_times: FloatArray) -> FloatArray:
    """Return the (n_presentations, n_bins + 1) edges in seconds on the session clock.

    Parameters
    ----------
    start_times
        (n_presentations,) seconds.
    edges
        (n_bins + 1,) seconds from the start, ascending.
    stop_times
        (n_presentations,) seconds; edges after the end of a presentation are moved to it: its last bins have no width.
    """
    return np.minimum(start_times[:, None] + edges[None, :], stop_times[:, None])


def count_in_presentations(
    spikes: Spikes,
    start_times: npt.ArrayLike,
    edges: npt.ArrayLike,
    stop_times: npt.ArrayLike | None = None,
    *,
    closed: bool = False,
) -> CountArray:
    """Count every unit's spikes in bins around every presentation.

    Parameters
    ----------
    spikes
        Spikes, ascending within each unit.
    start_times
        (n_presentations,) seconds on the session clock, in any order; windows may overlap.
    edges
        (n_bins + 1,) seconds from the start, ascending, any widths.
    stop_times
        (n_presentations,) seconds; where given, spikes after the end of a presentation do not count.
    closed
        Count a spike on an inner edge in both bins, as AllenSDK does.

    Returns
    -------
    numpy.ndarray
        (n_presentations, n_bins, n_units) uint8, or uint16 where a bin holds more than 255 spikes.

    Raises
    ------
    BadUpstreamData
        If the spikes are not sorted, or a time is NaN or infinite.
    ConfigError
        If the edges do not ascend.

    Examples
    --------
    >>> nothing = np.full(3, np.nan, dtype=np.float32)
    >>> one_unit = Spikes(np.array([1.01, 2.01, 2.05]), np.array([0, 3]), nothing, nothing)
    >>> count_in_presentations(one_unit, [1.0, 2.0], [0.0, 0.04, 0.08])[:, :, 0].tolist()
    [[1, 0], [1, 1]]
    """
    from nh_platform.windows.presentations.presentation_kernels import add_right_edges, presentation_counts
    from nh_platform.windows.presentations.separate_kernels import separate_counts

    starts = np.asarray(start_times, dtype=np.float64)
    relative = np.asarray(edges, dtype=np.float64)
    stops = None if stop_times is None else np.asarray(stop_times, dtype=np.float64)
    for name, times in (("start", starts), ("stop", np.zeros(0) if stops is None else stops)):
        unusable = int((~np.isfinite(times)).sum())
        if unusable:
            raise BadUpstreamData(
                f"{name} times of presentations", f"{unusable} of {len(times)} are not finite", "Drop them first."
            )
    if len(relative) < 2:
        raise ConfigError("bin edges", f"there are {len(relative)}", "State two at least.")
    if not (np.diff(relative) > 0).all():
        at = int(np.argmin(np.diff(relative) > 0)) + 1
        found = f"edge {at}, {relative[at]:g} s, is not above the one before, {relative[at - 1]:g} s"
        raise ConfigError("bin edges", found, "State them in ascending order, each once.")
    order = np.argsort(starts, kind="stable")
    in_order = bool((order == np.arange(len(order))).all())
    starts = starts[order]
    ends = np.full(len(starts), np.inf) if stops is None else stops[order]
    shape = (len(starts), len(relative) - 1, spikes.n_units)
    windows = _separate_windows(spikes.n_units, starts, ends, relative)
    if windows is None:
        check_sorted(spikes)
    for dtype in (np.uint8, np.uint16):
        counts: CountArray = np.zeros(shape, dtype=dtype)
        limit = int(np.iinfo(dtype).max)
        if windows is None:
            lost = presentation_counts(spikes.times, spikes.offsets, starts, ends, relative, limit, counts)
        else:
            lost = separate_counts(spikes.times, spikes.offsets, *windows, limit, counts.reshape(-1))
            if lost < 0:
                check_sorted(spikes)
        if closed:
            domain = presentation_domain(starts, relative, ends)
            lost += add_right_edges(spikes.times, spikes.offsets, domain, limit, counts)
        if not lost:
            return counts if in_order else counts[np.argsort(order, kind="stable")]
    raise BadUpstreamData("spike counts", "a bin holds more than 65,535 spikes", "Check the spike times, or the edges.")


def _separate_windows(
    n_units: int, starts: FloatArray, stops: FloatArray, relative: FloatArray
) -> tuple[Any, ...] | None:
    """Return windows and cells by which they are found, as `separate_counts` takes them; None for other windows.

    Those are windows that overlap, or end so close together that cells which tell them apart would be too many.
    """
    lows = starts + relative[0]
    highs = np.maximum(np.minimum(starts + relative[-1], stops), lows)
    n_bins = len(relative) - 1
    if not len(starts) or not n_units or not (lows[1:] >= highs[:-1]).all() or n_bins * n_units >= 2**32:
        return None
    narrowest = float(np.diff(highs).min(initial=highs[0] - lows[0] or 1.0))
    if not narrowest * MAX_CELLS > highs[-1] - lows[0]:
        return None
    per_second = 1 / narrowest
    # The kernel computes the cell of a time in the same way, so that rounding cannot put one on the wrong side.
    cells = ((highs - lows[0]) * per_second).astype(np.int64)
    if not (np.diff(cells) > 0).all():
        per_second *= 2
        cells = ((highs - lows[0]) * per_second).astype(np.int64)
    first_window = np.searchsorted(cells, np.arange(cells[-1] + 2), side="left").astype(np.uint32)
    narrow_per_second, touched = _touched_cells(lows, highs)
    onsets, firsts, ends = (np.append(times, np.inf) for times in (starts, lows, highs))
    return onsets, firsts, ends, relative, per_second, first_window, narrow_per_second, touched


def _touched_cells(lows: FloatArray, highs: FloatArray) -> tuple[float, npt.NDArray[np.uint8]]:
    """Return narrow cells from the first window on, so many per second, and whether a window touches each (0 or 1).

    No cells where windows leave little between them: nothing is passed by then.
    """
    open_s = float((highs - lows).sum())
    per_second = CELLS_IN_WINDOW * len(lows) / open_s if open_s else 0.0
    n_cells = (highs[-1] - lows[0]) * per_second + 2
    if not open_s < MOST_OPEN * (highs[-1] - lows[0]) or n_cells > MAX_CELLS:
        return 0.0, np.zeros(0, dtype=np.uint8)
    # As the kernel computes them; a window without width touches none.
    first = ((lows - lows[0]) * per_second).astype(np.int64)
    last = ((highs - lows[0]) * per_second).astype(np.int64)
    ends = np.zeros(int(n_cells) + 2, dtype=np.int64)
    np.add.at(ends, first, 1)
    np.add.at(ends, last + 1, -1)
    return per_second, (np.cumsum(ends) > 0).astype(np.uint8)


def presentation_means(
    signal: Signal, start_times: npt.ArrayLike, start: float = 0.0, stop: float = 0.5, columns: Sequence[str] = ()
) -> FloatArray:
    """Average a signal over ``[onset + start, onset + stop)`` of every presentation.

    Parameters
    ----------
    signal
        Running speed, pupil, gaze and so on.
    start_times
        (n_presentations,) seconds on the session clock.
    start, stop
        Seconds from the start of the presentation.
    columns
        Columns of the signal; all where empty.

    Returns
    -------
    numpy.ndarray
        (n_presentations, n_columns) float64; samples that are NaN (blinks) are left out, NaN where none remains.

    Raises
    ------
    ConfigError
        If the signal has no such column.

    Examples
    --------
    >>> speed = Signal("running_speed", np.arange(4.0), np.array([1.0, 3.0, np.nan, 8.0]), "cm/s", ("velocity",))
    >>> presentation_means(speed, [0.0, 2.0, 9.0], 0.0, 2.0).tolist()
    [[2.0], [8.0], [nan]]
    """
    unknown = [name for name in columns if name not in signal.columns]
    if unknown:
        raise ConfigError(
            f"column {unknown[0]!r}", f"signal {signal.name} has no such column", f"Use {', '.join(signal.columns)}."
        )
    chosen = [signal.columns.index(name) for name in columns or signal.columns]
    values = signal.values.reshape(len(signal.timestamps), -1)[:, chosen].astype(np.float64)
    onsets = np.asarray(start_times, dtype=np.float64)
    first = np.searchsorted(signal.timestamps, onsets + start, side="left")
    last = np.searchsorted(signal.timestamps, onsets + stop, side="left")
    means = np.full((len(onsets), len(chosen)), np.nan)
    for row, (a, b) in enumerate(zip(first, last)):
        part = values[a:b]
        known = ~np.isnan(part)
        counted = known.sum(axis=0)
        total = np.where(known, part, 0.0).sum(axis=0)
        np.divide(total, counted, out=means[row], where=counted > 0)
    return means
