"""A recipe may take units by their cell type; sessions without such units are left out with a text."""

from __future__ import annotations

import pandas as pd
import pytest

from nh_platform.home.platform import Platform
from nh_platform.reading import SessionView
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.training_sets.recipe import Recipe
from nh_platform.training_sets.selection import select


def recipe(source: str, *cell_types: str) -> Recipe:
    return Recipe.model_validate({"id": "typed", "sources": {source: {"units": "all", "cell_types": cell_types}}})


def test_tagged_units_are_those_that_the_simulation_planted(platform: Platform) -> None:
    found = select(platform, recipe("allen_vc", "optotagged"))
    truth = pd.concat(
        pd.read_parquet(path) for path in (platform.settings.home / "upstream").rglob("ground_truth.parquet")
    )
    planted = set(truth.loc[truth["optotagged"], "unit_id"])
    taken = set(found.units["unit_id"])
    assert taken <= planted
    assert len(taken) >= len(planted) - 1
    assert any("0 of its 24 units are left" in text for text in found.left_out)  # the animal without the channel


def test_a_session_tells_what_light_did_as_its_units_say(platform: Platform) -> None:
    for session_id in platform.manifest("allen_vc").session_ids:
        session = SessionView(platform.store, "allen_vc", session_id)
        by_unit = session.optotagging.set_index("unit_id")["optotagged"]
        pd.testing.assert_series_equal(
            by_unit, session.units.set_index("unit_id")["nh.optotagged@1"], check_names=False
        )
        assert (session.optotagging["n_pulses"] == 12).all()


def test_narrow_and_broad_are_apart_and_leave_out_what_has_no_type(platform: Platform) -> None:
    every, narrow, broad = (
        set(select(platform, recipe("ibl", *types)).units["unit_id"]) for types in ((), ("narrow",), ("broad",))
    )
    assert narrow
    assert broad
    assert not narrow & broad
    assert narrow | broad < every


def test_a_type_that_a_source_has_not_leaves_nothing(platform: Platform) -> None:
    with pytest.raises(UnknownSession, match="0 of its 24 units are left"):
        select(platform, recipe("ibl", "optotagged"))


def test_an_unknown_type_is_refused_where_the_recipe_is_read(platform: Platform) -> None:
    with pytest.raises((ConfigError, ValueError), match="cell_types"):
        recipe("ibl", "pyramidal")


def test_a_recipe_without_types_states_what_it_did_before() -> None:
    assert "cell_types" not in recipe("ibl").stated()["sources"]["ibl"]
    assert recipe("ibl", "narrow").stated()["sources"]["ibl"]["cell_types"] == ["narrow"]
