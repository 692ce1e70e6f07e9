"""Compiled selection: values at some ranks of the order, without sorting.

Contains the selection of neighbouring ranks, and the one pass that gives a unit's histogram with the values around
its quantiles. Which ranks a quantile lies between is said by `nh_platform.qc.metrics.order_statistics`. Importing this
module imports numba: do so inside functions.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from nh_platform.qc.metrics.kernels.amplitude_kernels import even_edges
from nh_platform.qc.metrics.kernels.pair_kernels import gather_middle
from nh_platform.qc.metrics.unit_blocks import Flags, Floats, Integers

_FEW = 12
FINE = 16
"""Fine bins of each bin of a histogram: of 15,000 amplitudes some 40 lie in one, so few are left to select from."""


@njit(cache=True, nogil=True)
def select_pair(x: Floats, begin: int, end: int, first: int, last: int) -> tuple[float, float]:
    """Return the values at two neighbouring places of the order of ``x[begin:end]``, which is reordered.

    Parameters
    ----------
    x
        Values, none of them NaN.
    begin, end
        The part to look at.
    first, last
        Places in ``x`` at which the values would lie if that part were sorted; ``last`` is ``first`` or the one after.
    """
    drawn = 1
    while end - begin > _FEW:
        # Drawn places: of the first, middle and last value 400,000 that fall and then rise took 75 s.
        a = b = c = 0.0
        for _ in range(3):
            drawn = (drawn * 1103515245 + 12345) & 0x7FFFFFFF
            a, b, c = b, c, x[begin + (drawn * (end - begin) >> 31)]
        pivot = max(min(a, b), min(max(a, b), c))
        m = begin
        # No branch on the comparison: it is as good as random, and a wrong guess costs more than two stores.
        for i in range(begin, end):
            value = x[i]
            x[i] = x[m]
            x[m] = value
            m += value < pivot
        if m == begin:
            # The pivot is the smallest: all of its equals go, else equal values would take one round each.
            for i in range(begin, end):
                value = x[i]
                x[i] = x[m]
                x[m] = value
                m += value <= pivot
            if last < m:
                return pivot, pivot
        if last < m:
            end = m
        elif first >= m:
            begin = m
        else:
            below, above = x[begin], x[m]
            for i in range(begin, m):
                below = max(below, x[i])
            for i in range(m, end):
                above = min(above, x[i])
            return below, above
    for i in range(begin + 1, end):
        value = x[i]
        j = i
        while j > begin and x[j - 1] > value:
            x[j] = x[j - 1]
            j -= 1
        x[j] = value
    return x[first], x[last]


@njit(cache=True, nogil=True)
def select_pairs(x: Floats, begins: Integers, ends: Integers, marked: Flags, ranks: Integers, values: Floats) -> None:
    """Fill the values at pairs of neighbouring ranks of every unit.

    Parameters
    ----------
    x
        Values; the parts of marked units are reordered.
    begins, ends, marked
        (n_units,) part of ``x`` that a unit has, and which units to do.
    ranks
        (n_units, n_pairs, 2) two neighbouring ranks, or one twice, from 0.
    values
        (n_units, n_pairs, 2) output.
    """
    for unit in range(marked.size):
        if marked[unit]:
            begin = begins[unit]
            for pair in range(ranks.shape[1]):
                first, last = ranks[unit, pair, 0], ranks[unit, pair, 1]
                below, above = select_pair(x, begin, ends[unit], begin + first, begin + last)
                values[unit, pair, 0], values[unit, pair, 1] = below, above


@njit(cache=True, nogil=True)
def middle_values(
    x: Floats,
    offsets: Integers,
    marked: Flags,
    smallest: Floats,
    largest: Floats,
    gathered: Floats,
    values: Floats,
) -> None:
    """Fill the two values at the middle of the order of every unit; the same one twice for an odd number.

    Parameters
    ----------
    x, offsets, marked, smallest, largest
        The values of a block, and the units to do.
    gathered
        (n_spikes,) work space: those near the middle are selected from, a few of a hundred.
    values
        (n_units, 2) output.
    """
    for unit in range(marked.size):
        if marked[unit]:
            begin, n = offsets[unit], offsets[unit + 1] - offsets[unit]
            near = gathered[begin : begin + n]
            n_below, n_near = gather_middle(x[begin : begin + n], smallest[unit], largest[unit], near)
            below, above = select_pair(near, 0, n_near, (n - 1) // 2 - n_below, n // 2 - n_below)
            values[unit, 0], values[unit, 1] = below, above


@njit(cache=True, nogil=True)
def histograms_and_ranks(
    amplitudes: Floats,
    offsets: Integers,
    marked: Flags,
    smallest: Floats,
    largest: Floats,
    ranks: Integers,
    gathered: Floats,
    counts: Integers,
    distinct: Flags,
    values: Floats,
) -> None:
    """Fill the histogram of each unit's amplitudes over their range, and the amplitudes at some ranks.

    Parameters
    ----------
    amplitudes, offsets, marked, smallest, largest
        The block, and the units to do.
    ranks
        (n_units, n_pairs, 2) as of `select_pairs`.
    gathered
        (n_spikes,) work space.
    counts
        (n_units, n_bins) output, zeros beforehand: counts as `numpy.histogram` has them.
    distinct
        (n_units,) output: whether bins can be made, which numpy refuses where the amplitudes are too close together.
        Counts mean nothing then.
    values
        (n_units, n_pairs, 2) output, V.
    """
    n_bins = counts.shape[1]
    n_fine = n_bins * FINE
    edges = np.empty(n_bins + 1)
    fine = np.empty(n_fine, np.int64)
    until = np.zeros(n_fine + 1, np.int64)
    is_asked = np.empty(n_fine, np.bool_)
    for unit in range(marked.size):
        if not marked[unit]:
            continue
        begin, end = offsets[unit], offsets[unit + 1]
        distinct[unit] = even_edges(smallest[unit], largest[unit], edges)
        low = edges[0]
        width = edges[n_bins] - low
        scale = n_fine / width if width > 0 else 0.0
        if scale == np.inf:
            scale = 0.0  # a range that is next to nothing: all of them are looked through
        # How far rounding can move an edge or a value, generously, in fine bins.
        rounding = 1e-9 + 1e-15 * scale * max(abs(low), abs(edges[n_bins]))
        fine[:] = 0
        for i in range(begin, end):
            value = amplitudes[i]
            place = (value - low) * scale
            k = min(int(place), n_fine - 1)
            fine[k] += 1
            if not rounding < place - k < 1 - rounding:
                # The edges themselves decide, as in numpy. Asking them about every spike costs half of this pass.
                bin_ = k // FINE
                counts[unit, bin_] -= 1
                while bin_ > 0 and value < edges[bin_]:
                    bin_ -= 1
                while bin_ < n_bins - 1 and value >= edges[bin_ + 1]:
                    bin_ += 1
                counts[unit, bin_] += 1
        for k in range(n_fine):
            until[k + 1] = until[k] + fine[k]
            is_asked[k] = False
        for bin_ in range(n_bins):
            counts[unit, bin_] += until[(bin_ + 1) * FINE] - until[bin_ * FINE]
        for pair in range(ranks.shape[1]):
            for side in range(2):
                is_asked[np.searchsorted(until, ranks[unit, pair, side], side="right") - 1] = True
        m = begin
        for i in range(begin, end):
            value = amplitudes[i]
            gathered[m] = value
            m += is_asked[min(int((value - low) * scale), n_fine - 1)]
        # From here on `fine` tells what was left out below a bin.
        left_out = 0
        for k in range(n_fine):
            n, fine[k] = fine[k], left_out
            if not is_asked[k]:
                left_out += n
        for pair in range(ranks.shape[1]):
            first, last = ranks[unit, pair, 0], ranks[unit, pair, 1]
            skipped = fine[np.searchsorted(until, first, side="right") - 1] - begin
            below, above = select_pair(gathered, begin, m, first - skipped, last - skipped)
            values[unit, pair, 0], values[unit, pair, 1] = below, above
