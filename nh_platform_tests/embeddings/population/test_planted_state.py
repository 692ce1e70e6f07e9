"""Population states of simulated sessions, read from a store, are the state that was planted in them.

The whole path: upstream formats, `raw_spikes`, rules, windows, the asset, the reading API.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

import nh_platform
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.reading.windows.population_states import PopulationStates
from nh_platform.simulation import TINY
from nh_platform.simulation.shared_state import STEP_S
from nh_platform_tests.homes import WRITERS, materialize

SIZE = replace(TINY, name="driven", shared_state=1.5, ibl_units=40, allen_units=40, ibl_task_s=525.0, mean_rate_hz=8.0)
N_SHUFFLES = 20


def recovered(states: PopulationStates, state: np.ndarray, method: str) -> tuple[float, float]:
    """Return R² of a state of each window regressed on the latents, in windows that neither has seen; and shuffled.

    The regression is fitted in the windows that the models were fitted in, and scored in the later ones.
    """
    latents = states.latents("all", method).astype(np.float64)
    finite = np.isfinite(latents).all(axis=1) & np.isfinite(state)
    fit = finite & (states.table["part"] == "train").to_numpy()
    later = finite & states.table["part"].isin(["valid", "test"]).to_numpy()
    design = np.column_stack([latents, np.ones(len(latents))])

    def score(target: np.ndarray) -> float:
        by = np.linalg.lstsq(design[fit], target[fit], rcond=None)[0]
        off = target[later] - target[later].mean()
        return 1.0 - float(((target[later] - design[later] @ by) ** 2).sum() / (off**2).sum())

    rng = np.random.default_rng(0)
    shuffled = []
    for _ in range(N_SHUFFLES):
        moved = state.copy()
        for part in (fit, later):
            moved[part] = rng.permutation(state[part])
        shuffled.append(score(moved))
    return score(state), max(shuffled)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["ibl", "allen_vc"])
@pytest.mark.parametrize("seed", [3, 4, 5])
def test_latents_recover_the_planted_state(tmp_path: Path, source: str, seed: int) -> None:
    (simulated,) = WRITERS[source](tmp_path / "upstream" / source, 1, seed, size=SIZE)
    stated = f"{source}:\n  read: {{mode: local, root: upstream/{source}}}\n  also_assets: [window_embeddings]\n"
    (tmp_path / "sources.yaml").write_text(stated)
    with dg.DagsterInstance.ephemeral() as instance:
        assets = ["raw_spikes", "events", "signals", "units", "windows", "window_embeddings"]
        (outcome,) = materialize(Platform(load_settings(tmp_path)), instance, source, assets=assets)
        assert outcome.success
        assert not [one for one in outcome.warned if one.asset == "window_embeddings"]
    session = nh_platform.open_store(tmp_path).session(source, simulated.session_id)
    states = session.window_embeddings("continuous-1s")
    planted, index = simulated.shared_state, session.windows("continuous-1s").index
    start = np.rint(index["start"].to_numpy() / STEP_S).astype(int)
    of_window = np.array([planted["state"].to_numpy()[max(at, 0) : at + 10].mean() for at in start])
    for method in ("pca", "fa"):
        found, shuffled = recovered(states, of_window, method)
        assert found >= 0.8
        assert shuffled <= 0.1
    fit = states.fits.set_index(["region", "method"]).loc[("all", "fa")]
    assert fit["rebuilt"] > 0.1 > fit["shuffled"]
