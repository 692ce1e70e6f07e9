"""SpikeInterface's metrics from the depths of spikes: how far a unit moves along the probe.

Add a metric of SpikeInterface from depths here.
"""

from __future__ import annotations

import numpy as np

from nh_platform.qc.metrics.definitions.lookup import definitions_of
from nh_platform.qc.metrics.metric_group import MetricGroup, Values
from nh_platform.qc.metrics.order_statistics import population_deviation
from nh_platform.qc.metrics.spikeinterface.recording_samples import SAMPLING_RATE_HZ, n_whole_bins
from nh_platform.qc.metrics.unit_blocks import Flags, Floats, UnitBlock

# spikeinterface/metrics/quality/misc_metrics.py 0.105.3, Drift.metric_params and defaults of compute_drift_metrics.
INTERVAL = 60 * 30000
MIN_SPIKES_PER_INTERVAL = 100
MIN_BINS = 2
MOST_EMPTY = 0.5


def drift(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill range, standard deviation and median absolute deviation (µm) of the depth over the recording."""
    from nh_platform.qc.metrics.kernels.bin_kernels import binned_medians

    n_bins = n_whole_bins(block, INTERVAL)
    marked = marked & (n_bins >= MIN_BINS)
    n_known = np.zeros(len(marked), np.int64)
    reference = np.full(len(marked), np.nan)
    # As many bins as can have enough spikes; a clock with an error makes millions of others.
    starts = np.concatenate([[0], np.cumsum(block.counts // MIN_SPIKES_PER_INTERVAL)])
    medians = np.empty(starts[-1])
    binned_medians(
        block.times,
        block.depths,
        block.offsets,
        marked,
        block.tmin,
        SAMPLING_RATE_HZ,
        INTERVAL,
        n_bins,
        MIN_SPIKES_PER_INTERVAL,
        block.scratch,
        starts,
        medians,
        n_known,
        reference,
    )
    enough = marked & (n_known > 0) & (n_bins - n_known <= MOST_EMPTY * n_bins)
    for unit in np.flatnonzero(enough):
        moved = medians[starts[unit] : starts[unit] + n_known[unit]] - reference[unit]
        deviation = population_deviation(moved, np.add.reduce(moved) / len(moved))
        moved.sort()
        values[unit] = moved[-1] - moved[0], deviation, _middle(np.sort(np.abs(moved - _middle(moved))))


def _middle(ordered: Floats) -> float:
    """Return the median of values in order; `numpy.median` takes ten times as long for 70 of them."""
    n = len(ordered)
    return float(ordered[n // 2] if n % 2 else (ordered[n // 2 - 1] + ordered[n // 2]) / 2)


GROUPS: tuple[MetricGroup, ...] = (
    MetricGroup(
        definitions_of(
            "spikeinterface.drift_ptp@0.105", "spikeinterface.drift_std@0.105", "spikeinterface.drift_mad@0.105"
        ),
        drift,
    ),
)
