"""What is measured of a mean waveform, by hand-computed cases."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.embeddings.units.waveform_features import describe_waveform


@pytest.mark.parametrize(
    "wave",
    [
        [0.0, -4.0, -2.0, -1.0, -0.5],  # never above 0
        [0.0, -4.0, 0.0, 1.0, 2.0],  # still rising where it ends
        [1.0, 0.5, 0.0, -1.0, -4.0],  # ends at its trough
    ],
)
def test_where_no_peak_follows_the_trough_there_is_no_duration(wave: list[float]) -> None:
    duration, _, ratio, peak_to_peak, spread = describe_waveform(np.array([wave]), 1000.0)
    assert np.isnan(duration)
    assert np.isnan(ratio)
    assert peak_to_peak == max(wave) - min(wave)
    assert spread == 1


def test_the_peak_is_the_highest_sample_behind_the_trough() -> None:
    duration, _, ratio, *_ = describe_waveform(np.array([[3.0, 0.0, -4.0, 1.0, 2.0, 1.0]]), 30_000.0)
    assert duration == pytest.approx(2 / 30_000)
    assert ratio == 0.5
