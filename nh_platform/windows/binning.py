"""Spike counts in bins whose edges are whole microseconds: over the session, and around events.

Contains the edges, the two ways of counting, and what can be derived from counts. Add here what turns spikes or counts
into counts. Which windows there are is `nh_platform.windows.window_index`; no file is read or written here.

Bin ``k`` is the half-open interval ``[k w, (k + 1) w)``, with the edge ``k w`` computed as ``k * bin_us / 1e6`` in
float64: the float64 nearest to the true edge, never a running sum. (``np.arange(0, 0.28, 0.02)`` has 15 elements and
gives one published dataset a 14th bin that reaches into the next stimulus.) Around an event at ``e`` the edges are
``e + offset``, offsets computed in the same way. A spike is in exactly one bin; labels are bin centres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.session import BadUpstreamData, ConfigError, Spikes

FloatArray = npt.NDArray[np.float64]
CountArray = npt.NDArray[np.uint8]

US_PER_S = 1e6
SATURATED = 255
"""Largest count that uint8 holds; a larger one is stored as this, and ``maximum`` tells."""


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
    from nh_platform.windows.count_kernels import first_unsorted

    at = int(first_unsorted(spikes.times, spikes.offsets))
    if at >= 0:
        unit = int(np.searchsorted(spikes.offsets, at, side="right")) - 1
        raise BadUpstreamData(
            f"spikes of unit row {unit}",
            f"spike {at - int(spikes.offsets[unit])} at {spikes.times[at]} s is NaN or earlier than the one before",
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
        First bin and number of bins; where not stated, from the first to the last spike, so that the counts of a
        unit sum to its number of spikes (unless a bin saturates).

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
    first, last = spikes.time_range
    if start_bin is None:
        start_bin = bin_of_time(first, bin_us) if len(spikes.times) else 0
    if n_bins is None:
        n_bins = max(bin_of_time(last, bin_us) + 1 - start_bin, 0) if len(spikes.times) else 0
    return count_grid(spikes, bin_us, start_bin, n_bins)


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
    check_sorted(spikes)
    event_times = np.ascontiguousarray(event_times, dtype=np.float64)
    unusable = int((~np.isfinite(event_times)).sum())
    if unusable:
        raise BadUpstreamData("event times", f"{unusable} of {len(event_times)} are not finite", "Drop them first.")
    return count_events(spikes, event_times, start_us, n_bins, bin_us)


def count_grid(spikes: Spikes, bin_us: int, start_bin: int, n_bins: int) -> Grid:
    """Count as `bin_session` does, without checking the spikes; for block after block of checked spikes."""
    from nh_platform.windows.count_kernels import grid_counts

    counts = np.zeros((spikes.n_units, n_bins), dtype=np.uint8)
    largest = np.zeros(spikes.n_units, dtype=np.int64)
    grid_counts(spikes.times, spikes.offsets, bin_edges(start_bin * bin_us, n_bins, bin_us), counts, largest)
    return Grid(bin_us, start_bin, counts, int(largest.max(initial=0)))


def count_events(spikes: Spikes, event_times: FloatArray, start_us: int, n_bins: int, bin_us: int) -> EventCounts:
    """Count as `bin_events` does, without checking its arguments; for block after block."""
    from nh_platform.windows.count_kernels import event_counts

    counts = np.zeros((len(event_times), spikes.n_units, n_bins), dtype=np.uint8)
    largest = np.zeros(spikes.n_units, dtype=np.int64)
    event_counts(spikes.times, spikes.offsets, event_times, bin_edges(start_us, n_bins, bin_us), counts, largest)
    return EventCounts(bin_us, start_us, counts, int(largest.max(initial=0)))


def binarise(counts: CountArray) -> CountArray:
    """Return 1 where there was a spike and 0 elsewhere, uint8, same shape."""
    return (counts > 0).view(np.uint8)


def sliding_sums(counts: CountArray, n_bins: int, step: int) -> npt.NDArray[np.int64]:
    """Return sums over windows of ``n_bins`` bins that start every ``step`` bins.

    Parameters
    ----------
    counts
        (n_units, n_session_bins) counts of a `Grid`.
    n_bins, step
        Length of a window and distance between starts, in bins.

    Returns
    -------
    numpy.ndarray
        (n_units, n_windows) int64; only windows that lie within the counts.
    """
    running = np.zeros((counts.shape[0], counts.shape[1] + 1), dtype=np.int64)
    np.cumsum(counts, axis=1, dtype=np.int64, out=running[:, 1:])
    starts = np.arange(0, counts.shape[1] - n_bins + 1, step)
    return running[:, starts + n_bins] - running[:, starts]
