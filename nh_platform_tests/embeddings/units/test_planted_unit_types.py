"""Features of simulated sessions, read from a store, are what their units were made of.

The whole path: upstream formats, `raw_spikes`, `units`, the asset, the reading API. ``pytest -s`` prints the numbers
that docs/embeddings.md quotes. `test_ground_truth` does the same for trains in memory.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

import nh_platform
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.reading import SessionView
from nh_platform.simulation import TINY, SimulatedSession
from nh_platform_tests.homes import WRITERS, materialize

SIZE = replace(TINY, name="of types", unit_types=True, ibl_units=25, allen_units=25, ibl_task_s=525.0)
SEEDS = (3, 4, 5)
LEAST = 0.9
TIMES_CHANCE = 5
RHYTHMIC = ("theta", "beta")


def found_and_planted(session: SessionView, simulated: SimulatedSession, window: str) -> pd.DataFrame:
    """Return a row per unit that fires in the window: features, and the truth with the ending ``_planted``."""
    stored = session.embeddings_window.id == window
    table = session.embeddings if stored else session.describe_units(window)[0]
    truth = simulated.truth.drop(columns="probe")
    truth["rate_hz"] = truth["n_spikes"] / session.spikes.recorded_time.stop
    joined = table.merge(truth, on="unit_id", suffixes=("", "_planted"), validate="1:1")
    assert len(joined) == len(truth) == 50
    return joined[~joined["is_silent"]]


def correlations(table: pd.DataFrame) -> dict[str, float]:
    """Return r of every feature with what was planted, where that differs; a frequency where a rhythm was found."""
    rows = dict.fromkeys(("rate_hz", "refractory_s", "burst_share", "rhythm_depth"), table)
    rows["rhythm_hz"] = table[table["design"].isin(RHYTHMIC) & table["rhythm_hz"].notna()]
    rows = {name: one for name, one in rows.items() if one[f"{name}_planted"].std() > 0}
    return {name: float(one[name].corr(one[f"{name}_planted"])) for name, one in rows.items()}


@pytest.mark.parametrize("source", [pytest.param("ibl", marks=pytest.mark.slow), "allen_vc"])
def test_features_recover_the_planted_types(tmp_path: Path, source: str) -> None:
    root = tmp_path / "upstream" / source
    # Another number each: sessions of one number lie in one folder, whatever their seed.
    written = [WRITERS[source](root, 1, seed, first=number, size=SIZE)[0] for number, seed in enumerate(SEEDS)]
    (tmp_path / "sources.yaml").write_text(f"{source}:\n  read: {{mode: local, root: upstream/{source}}}\n")
    with dg.DagsterInstance.ephemeral() as instance:
        outcomes = materialize(Platform(load_settings(tmp_path)), instance, source, assets=["unit_embeddings"])
        assert all(one.success for one in outcomes)
    store, of_all = nh_platform.open_store(tmp_path), []
    for simulated in written:
        session = store.session(source, simulated.session_id)
        for window in ("whole-session", "start-30s"):
            table = found_and_planted(session, simulated, window)
            r, known = correlations(table), session.embeddings_robustness(window)
            stated = {name: f"{value:.2f}" for name, value in r.items()}
            times = [f"{one.first.id} / {one.second.id}: {one.times_chance:.0f}" for one in known]
            print(source, simulated.index, window, len(table), stated, "times chance", times)
            assert all(one.times_chance >= TIMES_CHANCE for one in known)
            assert r["rate_hz"] >= LEAST
            assert r["burst_share"] >= LEAST
            if window == "whole-session":
                assert len(table) == 50
                assert min(r.values()) >= LEAST
                assert len(r) == 5
                of_all.append(table)
    for kind, table in pd.concat(of_all).groupby("design"):
        r = correlations(table)
        off_ms = 1e3 * float((table["refractory_s"] - table["refractory_s_planted"]).abs().mean())
        print(source, kind, len(table), {name: f"{value:.2f}" for name, value in r.items()}, f"{off_ms:.2f} ms off")
        assert r["rate_hz"] >= LEAST
        assert off_ms <= 0.5
        assert kind != "bursting" or r["burst_share"] >= LEAST
        assert kind not in RHYTHMIC or min(r["rhythm_hz"], r["rhythm_depth"]) >= LEAST
        assert kind not in RHYTHMIC or table["rhythm_hz"].notna().all()
        assert kind in RHYTHMIC or np.isnan(table["rhythm_hz_planted"]).all()
