"""SpikeInterface's metrics from the depths of spikes: how far a unit moves along the probe.

Add a metric of SpikeInterface from depths here.
"""

from __future__ import annotations

import numpy as np

from nh_platform.qc.metrics.definitions.lookup import definitions_of
from nh_platform.qc.metrics.metric_group import MetricGroup, Values
from nh_platform.qc.metrics.spikeinterface.recording_samples import n_whole_bins, sample_numbers
from nh_platform.qc.metrics.unit_blocks import Flags, UnitBlock

# spikeinterface/metrics/quality/misc_metrics.py 0.105.3, Drift.metric_params and defaults of compute_drift_metrics.
INTERVAL = 60 * 30000
MIN_SPIKES_PER_INTERVAL = 100
MIN_BINS = 2
MOST_EMPTY = 0.5


def drift(block: UnitBlock, marked: Flags, values: Values) -> None:
    """Fill range, standard deviation and median absolute deviation (µm) of the depth over the recording."""
    from nh_platform.qc.metrics.kernels.sample_kernels import binned_medians

    n_bins = n_whole_bins(block, INTERVAL)
    marked = marked & (n_bins >= MIN_BINS)
    n_known = np.zeros(len(marked), np.int64)
    reference = np.full(len(marked), np.nan)
    samples = sample_numbers(block, marked)
    binned_medians(
        samples,
        block.depths,
        block.offsets,
        marked,
        INTERVAL,
        n_bins,
        MIN_SPIKES_PER_INTERVAL,
        block.scratch,
        n_known,
        reference,
    )
    enough = marked & (n_known > 0) & (n_bins - n_known <= MOST_EMPTY * n_bins)
    for unit in np.flatnonzero(enough):
        begin = block.offsets[unit]
        moved = block.scratch[begin : begin + n_known[unit]] - reference[unit]
        values[unit] = moved.max() - moved.min(), moved.std(), np.median(np.abs(moved - np.median(moved)))


GROUPS: tuple[MetricGroup, ...] = (
    MetricGroup(
        definitions_of(
            "spikeinterface.drift_ptp@0.105", "spikeinterface.drift_std@0.105", "spikeinterface.drift_mad@0.105"
        ),
        drift,
    ),
)
