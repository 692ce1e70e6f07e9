"""Features recover what simulated units were made of, and tell them from each other in the other half."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.embeddings.units.robustness import disjoint_windows, robustness
from nh_platform.embeddings.units.unit_encoding import unit_embeddings
from nh_platform.simulation.unit_types import simulate_unit_types
from nh_platform_tests.windows.trains import spikes_of, units_of

LEAST = 0.9


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rate_refractory_period_bursts_and_rhythm_are_recovered(seed: int) -> None:
    trains, truth = simulate_unit_types(seed, 10, 600.0)
    spikes, units = spikes_of(*trains), units_of(*["probe00"] * len(trains))
    table = unit_embeddings(spikes, units)
    assert not table["is_silent"].any()
    for name in ("rate_hz", "refractory_s", "burst_share", "rhythm_depth"):
        assert np.corrcoef(table[name], truth[name])[0, 1] >= LEAST, name
    rhythmic = truth["rhythm_depth"] > 0
    assert np.corrcoef(table["rhythm_hz"][rhythmic], truth["rhythm_hz"][rhythmic])[0, 1] >= LEAST
    ((first, second),) = disjoint_windows(spikes)
    assert robustness(spikes, units, first, second).times_chance >= 5
