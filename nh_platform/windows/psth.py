"""Mean activity around events: the peri-stimulus time histogram (PSTH).

Contains the PSTH and its result. Add here what averages spikes over events. Counts per event are in
`nh_platform.windows.counts.binning`; figures are made by `nh_platform.reports`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.session import Spikes
from nh_platform.windows.counts.binning import bin_centers, bin_edges, check_sorted
from nh_platform.windows.whole_bins import whole_bins

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Psth:
    """Mean firing rate around an event.

    Parameters
    ----------
    rate
        (n_units, n_bins) Hz, mean over events; NaN without events.
    sem
        (n_units, n_bins) Hz, standard error of that mean (n - 1 in the variance); NaN for fewer than two events.
    n_events
        Events that were averaged; those without a time are left out.
    bin_centers
        (n_bins,) seconds from the event.
    """

    rate: FloatArray
    sem: FloatArray
    n_events: int
    bin_centers: FloatArray


def psth(
    spikes: Spikes, event_times: npt.ArrayLike, start: float = -0.5, stop: float = 0.5, bin_us: int = 20_000
) -> Psth:
    """Average spike counts over events.

    Parameters
    ----------
    spikes
        Spikes, ascending within each unit.
    event_times
        (n_events,) seconds on the session clock; NaN and infinite ones are left out.
    start, stop
        Window relative to the event in seconds, a whole number of bins long.
    bin_us
        Width of a bin in µs.

    Returns
    -------
    Psth
        Rates in Hz.

    Raises
    ------
    ConfigError
        If the window is not a whole, positive number of bins.
    BadUpstreamData
        If the spikes are not sorted.

    Examples
    --------
    >>> import numpy as np
    >>> from nh_platform.session import Spikes
    >>> times = np.array([1.01, 2.01, 2.02])
    >>> nothing = np.full(3, np.nan, dtype=np.float32)
    >>> one_unit = Spikes(times, np.array([0, 3]), nothing, nothing)
    >>> psth(one_unit, [1.0, 2.0], start=0.0, stop=0.1, bin_us=50_000).rate
    array([[30.,  0.]])
    """
    from nh_platform.windows.counts.count_kernels import event_moments

    check_sorted(spikes)
    start_us, n_bins = whole_bins(start, stop, bin_us)
    events = np.asarray(event_times, dtype=np.float64).ravel()
    events = np.sort(events[np.isfinite(events)])
    total = np.zeros((spikes.n_units, n_bins), dtype=np.int64)
    squares = np.zeros_like(total)
    event_moments(spikes.times, spikes.offsets, events, bin_edges(start_us, n_bins, bin_us), total, squares)
    n = len(events)
    width_s = bin_us / 1e6
    nothing = np.full(total.shape, np.nan)
    rate = total / (n * width_s) if n else nothing
    # Exact in integers until the division: n Σc² − (Σc)² is n (n − 1) times the variance.
    sem = np.sqrt((n * squares - total**2) / (n * (n - 1)) / n) / width_s if n > 1 else nothing
    return Psth(rate=rate, sem=sem, n_events=n, bin_centers=bin_centers(start_us, n_bins, bin_us))
