"""The sliding refractory-period statistic: confidence that contamination is below a level, searched without a matrix.

Contains the compiled search and its constants. Upstream evaluates 69 levels x 300 refractory periods per unit; the
confidence rises with the level and with the period as long as the count of violations stands still, so bounding and
halving needs about 60 of those 20,700 Poisson tails (183 ns each). Nothing about spikes here: counts come from
`nh_platform.qc.metrics.kernels.pair_kernels`. Importing this module imports numba and scipy.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import get_cython_function_address, intrinsic

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SAMPLING_RATE_HZ = 30000.0
"""brainbox passes 30000 whatever the probe's own clock (single_units.py, quick_unit_metrics)."""

# The expressions below are those of slidingRP 1.1.1 computeMatrix, in the same order of operations: the last bits of
# the expected count decide the last bits of the confidence.
_BIN_S = 1 / 30000
_EDGES_S = np.arange(0, 10 / 1000, _BIN_S)
RP_S: Floats = _EDGES_S + np.mean(np.diff(_EDGES_S)[0]) / 2
"""(300,) refractory periods tested, s: the centres of the lag bins."""
RP_EDGE_S: Floats = RP_S + _BIN_S / 2
"""(300,) the upper edges that the expected counts refer to, s."""
CONTAMINATION_PERCENT: Floats = np.arange(0.5, 35, 0.5)
"""(69,) contamination levels tested, %."""
LEVELS: Floats = CONTAMINATION_PERCENT / 100
FIRST_RP = int(np.flatnonzero(RP_S > 0.0005)[0])
"""First refractory period that counts: shorter ones than 0.5 ms are rejected."""
N_BELOW_2MS = int(np.flatnonzero(RP_S > 0.002)[0]) + 1
"""Number of lag bins summed for the pairs under 2 ms (61, so up to 2.03 ms)."""
_ROUNDING_PERCENT = 1e-11
# Rounding of 100 (1 - cdf): a bound may fall this far short of a value that it bounds.

LEVEL_10_PERCENT = int(np.flatnonzero(CONTAMINATION_PERCENT >= 10.0)[0])


@cache
def pdtr_address() -> int:
    """Return the address of `scipy.special.cython_special.pdtr`, the Poisson cdf that scipy.stats uses.

    The address goes into the compiled code as an argument, so that the code can be cached on disk.
    """
    return int(get_cython_function_address("scipy.special.cython_special", "pdtr"))


@intrinsic
def _call_pdtr(typing_context, address, k, m):  # type: ignore[no-untyped-def]
    """Call ``double pdtr(double k, double m, int skip_dispatch)`` at ``address``."""
    signature = types.float64(types.int64, types.float64, types.float64)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        double, integer = ir.DoubleType(), ir.IntType(32)
        pointer = builder.inttoptr(arguments[0], ir.FunctionType(double, [double, double, integer]).as_pointer())
        return builder.call(pointer, [arguments[1], arguments[2], ir.Constant(integer, 1)])

    return signature, generate


@njit(cache=True, nogil=True)
def _confidence(pdtr: int, violations: int, level_rate: float, rp_edge_s: float, n_spikes: int) -> float:
    """Return the confidence (%) that contamination is below a level, given the violations up to one period."""
    expected = level_rate * rp_edge_s * 2 * n_spikes
    return 100 * (1 - _call_pdtr(pdtr, float(violations), expected))


@njit(cache=True, nogil=True)
def _largest(
    pdtr: int, violations: Integers, ends: Integers, level_rate: float, rp_edge_s: Floats, n_spikes: int
) -> float:
    """Return the largest confidence (%) over all refractory periods.

    Parameters
    ----------
    pdtr
        Address of the Poisson cdf.
    violations
        (n_rp,) cumulative violations.
    ends
        (n_runs,) last period index of each run of equal counts; only there can the confidence be largest.
    level_rate
        Firing rate times contamination level, Hz.
    rp_edge_s
        (n_rp,) periods, s.
    n_spikes
        Number of spikes of the unit.
    """
    # A good first candidate cuts most of the tree: the normal approximation of the tail needs no Poisson cdf.
    candidate = ends[0]
    score = -np.inf
    for j in ends:
        expected = level_rate * rp_edge_s[j] * 2 * n_spikes
        z = (expected - violations[j]) / np.sqrt(expected + 1.0)
        if z > score:
            score, candidate = z, j
    best = _confidence(pdtr, violations[candidate], level_rate, rp_edge_s[candidate], n_spikes)
    stack = np.empty((64, 2), np.int64)
    stack[0, 0], stack[0, 1] = 0, ends.size - 1
    depth = 1
    while depth > 0 and best < 100.0:
        depth -= 1
        first, last = stack[depth, 0], stack[depth, 1]
        # Fewest violations of the stretch with its longest period: no run inside can be more confident.
        bound = _confidence(pdtr, violations[ends[first]], level_rate, rp_edge_s[ends[last]], n_spikes)
        if bound <= best - _ROUNDING_PERCENT:
            continue
        if first == last:
            best = max(best, bound)
            continue
        middle = (first + last) // 2
        stack[depth, 0], stack[depth, 1] = middle + 1, last
        stack[depth + 1, 0], stack[depth + 1, 1] = first, middle
        depth += 2
    return best


@njit(cache=True, nogil=True)
def _first_reaching(
    pdtr: int, violations: Integers, ends: Integers, level_rate: float, rp_edge_s: Floats, n_spikes: int, percent: float
) -> int:
    """Return the index into ``ends`` of the first run with a confidence of at least ``percent``, -1 where none has.

    Parameters are those of `_largest`.
    """
    stack = np.empty((64, 2), np.int64)
    stack[0, 0], stack[0, 1] = 0, ends.size - 1
    depth = 1
    while depth > 0:
        depth -= 1
        first, last = stack[depth, 0], stack[depth, 1]
        bound = _confidence(pdtr, violations[ends[first]], level_rate, rp_edge_s[ends[last]], n_spikes)
        if first == last:
            if bound >= percent:
                return first
            continue
        if bound < percent - _ROUNDING_PERCENT:
            continue
        middle = (first + last) // 2
        stack[depth, 0], stack[depth, 1] = middle + 1, last
        stack[depth + 1, 0], stack[depth + 1, 1] = first, middle
        depth += 2
    return -1


@njit(cache=True, nogil=True)
def _of_unit(
    pdtr: int,
    pairs: Integers,
    rate_hz: float,
    n_spikes: int,
    rp_s: Floats,
    rp_edge_s: Floats,
    levels: Floats,
    first_rp: int,
    level_10: int,
) -> tuple[float, int, float]:
    """Return the row of `sliding_rp` for one unit."""
    violations, ends = np.empty(pairs.size, np.int64), np.empty(pairs.size, np.int64)
    seen = 0
    for j in range(pairs.size):
        seen += pairs[j]
        violations[j] = seen
    n_runs = 0
    for j in range(first_rp, pairs.size):
        if j == pairs.size - 1 or violations[j + 1] != violations[j]:
            ends[n_runs] = j
            n_runs += 1
    ends = ends[:n_runs]

    max_confidence = _largest(pdtr, violations, ends, rate_hz * levels[level_10], rp_edge_s, n_spikes)
    # Halve the levels: the confidence rises with the level. `high` always reaches 90 %, `low` never does.
    low, high = (-1, level_10) if max_confidence >= 90 else (level_10, levels.size)
    while high - low > 1:
        level = (low + high) // 2
        if _first_reaching(pdtr, violations, ends, rate_hz * levels[level], rp_edge_s, n_spikes, 90.0) >= 0:
            high = level
        else:
            low = level
    if high == levels.size:
        return max_confidence, -1, np.nan
    level_rate = rate_hz * levels[high]
    largest = _largest(pdtr, violations, ends, level_rate, rp_edge_s, n_spikes)
    run = _first_reaching(pdtr, violations, ends, level_rate, rp_edge_s, n_spikes, largest)
    # Where the confidence saturates at 100, earlier periods of the run tie with its end; upstream takes the first.
    j = ends[run]
    start = first_rp if run == 0 else ends[run - 1] + 1
    while j > start and _confidence(pdtr, violations[j - 1], level_rate, rp_edge_s[j - 1], n_spikes) >= largest:
        j -= 1
    return max_confidence, high, rp_s[j]


@njit(cache=True, nogil=True)
def sliding_rp(
    pdtr: int,
    pairs: Integers,
    rate_hz: Floats,
    n_spikes: Integers,
    marked: npt.NDArray[np.bool_],
    rp_s: Floats,
    rp_edge_s: Floats,
    levels: Floats,
    first_rp: int,
    level_10: int,
    values: Floats,
) -> None:
    """Fill the sliding refractory-period statistic of a block's units (slidingRP 1.1.1, pass_slidingRP_confmat).

    Parameters
    ----------
    pdtr
        Result of `pdtr_address`.
    pairs
        (n_units, 300) pairs of spikes per lag, bins of 1/30000 s.
    rate_hz
        (n_units,) pairs with a lag in [1, 2) s over the number of spikes.
    n_spikes
        (n_units,) number of spikes.
    marked
        (n_units,) units to do.
    rp_s, rp_edge_s, levels, first_rp, level_10
        The constants of this module (arguments, because compiled code would freeze them).
    values
        (n_units, 3) output: largest confidence (%) at 10 % contamination, index of the smallest level with 90 %
        confidence (-1 where no level has it), and the refractory period (s) where that level is most confident (NaN
        where there is none).
    """
    for unit in range(marked.size):
        if marked[unit]:
            confidence, level, period_s = _of_unit(
                pdtr, pairs[unit], rate_hz[unit], n_spikes[unit], rp_s, rp_edge_s, levels, first_rp, level_10
            )
            values[unit, 0], values[unit, 1], values[unit, 2] = confidence, level, period_s
