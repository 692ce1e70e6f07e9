"""Maps of units and of the population's state: who is drawn, in which colour, and what is said of nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform.embeddings.population import window_states
from nh_platform.reports.page.chart import Chart
from nh_platform.reports.session_page.material import PageMaterial
from nh_platform.reports.session_page.session_figures.embedding_maps import (
    NO_EMBEDDINGS,
    NO_STATES,
    Population,
    embedding_charts,
)
from nh_platform.session.tables.events import EVENTS
from nh_platform_tests.embeddings.population.made_populations import driven_spikes, second_windows, unit_rows
from nh_platform_tests.made_material import made_material

REGIONS = ["CA1"] * 7 + ["VISp"] * 6 + ["LP", "PO", "DG", "SUB"]


@pytest.fixture(scope="module")
def population() -> Population:
    spikes, _ = driven_spikes(13, 300)
    index = pd.concat([second_windows(300), second_windows(100, "few")], ignore_index=True)
    states = window_states(spikes, unit_rows(13, REGIONS[:13]), np.ones(13, dtype=bool), index)
    return Population.of(states.windows, states.fits)


def material_of(n_units: int = 17, **changes: Any) -> PageMaterial:
    spikes, _ = driven_spikes(n_units, 300)
    made = made_material(spikes, regions=REGIONS[:n_units])
    features = np.random.default_rng(0).normal(size=(n_units, 4))
    table = pd.DataFrame(features, columns=["rate_hz", "isi_cv", "isi_lv", "burst"])
    table.loc[1, ["rate_hz", "isi_cv", "isi_lv"]] = np.nan
    table.insert(0, "unit_id", made.units["unit_id"])
    table.insert(1, "n_spikes", 100)
    return replace(made, unit_embeddings=table, **changes)


def charts_of(material) -> dict[str, Chart]:
    return {chart.id: chart for chart in embedding_charts(material)}


def test_units_are_drawn_once_by_region_and_once_by_verdict() -> None:
    charts = charts_of(material_of(reference_window="start-30s"))
    by_region = charts["units-by-region"]
    named = {layer.name: len(layer.x) for layer in by_region.layers}
    assert sum(named.values()) == 16
    assert {name: named[name] for name in ("CA1", "VISp")} == {"CA1": 6, "VISp": 6}
    assert len(by_region.layers) == 5
    assert by_region.layers[0].colour == "muted"
    assert "1 unit of few spikes has no place" in by_region.caption
    assert "4 features of each unit's firing in start-30s, in deviations" in by_region.caption
    assert "of the variance" in by_region.x.label
    by_label = charts["units-by-label"]
    assert {layer.name for layer in by_label.layers} <= {"good", "not good"}
    assert sum(len(layer.x) for layer in by_label.layers) == 16


def test_depth_and_waveforms_and_what_nothing_is_known_of_place_no_unit() -> None:
    material = material_of()
    assert material.unit_embeddings is not None
    depths = np.linspace(0, 3800, 17)
    more = material.unit_embeddings.assign(depth_um=depths, waveform_spread=depths, grating_000_hz=np.nan)
    one, other = (charts_of(replace(material, unit_embeddings=table)) for table in (material.unit_embeddings, more))
    for layer, same in zip(one["units-by-region"].layers, other["units-by-region"].layers, strict=True):
        assert layer.name == same.name
        np.testing.assert_array_equal(layer.x, same.x)
        np.testing.assert_array_equal(layer.y, same.y)
    assert "4 features" in other["units-by-region"].caption


def test_the_preset_that_covers_most_time_is_drawn_by_factor_and_over_time(population: Population) -> None:
    assert population.preset == "continuous-1s"
    assert population.names == ("all", "CA1", "VISp")
    charts = charts_of(material_of(population=population))
    over_time = charts["population-time"]
    assert [layer.name for layer in over_time.layers] == ["all", "CA1", "VISp"]
    assert over_time.x.session_clock
    assert over_time.y.unit == "√Hz"
    assert sum(len(layer.x) for layer in charts["population-map"].layers) == 300
    assert {layer.name for layer in charts["population-map"].layers} == {"first third", "second third", "last third"}


def test_windows_are_coloured_by_what_was_shown_or_by_the_outcome_of_the_trial(population: Population) -> None:
    shown = EVENTS["presentations"].conform(
        pd.DataFrame(
            {"start_time": [0.0, 100.0], "stop_time": [100.0, 200.0], "stimulus_name": ["gabors", "flashes"]}
            | {"presentation_id": [0, 1], "valid": True, "duration": 100.0, "stimulus_block": 0.0}
        )
    )
    material = material_of(population=population)
    tables = {**material.events.tables, "presentations": shown}
    with_shown = replace(material, events=replace(material.events, tables=tables))
    layers = charts_of(with_shown)["population-map"].layers
    assert {layer.name: len(layer.x) for layer in layers} == {"gabors": 100, "flashes": 100, "nothing shown": 100}


def test_what_is_not_there_is_said() -> None:
    charts = charts_of(made_material(driven_spikes(3, 100)[0]))
    assert charts["units-by-region"].lacking == NO_EMBEDDINGS
    assert charts["population-map"].lacking == charts["population-time"].lacking == NO_STATES
    few = charts_of(material_of(4, population=Population("", pd.DataFrame(), (), ())))
    assert few["units-by-region"].lacking == "3 units fire enough to be described; a map needs 5."
    assert few["population-map"].lacking == "No model could be fitted; the notes say why."
