"""Signal and noise power of units over repeats of stimuli, and the noise ceiling that follows from them.

Contains the estimator and the ceiling. Add here another measure of how much of a response the stimulus explains.
Split-half reliability is `reliability`; scores of predictions are `scores`.

Definitions. The response of a unit in bin ``b`` of condition ``c`` in repeat ``r`` is ``x[r, c, b] = mu[c, b] +
noise``, the noise independent between repeats; within one repeat it may be correlated over bins. Over the K = C x B
points (all bins of all conditions, each with the same weight):

- signal power ``SP = mean_k(mu_k^2) - mean_k(mu_k)^2``, the variance of the true mean response over points;
- total power ``TP``, the expected variance over points of the response to one repeat of every condition;
- noise power ``NP = TP - SP``.

Of a product of two true means, the product of two responses in *different* repeats is an unbiased estimate, so every
product is taken over all pairs of different repeats (of bins of different conditions all pairs are different repeats).
With one condition of N repeats this is the estimate of Sahani & Linden (2003),
``SP = (N P(mean) - mean(P(x_r))) / (N - 1)`` with ``P`` the variance over bins. It also holds for numbers of repeats
that differ between conditions, and for interleaved conditions, which come in no complete sweeps.

The mean of n held-out repeats has the expected power ``SP + NP / n``. Of its variance no prediction explains more than
``SP / (SP + NP / n)``, the ceiling of R2, and no prediction correlates better than the square root of it (Hsu, Borst &
Theunissen 2004; ``CC_max`` of Schoppe et al. 2016). Where the estimate of SP is not positive, no signal was
measured: the ceiling is 0. A unit whose responses are all equal, as those of one without spikes, has none: NaN.

References: M. Sahani & J. F. Linden, How linear are auditory cortical responses?, NIPS 15 (2003). A. Hsu, A. Borst &
F. E. Theunissen, Network 15 (2004) 91-109. O. Schoppe et al., Front. Comput. Neurosci. 10 (2016) 10.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ResponsePower:
    """Signal and noise power of units.

    Parameters
    ----------
    signal, noise
        (n_units,) float64 in the square of the responses' unit. An estimate may be negative; both are NaN of a unit
        whose responses are all equal.
    """

    signal: FloatArray
    noise: FloatArray

    def ceiling(self, n_repeats: float) -> FloatArray:
        """Return (n_units,) 0 to 1, the largest R2 against the mean of ``n_repeats`` repeats that is to be expected.

        Examples
        --------
        >>> ResponsePower(np.array([1.0, -0.1]), np.array([4.0, 2.0])).ceiling(4).tolist()
        [0.5, 0.0]
        """
        signal, noise = np.maximum(self.signal, 0.0), np.maximum(self.noise, 0.0)
        power = signal + noise / n_repeats
        share = np.divide(signal, power, out=np.zeros_like(signal), where=power > 0)
        return np.where(np.isfinite(self.signal), share, np.nan)


def response_power(responses: npt.NDArray[np.generic], conditions: IntArray) -> ResponsePower:
    """Return the signal and noise power of every unit.

    Parameters
    ----------
    responses
        (n_repeats, n_bins, n_units) spike counts or rates of all repeats of all conditions.
    conditions
        (n_repeats,) which condition each is of; every one has two repeats at least.

    Raises
    ------
    ValueError
        If a condition has fewer than two repeats.

    Examples
    --------
    Two repeats of one condition in two bins, without noise: the mean is 1 and 3, its variance 1.

    >>> power = response_power(np.array([[[1], [3]], [[1], [3]]]), np.array([0, 0]))
    >>> power.signal.tolist(), power.noise.tolist()
    ([1.0], [0.0])
    """
    n_units, n_bins = responses.shape[2], responses.shape[1]
    squares, within, total_squares, total_within, means, means_squared = np.zeros((6, n_units))
    lowest, highest = np.full(n_units, np.inf), np.full(n_units, -np.inf)
    values = np.unique(conditions)
    for value in values:
        part = responses[conditions == value].astype(np.float64)
        n = len(part)
        if n < 2:
            raise ValueError(f"condition {value} has {n} repeat: two are needed")
        of_bins, of_repeats = part.sum(axis=0), part.sum(axis=1)
        mean = of_repeats.sum(axis=0) / n
        # Sums over pairs of different repeats: all pairs less those of a repeat with itself.
        squares += ((of_bins**2 - (part**2).sum(axis=0)) / (n * (n - 1))).sum(axis=0)
        within += (of_repeats.sum(axis=0) ** 2 - (of_repeats**2).sum(axis=0)) / (n * (n - 1))
        total_squares += (part**2).sum(axis=(0, 1)) / n
        total_within += (of_repeats**2).sum(axis=0) / n
        means += mean
        means_squared += mean**2
        lowest, highest = np.minimum(lowest, part.min(axis=(0, 1))), np.maximum(highest, part.max(axis=(0, 1)))
    n_points = len(values) * n_bins
    between = means**2 - means_squared
    signal = squares / n_points - (between + within) / n_points**2
    total = total_squares / n_points - (between + total_within) / n_points**2
    varies = highest > lowest
    return ResponsePower(np.where(varies, signal, np.nan), np.where(varies, total - signal, np.nan))
