"""The features of a unit's mean waveform and where on the probe it lies.

Contains the platform's own encoder of waveforms. Duration, amplitude and depth are what upstream states with the
sorting; the others are measured where the asset `mean_waveforms` is made for the source, and NaN elsewhere.

They are read from the channel of the largest peak to peak: the trough is its lowest sample, the peak the highest one
behind it (Jia et al. 2019, J Neurophysiol 121:1831, which calls their distance the duration). A waveform that does not
rise above 0 and fall again before it ends has no such peak.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from nh_platform.embeddings.units.unit_encoder import UnitActivity, UnitEncoder
from nh_platform.session.columns import Column

FloatArray = npt.NDArray[np.float64]

SPREAD_SHARE = 0.12
"""A channel is part of the spread above this share of the largest peak to peak (Jia et al. 2019)."""

_MEASURED = "; NaN unless mean_waveforms is made"


def _feature(name: str, unit: str, meaning: str) -> Column:
    return Column(name, "float32", unit, meaning, nullable=True)


FEATURES = (
    _feature("depth_um", "um", "Depth of the unit on the shank, from the tip of the probe"),
    _feature("amplitude_v", "V", "Amplitude of the unit that upstream states"),
    _feature("waveform_stated_s", "s", "Peak-to-trough duration that upstream states, without its sign"),
    _feature("waveform_duration_s", "s", f"From the trough to the peak behind it, where there is one{_MEASURED}"),
    _feature("waveform_half_width_s", "s", f"Width of the trough at half of its depth{_MEASURED}"),
    _feature("waveform_peak_ratio", "1", f"Height of the peak behind the trough over the trough's depth{_MEASURED}"),
    _feature("waveform_peak_to_peak_v", "V", f"Largest less smallest value of the waveform{_MEASURED}"),
    _feature("waveform_spread", "1", f"Channels with at least 12 % of the largest peak to peak{_MEASURED}"),
)
"""The features in the order of the columns."""

_STATED = {"depth_um": ("depth", 1.0), "amplitude_v": ("amplitude", 1.0), "waveform_stated_s": ("peak_to_trough", 1e-3)}
"""Column of `RAW_UNITS` and what it is multiplied by."""


def waveform_features(activity: UnitActivity) -> FloatArray:
    """Return the (n_units, n_features) features in the order of `FEATURES`.

    Raises
    ------
    ValueError
        If the waveforms are not of the units in their order.
    """
    found = np.full((len(activity.units), len(FEATURES)), np.nan)
    for column, (name, factor) in enumerate(_STATED.values()):
        if name in activity.units:
            found[:, column] = np.abs(activity.units[name].to_numpy(dtype=np.float64)) * factor
    waves = activity.waveforms
    if waves is None:
        return found
    if list(waves.unit_ids) != activity.units["unit_id"].tolist():
        raise ValueError(f"waveforms of {len(waves.unit_ids)} units are not of the {len(found)} units to describe")
    for unit, values in enumerate(waves.values):
        found[unit, len(_STATED) :] = describe_waveform(values.astype(np.float64), float(waves.sampling_rates[unit]))
    return found


def describe_waveform(values: FloatArray, sampling_rate_hz: float) -> list[float]:
    """Return what is measured of one mean waveform, in the order of `FEATURES` behind what is stated.

    Parameters
    ----------
    values
        (n_channels, n_samples) volts; NaN beyond the end of the probe.
    sampling_rate_hz
        Samples per second.

    Returns
    -------
    list
        Seconds, a ratio, volts and channels; all NaN without a waveform, or where it is flat. Duration and ratio are
        NaN where no peak follows the trough.

    Examples
    --------
    >>> import numpy as np
    >>> describe_waveform(np.array([[0.0, -4.0, 0.0, 2.0, 0.0]]), 1000.0)
    [0.002, 0.001, 0.5, 6.0, 1.0]
    """
    extent = values.max(axis=1, initial=-np.inf) - values.min(axis=1, initial=np.inf)
    extent[~np.isfinite(extent)] = 0.0
    nothing = [np.nan] * (len(FEATURES) - len(_STATED))
    if not len(extent) or not extent.max() > 0 or not sampling_rate_hz > 0:
        return nothing
    wave = values[int(np.argmax(extent))]
    trough = int(np.argmin(wave))
    peak = trough + int(np.argmax(wave[trough:]))
    depth = -wave[trough]
    if not depth > 0:
        return nothing
    width = _crossing(wave, trough, 1, -depth / 2) + _crossing(wave, trough, -1, -depth / 2)
    has_peak = peak < len(wave) - 1 and wave[peak] > 0
    return [
        (peak - trough) / sampling_rate_hz if has_peak else np.nan,
        width / sampling_rate_hz,
        float(wave[peak] / depth) if has_peak else np.nan,
        float(extent.max()),
        float((extent >= SPREAD_SHARE * extent.max()).sum()),
    ]


def _crossing(wave: FloatArray, trough: int, step: int, level: float) -> float:
    """Return samples from the trough to where the wave rises above a level, between samples; NaN where it does not."""
    at = trough
    while 0 <= at + step < len(wave):
        here, beyond = wave[at], wave[at + step]
        if beyond >= level:
            return abs(at - trough) + float((level - here) / (beyond - here))
        at += step
    return math.nan


WAVEFORM = UnitEncoder("waveform", "2", FEATURES, waveform_features)
"""The platform's own encoder of waveforms."""
