"""The recording that SpikeInterface would have of a probe: samples of 30 kHz from its first to its last spike.

Contains the sample number of every spike and the length of the recording. Every metric of this folder that counts time
begins here; nothing is counted here.
"""

from __future__ import annotations

import numpy as np

from nh_platform.qc.metrics.unit_blocks import Flags, Floats, Integers, UnitBlock

SAMPLING_RATE_HZ = 30000.0
"""Nominal rate of a Neuropixels probe; the released times are on the clock of the session."""


def sample_numbers(block: UnitBlock, marked: Flags) -> Integers:
    """Return (n_spikes,) int64 sample of each spike of the marked units, counted from the first spike of its probe.

    The array is the block's work space: it holds until the next metric writes there.
    """
    from nh_platform.qc.metrics.kernels.sample_kernels import sample_numbers as kernel

    kernel(block.times, block.offsets, marked, block.tmin, SAMPLING_RATE_HZ, block.integers)
    return block.integers


def n_samples(block: UnitBlock) -> Floats:
    """Return (n_units,) samples of the recording, whole numbers; NaN where the probe has no usable spike."""
    return np.rint((block.tmax - block.tmin) * SAMPLING_RATE_HZ) + 1


def n_whole_bins(block: UnitBlock, bin_samples: int) -> Integers:
    """Return (n_units,) whole bins of ``bin_samples`` that the recording has; 0 where the probe has no usable spike."""
    return np.nan_to_num(n_samples(block) // bin_samples).astype(np.int64)
