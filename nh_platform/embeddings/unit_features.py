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
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import ConfigError, Spikes
from nh_platform.session.schemas import UNIT_EMBEDDINGS

FloatArray = npt.NDArray[np.float64]

FEATURES_VERSION = "1"
"""Moves when the value of a feature changes; part of the data version of `unit_embeddings`."""

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


def feature_names() -> list[str]:
    """Return the names of the features in the order of the columns."""
    return [
        "rate_hz",
        "log10_rate",
        "isi_mean_s",
        "isi_median_s",
        "isi_cv",
        "isi_cv2",
        "isi_lv",
        "isi_lvr",
        "isi_below_2_5ms",
        "isi_below_10ms",
        "rate_std_hz",
        "fano_factor",
        *(f"isi_hist_{k:02d}" for k in range(HISTOGRAM_BINS)),
    ]


def unit_embeddings(
    spikes: Spikes, units: pd.DataFrame, reference_window: ReferenceWindow | str = "whole-session"
) -> pd.DataFrame:
    """Describe every unit by its firing in the reference window.

    Parameters
    ----------
    spikes
        Spikes, ascending within each unit.
    units
        Units in the order of ``spikes.offsets``, with ``unit_id`` and ``probe``.
    reference_window
        The window, or the id of one of `REFERENCE_WINDOWS`.

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
    start, stop, duration = _limits(spikes, _resolve(reference_window))
    features = np.full((spikes.n_units, len(feature_names())), np.nan)
    n_spikes = np.zeros(spikes.n_units, dtype=np.int64)
    for row in range(spikes.n_units):
        times = spikes.of_unit(row)
        first, end = np.searchsorted(times, [start, stop])
        n_spikes[row] = end - first
        features[row] = describe_train(times[first:end], start, duration)
    table = pd.DataFrame(features.astype(np.float32), columns=feature_names())
    table.insert(0, "unit_id", units["unit_id"].to_numpy(dtype=object))
    table.insert(1, "probe", units["probe"].to_numpy(dtype=object))
    table.insert(2, "n_spikes", n_spikes)
    return UNIT_EMBEDDINGS.conform(table)


def describe_train(times: FloatArray, start: float, duration: float) -> FloatArray:
    """Return the features of one spike train, in the order of `feature_names`.

    Parameters
    ----------
    times
        (n_spikes,) ascending, seconds, within ``[start, start + duration]``.
    start, duration
        Reference window in seconds; a duration of 0 or NaN leaves the rates undefined.
    """
    rate = len(times) / duration if duration > 0 else np.nan
    values = [rate, np.log10(rate) if rate > 0 else np.nan]
    isi = np.diff(times)
    values += _interval_features(isi)
    values += _count_features(times, start, duration)
    values += _histogram(isi)
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
    """Return start, excluded end and duration of the window in seconds on the session clock."""
    first, last = spikes.time_range
    start = first + window.start_s
    if window.stop_s is None:
        return start, np.nextafter(last, np.inf), last - start
    return start, first + window.stop_s, window.stop_s - window.start_s


def _interval_features(isi: FloatArray) -> list[float]:
    if len(isi) == 0:
        return [np.nan] * 8
    mean = isi.mean()
    cv = isi.std() / mean if len(isi) > 1 and mean > 0 else np.nan
    here, following = isi[:-1], isi[1:]
    total = here + following
    usable = total > 0
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


def _count_features(times: FloatArray, start: float, duration: float) -> list[float]:
    """Return the standard deviation of the rate (Hz) and the Fano factor over whole bins of `COUNT_BIN_S`."""
    n_bins = int(duration / COUNT_BIN_S) if duration > 0 else 0
    if n_bins < 2:
        return [np.nan, np.nan]
    counts = np.diff(np.searchsorted(times, start + COUNT_BIN_S * np.arange(n_bins + 1)))
    mean = counts.mean()
    return [counts.std() / COUNT_BIN_S, counts.var() / mean if mean > 0 else np.nan]


def _histogram(isi: FloatArray) -> list[float]:
    """Return the share of the ISIs in each logarithmic bin; NaN without ISIs."""
    if len(isi) == 0:
        return [np.nan] * HISTOGRAM_BINS
    bins = np.searchsorted(HISTOGRAM_EDGES_S[1:-1], isi, side="right")
    return list(np.bincount(bins, minlength=HISTOGRAM_BINS) / len(isi))
