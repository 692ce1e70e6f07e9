"""The recording that SpikeInterface would have of a probe: samples of 30 kHz from its first to its last spike.

Contains the length of the recording. Every metric of this folder that counts time begins here; nothing is counted here.
Which sample a spike is at is said by `nh_platform.qc.metrics.kernels.sample_kernels`.
"""

from __future__ import annotations

import numpy as np

from nh_platform.qc.metrics.unit_blocks import Floats, Integers, UnitBlock

SAMPLING_RATE_HZ = 30000.0
"""Nominal rate of a Neuropixels probe; the released times are on the clock of the session."""


def n_samples(block: UnitBlock) -> Floats:
    """Return (n_units,) samples of the recording, whole numbers; NaN where the probe has no usable spike."""
    return np.rint((block.tmax - block.tmin) * SAMPLING_RATE_HZ) + 1


def n_whole_bins(block: UnitBlock, bin_samples: int) -> Integers:
    """Return (n_units,) whole bins of ``bin_samples`` that the recording has; 0 where the probe has no usable spike."""
    return np.nan_to_num(n_samples(block) // bin_samples).astype(np.int64)
