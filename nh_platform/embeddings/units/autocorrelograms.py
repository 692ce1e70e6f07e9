"""The autocorrelogram of a unit, and what is read off it: refractory period and rhythm.

Contains the bins, the counts that a Poisson process would have, and two readings. Add another reading here. The loop
over pairs of spikes is `firing_kernels.pairs_by_lag`.

The autocorrelogram is causal (lags above 0) and normalised: pairs of spikes of one valid stretch with a lag in a bin,
over those expected of a Poisson process of the same number of spikes ``n`` in the same valid time ``T``,

``n (n - 1) / T² · sum over stretches of ∫ max(L - τ, 0) dτ``, the integral over the bin, ``L`` the stretch's length.

One pair is added to both, so that a bin in which less than one is expected says little: of a real insertion the plain
ratio reached 540 in units of 0.1 Hz. It is 1 where spikes do not depend on each other, whatever the rate, the window's
length or its gaps.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FINE_BIN_S = 0.0005
"""Width of the bins in which pairs are counted once; all other bins are made of whole ones."""

LONGEST_LAG_S = 1.0
N_FINE = round(LONGEST_LAG_S / FINE_BIN_S)

EDGES_S = (
    0.0, 0.001, 0.0015, 0.002, 0.0025, 0.003, 0.004, 0.005, 0.0065, 0.008, 0.01, 0.0125, 0.016, 0.02, 0.025, 0.0315,
    0.04, 0.05, 0.063, 0.08, 0.1, 0.126, 0.1585, 0.1995, 0.251, 0.316, 0.398, 0.501, 0.631, 0.7945, 1.0,
)  # fmt: skip
"""Edges of the stored bins: about ten a decade from 1 ms to 1 s, on multiples of `FINE_BIN_S`; the first from 0."""

RISE_WITHIN_S = 0.02
"""Lags in which the end of the refractory period is looked for."""

RHYTHM_BIN_S = 0.005
RHYTHM_FROM_S = 0.02
"""Rhythm is read from bins of 5 ms behind 20 ms, where neither refractoriness nor bursts are."""

NOISE_DEVIATIONS = 2.5
"""What the largest of the 50 independent amplitudes of a Poisson process is expected to reach, rounded up."""

RHYTHM_HZ = np.arange(2.0, 50.01, 0.5)
"""Frequencies that are tried; below 2 Hz less than two periods fit into the lags."""


def expected_pairs(stretches: FloatArray) -> FloatArray:
    """Return (n_fine,) seconds² that pairs of each fine lag can lie in: times the squared rate it is their number.

    Parameters
    ----------
    stretches
        (n, 2) start and stop in seconds of the valid time.
    """
    edges = np.arange(N_FINE + 1) * FINE_BIN_S
    up_to = np.zeros(N_FINE + 1)
    for length in stretches[:, 1] - stretches[:, 0]:
        lag = np.minimum(edges, length)
        up_to += length * lag - lag * lag / 2
    return np.diff(up_to)


def fine_pairs(times: FloatArray, starts: FloatArray) -> IntArray:
    """Return (n_fine,) pairs of spikes of one stretch by lag; ``starts`` are the begins of the stretches, seconds."""
    from nh_platform.embeddings.units.firing_kernels import pairs_by_lag

    counts = np.zeros(N_FINE, dtype=np.int64)
    pairs_by_lag(times, starts, 1 / FINE_BIN_S, counts)
    return counts


def normalised(pairs: IntArray, expected: FloatArray, edges_s: npt.ArrayLike) -> FloatArray:
    """Return the autocorrelogram between edges that are multiples of the fine bin; NaN where no pair can be.

    Parameters
    ----------
    pairs
        As of `fine_pairs`.
    expected
        (n_fine,) pairs that a Poisson process would have.
    edges_s
        (n_bins + 1,) seconds.
    """
    at = np.rint(np.asarray(edges_s) / FINE_BIN_S).astype(np.int64)
    found = np.add.reduceat(pairs, at[:-1]) if at[-1] == N_FINE else np.add.reduceat(pairs, at)[:-1]
    hoped = np.add.reduceat(expected, at[:-1]) if at[-1] == N_FINE else np.add.reduceat(expected, at)[:-1]
    return np.where(hoped > 0, (found + 1) / (hoped + 1), np.nan)


def refractory_period_s(pairs: IntArray) -> float:
    """Return the lag at which the autocorrelogram rises: the change that two constant levels explain best.

    Counts below and above each edge within 20 ms are taken for two Poisson levels; the edge of the largest likelihood
    counts, among those behind which the level is higher. Contamination raises the lower level and leaves the edge.

    Returns
    -------
    float
        Seconds, a multiple of 0.5 ms; NaN without a pair within 20 ms, or where the level rises nowhere.
    """
    counts = pairs[: round(RISE_WITHIN_S / FINE_BIN_S)].astype(np.float64)
    below = np.cumsum(counts)[:-1]
    above = counts.sum() - below
    n_below = np.arange(1, len(counts))
    n_above = len(counts) - n_below
    with np.errstate(divide="ignore", invalid="ignore"):
        likelihood = _times_log(below, below / n_below) + _times_log(above, above / n_above)
    likelihood[~(above / n_above > below / n_below)] = -np.inf
    best = int(np.argmax(likelihood))
    return float(n_below[best] * FINE_BIN_S) if np.isfinite(likelihood[best]) else np.nan


def rhythm(pairs: IntArray, expected: FloatArray) -> tuple[float, float]:
    """Return frequency (Hz) and depth of the strongest rhythm.

    A rate ``r (1 + m cos 2πft)`` has the autocorrelogram ``1 + m²/2 cos 2πfτ``. The amplitude at every frequency of
    `RHYTHM_HZ` is that of the cosine transform of the autocorrelogram without its mean, under a Hann window. Of the
    largest one, what noise reaches is taken off: `NOISE_DEVIATIONS` times the standard deviation of all, as their
    median magnitude has it. The depth is the ``m`` of the rest.

    Returns
    -------
    tuple
        NaN and 0 where nothing is left, or no lag has a pair; NaN for both where lags cannot be observed.
    """
    values = normalised(pairs, expected, _RHYTHM_EDGES_S)
    if not np.isfinite(values).all():
        return np.nan, np.nan
    mean = (_HANN * values).sum()
    # Not `@`: the order of its sums is the processor's.
    amplitudes = 2 * (_COSINES * (_HANN * (values - mean))).sum(axis=1)
    best = int(np.argmax(amplitudes))
    left = amplitudes[best] - NOISE_DEVIATIONS * np.median(np.abs(amplitudes)) / 0.6745
    return (float(RHYTHM_HZ[best]), float(np.sqrt(2 * left))) if left > 0 else (np.nan, 0.0)


def _times_log(count: FloatArray, level: FloatArray) -> FloatArray:
    return np.where(count > 0, count * np.log(np.where(level > 0, level, 1.0)), 0.0)


_RHYTHM_EDGES_S = np.arange(round(RHYTHM_FROM_S / RHYTHM_BIN_S), round(LONGEST_LAG_S / RHYTHM_BIN_S) + 1) * RHYTHM_BIN_S
_LAGS_S = (_RHYTHM_EDGES_S[1:] + _RHYTHM_EDGES_S[:-1]) / 2
_HANN = np.sin(np.pi * (np.arange(len(_LAGS_S)) + 0.5) / len(_LAGS_S)) ** 2
_HANN /= _HANN.sum()
_COSINES = np.cos(2 * np.pi * RHYTHM_HZ[:, None] * _LAGS_S[None, :])
