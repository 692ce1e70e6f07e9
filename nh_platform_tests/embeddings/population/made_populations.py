"""Populations whose units follow a known state, for tests of what finds it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nh_platform.session import Spikes
from nh_platform.session.tables.windows import WINDOW_INDEX
from nh_platform_tests.windows.trains import spikes_of


def driven_spikes(
    n_units: int, seconds: int, *, strength: float = 0.8, seed: int = 0, rate_hz: float = 12.0
) -> tuple[Spikes, np.ndarray]:
    """Return spikes of units of which the even ones fire more and the odd ones less with a state of each second.

    The state (seconds,) is a sum of two slow sines of random phase, between about -2 and 2.
    """
    rng = np.random.default_rng(seed)
    at = np.arange(seconds)
    state = sum(np.sin(2 * np.pi * at / period + rng.uniform(0, 6)) for period in (23.0, 61.0))
    trains = []
    for unit in range(n_units):
        rate = rate_hz * np.exp(strength * state * (1 if unit % 2 == 0 else -1) * 0.5)
        second = np.repeat(at, rng.poisson(rate))
        trains.append(np.sort(second + rng.random(len(second))))
    return spikes_of(*trains), np.asarray(state)


def unit_rows(n_units: int, beryl: list[str | None] | None = None, probes: list[str] | None = None) -> pd.DataFrame:
    """Return a units table with ids, probes and regions."""
    return pd.DataFrame(
        {
            "unit_id": [f"u{row}" for row in range(n_units)],
            "probe": probes or ["probe00"] * n_units,
            "beryl": beryl or ["CA1"] * n_units,
        },
        dtype=object,
    )


def second_windows(seconds: int, preset: str = "continuous-1s") -> pd.DataFrame:
    """Return the index of consecutive windows of 1 s."""
    start = np.arange(seconds, dtype=np.float64)
    return WINDOW_INDEX.conform(
        pd.DataFrame(
            {
                "window_id": np.arange(seconds),
                "preset": preset,
                "start": start,
                "stop": start + 1,
                "start_bin": np.arange(seconds) * 50,
                "n_bins": 50,
                "alignment": "none",
                "event_id": -1,
                "event_time": np.nan,
                "valid": True,
                "invalid_probes": "",
            }
        )
    )
