"""Signal over noise: the peak on the main channel, over the noise of that channel of that probe."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nh_platform.qc.signal_to_noise import signal_to_noise
from nh_platform.session.mean_waveforms import BEYOND_PROBE, MeanWaveforms


def waveforms(values: list[list[list[float]]], channels: list[list[int]]) -> MeanWaveforms:
    array = np.array(values, np.float32)
    names = tuple(f"u{row}" for row in range(len(array)))
    return MeanWaveforms(
        names, array, np.array(channels), np.array([row[0] for row in channels]), np.full(len(array), 30000.0)
    )


NOISE = pd.DataFrame({"probe": ["a", "a", "b", "b"], "channel": [0, 1, 0, 1], "ap_rms": [1e-5, 2e-5, 4e-5, np.nan]})


def test_the_largest_channel_of_the_unit_is_held_against_its_own_noise() -> None:
    made = waveforms(
        [
            [[0, -1e-4, 2e-5], [0, 3e-5, 0]],
            [[0, -1e-5, 0], [0, 2e-4, 0]],
            [[0, -8e-5, 0], [0, 0, 0]],
        ],
        [[0, 1], [0, 1], [0, 1]],
    )
    found = signal_to_noise(made, NOISE, ["a", "a", "b"])
    np.testing.assert_allclose(found, [10, 10, 2], rtol=1e-6)
    assert found.index.tolist() == ["u0", "u1", "u2"]
    assert found.name == "spikeinterface.snr@0.105"


def test_without_waveform_channel_or_noise_there_is_no_ratio() -> None:
    nan = float("nan")
    made = waveforms(
        [
            [[nan, nan], [nan, nan]],
            [[0, 0], [0, 1e-4]],
            [[1e-4, 0], [nan, nan]],
            [[0, 1e-5], [9e-5, 0]],
        ],
        [[0, 1], [0, 1], [7, BEYOND_PROBE], [0, BEYOND_PROBE]],
    )
    found = signal_to_noise(made, NOISE, ["a", "b", "a", "a"])
    np.testing.assert_allclose(found, [nan, nan, nan, 1], rtol=1e-6)
    assert len(signal_to_noise(made, NOISE.iloc[:0], list("abaa")).dropna()) == 0
