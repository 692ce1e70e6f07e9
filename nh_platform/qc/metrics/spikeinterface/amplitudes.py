"""SpikeInterface's metrics from spike amplitudes: level, cut-offs, variation over time.

Add a metric of SpikeInterface from amplitudes here. What is read in the same way as by IBL's metrics is computed by
`nh_platform.qc.metrics.amplitude_metrics`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nh_platform.qc.metrics.amplitude_metrics import smoothing_weights
from nh_platform.qc.metrics.definitions.lookup import definitions_of
from nh_platform.qc.metrics.metric_group import MetricGroup, Values
from nh_platform.qc.metrics.order_statistics import (
    between,
    middle_ranks,
    population_deviation,
    quantile_ranks,
    values_at,
)
from nh_platform.qc.metrics.spikeinterface.recording_samples import SAMPLING_RATE_HZ, n_samples
from nh_platform.qc.metrics.unit_blocks import Flags, Floats, Integers, UnitBlock

# spikeinterface/metrics/quality/misc_metrics.py 0.105.3, metric_params of the registered metrics.
HISTOGRAM_BINS = 100
SMOOTHING_BINS = 3
MIN_SPIKES = 5 * HISTOGRAM_BINS
LARGEST_MISSING = 0.5
LOW_QUANTILE = 0.1
HIGH_QUANTILE = 0.25
CV_SPIKES_PER_BIN = 50
CV_MIN_BINS = 10
CV_PERCENTILES = (5, 95)


def median(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill the median amplitude (V)."""
    values[marked, 0] = block.once(_orders).middle[marked].sum(axis=1) / 2


def amplitude_cutoff(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill the estimated share of missed spikes."""
    marked = marked & (block.counts >= MIN_SPIKES)
    counts, distinct = histograms(block, marked)
    smooth, last = cutoff_bins(counts)
    missed = np.where(np.arange(HISTOGRAM_BINS) > last[:, None], smooth, 0).sum(axis=1)
    share = np.minimum(missed / (block.counts + missed), LARGEST_MISSING)
    values[marked & distinct, 0] = share[marked & distinct]


def cutoff_bins(counts: Integers) -> tuple[Integers, Integers]:
    """Return the smoothed histograms, and the bin beyond which as many spikes lie as are taken to be missing.

    Parameters
    ----------
    counts
        (n_units, 100) as of `histograms`.

    Returns
    -------
    tuple
        (n_units, 100) spikes, whole numbers; and (n_units,) the last bin that is as high as the first one.
    """
    from scipy.ndimage import correlate1d

    # An integer output, as `gaussian_filter1d` of upstream's integer histogram has it, which cuts off the fractions.
    smooth = correlate1d(counts, smoothing_weights(SMOOTHING_BINS), axis=1, mode="nearest", output=np.int64)
    above = smooth >= smooth[:, :1]
    return smooth, HISTOGRAM_BINS - 1 - above[:, ::-1].argmax(axis=1)


def noise_cutoff(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill SpikeInterface's noise cut-off and noise ratio."""
    orders = block.once(_orders)
    edges = _edges(block)
    n_low = (edges[:, 1:] <= orders.low[:, None]).sum(axis=1)
    n_high = (edges[:, :-1] >= orders.high[:, None]).sum(axis=1)
    until = np.pad(orders.counts.cumsum(axis=1), ((0, 0), (1, 0)))
    units = np.arange(len(marked))
    low = until[units, n_low] / n_low
    high = (until[:, -1] - until[units, HISTOGRAM_BINS - n_high]) / n_high
    marked = marked & orders.distinct & (n_low > 0)
    values[marked, 1] = (low / orders.counts.max(axis=1))[marked]
    for unit in np.flatnonzero(marked & (n_high > 1)):
        deviation = population_deviation(orders.counts[unit, HISTOGRAM_BINS - n_high[unit] :], high[unit])
        if deviation > 0:
            values[unit, 0] = (low[unit] - high[unit]) / deviation


def amplitude_cv(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill median and range of the variation of the amplitudes over bins of time."""
    from nh_platform.qc.metrics.kernels.bin_kernels import binned_deviations

    total = np.nan_to_num(n_samples(block))
    rate_hz = block.counts / (total / SAMPLING_RATE_HZ)
    width = np.nan_to_num(CV_SPIKES_PER_BIN / rate_hz * SAMPLING_RATE_HZ, posinf=0).astype(np.int64)
    n_bins = np.where(width > 0, total // np.maximum(width, 1), 0).astype(np.int64)
    marked = marked & (n_bins >= CV_MIN_BINS)
    starts = np.concatenate([[0], np.cumsum(np.where(marked, n_bins, 0))])
    deviations = np.full(starts[-1], np.nan)
    means = np.full(len(marked), np.nan)
    binned_deviations(
        block.times,
        block.amplitudes,
        block.offsets,
        marked,
        block.tmin,
        SAMPLING_RATE_HZ,
        width,
        starts,
        deviations,
        means,
    )
    deviations /= np.repeat(np.abs(means), np.diff(starts))
    # A bin without a spike makes both NaN upstream.
    if marked.any():
        marked[marked] = np.logical_and.reduceat(np.isfinite(deviations), starts[:-1][marked])
    n_bins = np.maximum(n_bins, 1)
    percentiles = [quantile_ranks(n_bins, percent / 100) for percent in CV_PERCENTILES]
    ranks = np.stack([middle_ranks(n_bins), *(places for places, _ in percentiles)], axis=1)
    found = values_at(deviations, starts[:-1], starts[1:], marked, ranks)
    low, high = (between(found[:, 1 + k], share) for k, (_, share) in enumerate(percentiles))
    values[:, 0] = found[:, 0].sum(axis=1) / 2
    values[:, 1] = high - low


@dataclass(frozen=True)
class _Orders:
    """Of each unit: counts over [min, max], whether bins can be told apart, and amplitudes (V) by their order."""

    counts: Integers
    distinct: Flags
    middle: Floats
    low: Floats
    high: Floats


def _orders(block: UnitBlock) -> _Orders:
    from nh_platform.qc.metrics.kernels.order_kernels import histograms_and_ranks

    usable = block.usable(("amplitudes",))
    counts = np.zeros((len(usable), HISTOGRAM_BINS), np.int64)
    distinct = np.zeros(len(usable), np.bool_)
    low, low_share = quantile_ranks(block.counts, LOW_QUANTILE)
    high, high_share = quantile_ranks(block.counts, 1 - HIGH_QUANTILE)
    ranks = np.stack([middle_ranks(block.counts), low, high], axis=1)
    values = np.full(ranks.shape, np.nan)
    histograms_and_ranks(
        block.amplitudes,
        block.offsets,
        usable,
        block.smallest,
        block.largest,
        ranks,
        block.scratch,
        counts,
        distinct,
        values,
    )
    return _Orders(counts, distinct, values[:, 0], between(values[:, 1], low_share), between(values[:, 2], high_share))


def _edges(block: UnitBlock) -> Floats:
    """Return (n_units, 101) edges over [min, max] in the arithmetic of `numpy.histogram`, V."""
    more = np.where(block.smallest == block.largest, 0.5, 0.0)
    low, high = block.smallest - more, block.largest + more
    # Not numpy.linspace, which rounds all units in another way where the step of one is 0.
    edges = np.arange(HISTOGRAM_BINS + 1) * ((high - low) / HISTOGRAM_BINS)[:, None] + low[:, None]
    edges[:, -1] = high
    return edges


def histograms(block: UnitBlock, marked: Flags) -> tuple[Integers, Flags]:
    """Return (n_units, 100) counts over [min, max], and whether the bins can be told apart; zeros where not."""
    orders = block.once(_orders)
    known = marked & orders.distinct
    return np.where(known[:, None], orders.counts, 0), known


def _group(compute, *names: str) -> MetricGroup:  # type: ignore[no-untyped-def]
    return MetricGroup(definitions_of(*(f"spikeinterface.{name}@0.105" for name in names)), compute)


GROUPS: tuple[MetricGroup, ...] = (
    _group(median, "amplitude_median"),
    _group(amplitude_cutoff, "amplitude_cutoff"),
    _group(noise_cutoff, "noise_cutoff", "noise_ratio"),
    _group(amplitude_cv, "amplitude_cv_median", "amplitude_cv_range"),
)
