"""Metrics from spike amplitudes: level and spread, and the cut-offs at the detection threshold.

Each function computes the metrics that share their work, for a block of units, and `GROUPS` says which. Add a metric
from amplitudes here. Definitions in words stand in `definitions`, loops over spikes in `kernels.amplitude_kernels`.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from nh_platform.qc.metrics.definitions.lookup import definitions_of
from nh_platform.qc.metrics.metric_group import MetricGroup, Values
from nh_platform.qc.metrics.unit_blocks import Flags, Floats, Integers, UnitBlock

# ibllib 4.1.0 brainbox/metrics/single_units.py METRICS_PARAMS.
NOISE_EDGES = 100
NOISE_QUANTILE_LENGTH = 0.25
MISSED_SPIKES_PER_BIN = 10
MISSED_SIGMA_BINS = 4
MISSED_MIN_BINS = 50
# ibllib before 96d6c631: nc_quartile_length, nc_n_low_bins.
NOISE_QUARTILE_LENGTH_2022_03 = 0.2
NOISE_LOW_BINS_2022_03 = 2
# ecephys_spike_sorting quality_metrics/metrics.py amplitude_cutoff.
CUTOFF_BINS = 500
CUTOFF_SIGMA_BINS = 3

LARGEST_MISSING = 0.5


def levels(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill smallest, largest and geometric median amplitude (V), and the spread (dB)."""
    from nh_platform.qc.metrics.kernels.amplitude_kernels import logarithms, spread

    values[marked, 0] = block.smallest[marked]
    values[marked, 1] = block.largest[marked]
    # The logarithm keeps the order, so the median needs the logarithm of two amplitudes only.
    middle = middle_pairs(block, marked & (block.smallest >= 0))
    decibel = np.empty_like(middle)
    logarithms(middle.reshape(-1), decibel.reshape(-1))
    values[:, 2] = [math.pow(10, power) for power in ((20 * decibel).sum(axis=1) / 2 / 20).tolist()]
    spread_db = np.full((len(marked), 1), np.nan)
    logarithms(block.amplitudes, block.scratch)
    spread(block.scratch, block.offsets, marked & (block.smallest > 0), spread_db)
    values[:, 3] = 20 * spread_db[:, 0]


def noise_cutoff(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill IBL's noise cut-off of October 2022."""
    counts = histograms_from_zero(block, marked)
    low_bin, upper = noise_cutoff_bins(counts)
    low = np.take_along_axis(counts, low_bin[:, None], axis=1)[:, 0]
    values[:, 0] = _distances(low, counts, upper)


def noise_cutoff_bins(counts: Integers) -> tuple[Integers, Flags]:
    """Return which bins IBL's noise cut-off of October 2022 compares.

    Parameters
    ----------
    counts
        (n_units, n_bins) as of `histograms_from_zero`.

    Returns
    -------
    tuple
        (n_units,) the low bin: the second non-empty one; and (n_units, n_bins) whether a bin is one of the high ones,
        from whose mean the low one is to stand off by few of their standard deviations.
    """
    bins = np.arange(counts.shape[1])
    filled = counts > 0
    peak = counts.argmax(axis=1)
    n_upper = (filled & (bins >= peak[:, None]))[:, :-1].sum(axis=1)
    start = np.ceil(2 * NOISE_QUANTILE_LENGTH * n_upper + peak)
    # The second non-empty bin: the first one where the running number of them is 2.
    low_bin = (filled.cumsum(axis=1) == 2).argmax(axis=1)
    return low_bin, filled & (bins >= start[:, None])


def noise_cutoff_2022_03(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill IBL's noise cut-off of before October 2022."""
    counts = histograms_from_zero(block, marked)
    low_bin, upper = noise_cutoff_bins_2022_03(counts)
    low = np.take_along_axis(counts, np.maximum(low_bin, 0)[:, None], axis=1)[:, 0]
    values[:, 0] = np.where(low_bin >= 0, _distances(low, counts, upper), np.nan)


def noise_cutoff_bins_2022_03(counts: Integers) -> tuple[Integers, Flags]:
    """Return which bins the noise cut-off of before October 2022 compares, as `noise_cutoff_bins`; -1 where none is."""
    low_bin, upper = np.full(len(counts), -1), np.zeros(counts.shape, np.bool_)
    for unit, own in enumerate(counts):
        steps = np.flatnonzero(np.diff(own))
        if len(steps) < NOISE_LOW_BINS_2022_03:
            continue
        peak = own.argmax()
        start = np.ceil((1 - 2 * NOISE_QUARTILE_LENGTH_2022_03) * (steps[-1] - peak) + peak)
        upper[unit, steps[steps > start]] = True
        low_bin[unit] = steps[1]  # upstream averages steps[1:2], which is one bin
    return low_bin, upper


def missed_spikes(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill IBL's estimate of the share of missed spikes."""
    enough = marked & (block.counts > MISSED_SPIKES_PER_BIN * MISSED_MIN_BINS)
    shares = _missing_shares(block, enough, block.counts // MISSED_SPIKES_PER_BIN, MISSED_SIGMA_BINS)
    values[:, 0] = np.minimum(shares[:, 0], LARGEST_MISSING)


def amplitude_cutoff(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill the Allen estimate of the share of missed spikes."""
    shares = _missing_shares(block, marked, np.full(len(marked), CUTOFF_BINS), CUTOFF_SIGMA_BINS)
    values[:, 0] = np.minimum(shares[:, 1], LARGEST_MISSING)


def histograms_from_zero(block: UnitBlock, marked: Flags) -> Integers:
    """Return (n_units, 99) counts on `linspace(0, max, 100)`; zeros for one spike or where no bins can be made."""
    from nh_platform.qc.metrics.kernels import amplitude_kernels as kernels

    counts = np.zeros((len(marked), NOISE_EDGES - 1), np.int64)
    several = marked & (block.counts > 1)
    kernels.histograms_from_zero(block.amplitudes, block.offsets, several, block.largest, NOISE_EDGES, counts)
    return counts


def _distances(low: npt.ArrayLike, counts: Integers, upper: Flags) -> Floats:
    """Return how many population standard deviations of the bins ``upper`` a count lies above their mean.

    NaN where those bins do not vary. The sums are exact integers, so equal counts give exactly 0 variance.
    """
    n = upper.sum(axis=1)
    total = np.where(upper, counts, 0).sum(axis=1)
    squares = np.where(upper, counts * counts, 0).sum(axis=1)
    variance_n2 = n * squares - total * total
    distance = (np.asarray(low) - total / n) / (np.sqrt(variance_n2) / n)
    return np.where(variance_n2 > 0, distance, np.nan)


def _missing_shares(block: UnitBlock, marked: Flags, n_bins: Integers, sigma_bins: int) -> Floats:
    from nh_platform.qc.metrics.kernels.amplitude_kernels import missing_shares

    shares = np.full((len(marked), 2), np.nan)
    missing_shares(
        block.amplitudes,
        block.offsets,
        marked,
        block.smallest,
        block.largest,
        n_bins,
        smoothing_weights(sigma_bins),
        shares,
    )
    return shares


def middle_pairs(block: UnitBlock, marked: Flags) -> Floats:
    """Return (n_units, 2) amplitudes (V) at the middle of the order; the same one twice for an odd number.

    NaN for units that are not marked. Overwrites the block's work space.
    """
    from nh_platform.qc.metrics.kernels.order_kernels import middle_values

    middle = np.full((len(marked), 2), np.nan)
    middle_values(block.amplitudes, block.offsets, marked, block.smallest, block.largest, block.scratch, middle)
    return middle


@cache
def smoothing_weights(sigma_bins: int) -> Floats:
    """Return the weights of scipy's Gaussian filter, by the C library's exponential.

    Not read off scipy's: `numpy.exp` takes another kernel where the processor has AVX-512, and its last bit differs.

    Parameters
    ----------
    sigma_bins
        Standard deviation, bins; the filter reaches four of them to each side (scipy's default ``truncate``).
    """
    radius = 4 * sigma_bins
    heights = np.array([math.exp(-0.5 / (sigma_bins * sigma_bins) * place**2) for place in range(-radius, radius + 1)])
    return heights / heights.sum()


GROUPS: tuple[MetricGroup, ...] = (
    MetricGroup(
        definitions_of(
            "ibl.amp_min@2022-10",
            "ibl.amp_max@2022-10",
            "ibl.amp_median@2022-10",
            "ibl.amp_std_dB@2022-10",
        ),
        levels,
    ),
    MetricGroup(definitions_of("ibl.noise_cutoff@2022-10"), noise_cutoff),
    MetricGroup(definitions_of("ibl.noise_cutoff@2022-03"), noise_cutoff_2022_03),
    MetricGroup(definitions_of("ibl.missed_spikes_est@2022-10"), missed_spikes),
    MetricGroup(definitions_of("allen.amplitude_cutoff@2019"), amplitude_cutoff),
)
