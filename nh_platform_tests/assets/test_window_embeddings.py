"""The asset `window_embeddings`: what its checks say of sound models, of units that share nothing, and of no model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nh_platform.assets.on_request import window_embeddings as asset
from nh_platform.assets.record import AssetResult
from nh_platform.embeddings.population import window_states
from nh_platform.session.tables.embeddings import POPULATION_FITS, POPULATION_UNITS, WINDOW_EMBEDDINGS
from nh_platform.store.codecs.parquet import read_table
from nh_platform.windows import build_windows
from nh_platform.windows.window_files import write_windows
from nh_platform_tests.embeddings.population.made_populations import driven_spikes, second_windows, unit_rows
from nh_platform_tests.made_material import made_material
from nh_platform_tests.windows.trains import PRESETS, spikes_of


def made_of(trains: list[np.ndarray], folder: Path) -> AssetResult:
    """Make the asset of a session with these spikes, and write it."""
    material = made_material(spikes_of(*trains), regions=["CA1"] * len(trains))
    windows = build_windows(material.recording.spikes, material.recording.units, material.events, PRESETS[:1], {})
    (folder / "windows").mkdir()
    write_windows(folder / "windows", windows)
    inputs: Any = SimpleNamespace(
        trains=lambda: material.recording,
        units=lambda: material.units,
        config=SimpleNamespace(rulebook_ids=(material.rulebooks[0].id,)),
        stored=SimpleNamespace(folder=lambda name: folder / name),
    )
    result = asset.make(inputs)
    assert result.write is not None
    result.write(folder)
    return result


def test_a_session_without_units_has_empty_tables_and_a_note(tmp_path: Path) -> None:
    result = made_of([], tmp_path)
    assert result.rows == 0
    assert "population: 0 good units; a model needs 5" in result.notes
    for name, schema in (
        (asset.WINDOWS_FILE, WINDOW_EMBEDDINGS),
        (asset.UNITS_FILE, POPULATION_UNITS),
        (asset.FITS_FILE, POPULATION_FITS),
    ):
        table = read_table(tmp_path / name)
        schema.validate(table)
        assert table.empty
    assert [one.is_known for one in result.checks.values()] == [False, False]


def test_a_session_without_good_units_has_windows_without_latents(tmp_path: Path) -> None:
    result = made_of([np.array([1.0, 2.0, 90.0])] * 6, tmp_path)
    assert result.rows > 80
    assert result.shown["models"] == []
    assert result.checks["latents_sound"].description == "No model was fitted; the notes say why."


@pytest.mark.parametrize(("strength", "passes"), [(0.8, True), (0.0, False)])
def test_the_check_of_held_out_windows_tells_a_shared_state_from_none(strength: float, passes: bool) -> None:
    spikes, _ = driven_spikes(10, 400, strength=strength, seed=4)
    states = window_states(spikes, unit_rows(10), np.ones(10, dtype=bool), second_windows(400))
    found = asset._held_out_outcome(states)
    assert found.passed is passes
    assert ("in 1 of 1 preset." in found.description) is passes
    assert [row["region"] for row in found.shown["R² of held-out windows"]] == ["all", "all", "CA1", "CA1"]
    assert asset._latents_outcome(states).passed


def test_latents_that_are_constant_or_not_finite_are_named() -> None:
    spikes, _ = driven_spikes(10, 300)
    states = window_states(spikes, unit_rows(10), np.ones(10, dtype=bool), second_windows(300))
    windows = states.windows.copy()
    windows["fa.all.2"] = np.float32(1.0)
    windows.loc[7, "pca.CA1.1"] = np.float32(np.inf)
    found = asset._latents_outcome(replace(states, windows=windows))
    assert not found.passed
    assert all(name in found.description for name in ("continuous-1s fa.all", "continuous-1s pca.CA1"))
    assert found.description.startswith("2 of 4 models have sound latents; not ")
