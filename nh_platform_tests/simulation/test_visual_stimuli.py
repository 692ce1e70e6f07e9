"""The stimuli of a simulated Visual Coding session last as long as its monitor makes them."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.simulation.allen.visual_stimuli import OBSERVATORY, simulate_stimuli


@pytest.mark.parametrize(
    ("name", "at_60_hz"), [("gabors", 0.25021), ("drifting_gratings", 2.00167), ("natural_movie_one", 0.033361)]
)
def test_a_slower_monitor_shows_every_stimulus_longer(name: str, at_60_hz: float) -> None:
    for monitor_hz, expected in ((60.0, at_60_hz), (59.94, at_60_hz * 60 / 59.94)):
        stimuli, _ = simulate_stimuli(np.random.default_rng(1), 1, OBSERVATORY, monitor_hz=monitor_hz)
        duration = stimuli[name]["stop_time"] - stimuli[name]["start_time"]
        assert duration.median() == pytest.approx(expected, abs=1e-5)
