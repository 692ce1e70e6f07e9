"""Noise and LFP slope of an insertion are those of the published script, channel for channel."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.probe_noise import noise_of_probes
from nh_platform.session.tables.noise import NOISE_CHANNELS


def channels(rms_v: np.ndarray, power_db: np.ndarray, probe: str = "probe00") -> pd.DataFrame:
    table = pd.DataFrame({"probe": probe, "channel": np.arange(len(rms_v)), "ap_rms": rms_v, "lfp_power": power_db})
    return NOISE_CHANNELS.conform(table)


def test_noise_is_the_90th_percentile_and_the_slope_that_of_twice_the_power() -> None:
    rng = np.random.default_rng(0)
    rms, power = rng.uniform(8e-6, 40e-6, 384), np.cumsum(rng.normal(0, 0.4, 384))
    found = noise_of_probes(channels(rms, power)).iloc[0]
    # As RIGOR_script.py: percentile of the destriped RMS in µV; median of |gradient| of the power, which is doubled.
    assert found["rms_ap_p90"] == pytest.approx(np.percentile(rms, 90) * 1e6)
    assert found["lfp_derivative"] == pytest.approx(np.median(np.abs(np.gradient(2 * power))))
    assert found["n_channels"] == 384


def test_channels_without_a_number_are_left_out_and_a_probe_without_any_is_nan() -> None:
    both = pd.concat(
        [
            channels(np.array([1e-5, np.nan, 3e-5]), np.array([1.0, np.nan, 2.0])),
            channels(np.full(2, np.nan), np.array([np.nan, 4.0]), "probe01"),
        ],
        ignore_index=True,
    )
    found = noise_of_probes(both)
    assert found["probe"].tolist() == ["probe00", "probe01"]
    np.testing.assert_allclose(found["rms_ap_p90"], [28.0, np.nan])
    np.testing.assert_allclose(found["lfp_derivative"], [2.0, np.nan])
    assert len(noise_of_probes(NOISE_CHANNELS.empty())) == 0
