"""From samples of the LFP band to seconds on the session clock, and back.

IBL states the clock of a probe as pairs: ``_spikeglx_*.timestamps.npy`` of a sample of the AP band and a second of the
session, ``_spikeglx_*.sync.npy`` of a second of the probe and one of the session. Between and beyond them it is linear,
as in brainbox's `SpikeSortingLoader.samples2times` (ibllib 4.1.0).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nh_platform.session import BadUpstreamData

AP_PER_LFP_SAMPLE = 12
"""Samples of the AP band (30 kHz) for one of the LFP band (2.5 kHz), by the probe's own clock (SpikeGLX)."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SampleClock:
    """A clock through pairs that rise.

    Parameters
    ----------
    samples, seconds
        (n,) float64, two or more: samples of the LFP band, and seconds on the session clock.
    """

    samples: FloatArray
    seconds: FloatArray

    def times(self, samples: npt.ArrayLike) -> FloatArray:
        """Return the seconds of samples."""
        return _linear(np.asarray(samples, dtype=np.float64), self.samples, self.seconds)

    def first_from(self, second: float, n_samples: int) -> int:
        """Return the first of ``n_samples`` samples that is not before a second; ``n_samples`` where none is."""
        near = int(np.clip(np.floor(_linear(np.array([second]), self.seconds, self.samples)[0]), 0, n_samples))
        # Rounding may put the sample of exactly this second on either side.
        near = max(near - 2, 0)
        there = self.times(np.arange(near, min(near + 5, n_samples)))
        return near + int(np.searchsorted(there, second))


def read_clock(timestamps: Path | None, sync: Path | None, sampling_rate: float, label: str) -> SampleClock | None:
    """Read the clock of a probe; None where neither file is there.

    Parameters
    ----------
    timestamps, sync
        The two files; the first counts where both are there.
    sampling_rate
        Hz of the LFP band.
    label
        What a person calls the file.

    Raises
    ------
    BadUpstreamData
        If it is no array of pairs that rise.
    """
    path = timestamps or sync
    if path is None:
        return None
    try:
        pairs = np.asarray(np.load(path, allow_pickle=False), dtype=np.float64)
    except Exception as error:  # a decoder of a damaged file raises anything
        raise BadUpstreamData(label, f"not a whole npy file: {error}", "Fetch it again.") from error
    fits = pairs.ndim == 2 and pairs.shape[1] == 2 and len(pairs) > 1 and np.isfinite(pairs).all()
    if not fits or (np.diff(pairs, axis=0) <= 0).any():
        found = f"shape {pairs.shape}, expected two or more rows of a sample and a second, both rising"
        raise BadUpstreamData(label, found, "Fetch it again, or report it to IBL.")
    scale = 1.0 / AP_PER_LFP_SAMPLE if timestamps is not None else sampling_rate
    return SampleClock(pairs[:, 0] * scale, pairs[:, 1])


def _linear(values: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """Interpolate, and extrapolate by the first and last pair."""
    piece = np.clip(np.searchsorted(x, values, side="right") - 1, 0, len(x) - 2)
    slope = (y[piece + 1] - y[piece]) / (x[piece + 1] - x[piece])
    return np.asarray(y[piece] + slope * (values - x[piece]), dtype=np.float64)
