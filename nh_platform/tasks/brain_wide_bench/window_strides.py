"""Windows of 1 s that follow each other by 20 ms within the trials, and their counts.

Contains the layout of suite 2's windows, and counts that all of them share: a bin of 20 ms is counted once, and a
window is 50 of them. Windows around events are `spike_counts`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt

from nh_platform.session import Spikes
from nh_platform.tasks.brain_wide_bench.spike_counts import BIN_S, BIN_US, N_BINS
from nh_platform.tasks.brain_wide_bench.trials import WINDOW_S
from nh_platform.windows.counts.binning import bin_events

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
CountsOf = Callable[[IntArray], npt.NDArray[np.uint8]]

_NONE = np.zeros(0)


class WindowStrides:
    """Windows of 1 s at a stride of 20 ms within stretches, and one more at the end of a stretch that has a rest.

    Nothing is counted before counts are asked for.

    Parameters
    ----------
    spikes
        Spikes of the units, grouped by unit.
    stretches
        (n, 2) float64, s, ascending; one of less than 1 s has no window.
    """

    def __init__(self, spikes: Spikes, stretches: FloatArray) -> None:
        self._spikes = spikes
        steps = [_steps(start, stop) for start, stop in stretches]
        has_rest = [len(one) > 0 and one[-1] + WINDOW_S < stop for one, (_, stop) in zip(steps, stretches)]
        rests = [stop - WINDOW_S for (_, stop), rest in zip(stretches, has_rest) if rest]
        # Whole seconds from the start of a stretch that hold every bin of its windows, and then the rests.
        n_seconds = [math.ceil((len(one) - 1 + N_BINS) / N_BINS) if len(one) else 0 for one in steps]
        self._seconds = np.concatenate([_NONE, *(start + np.arange(n) for (start, _), n in zip(stretches, n_seconds))])
        self._rests = np.array(rests, dtype=np.float64)
        before = N_BINS * np.concatenate([[0], np.cumsum(n_seconds)])
        starts, first_bins, stretch, n_rests = [_NONE], [_NONE], [_NONE], 0
        for number, one in enumerate(steps):
            starts.append(one)
            first_bins.append(before[number] + np.arange(len(one)))
            if has_rest[number]:
                starts.append(self._rests[n_rests : n_rests + 1])
                first_bins.append(before[-1:] + N_BINS * n_rests)
                n_rests += 1
            stretch.append(np.full(len(one) + has_rest[number], number))
        self.starts = np.concatenate(starts)
        """(n_windows,) float64, s when each window starts."""
        self.stretch = np.concatenate(stretch).astype(np.int64)
        """(n_windows,) int64, number of the stretch in which it lies."""
        self._first_bins = np.concatenate(first_bins).astype(np.int64)

    def __len__(self) -> int:
        return len(self.starts)

    def counts(self, bins: slice = slice(None), units: npt.NDArray[np.intp] | None = None) -> CountsOf:
        """Return what gives the counts (m, n_bins, n_units) uint8 of the windows that it is given the numbers of.

        Parameters
        ----------
        bins
            Which of the 50 bins; all where not stated.
        units
            Which units; all where not stated.
        """

        @cache
        def table() -> npt.NDArray[np.uint8]:
            return self._binned if units is None else np.ascontiguousarray(self._binned[:, units])

        offsets = np.arange(N_BINS)[bins]
        return lambda rows: table()[self._first_bins[rows][:, None] + offsets]

    @cached_property
    def _binned(self) -> npt.NDArray[np.uint8]:
        """(n_bins, n_units) uint8 counts of the seconds, bin by bin, and then of the rests."""
        parts = [
            bin_events(self._spikes, seconds, 0, N_BINS, BIN_US).counts.transpose(0, 2, 1)
            for seconds in (self._seconds, self._rests)
        ]
        return np.concatenate([part.reshape(-1, self._spikes.n_units) for part in parts])


def _steps(start: float, stop: float) -> FloatArray:
    """Return when the windows of a stretch start, without the rest, in the order of the benchmark's sampler."""
    # The benchmark's sampler (`torch.arange`) differs from this by up to 2e-13 s, as the processor's vectors have it.
    starts: FloatArray = start + BIN_S * np.arange(max(math.ceil((stop - start) / BIN_S), 0), dtype=np.float64)
    return starts[starts + WINDOW_S <= stop]
