"""What a unit's firing looks like in a reference window: rate, regularity, bursts, inter-spike intervals.

Contains the features and their assembly into the `unit_embeddings` table. Add a feature here when it needs the spike
times of one unit alone; move `FEATURES_VERSION` whenever a value changes. Unit quality is the matter of
`nh_platform.qc`, and nothing here reads a file.

With inter-spike intervals (ISIs) ``I_1 … I_n`` in seconds:

- CV = standard deviation / mean of the ISIs, with n in the variance;
- CV2 = mean of ``2 |I_{i+1} - I_i| / (I_{i+1} + I_i)`` (Holt, Softky, Koch & Douglas 1996, J Neurophysiol 75:1806);
- LV = mean of ``3 ((I_i - I_{i+1}) / (I_i + I_{i+1}))²`` (Shinomoto, Shima & Tanji 2003, Neural Comput 15:2823);
- LvR = mean of ``3 (1 - 4 I_i I_{i+1} / (I_i + I_{i+1})²) (1 + 4 R / (I_i + I_{i+1}))``, R = 5 ms (Shinomoto et al.
  2009, PLoS Comput Biol 5:e1000433).

The means run over the n - 1 neighbouring pairs; a pair of two zero intervals (three identical times) is left out.

Only valid time counts: spikes in an invalid interval of their probe are left out, rates are per valid second, no ISI or
pair of ISIs bridges a gap, and the bins of 1 s lie in one valid stretch each.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import ConfigError, Spikes
from nh_platform.session.columns import Column
from nh_platform.session.tables.embeddings import UNIT_EMBEDDINGS
from nh_platform.windows.valid_time import InvalidTimes, duration_s, valid_stretches, within

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


@dataclass(frozen=True)
class ReferenceWindow:
    """The stretch of a session that units are described from, ``[start_s, stop_s)`` after the session's first spike.

    Parameters
    ----------
    id
        Name.
    start_s, stop_s
        Seconds after the first spike of the session; ``stop_s`` none means to the last spike, which is included.
    """

    id: str
    start_s: float = 0.0
    stop_s: float | None = None


REFERENCE_WINDOWS = {
    window.id: window
    for window in (
        ReferenceWindow("whole-session"),
        ReferenceWindow("start-10s", 0.0, 10.0),
        ReferenceWindow("start-30s", 0.0, 30.0),
    )
}
"""The whole session, and the short windows at its start from which a model can describe units it has never seen."""


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
)
"""The features in the order of the columns; the first and last bin of the histogram hold what lies outside it too."""


def feature_names() -> list[str]:
    """Return the names of the features in the order of the columns."""
    return [column.name for column in FEATURES]


def unit_embeddings(
    spikes: Spikes,
    units: pd.DataFrame,
    reference_window: ReferenceWindow | str = "whole-session",
    invalid: InvalidTimes | None = None,
) -> pd.DataFrame:
    """Describe every unit by its firing in the valid time of the reference window.

    Parameters
    ----------
    spikes
        Spikes, ascending within each unit.
    units
        Units in the order of ``spikes.offsets``, with ``unit_id`` and ``probe``.
    reference_window
        The window, or the id of one of `REFERENCE_WINDOWS`.
    invalid
        Invalid intervals; those of a unit's probe and of all probes are left out of its features.

    Returns
    -------
    pandas.DataFrame
        Schema `UNIT_EMBEDDINGS`: ``n_spikes`` and one float32 column per name of `feature_names`. A feature is NaN
        where it is undefined: logarithms of rate 0, ISIs of fewer than two spikes, pairs of fewer than three.

    Raises
    ------
    ConfigError
        If the window is unknown or does not end after it starts.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from nh_platform.session import Spikes
    >>> nothing = np.full(3, np.nan, dtype=np.float32)
    >>> spikes = Spikes(np.array([0.0, 1.0, 4.0]), np.array([0, 3]), nothing, nothing)
    >>> units = pd.DataFrame({"unit_id": ["a"], "probe": ["probe00"]})
    >>> unit_embeddings(spikes, units)[["n_spikes", "rate_hz", "isi_cv2"]]
       n_spikes  rate_hz  isi_cv2
    0         3     0.75      1.0
    """
    if len(units) != spikes.n_units:
        raise ValueError(f"{len(units)} units but spikes of {spikes.n_units}")
    start, stop, excluded = _limits(spikes, _resolve(reference_window))
    features = np.full((spikes.n_units, len(feature_names())), np.nan)
    n_spikes = np.zeros(spikes.n_units, dtype=np.int64)
    probes = units["probe"].to_numpy(dtype=object)
    spoiled = {p: np.zeros((0, 2)) if invalid is None else invalid.of_spikes(p) for p in dict.fromkeys(probes)}
    stretches = {probe: valid_stretches(start, stop, intervals) for probe, intervals in spoiled.items()}
    for row, probe in enumerate(probes):
        times = spikes.of_unit(row)
        first, end = np.searchsorted(times, [start, excluded])
        times = times[first:end]
        times = times[~within(times, spoiled[probe])]
        n_spikes[row] = len(times)
        features[row] = describe_train(times, stretches[probe])
    table = pd.DataFrame(features.astype(np.float32), columns=feature_names())
    table.insert(0, "unit_id", units["unit_id"].to_numpy(dtype=object))
    table.insert(1, "probe", units["probe"].to_numpy(dtype=object))
    table.insert(2, "n_spikes", n_spikes)
    return UNIT_EMBEDDINGS.conform(table)


def describe_train(times: FloatArray, stretches: FloatArray) -> FloatArray:
    """Return the features of one spike train, in the order of `feature_names`.

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


def _resolve(window: ReferenceWindow | str) -> ReferenceWindow:
    if isinstance(window, str):
        if window not in REFERENCE_WINDOWS:
            known = ", ".join(sorted(REFERENCE_WINDOWS))
            raise ConfigError(f"reference window {window!r}", "is not known", f"Use one of {known}.")
        window = REFERENCE_WINDOWS[window]
    if window.stop_s is not None and not window.stop_s > window.start_s:
        raise ConfigError(f"reference window {window.id}", "does not end after it starts", "Correct its times.")
    return window


def _limits(spikes: Spikes, window: ReferenceWindow) -> tuple[float, float, float]:
    """Return start and end of the window, and the time from which spikes are not in it, in seconds."""
    first, last = spikes.time_range
    start = first + window.start_s
    if window.stop_s is None:
        return start, last, np.nextafter(last, np.inf)
    return start, first + window.stop_s, first + window.stop_s


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
