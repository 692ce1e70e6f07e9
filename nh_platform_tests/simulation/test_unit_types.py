"""Sessions of known unit types: as many of each, their spikes and nothing else, the truth beside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nh_platform.simulation import TINY
from nh_platform.simulation.ground_truth import draw_units
from nh_platform.simulation.spike_trains import simulate_spikes
from nh_platform.simulation.unit_types import UNIT_TYPES, with_unit_types
from nh_platform_tests.homes import WRITERS

TYPED = replace(TINY, name="of types", unit_types=True, ibl_units=10, allen_units=10)


@pytest.mark.parametrize("source", sorted(WRITERS))
def test_a_session_has_as_many_units_of_each_type_with_their_truth(tmp_path: Path, source: str) -> None:
    (written,) = WRITERS[source](tmp_path, 1, 3, size=TYPED)
    truth = written.truth
    assert truth["design"].value_counts().to_dict() == {kind.name: 4 for kind in UNIT_TYPES}
    rhythmic = truth["design"].isin(["theta", "beta"])
    assert (truth["rhythm_depth"] > 0).equals(rhythmic)
    assert truth["rhythm_hz"].notna().equals(rhythmic)
    assert (truth["burst_share"] > 0).equals(truth["design"] == "bursting")
    assert (truth["n_spikes"] > 100).all()
    assert (truth[["n_contaminating", "n_missing"]] == 0).all(axis=None)
    assert (truth["response"] == "none").all()


def test_units_have_their_train_and_no_other_spike() -> None:
    drawn = draw_units(np.random.default_rng(1), 10, first=0, duration_s=100.0, mean_rate_hz=6.0, depth_range_um=3840.0)
    truths, trains = with_unit_types(np.random.default_rng(2), drawn, 100.0)
    spikes = simulate_spikes(np.random.default_rng(3), truths, 100.0, extra=trains)
    assert [truth.depth_um for truth in truths] == [truth.depth_um for truth in drawn]
    for unit, truth in enumerate(truths):
        found = spikes.samples[spikes.offsets[unit] : spikes.offsets[unit + 1]]
        asked = np.floor(trains.times[trains.units == unit] * 30_000).astype(np.int64)
        assert np.isin(found, asked).all()
        # The refractory period is rounded up to samples, which deletes the few that lie in between.
        assert len(found) >= 0.99 * len(asked)
        assert np.diff(found).min() >= truth.refractory_s * 30_000


def test_units_of_other_sessions_state_neither_rhythm_nor_share_of_bursts(tmp_path: Path) -> None:
    truth = WRITERS["ibl"](tmp_path, 1, 3, size=TINY)[0].truth
    assert truth[["burst_share", "rhythm_hz"]].isna().all(axis=None)
    assert (truth["rhythm_depth"] == 0).all()
    assert not truth["design"].isin(["regular", "fast", "theta", "beta"]).any()


@pytest.mark.parametrize("other", ["graded", "regional"])
def test_types_beside_other_designs_are_refused(other: str) -> None:
    with pytest.raises(ValueError, match="neither graded nor regional"):
        replace(TYPED, **{other: True})
