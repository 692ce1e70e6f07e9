"""SpikeInterface's metrics from spike amplitudes: level, cut-offs, variation over time.

Add a metric of SpikeInterface from amplitudes here. What is read in the same way as by IBL's metrics is computed by
`nh_platform.qc.metrics.amplitude_metrics`.
"""

from __future__ import annotations

import numpy as np

from nh_platform.qc.metrics.amplitude_metrics import middle_pairs, smoothing_weights
from nh_platform.qc.metrics.definitions.lookup import definitions_of
from nh_platform.qc.metrics.metric_group import MetricGroup, Values
from nh_platform.qc.metrics.spikeinterface.recording_samples import SAMPLING_RATE_HZ, n_samples, sample_numbers
from nh_platform.qc.metrics.unit_blocks import Flags, Integers, UnitBlock

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
    values[:, 0] = middle_pairs(block, marked).sum(axis=1) / 2


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
    counts, distinct = histograms(block, marked)
    for unit in np.flatnonzero(marked & distinct):
        amplitudes = block.amplitudes[block.offsets[unit] : block.offsets[unit + 1]]
        edges = np.histogram_bin_edges((block.smallest[unit], block.largest[unit]), HISTOGRAM_BINS)
        low_value, high_value = np.quantile(amplitudes, (LOW_QUANTILE, 1 - HIGH_QUANTILE))
        low = counts[unit][edges[1:] <= low_value]
        high = counts[unit][edges[:-1] >= high_value]
        if len(low) == 0:
            continue
        values[unit, 1] = low.mean() / counts[unit].max()
        if len(high) > 1 and high.std() > 0:
            values[unit, 0] = (low.mean() - high.mean()) / high.std()


def amplitude_cv(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill median and range of the variation of the amplitudes over bins of time."""
    from nh_platform.qc.metrics.kernels.sample_kernels import binned_deviations

    total = np.nan_to_num(n_samples(block))
    rate_hz = block.counts / (total / SAMPLING_RATE_HZ)
    width = np.nan_to_num(CV_SPIKES_PER_BIN / rate_hz * SAMPLING_RATE_HZ, posinf=0).astype(np.int64)
    n_bins = np.where(width > 0, total // np.maximum(width, 1), 0).astype(np.int64)
    marked = marked & (n_bins >= CV_MIN_BINS)
    samples = sample_numbers(block, marked)
    starts = np.concatenate([[0], np.cumsum(np.where(marked, n_bins, 0))])
    deviations = np.full(starts[-1], np.nan)
    means = np.full(len(marked), np.nan)
    binned_deviations(samples, block.amplitudes, block.offsets, marked, width, starts, deviations, means)
    for unit in np.flatnonzero(marked):
        spreads = deviations[starts[unit] : starts[unit + 1]] / abs(means[unit])
        if np.isfinite(spreads).all():  # a bin without a spike makes both NaN upstream
            values[unit, 0] = np.median(spreads)
            low, high = np.percentile(spreads, CV_PERCENTILES)
            values[unit, 1] = high - low


def histograms(block: UnitBlock, marked: Flags) -> tuple[Integers, Flags]:
    """Return (n_units, 100) counts over [min, max], and whether the bins can be told apart."""
    from nh_platform.qc.metrics.kernels.amplitude_kernels import histograms_over_range

    counts = np.zeros((len(marked), HISTOGRAM_BINS), np.int64)
    distinct = np.zeros(len(marked), np.bool_)
    histograms_over_range(
        block.amplitudes, block.offsets, marked, block.smallest, block.largest, HISTOGRAM_BINS, counts, distinct
    )
    return counts, distinct


def _group(compute, *names: str) -> MetricGroup:  # type: ignore[no-untyped-def]
    return MetricGroup(definitions_of(*(f"spikeinterface.{name}@0.105" for name in names)), compute)


GROUPS: tuple[MetricGroup, ...] = (
    _group(median, "amplitude_median"),
    _group(amplitude_cutoff, "amplitude_cutoff"),
    _group(noise_cutoff, "noise_cutoff", "noise_ratio"),
    _group(amplitude_cv, "amplitude_cv_median", "amplitude_cv_range"),
)
