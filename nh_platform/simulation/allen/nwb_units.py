"""Released metrics and mean waveforms of simulated Allen units.

Contains the columns of ``/units`` of a Visual Coding file. Metrics that spikes alone decide are computed in
`nh_platform.simulation.released_metrics`; those that need principal components or the raw signal are drawn here around
what the release shows, worse for contaminated units. Add a column here when a release has it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.simulation.ground_truth import UnitTruth
from nh_platform.simulation.insertions import N_CHANNELS
from nh_platform.simulation.released_metrics import allen_metrics
from nh_platform.simulation.spike_trains import SimulatedSpikes

WAVEFORM_SAMPLES = 82
NOISE_SHARE = 0.1
"""Share of units with quality ``noise``; the release has about a fifth."""
N_SIDE_CHANNELS = 12
"""Rows above and below the peak that carry a waveform."""


def unit_metrics(
    rng: np.random.Generator, truths: Sequence[UnitTruth], spikes: SimulatedSpikes, times: npt.NDArray[np.float64]
) -> pd.DataFrame:
    """Return one row per unit with the metric columns of a released file and ``quality``.

    ``amplitude`` is µV as in the release, although ``spike_amplitudes`` are volts; ``waveform_duration`` and
    ``waveform_halfwidth`` are ms, slopes µV/µs, ``spread`` µm, velocities s/m.
    """
    n = len(truths)
    computed = allen_metrics(times, spikes.offsets, spikes.amplitudes.astype(float), spikes.depths.astype(float))
    foreign = np.array([truth.contamination for truth in truths])
    amplitude_uv = 1e6 * np.array([truth.amplitude_v for truth in truths])
    fast = rng.random(n) < 0.25
    noise = rng.random(n) < NOISE_SHARE
    drawn = {
        "PT_ratio": rng.lognormal(-0.7, 0.4, n),
        "amplitude": amplitude_uv * (1.1 + 0.05 * rng.standard_normal(n)),
        "d_prime": np.clip(5.0 - 6.0 * foreign + rng.normal(0, 0.8, n), 0.5, None),
        "isolation_distance": rng.lognormal(4.0, 0.5, n) * (1.0 - 0.8 * foreign),
        "l_ratio": rng.lognormal(-5.0, 1.0, n) * (1.0 + 20.0 * foreign),
        "nn_hit_rate": np.clip(0.95 - 0.9 * foreign + rng.normal(0, 0.04, n), 0.05, 1.0),
        "nn_miss_rate": np.clip(0.005 + 0.05 * foreign + rng.normal(0, 0.002, n), 0.0, 1.0),
        "recovery_slope": -rng.lognormal(-2.4, 0.4, n),
        "repolarization_slope": rng.lognormal(-0.9, 0.4, n),
        "silhouette_score": np.clip(0.2 - 0.4 * foreign + rng.normal(0, 0.06, n), -1.0, 1.0),
        "snr": amplitude_uv / 30.0 * (1.0 + 0.1 * rng.standard_normal(n)),
        "spread": 10.0 * rng.integers(2, 14, n),
        "velocity_above": rng.normal(0.2, 0.5, n),
        "velocity_below": rng.normal(-0.2, 0.5, n),
        "waveform_duration": np.where(fast, rng.normal(0.22, 0.03, n), rng.normal(0.58, 0.08, n)).clip(0.08),
        "waveform_halfwidth": np.where(fast, rng.normal(0.12, 0.02, n), rng.normal(0.21, 0.04, n)).clip(0.04),
    }
    table = pd.concat([pd.DataFrame(drawn), computed], axis=1)
    needs_spikes = ["d_prime", "isolation_distance", "l_ratio", "nn_hit_rate", "nn_miss_rate", "silhouette_score"]
    # Principal component metrics are NaN for units with too few spikes, in the release as here.
    table.loc[spikes.counts < 100, needs_spikes] = np.nan
    table = table[sorted(table.columns, key=str.lower)].astype(np.float64)
    table["quality"] = np.where(noise, "noise", "good").astype(object)
    return table


def mean_waveforms(
    truths: Sequence[UnitTruth], metrics: pd.DataFrame, peak_channels: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return (n_units * 384, 82) mean waveforms in µV: negative peak at sample 20, decaying along the probe."""
    time_ms = (np.arange(WAVEFORM_SAMPLES) - 20) / 30.0
    width = metrics["waveform_halfwidth"].to_numpy()[:, None]
    delay = metrics["waveform_duration"].to_numpy()[:, None]
    dip = np.exp(-((time_ms / (0.5 * width)) ** 2))
    rebound = 0.35 * np.exp(-(((time_ms - delay) / (1.2 * width)) ** 2))
    shape = (rebound - dip) * metrics["amplitude"].to_numpy()[:, None] / 1.35
    waveforms = np.zeros((len(truths), N_CHANNELS, WAVEFORM_SAMPLES))
    for unit, peak in enumerate(peak_channels):
        rows = np.arange(max(peak - N_SIDE_CHANNELS, 0), min(peak + N_SIDE_CHANNELS + 1, N_CHANNELS))
        decay = np.exp(-np.abs(rows - peak) / 4.0)
        waveforms[unit, rows] = decay[:, None] * shape[unit]
    return waveforms.reshape(-1, WAVEFORM_SAMPLES)
