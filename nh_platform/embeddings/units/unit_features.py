"""The features of a unit's firing: rate, regularity, bursts, inter-spike intervals, coupling to the other units.

Contains the platform's own encoder. Add a feature here when it describes firing; move `FEATURES_VERSION` whenever a
value changes. Unit quality is the matter of `nh_platform.qc`, and nothing here reads a file.

With inter-spike intervals (ISIs) ``I_1 … I_n`` in seconds:

- CV = standard deviation / mean of the ISIs, with n in the variance;
- CV2 = mean of ``2 |I_{i+1} - I_i| / (I_{i+1} + I_i)`` (Holt, Softky, Koch & Douglas 1996, J Neurophysiol 75:1806);
- LV = mean of ``3 ((I_i - I_{i+1}) / (I_i + I_{i+1}))²`` (Shinomoto, Shima & Tanji 2003, Neural Comput 15:2823);
- LvR = mean of ``3 (1 - 4 I_i I_{i+1} / (I_i + I_{i+1})²) (1 + 4 R / (I_i + I_{i+1}))``, R = 5 ms (Shinomoto et al.
  2009, PLoS Comput Biol 5:e1000433).

The means run over the n - 1 neighbouring pairs; a pair of two zero intervals (three identical times) is left out.

Only valid time counts (`unit_encoding` leaves the rest out): rates are per valid second, no ISI or pair of ISIs bridges
a gap, and the bins of 1 s lie in one valid stretch each.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt

from nh_platform.embeddings.units.unit_encoder import UnitActivity, UnitEncoder
from nh_platform.session.columns import Column
from nh_platform.windows.intervals import duration_s

FloatArray = npt.NDArray[np.float64]

FEATURES_VERSION = "2"
"""Moves when the value of a feature changes; part of the data version of `unit_embeddings`. 2: over valid time."""

REFRACTORINESS_S = 0.005
"""R of LvR, the value of Shinomoto et al. 2009."""

REFRACTORY_S = 0.0025
BURST_S = 0.010
"""Shares of ISIs below these are features: 2.5 ms is refractory in most neurons, below 10 ms is within a burst."""

HISTOGRAM_BINS = 20
HISTOGRAM_EDGES_S = 10.0 ** np.linspace(-3, 1, HISTOGRAM_BINS + 1)
"""1 ms to 10 s in steps of a fifth of a decade; shorter and longer ISIs count in the end bins."""

COUNT_BIN_S = 1.0
"""Width of the bins of ``rate_std_hz`` and ``fano_factor``."""


def _feature(name: str, unit: str, meaning: str) -> Column:
    return Column(name, "float32", unit, meaning, nullable=True)


FEATURES: tuple[Column, ...] = (
    _feature("rate_hz", "Hz", "Mean firing rate over the valid time of the probe"),
    _feature("log10_rate", "log10(Hz)", "Logarithm of the mean firing rate"),
    _feature("isi_mean_s", "s", "Mean inter-spike interval"),
    _feature("isi_median_s", "s", "Median inter-spike interval"),
    _feature("isi_cv", "1", "Coefficient of variation of the intervals; 1 for a Poisson process"),
    _feature("isi_cv2", "1", "CV2: local variation of successive intervals (Holt et al. 1996)"),
    _feature("isi_lv", "1", "LV: local variation, squared form (Shinomoto et al. 2003)"),
    _feature("isi_lvr", "1", "LvR: local variation corrected for refractoriness (Shinomoto et al. 2009)"),
    _feature("isi_below_2_5ms", "1", "Share of intervals below 2.5 ms, refractory in most neurons"),
    _feature("isi_below_10ms", "1", "Share of intervals below 10 ms, within a burst"),
    _feature("rate_std_hz", "Hz", "Standard deviation of the rate in bins of 1 s"),
    _feature("fano_factor", "1", "Variance over mean of the spike count in bins of 1 s"),
    *(
        _feature(f"isi_hist_{k:02d}", "1", f"Share of intervals from {1e3 * low:.3g} to {1e3 * high:.3g} ms")
        for k, (low, high) in enumerate(itertools.pairwise(HISTOGRAM_EDGES_S))
    ),
    _feature(
        "population_coupling",
        "1",
        "Correlation of the unit's counts with those of all other units (Okun et al. 2015), on the smallest stored "
        "bins",
    ),
)
"""The features in the order of the columns; the first and last bin of the histogram hold what lies outside it too."""


def firing_features(activity: UnitActivity) -> FloatArray:
    """Return the (n_units, n_features) features of every unit in the order of `FEATURES`."""
    probes = activity.units["probe"]
    trains = [describe_train(activity.spikes.of_unit(k), activity.stretches[probe]) for k, probe in enumerate(probes)]
    of_trains = np.array(trains, dtype=np.float64).reshape(len(probes), len(FEATURES) - 1)
    return np.column_stack([of_trains, population_coupling(activity.counts)])


FIRING = UnitEncoder("firing", FEATURES_VERSION, FEATURES, firing_features)
"""The platform's own encoder."""


def describe_train(times: FloatArray, stretches: FloatArray) -> FloatArray:
    """Return the features of one spike train, in the order of `FEATURES` up to the coupling.

    Parameters
    ----------
    times
        (n_spikes,) ascending, seconds, each within a stretch; the last one may lie on the end of the last stretch.
    stretches
        (n, 2) start and stop in seconds of the valid time, ascending and apart; of no length they leave the rates
        undefined.
    """
    duration = duration_s(stretches)
    rate = len(times) / duration if duration > 0 else np.nan
    values = [rate, np.log10(rate) if rate > 0 else np.nan]
    isi = np.diff(times)
    # Which stretch a spike is in; an interval from one to the next is a gap of the recording, not of the firing.
    stretch = np.searchsorted(stretches[:, 0], times, side="right")
    is_within = stretch[1:] == stretch[:-1]
    values += _interval_features(isi, is_within)
    values += _count_features(times, stretches)
    values += _histogram(isi[is_within])
    return np.array(values, dtype=np.float64)


def population_coupling(counts: npt.NDArray[np.unsignedinteger]) -> npt.NDArray[np.float32]:
    """Return the correlation of each unit's counts with the summed counts of all other units.

    The normalised form of population coupling (Okun et al. 2015, Nature 521, 511–515, eq. in Methods): Pearson's r of
    ``c_i(t)`` and ``sum_{j != i} c_j(t)`` over all bins, without smoothing.

    Parameters
    ----------
    counts
        (n_units, n_bins), spikes per bin, of bins that all probes recorded well: elsewhere the zeros of one probe's
        units would correlate with each other and lower the sum of all others.

    Returns
    -------
    ndarray
        (n_units,) float32 in −1 to 1; NaN where the unit or the rest of the session has the same count in every bin.

    Examples
    --------
    >>> import numpy as np
    >>> population_coupling(np.array([[1, 0, 1, 0], [2, 0, 2, 0], [0, 0, 0, 0]], dtype=np.uint8)).tolist()
    [1.0, 1.0, nan]
    """
    n_units, n_bins = counts.shape
    coupling = np.full(n_units, np.nan, dtype=np.float32)
    total = counts.sum(axis=0, dtype=np.int64)

    def covariance(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> int:
        # Times n_bins squared, so that it is a whole number: exact, and the same whatever kernel a processor chooses
        # for a dot product of floats. Whole numbers of Python do not overflow.
        return n_bins * int((one * other).sum()) - int(one.sum()) * int(other.sum())

    for unit in range(n_units):
        own = counts[unit].astype(np.int64)
        rest = total - own
        scale = math.sqrt(covariance(own, own)) * math.sqrt(covariance(rest, rest))
        if scale > 0:
            coupling[unit] = covariance(own, rest) / scale
    return coupling


def _interval_features(every: FloatArray, is_within: npt.NDArray[np.bool_]) -> list[float]:
    """Return the features of the intervals within a stretch; pairs are two of them that follow each other."""
    isi = every[is_within]
    if len(isi) == 0:
        return [np.nan] * 8
    mean = isi.mean()
    cv = isi.std() / mean if len(isi) > 1 and mean > 0 else np.nan
    here, following = every[:-1], every[1:]
    total = here + following
    usable = (total > 0) & is_within[:-1] & is_within[1:]
    here, following, total = here[usable], following[usable], total[usable]
    if len(total) == 0:
        cv2 = lv = lvr = np.nan
    else:
        contrast = np.abs(following - here) / total
        cv2 = 2 * contrast.mean()
        lv = 3 * np.square(contrast).mean()
        # 1 - 4ab / (a + b)² is ((a - b) / (a + b))², which does not cancel for nearly equal intervals.
        lvr = 3 * (np.square(contrast) * (1 + 4 * REFRACTORINESS_S / total)).mean()
    below = [(isi < REFRACTORY_S).mean(), (isi < BURST_S).mean()]
    return [mean, float(np.median(isi)), cv, cv2, lv, lvr, *below]


def _count_features(times: FloatArray, stretches: FloatArray) -> list[float]:
    """Return the standard deviation of the rate (Hz) and the Fano factor over whole bins of `COUNT_BIN_S`."""
    parts = []
    for start, stop in stretches:
        # A ns more: (first + 30) - first may be 29.999999999999996 s.
        n_bins = int((stop - start + 1e-9) / COUNT_BIN_S)
        parts.append(np.diff(np.searchsorted(times, start + COUNT_BIN_S * np.arange(n_bins + 1))))
    counts = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
    if len(counts) < 2:
        return [np.nan, np.nan]
    mean = counts.mean()
    return [counts.std() / COUNT_BIN_S, counts.var() / mean if mean > 0 else np.nan]


def _histogram(isi: FloatArray) -> list[float]:
    """Return the share of the ISIs in each logarithmic bin; NaN without ISIs."""
    if len(isi) == 0:
        return [np.nan] * HISTOGRAM_BINS
    bins = np.searchsorted(HISTOGRAM_EDGES_S[1:-1], isi, side="right")
    return list(np.bincount(bins, minlength=HISTOGRAM_BINS) / len(isi))
