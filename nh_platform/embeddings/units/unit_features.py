"""The features of a unit's firing: rate, regularity, bursts, intervals, autocorrelogram, coupling to the other units.

Contains the platform's own encoder of firing. Add a feature here when it describes firing; move `FEATURES_VERSION`
whenever a value changes. Unit quality is the matter of `nh_platform.qc`, and nothing here reads a file.

With inter-spike intervals (ISIs) ``I_1 … I_n`` in seconds:

- CV = standard deviation / mean of the ISIs, with n in the variance;
- CV2 = mean of ``2 |I_{i+1} - I_i| / (I_{i+1} + I_i)`` (Holt, Softky, Koch & Douglas 1996, J Neurophysiol 75:1806);
- LV = mean of ``3 ((I_i - I_{i+1}) / (I_i + I_{i+1}))²`` (Shinomoto, Shima & Tanji 2003, Neural Comput 15:2823);
- LvR = mean of ``3 (1 - 4 I_i I_{i+1} / (I_i + I_{i+1})²) (1 + 4 R / (I_i + I_{i+1}))``, R = 5 ms (Shinomoto et al.
  2009, PLoS Comput Biol 5:e1000433).

The means run over the n - 1 neighbouring pairs; a pair of two zero intervals (three identical times) is left out.

The burst share is that of spikes with a neighbour less than 6 ms away (Harris, Hirase, Leinekugel, Henze & Buzsáki
2001, Neuron 32:141). The stability of the rate is ``1 - |r1 - r2| / (r1 + r2)`` of the rates in the first and second
half of the valid time. Of the autocorrelogram and what is read off it, `autocorrelograms` says what they are.

Only valid time counts (`unit_encoding` leaves the rest out): rates are per valid second, no ISI or pair of spikes
bridges a gap, and the bins of 1 s lie in one valid stretch each. A unit with fewer than `LEAST_PAIRS` pairs of
neighbouring ISIs is too silent to be described; it is marked, and its features are what its few spikes give.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.embeddings.units import autocorrelograms
from nh_platform.embeddings.units.unit_encoder import UnitActivity, UnitEncoder
from nh_platform.session.columns import Column
from nh_platform.windows.intervals import duration_s

FloatArray = npt.NDArray[np.float64]

FEATURES_VERSION = "3"
"""Moves when the value of a feature changes; part of the data version of `unit_embeddings`. 2: over valid time; 3: the
autocorrelogram, bursts and stability."""

LEAST_PAIRS = 8
"""Pairs of neighbouring ISIs, as of ten spikes without a gap: below, CV2 and LV of a Poisson process are anywhere
between 0.5 and 1.5."""

REFRACTORINESS_S = 0.005
"""R of LvR, the value of Shinomoto et al. 2009."""

REFRACTORY_S = 0.0025
BURST_S = 0.010
"""Shares of ISIs below these are features: 2.5 ms is refractory in most neurons, below 10 ms is within a burst."""

BURST_NEIGHBOUR_S = 0.006
"""A spike with a neighbour nearer than this is of a burst (Harris et al. 2001)."""

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
    _feature("burst_share", "1", "Share of spikes with a neighbour less than 6 ms away (Harris et al. 2001)"),
    _feature("rate_stability", "1", "1 less the contrast of the rates in both halves of valid time; 1 is stable"),
    _feature("refractory_s", "s", "Lag at which the autocorrelogram rises, to 0.5 ms; NaN where it does not in 20 ms"),
    _feature("rhythm_hz", "Hz", "Frequency of the strongest rhythm from 2 to 50 Hz; NaN where there is none"),
    _feature("rhythm_depth", "1", "Modulation of the rate by that rhythm: m of 1 + m cos, from the autocorrelogram"),
    *(
        _feature(
            f"acg_{k:02d}",
            "1",
            f"Autocorrelogram from {1e3 * low:g} to {1e3 * high:g} ms: pairs over those of a Poisson process",
        )
        for k, (low, high) in enumerate(itertools.pairwise(autocorrelograms.EDGES_S))
    ),
)
"""The features in the order of the columns; the first and last bin of the histogram hold what lies outside it too."""

MAY_BE_UNDEFINED = frozenset({"refractory_s", "rhythm_hz"})
"""Features that may be NaN of a unit that is not silent: it has no rise, or no rhythm."""


COUPLING = next(k for k, column in enumerate(FEATURES) if column.name == "population_coupling")


@dataclass(frozen=True)
class ValidTime:
    """The valid time of a probe, and what features of every unit need of it.

    Parameters
    ----------
    stretches
        (n, 2) start and stop in seconds, ascending and apart; of no length they leave the rates undefined.
    duration_s
        Seconds that they last together.
    n_bins
        (n,) whole bins of `COUNT_BIN_S` in each.
    halfway
        Seconds on the session clock at which half of the valid time is over.
    pair_time
        As of `autocorrelograms.expected_pairs`.
    """

    stretches: FloatArray
    duration_s: float
    n_bins: npt.NDArray[np.int64]
    halfway: float
    pair_time: FloatArray

    @staticmethod
    def of(stretches: FloatArray) -> ValidTime:
        """Return that of a probe's stretches."""
        lengths = stretches[:, 1] - stretches[:, 0]
        # A ns more: (first + 30) - first may be 29.999999999999996 s.
        n_bins = ((lengths + 1e-9) / COUNT_BIN_S).astype(np.int64)
        total, before = duration_s(stretches), np.cumsum(lengths) - lengths
        half = int(np.searchsorted(before, total / 2, side="right")) - 1
        halfway = stretches[half, 0] + (total / 2 - before[half]) if len(stretches) else np.nan
        return ValidTime(stretches, total, n_bins, float(halfway), autocorrelograms.expected_pairs(stretches))

    @property
    def starts(self) -> FloatArray:
        """(n,) begin of each stretch in seconds."""
        return np.ascontiguousarray(self.stretches[:, 0])


def firing_features(activity: UnitActivity) -> FloatArray:
    """Return the (n_units, n_features) features of every unit in the order of `FEATURES`."""
    valid = {probe: ValidTime.of(stretches) for probe, stretches in activity.stretches.items()}
    trains = [
        describe_train(activity.spikes.of_unit(k), valid[probe]) for k, probe in enumerate(activity.units["probe"])
    ]
    of_trains = np.array(trains, dtype=np.float64).reshape(len(trains), len(FEATURES) - 1)
    return np.insert(of_trains, COUPLING, population_coupling(activity.counts), axis=1)


FIRING = UnitEncoder("firing", FEATURES_VERSION, FEATURES, firing_features)
"""The platform's own encoder of firing."""


def are_silent(activity: UnitActivity) -> npt.NDArray[np.bool_]:
    """Return (n_units,) whether each unit has fewer than `LEAST_PAIRS` pairs of neighbouring ISIs."""
    silent = np.ones(len(activity.units), dtype=bool)
    for k, probe in enumerate(activity.units["probe"]):
        times = activity.spikes.of_unit(k)
        in_stretch = np.diff(np.searchsorted(times, activity.stretches[probe][:, 0]), append=len(times))
        silent[k] = np.maximum(in_stretch - 2, 0).sum() < LEAST_PAIRS
    return silent


def describe_train(times: FloatArray, valid: ValidTime) -> list[float]:
    """Return the features of one spike train, in the order of `FEATURES` without the coupling.

    Parameters
    ----------
    times
        (n_spikes,) ascending, seconds, each within a stretch; the last one may lie on the end of the last stretch.
    valid
        The valid time of the unit's probe.
    """
    from nh_platform.embeddings.units.firing_kernels import N_STATISTICS, train_statistics

    n, duration = len(times), valid.duration_s
    rate = n / duration if duration > 0 else np.nan
    found, histogram = np.zeros(N_STATISTICS), np.zeros(HISTOGRAM_BINS, dtype=np.int64)
    train_statistics(
        times,
        valid.starts,
        HISTOGRAM_EDGES_S[1:-1],
        _FIRST_BINS,
        _SHORT_S,
        REFRACTORINESS_S,
        np.empty(n),
        histogram,
        found,
    )
    n_isi, total, squares, middle, other, n_pairs, contrast, contrast_2, corrected, *short, bursting = found.tolist()
    mean = total / n_isi if n_isi else np.nan
    values = [rate, np.log10(rate) if rate > 0 else np.nan, mean, (middle + other) / 2 if n_isi else np.nan]
    values.append(math.sqrt(squares / n_isi) / mean if n_isi > 1 and mean > 0 else np.nan)
    values += [2 * contrast / n_pairs, 3 * contrast_2 / n_pairs, 3 * corrected / n_pairs] if n_pairs else [np.nan] * 3
    values += [count / n_isi if n_isi else np.nan for count in short[:2]]
    values += _count_features(times, valid)
    values += (histogram / n_isi).tolist() if n_isi else [np.nan] * HISTOGRAM_BINS
    values += [bursting / n if n else np.nan, _stability(times, valid)]
    return values + _correlogram_features(times, valid)


def _count_features(times: FloatArray, valid: ValidTime) -> list[float]:
    """Return the standard deviation of the rate (Hz) and the Fano factor over whole bins of `COUNT_BIN_S`."""
    from nh_platform.embeddings.units.firing_kernels import bin_sums

    n_bins = int(valid.n_bins.sum())
    if n_bins < 2:
        return [np.nan, np.nan]
    total, squares = bin_sums(times, valid.starts, valid.n_bins, COUNT_BIN_S)
    variance = (n_bins * squares - total * total) / n_bins**2  # of whole numbers, exact
    return [math.sqrt(variance) / COUNT_BIN_S, variance / (total / n_bins) if total else np.nan]


def _stability(times: FloatArray, valid: ValidTime) -> float:
    """Return 1 less the contrast of the rates in both halves of valid time."""
    if len(times) == 0 or not valid.duration_s > 0:
        return np.nan
    first = int(np.searchsorted(times, valid.halfway))
    return 1 - abs(2 * first - len(times)) / len(times)


def _correlogram_features(times: FloatArray, valid: ValidTime) -> list[float]:
    """Return refractory period, frequency and depth of the rhythm, and the autocorrelogram; NaN below two spikes."""
    n = len(times)
    if n < 2 or not valid.duration_s > 0:
        return [np.nan] * (3 + len(autocorrelograms.EDGES_S) - 1)
    pairs = autocorrelograms.fine_pairs(times, valid.starts)
    expected = valid.pair_time * (n * (n - 1) / valid.duration_s**2)
    shown = autocorrelograms.normalised(pairs, expected, np.array(autocorrelograms.EDGES_S))
    return [
        autocorrelograms.refractory_period_s(pairs),
        *autocorrelograms.rhythm(pairs, expected),
        *shown.tolist(),
    ]


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
    from nh_platform.embeddings.units.firing_kernels import count_sums, total_counts

    n_units, n_bins = counts.shape
    coupling = np.full(n_units, np.nan, dtype=np.float32)
    total = np.zeros(n_bins, dtype=np.int64)
    total_counts(counts, total)
    sum_of_all, squares_of_all = int(total.sum()), int((total * total).sum())
    for unit in range(n_units):
        own, squares, products = map(int, count_sums(counts[unit], total))
        # Times n_bins squared, so that they are whole numbers: exact, and the same whatever kernel a processor chooses
        # for a dot product of floats. Whole numbers of Python do not overflow.
        variance = n_bins * squares - own * own
        rest, squares_of_rest = sum_of_all - own, squares_of_all - 2 * products + squares
        variance_of_rest = n_bins * squares_of_rest - rest * rest
        scale = math.sqrt(variance) * math.sqrt(variance_of_rest)
        if scale > 0:
            coupling[unit] = (n_bins * (products - squares) - own * rest) / scale
    return coupling


_SHORT_S = np.array([REFRACTORY_S, BURST_S, BURST_NEIGHBOUR_S])
_FIRST_BINS = np.searchsorted(HISTOGRAM_EDGES_S[1:-1], np.arange(1000) / 1000 - 1e-12)
"""By whole ms of the interval: searching the 20 edges for 11.5 million intervals took 0.17 of 0.90 CPU s."""
