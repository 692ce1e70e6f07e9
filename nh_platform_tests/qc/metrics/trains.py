"""Small sessions for the metric tests: Poisson units with a refractory period, contamination and a cut-off.

Add here what two metric tests share. No expected value stands here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Spikes

Floats = npt.NDArray[np.float64]


def poisson_train(rng: np.random.Generator, rate_hz: float, duration_s: float, refractory_s: float = 0.0) -> Floats:
    """Return sorted times on a 30 kHz clock with no interval shorter than ``refractory_s``."""
    intervals = refractory_s + rng.exponential(1 / rate_hz, int(rate_hz * duration_s * 1.2) + 10)
    times = np.cumsum(intervals)
    return np.unique(np.floor(times[times < duration_s] * 30000)) / 30000


def group(
    times: Sequence[npt.ArrayLike],
    amplitudes: Sequence[npt.ArrayLike] | None = None,
    depths: Sequence[npt.ArrayLike] | None = None,
) -> Spikes:
    """Return the spikes of units given one by one; amplitudes default to 100 µV, depths to 0 µm."""
    trains = [np.asarray(train) for train in times]
    amps = [np.full(len(t), 1e-4) for t in trains] if amplitudes is None else [np.asarray(a) for a in amplitudes]
    deep = [np.zeros(len(t)) for t in trains] if depths is None else [np.asarray(d) for d in depths]
    offsets = np.concatenate([[0], np.cumsum([len(train) for train in trains])]).astype(np.int64)
    return Spikes(np.concatenate(trains), offsets, np.concatenate(amps), np.concatenate(deep))


def units_of(spikes: Spikes, probe: str = "probe00") -> pd.DataFrame:
    """Return a units table with one probe."""
    return pd.DataFrame({"unit_id": [f"u{i}" for i in range(spikes.n_units)], "probe": probe})


def session(seed: int = 0, n_units: int = 24, duration_s: float = 400.0) -> Spikes:
    """Return units that differ in rate, contamination, amplitude, cut-off and drift; the last ones are tiny."""
    rng = np.random.default_rng(seed)
    times, amplitudes, depths = [], [], []
    for unit in range(n_units):
        train = poisson_train(rng, float(rng.choice([0.5, 3.0, 12.0, 30.0])), duration_s, refractory_s=0.003)
        if unit % 3 == 1:
            train = np.sort(np.concatenate([train, poisson_train(rng, 2.0, duration_s)]))
        if unit % 7 == 5:
            train = np.sort(np.concatenate([train, train[::50], train[::80] + 2 / 30000]))
        amps = rng.lognormal(np.log(4e-5 if unit % 4 == 2 else 1.2e-4), 0.2, len(train))
        if unit % 4 == 3:
            keep = amps > np.quantile(amps, 0.3)
            train, amps = train[keep], amps[keep]
        if unit >= n_units - 3:
            train, amps = train[: n_units - unit], amps[: n_units - unit]
        times.append(train)
        amplitudes.append(amps)
        depths.append(200 + np.cumsum(rng.normal(0, 0.05, len(train))))
    return group(times, amplitudes, depths)
