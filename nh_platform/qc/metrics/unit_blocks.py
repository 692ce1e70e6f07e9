"""A block of units whose spikes are processed together: sorted float64 arrays, with what is unusable marked.

Contains the block that metrics are computed from, and the buffers behind it. Add a quantity here when two groups of
metrics need it. No metric is computed here.

Blocks, not units, go to threads: one call per unit and step released the interpreter lock some thirty times per unit,
and two threads were no faster than one (0.38 s for 10.6 M spikes either way; with blocks 0.30 s and 0.17 s).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from nh_platform.session import Spikes

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Made = TypeVar("Made")

LONGEST_TIME_S = 1e9
"""Times beyond this (31 years) are clock errors; sample numbers stay exact in float64 below it."""

BLOCK_SPIKES = 1 << 18
"""Spikes of a block of several units: 2 MiB per array, so the arrays of two threads stay in the processor's cache."""

PROBLEMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "unsorted": ("spike times are not in order; a sorted copy was used", ()),
    "times": ("a spike time is NaN, infinite or beyond 1e9 s: metrics from times are NaN", ("times",)),
    "amplitudes": ("an amplitude is NaN or infinite: metrics from amplitudes are NaN", ("amplitudes",)),
    "zero_amplitudes": ("an amplitude is 0 or negative: metrics on a logarithmic scale may be NaN or 0", ()),
    "depths": ("a depth is NaN or infinite: metrics from depths are NaN", ("depths",)),
}
"""What can be wrong with a unit's input: the words of the note, and which properties it makes unusable."""


@dataclass(frozen=True)
class ProbeRange:
    """First and last spike of one probe insertion, s; NaN where it has no usable spike.

    Every rate and presence metric refers to it: IBL and Allen both run per probe insertion, on all its units.
    """

    tmin: float
    tmax: float


@dataclass
class UnitBlock:
    """The spikes of a block of units.

    Parameters
    ----------
    offsets
        (n_units + 1,) int64; spikes of unit ``i`` of the block are ``offsets[i]:offsets[i + 1]``.
    times, amplitudes, depths
        (n_spikes,) float64; s, V, µm, sorted by time within each unit.
    tmin, tmax
        (n_units,) float64, s, range of the probe of each unit.
    scratch, integers
        (n_spikes,) float64 and int64 work space that a metric may overwrite: fresh arrays cost five times the step
        itself in page faults (log10 of 10.6 M amplitudes: 0.13 s against 0.02 s).
    smallest, largest
        (n_units,) float64, V, range of the amplitudes; NaN for an empty unit.
    problems
        (n_units,) bool for each key of `PROBLEMS`.
    """

    offsets: Integers
    times: Floats
    amplitudes: Floats
    depths: Floats
    tmin: Floats
    tmax: Floats
    scratch: Floats
    integers: Integers
    smallest: Floats = field(init=False)
    largest: Floats = field(init=False)
    problems: dict[str, Flags] = field(init=False)
    _made: dict[Callable[[UnitBlock], Any], Any] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._inspect_times()
        self._inspect_values()

    @cached_property
    def counts(self) -> Integers:
        """(n_units,) number of spikes."""
        return np.diff(self.offsets)

    @property
    def duration_s(self) -> Floats:
        """(n_units,) time from the first to the last spike of the probe, s."""
        return self.tmax - self.tmin

    def usable(self, needs: Sequence[str], empty: bool = False) -> Flags:
        """Return (n_units,) whether the properties of ``needs`` can be used; of units with spikes only, or all."""
        usable = np.ones(len(self.tmin), np.bool_) if empty else self.counts > 0
        for problem, (_, unusable) in PROBLEMS.items():
            if any(need in unusable for need in needs):
                usable &= ~self.problems[problem]
        return usable

    def once(self, make: Callable[[UnitBlock], Made]) -> Made:
        """Return what ``make`` gives for the block, made at the first call: groups of metrics share a pass by it.

        It must not lie in the work space, which the next metric overwrites.
        """
        if make not in self._made:
            self._made[make] = make(self)
        return cast(Made, self._made[make])

    def _inspect_times(self) -> None:
        """Sort units that are not in order; tell unusable times apart from them."""
        n_units = len(self.tmin)
        self.problems = {name: np.zeros(n_units, np.bool_) for name in PROBLEMS}
        filled = np.flatnonzero(self.counts)
        if len(filled) == 0:
            return
        # One comparison answers both questions for nearly every unit: NaN compares false too.
        in_order = np.ones(len(self.times), np.bool_)
        np.greater_equal(self.times[1:], self.times[:-1], out=in_order[1:])
        in_order[self.offsets[filled]] = True
        good = np.logical_and.reduceat(in_order, self.offsets[filled])
        good &= self.times[self.offsets[filled]] >= -LONGEST_TIME_S
        good &= self.times[self.offsets[filled + 1] - 1] <= LONGEST_TIME_S
        for unit in filled[~good]:
            part = slice(self.offsets[unit], self.offsets[unit + 1])
            if not np.all(np.abs(self.times[part]) <= LONGEST_TIME_S):
                self.problems["times"][unit] = True
                continue
            self.problems["unsorted"][unit] = True
            order = np.argsort(self.times[part], kind="stable")
            for array in (self.times, self.amplitudes, self.depths):
                array[part] = array[part][order]

    def _inspect_values(self) -> None:
        n_units = len(self.tmin)
        self.smallest, self.largest = np.full((2, n_units), np.nan)
        filled = np.flatnonzero(self.counts)
        if len(filled) == 0:
            return
        starts = self.offsets[filled]
        self.smallest[filled] = np.minimum.reduceat(self.amplitudes, starts)
        self.largest[filled] = np.maximum.reduceat(self.amplitudes, starts)
        self.problems["amplitudes"][filled] = ~np.isfinite(self.largest[filled] - self.smallest[filled])
        self.problems["zero_amplitudes"][filled] = self.smallest[filled] <= 0
        self.problems["zero_amplitudes"] &= ~self.problems["amplitudes"]
        spread = np.maximum.reduceat(self.depths, starts) - np.minimum.reduceat(self.depths, starts)
        self.problems["depths"][filled] = ~np.isfinite(spread)


class BlockBuffers:
    """Arrays that hold one block at a time, so that memory does not grow with the session.

    Parameters
    ----------
    capacity
        Number of spikes of the largest block.
    """

    def __init__(self, capacity: int) -> None:
        self._floats = np.empty((4, capacity))
        self._integers = np.empty(capacity, np.int64)

    def load(self, spikes: Spikes, rows: range, tmin: Floats, tmax: Floats) -> UnitBlock:
        """Copy the units ``rows`` as float64; the result is valid until the next call."""
        offsets = spikes.offsets[rows.start : rows.stop + 1].astype(np.int64)
        begin, end = int(offsets[0]), int(offsets[-1])
        times, amplitudes, depths, scratch = (array[: end - begin] for array in self._floats)
        times[:] = spikes.times[begin:end]
        amplitudes[:] = spikes.amplitudes[begin:end]
        depths[:] = spikes.depths[begin:end]
        part = slice(rows.start, rows.stop)
        integers = self._integers[: end - begin]
        return UnitBlock(offsets - begin, times, amplitudes, depths, tmin[part], tmax[part], scratch, integers)


def block_rows(offsets: Integers) -> list[range]:
    """Return the rows of the units of each block, consecutive and of about `BLOCK_SPIKES` spikes."""
    blocks = []
    first = 0
    for unit in range(len(offsets) - 1):
        if offsets[unit + 1] - offsets[first] > BLOCK_SPIKES and unit > first:
            blocks.append(range(first, unit))
            first = unit
    return [*blocks, range(first, len(offsets) - 1)] if len(offsets) > 1 else blocks
