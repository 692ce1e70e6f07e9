"""Signals on the benchmark's grid of 50 Hz: made even, low-passed, and sampled anew.

Contains the arithmetic, on arrays alone. Which signals a session has, and on which grid they lie, is `behaviour`.
The order of the steps and every constant are those of the benchmark's ``pipeline.py`` and ``utils.py``
(brainbench-org/ibl-bwb and test-ibl-bwb, data version 0.1.0).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

RATE_HZ = 50.0
"""Rate of the grid (``TARGET_FS_HZ``)."""

CAMERA_RATES_HZ, RATE_TOLERANCE_HZ = (60.0, 150.0), 1.0
"""Rates that a camera may have, and by how much less than that it may be off (``WHISKER_ALLOWED_FS_HZ``,
``FS_TOLERANCE_HZ``)."""

ORDER, NYQUIST_SHARE, PAD_S = 8, 0.8, 1.0
"""Butterworth low-pass at this share of the new Nyquist frequency; time that is mirrored at both ends before it
(``RESAMPLE_ANTIALIAS_ORDER``, ``NYQUIST_SAFE_RATIO``, ``PAD_SEC``)."""

DECIMATION = (10, 2)
"""Factors by which the wheel at 1 kHz is decimated in turn (``WHEEL_DOWNSAMPLE_FACTORS``)."""

LIKELIHOOD = 0.9
"""Least likelihood of a point that counts (``PAW_LIKELIHOOD_THRESHOLD``)."""

_SNAP = 1e-9
"""Share of a sample by which a time may miss the grid and still be on it (``RegularTimeSeries.slice``)."""


@dataclass(frozen=True)
class GridSignal:
    """A signal at 50 Hz.

    Parameters
    ----------
    start
        Time (s) of the first sample on the session clock.
    values
        (n,) float64; sample ``k`` is at ``start + k / 50``.
    confident
        (n,) bool, False where a value does not count; None where all do.
    """

    start: float
    values: FloatArray
    confident: npt.NDArray[np.bool_] | None = None

    def samples(self, starts: FloatArray, n: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return (n_windows, n) rows of the samples from each start on, and (n_windows,) whether all of them exist.

        The first sample is the one at the start, or the next one after it.
        """
        offsets = (starts - self.start) * RATE_HZ
        near = np.abs(offsets - np.round(offsets)) < _SNAP
        first = np.where(near, np.round(offsets), np.ceil(offsets)).astype(np.int64)
        return first[:, None] + np.arange(n), (first >= 0) & (first + n <= len(self.values))

    def times(self, rows: npt.NDArray[np.int64]) -> FloatArray:
        """Return the times (s) of samples, in the shape of ``rows``."""
        return self.start + rows / RATE_HZ


def camera_rate(times: FloatArray) -> float:
    """Return the frames per second of a camera: one over the median step of its (n_frames,) times in s."""
    return float(1.0 / np.median(np.diff(times)))


def is_known_rate(rate_hz: float) -> bool:
    """Return whether a camera may have this rate: 60 or 150 Hz, less than 1 Hz off."""
    return any(abs(rate_hz - known) < RATE_TOLERANCE_HZ for known in CAMERA_RATES_HZ)


def even_samples(times: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return even times (m,) in s at the rate of the samples, and the values interpolated linearly there.

    Parameters
    ----------
    times
        (n,) seconds, ascending, at nearly even steps. A pause is bridged by a line, as in the benchmark: the tolerance
        of 1 % of a sample, by which it finds pauses, does not reach the resampled signal.
    values
        (n,) or (n, k), finite.
    """
    even = np.arange(times[0], times[-1], 1.0 / camera_rate(times), dtype=np.float64)
    columns = values[:, None] if values.ndim == 1 else values
    found = np.stack([np.interp(even, times, column) for column in columns.T], axis=1)
    return even, found[:, 0] if values.ndim == 1 else found


def resampled_to_grid(times: FloatArray, values: FloatArray) -> FloatArray:
    """Return (m, k) values at 50 Hz from the first time on, without what is above 20 Hz.

    Mirrored by 1 s at both ends, low-passed in both directions (Butterworth, order 8, at 0.8 of 25 Hz), sampled anew by
    Fourier's method, interpolated linearly at the grid's times, and kept within the range that the values had.

    Parameters
    ----------
    times
        (n,) even times in s, as of `even_samples`; more than 1 s of them.
    values
        (n, k) float64, finite.
    """
    from scipy.signal import butter, resample, sosfiltfilt

    rate = camera_rate(times)
    n_pad = int(PAD_S * rate)
    padded = np.pad(values, ((n_pad, n_pad), (0, 0)), mode="reflect")
    n_padded = len(padded)
    padded_times = np.linspace(times[0] - n_pad / rate, times[-1] + n_pad / rate, n_padded)
    sections = butter(ORDER, NYQUIST_SHARE * RATE_HZ / rate, output="sos")
    low_passed = sosfiltfilt(sections, padded, axis=0)
    sampled, sampled_times = resample(low_passed, int(n_padded * RATE_HZ / rate), t=padded_times, axis=0)
    grid = np.arange(times[0], times[-1], 1.0 / RATE_HZ, dtype=np.float64)
    found = np.stack([np.interp(grid, sampled_times, column) for column in sampled.T], axis=1)
    return np.clip(found, values.min(axis=0), values.max(axis=0))


def speed(positions: FloatArray, rate_hz: float) -> FloatArray:
    """Return (n,) speed of (n, 2) even positions, per second: the length of the central differences."""
    along_x, along_y = np.gradient(positions, 1.0 / rate_hz, axis=0).T
    return np.hypot(along_x, along_y)


def confident(likelihood: FloatArray) -> npt.NDArray[np.bool_]:
    """Return (n,) whether a sample and both beside it have a likelihood of at least 0.9.

    A speed is a difference of the two samples beside it. Before the first sample and behind the last all is well.
    """
    from scipy.ndimage import binary_erosion

    return np.asarray(binary_erosion(likelihood >= LIKELIHOOD, border_value=1), dtype=bool)


def event_counts(times: FloatArray, start: float, n: int) -> FloatArray:
    """Return (n,) how many events lie in each step of the grid: from its sample on, before the next."""
    steps = np.floor((times[np.isfinite(times)] - start) * RATE_HZ)
    inside = steps[(steps >= 0) & (steps < n)].astype(np.int64)
    return np.bincount(inside, minlength=n).astype(np.float64)


def decimated_wheel(times: FloatArray, velocity: FloatArray, grid_start: float, rate_hz: float) -> GridSignal | None:
    """Return the speed of the wheel on a grid; None where the wheel is not longer than 1 s.

    Parameters
    ----------
    times, velocity
        (n,) even times in s and velocity in rad/s, at ``rate_hz``.
    grid_start
        Time (s) of a sample of the grid; the first of the wheel's is the first on the grid within its own time.
    rate_hz
        Samples per second of the velocity: 1,000, which the decimation by 10 and 2 brings to 50.
    """
    from scipy.signal import decimate

    step = 1.0 / RATE_HZ
    first = grid_start + math.ceil((times[0] - grid_start) / step) * step
    last = grid_start + math.floor((times[-1] - grid_start) / step) * step
    aligned_times = np.arange(first, last, 1.0 / rate_hz, dtype=np.float64)
    n_pad = int(PAD_S * rate_hz)
    if len(aligned_times) <= n_pad:
        return None
    found = np.pad(np.interp(aligned_times, times, velocity), n_pad, mode="reflect")
    for factor in DECIMATION:
        found = decimate(found, factor, ftype="fir")
    n_left = n_pad // math.prod(DECIMATION)
    return GridSignal(first, np.abs(found[n_left:-n_left]))
