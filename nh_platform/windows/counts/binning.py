"""Spike counts in bins whose edges are whole microseconds: over the session, and around events.

Contains the edges, the counts, and the plans by which counts too large for memory are made block by block. Add here
what turns spikes into counts. Where windows lie is `nh_platform.windows.session_windows`; no file is read or written
here.

Bin ``k`` is the half-open interval ``[k w, (k + 1) w)``, with the edge ``k w`` computed as ``k * bin_us / 1e6`` in
float64: the float64 nearest to the true edge, never a running sum. (``np.arange(0, 0.28, 0.02)`` has 15 elements and
gives one published dataset a 14th bin that reaches into the next stimulus.) Around an event at ``e`` the edges are
``e + offset``, offsets computed in the same way. A spike is in exactly one bin; labels are bin centres.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.session import BadUpstreamData, ConfigError, Spikes

FloatArray = npt.NDArray[np.float64]
CountArray = npt.NDArray[np.uint8]
Mask = tuple[int, npt.NDArray[np.intp], int, int]
"""Window, rows of the units, first bin and first bin after: what is set to 0."""

US_PER_S = 1e6

MAX_PLACES = 2**31 - 1
"""Most counts of an event that are made at once: the places of spikes among them are int32."""


@dataclass(frozen=True)
class Grid:
    """Counts of every unit over the whole session.

    Parameters
    ----------
    bin_us
        Width of a bin in µs.
    start_bin
        Number ``k`` of the first bin; column ``j`` of ``counts`` is bin ``start_bin + j``.
    counts
        (n_units, n_bins) uint8, saturating at 255.
    maximum
        Largest count before saturation and masking; above 255 some cells are too small.
    """

    bin_us: int
    start_bin: int
    counts: CountArray
    maximum: int

    @property
    def bin_centers(self) -> FloatArray:
        """(n_bins,) centres of the bins in seconds on the session clock."""
        return bin_centers(self.start_bin * self.bin_us, self.counts.shape[1], self.bin_us)


@dataclass(frozen=True)
class EventCounts:
    """Counts of every unit around every event.

    Parameters
    ----------
    bin_us, start_us
        Width of a bin, and start of the first bin relative to the event, in µs.
    counts
        (n_events, n_units, n_bins) uint8, saturating at 255.
    maximum
        Largest count before saturation and masking.
    """

    bin_us: int
    start_us: int
    counts: CountArray
    maximum: int

    @property
    def bin_centers(self) -> FloatArray:
        """(n_bins,) centres of the bins in seconds from the event."""
        return bin_centers(self.start_us, self.counts.shape[2], self.bin_us)


@dataclass(frozen=True)
class CountPlan:
    """Spike counts that are not made yet: of a session's grid, or of the windows of an aligned preset.

    60,000 presentations of 1000 units in 50 bins are 3 GB; made in blocks, some MB of them are in memory at a time.

    Parameters
    ----------
    bin_us, start_us, n_bins
        Width of a bin in µs, start of the first bin in µs from the event, number of bins.
    events
        (n_windows,) seconds on the session clock; one event at 0 for a grid.
    spikes
        Spikes, ascending within each unit.
    masks
        Bins that are 0 because the recording was invalid, ascending by window.
    is_grid
        Whether it is the grid of a session, whose counts have no axis of windows.
    """

    bin_us: int
    start_us: int
    n_bins: int
    events: FloatArray
    spikes: Spikes
    masks: Sequence[Mask] = ()
    is_grid: bool = False

    @property
    def edges(self) -> FloatArray:
        """(n_bins + 1,) edges of the bins in seconds from the event."""
        return bin_edges(self.start_us, self.n_bins, self.bin_us)

    @property
    def shape(self) -> tuple[int, ...]:
        """(n_units, n_bins) of a grid, else (n_windows, n_units, n_bins)."""
        units_and_bins = self.spikes.n_units, self.n_bins
        return units_and_bins if self.is_grid else (len(self.events), *units_and_bins)

    def blocks(self, size: int) -> Iterator[tuple[int, CountArray, int]]:
        """Yield first bin or window, masked counts, and largest count, of every ``size`` bins of a grid or windows."""
        edges = self.edges
        masked_windows = np.array([window for window, *_ in self.masks])
        for first in range(0, self.n_bins if self.is_grid else len(self.events), size):
            window, start, stop = (0, first, first + size) if self.is_grid else (first, 0, self.n_bins)
            counts, maximum = _counted(self.spikes, self.events[window : window + size], edges[start : stop + 1])
            inside = slice(*np.searchsorted(masked_windows, [window, window + len(counts)]))
            for masked, rows, low, high in self.masks[inside]:
                counts[masked - window, rows, max(low - start, 0) : max(high - start, 0)] = 0
            yield first, counts[0] if self.is_grid else counts, maximum

    def count(self) -> CountArray:
        """Return the masked counts of `shape` at once."""
        counts = [block for _, block, _ in self.blocks(max(self.n_bins, len(self.events), 1))]
        return counts[0] if counts else np.zeros(self.shape, dtype=np.uint8)


def bin_edges(start_us: int, n_bins: int, bin_us: int) -> FloatArray:
    """Return the (n_bins + 1,) edges in seconds of bins that begin at ``start_us`` µs."""
    return (start_us + np.arange(n_bins + 1, dtype=np.int64) * bin_us) / US_PER_S


def bin_centers(start_us: int, n_bins: int, bin_us: int) -> FloatArray:
    """Return the (n_bins,) centres in seconds of bins that begin at ``start_us`` µs."""
    return (2 * start_us + (2 * np.arange(n_bins, dtype=np.int64) + 1) * bin_us) / (2 * US_PER_S)


def bin_of_time(time: float, bin_us: int) -> int:
    """Return the number ``k`` of the bin that holds ``time`` (s): ``k w <= time < (k + 1) w`` holds exactly."""
    k = int(np.floor(time * US_PER_S / bin_us))
    while time < k * bin_us / US_PER_S:
        k -= 1
    while time >= (k + 1) * bin_us / US_PER_S:
        k += 1
    return k


def bins_of_spikes(spikes: Spikes, bin_us: int) -> tuple[int, int]:
    """Return the bin in which the recorded time begins and the one after its end; 0 and 0 without spikes."""
    recorded = spikes.recorded_time
    if not recorded.stop >= 0:
        return 0, 0
    return bin_of_time(recorded.start, bin_us), bin_of_time(recorded.stop, bin_us) + 1


def whole_microseconds(seconds: float, name: str) -> int:
    """Return ``seconds`` in µs.

    Raises
    ------
    ConfigError
        If it is not a whole number of microseconds (to a thousandth); ``name`` says which argument.
    """
    exact = seconds * US_PER_S
    if not np.isfinite(exact) or abs(exact - round(exact)) > 1e-3:
        raise ConfigError(f"{name} = {seconds} s", "is not a whole number of microseconds", "Round it, e.g. 0.02.")
    return round(exact)


def check_sorted(spikes: Spikes) -> None:
    """Check that times ascend within every unit and none is NaN.

    Raises
    ------
    BadUpstreamData
        Naming the first unit and time where they do not.
    """
    times, first = spikes.times, spikes.offsets[:-1][spikes.counts > 0]
    in_order = np.ones(len(times), dtype=bool)
    np.greater_equal(times[1:], times[:-1], out=in_order[1:])  # False for NaN
    in_order[first] = ~np.isnan(times[first])
    if in_order.all():
        return
    at = int(np.argmin(in_order))
    unit = int(np.searchsorted(spikes.offsets, at, side="right")) - 1
    raise BadUpstreamData(
        f"spikes of unit row {unit}",
        f"spike {at - int(spikes.offsets[unit])} at {times[at]} s is NaN or earlier than the one before",
        "Spike times must ascend within a unit; check the upstream spike times.",
    )


def bin_session(spikes: Spikes, bin_us: int, start_bin: int | None = None, n_bins: int | None = None) -> Grid:
    """Count every unit's spikes in consecutive bins on the session clock.

    Parameters
    ----------
    spikes
        Spikes, ascending within each unit.
    bin_us
        Width of a bin in µs.
    start_bin, n_bins
        First bin and number of bins; where not stated, the recorded time, so that the counts of a unit sum to its
        number of spikes in it (unless a bin saturates).

    Returns
    -------
    Grid
        Counts (n_units, n_bins) uint8.

    Raises
    ------
    BadUpstreamData
        If the spikes are not sorted or a time is NaN.
    """
    check_sorted(spikes)
    first, end = bins_of_spikes(spikes, bin_us)
    start_bin = first if start_bin is None else start_bin
    if n_bins is None:
        n_bins = max(end - start_bin, 0) if len(spikes.times) else 0
    counts, maximum = _counted(spikes, np.zeros(1), bin_edges(start_bin * bin_us, n_bins, bin_us))
    return Grid(bin_us, start_bin, counts[0], maximum)


def bin_events(spikes: Spikes, event_times: FloatArray, start_us: int, n_bins: int, bin_us: int) -> EventCounts:
    """Count every unit's spikes in bins around every event.

    Parameters
    ----------
    spikes
        Spikes, ascending within each unit.
    event_times
        (n_events,) seconds on the session clock, finite, in any order.
    start_us, n_bins, bin_us
        Start of the first bin relative to the event in µs, number of bins, width of a bin in µs.

    Returns
    -------
    EventCounts
        Counts (n_events, n_units, n_bins) uint8. Where windows overlap, each counts the spike once.

    Raises
    ------
    BadUpstreamData
        If the spikes are not sorted, or a time is NaN or infinite.
    """
    event_times = np.ascontiguousarray(event_times, dtype=np.float64)
    unusable = int((~np.isfinite(event_times)).sum())
    if unusable:
        raise BadUpstreamData("event times", f"{unusable} of {len(event_times)} are not finite", "Drop them first.")
    counts, maximum = _counted(spikes, event_times, bin_edges(start_us, n_bins, bin_us), check=True)
    return EventCounts(bin_us, start_us, counts, maximum)


def _counted(spikes: Spikes, events: FloatArray, edges: FloatArray, *, check: bool = False) -> tuple[CountArray, int]:
    """Return saturated counts (n_events, n_units, n_bins) of sorted spikes, and the largest before saturation.

    ``check`` that they are sorted while they are counted; raises as `check_sorted`.
    """
    from nh_platform.windows.counts.count_kernels import grid_counts
    from nh_platform.windows.counts.event_kernels import event_counts

    n_units, n_bins = spikes.n_units, len(edges) - 1
    counts = np.zeros((len(events), n_units, n_bins), dtype=np.uint8)
    if len(events) == 1 and not check:
        largest = np.zeros(n_units, dtype=np.int64)
        grid_counts(spikes.times, spikes.offsets, events[0] + edges, counts[0], largest)
        return counts, int(largest.max(initial=0))
    order, flat, maximum = np.argsort(events, kind="stable"), counts.reshape(len(events), n_units * n_bins), 0
    together = max(MAX_PLACES // max(n_bins, 1), 1)
    for first in range(0, n_units, together):
        offsets = spikes.offsets[first : first + together + 1]
        found = event_counts(spikes.times, offsets, events[order], order, edges, first * n_bins, flat, check)
        if found < 0:
            check_sorted(spikes)
        maximum = max(maximum, int(found))
    return counts, maximum


def binarise(counts: CountArray) -> CountArray:
    """Return 1 where there was a spike and 0 elsewhere, uint8, same shape."""
    return (counts > 0).view(np.uint8)
