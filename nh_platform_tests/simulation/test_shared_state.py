"""A state that all units share is planted where the size asks for it, recorded, and moves nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nh_platform.simulation import TINY, write_ibl
from nh_platform.simulation.ibl.ibl_session import simulate_ibl_session
from nh_platform.simulation.shared_state import SHARED_STATE, STEP_S, TIME_CONSTANT_S, draw_shared_state

DRIVEN = replace(TINY, name="driven", shared_state=2.0)


def test_without_a_strength_there_is_no_state_and_no_file(tmp_path: Path) -> None:
    assert draw_shared_state(1, "ibl", 0, 100.0, 0.0) is None
    (session,) = write_ibl(tmp_path, 1, 1, size=TINY)
    with pytest.raises(FileNotFoundError, match=r"shared_state\.parquet"):
        session.shared_state  # noqa: B018


def test_the_state_is_as_slow_and_as_large_as_it_says() -> None:
    state = draw_shared_state(1, "ibl", 0, 20_000.0, 1.0)
    assert state is not None
    values, lag = state.values, round(TIME_CONSTANT_S / STEP_S)
    assert values.std() == pytest.approx(1.0, abs=0.1)
    assert np.corrcoef(values[:-lag], values[lag:])[0, 1] == pytest.approx(np.exp(-1), abs=0.1)


def test_units_fire_with_the_state_that_is_recorded_by_their_preference(tmp_path: Path) -> None:
    (written,) = write_ibl(tmp_path, 1, 1, size=DRIVEN)
    table = written.shared_state
    SHARED_STATE.validate(table)
    session = simulate_ibl_session(1, 0, DRIVEN)
    edges = np.append(table["time"].to_numpy() - STEP_S / 2, table["time"].iloc[-1] + STEP_S / 2)
    found = {1.0: np.zeros(len(table)), -1.0: np.zeros(len(table))}
    for probe in session.probes:
        for row, truth in enumerate(probe.truths):
            samples = probe.spikes.samples[slice(*probe.spikes.offsets[row : row + 2])]
            found[truth.preferred] += np.histogram(samples / probe.sampling_rate_hz, edges)[0]
    state = table["state"].to_numpy()
    assert np.corrcoef(found[1.0], state)[0, 1] > 0.5
    assert np.corrcoef(found[-1.0], state)[0, 1] < -0.5
    without = simulate_ibl_session(1, 0, TINY)
    assert [one.rate_hz for one in without.probes[0].truths] == [one.rate_hz for one in session.probes[0].truths]
