"""One unit's spikes, ready for any metric: sorted float64 arrays in reused buffers, with what is unusable marked.

Contains the view that the families of metrics read, and the buffers behind it. Add a quantity here when two families
need it. No metric is computed here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from nh_platform.session import Spikes

Floats = npt.NDArray[np.float64]

LONGEST_TIME_S = 1e9
"""Times beyond this (31 years) are clock errors; sample numbers stay exact in float64 below it."""


@dataclass(frozen=True)
class ProbeRange:
    """First and last spike of one probe insertion, s; NaN where it has no usable spike.

    Every rate and presence metric refers to it: IBL and Allen both run per probe insertion, on all its units.
    """

    tmin: float
    tmax: float

    @property
    def duration_s(self) -> float:
        """Time from the first to the last spike, s."""
        return self.tmax - self.tmin


@dataclass
class UnitSpikes:
    """The spikes of one unit.

    Parameters
    ----------
    times
        (n,) float64, s, sorted.
    amplitudes
        (n,) float64, V, in the order of ``times``.
    depths
        (n,) float64, µm, in the order of ``times``.
    probe
        Range of the unit's probe insertion.
    scratch, integers
        (3, n) float64 and (n,) int64 work space: a fresh array per step costs five times the step itself in page
        faults (log10 of 10.6 M amplitudes: 0.13 s against 0.02 s). Row 0 holds the intervals, `samples` uses row 1;
        a family may overwrite rows 1 and 2.
    problems
        What is wrong with the input, as keys of `PROBLEMS`.
    """

    times: Floats
    amplitudes: Floats
    depths: Floats
    probe: ProbeRange
    scratch: Floats
    integers: npt.NDArray[np.int64]
    problems: set[str] = field(default_factory=set)

    @property
    def n(self) -> int:
        """Number of spikes."""
        return len(self.times)

    @cached_property
    def intervals(self) -> Floats:
        """(n - 1,) inter-spike intervals, s."""
        return np.subtract(self.times[1:], self.times[:-1], out=self.scratch[0, 1:])

    @cached_property
    def amplitude_range(self) -> tuple[float, float]:
        """Smallest and largest amplitude, V."""
        return float(self.amplitudes.min()), float(self.amplitudes.max())

    def samples(self, sampling_rate_hz: float) -> npt.NDArray[np.int64]:
        """Return (n,) sample numbers, truncated towards zero as phylib and slidingRP do."""
        np.multiply(self.times, sampling_rate_hz, out=self.scratch[1])
        np.copyto(self.integers, self.scratch[1], casting="unsafe")
        return self.integers


PROBLEMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "unsorted": ("spike times are not in order; a sorted copy was used", ()),
    "times": ("a spike time is NaN, infinite or beyond 1e9 s: metrics from times are NaN", ("times",)),
    "amplitudes": ("an amplitude is NaN or infinite: metrics from amplitudes are NaN", ("amplitudes",)),
    "zero_amplitudes": ("an amplitude is 0 or negative: metrics on a logarithmic scale may be NaN or 0", ()),
    "depths": ("a depth is NaN or infinite: metrics from depths are NaN", ("depths",)),
}
"""What can be wrong with a unit's input: the words of the note, and which properties it makes unusable."""


class UnitBuffers:
    """Arrays that hold one unit at a time, so that memory does not grow with the session.

    Parameters
    ----------
    capacity
        Number of spikes of the largest unit.
    """

    def __init__(self, capacity: int) -> None:
        self._arrays = np.empty((3, capacity))
        self._scratch = np.empty((3, capacity))
        self._integers = np.empty(capacity, np.int64)

    def load(self, spikes: Spikes, unit: int, probe: ProbeRange) -> UnitSpikes:
        """Copy row ``unit`` into the buffers as sorted float64; the result is valid until the next call."""
        begin, end = int(spikes.offsets[unit]), int(spikes.offsets[unit + 1])
        n = end - begin
        times, amplitudes, depths = (array[:n] for array in self._arrays)
        times[:] = spikes.times[begin:end]
        amplitudes[:] = spikes.amplitudes[begin:end]
        depths[:] = spikes.depths[begin:end]
        view = UnitSpikes(times, amplitudes, depths, probe, self._scratch[:, :n], self._integers[:n])
        if n == 0:
            return view
        # One comparison answers both questions for nearly every unit: NaN compares false too.
        if not (np.all(times[1:] >= times[:-1]) and times[0] >= -LONGEST_TIME_S and times[-1] <= LONGEST_TIME_S):
            if not np.all(np.abs(times) <= LONGEST_TIME_S):
                view.problems.add("times")
            else:
                view.problems.add("unsorted")
                order = np.argsort(times, kind="stable")
                for array in (times, amplitudes, depths):
                    array[:] = array[order]
        smallest, largest = view.amplitude_range
        if not np.isfinite(largest - smallest):
            view.problems.add("amplitudes")
        elif smallest <= 0:
            view.problems.add("zero_amplitudes")
        if not np.isfinite(depths.min() + depths.max()):
            view.problems.add("depths")
        return view
