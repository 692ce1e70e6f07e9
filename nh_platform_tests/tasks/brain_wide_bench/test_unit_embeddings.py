"""`ts3-unit_cosmos` on unit embeddings: what is read, what is refused, and that it finds regions that fire apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from nh_platform import operations
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.tasks.task_lookups import task_named
from nh_platform.session import ConfigError
from nh_platform.simulation import TINY
from nh_platform.tasks.brain_wide_bench.suite3 import _PLACE
from nh_platform_tests.homes import make_home, materialize

REGIONAL = replace(TINY, name="tiny by region", ibl_units=60, regional=True)


def test_features_are_of_units_and_have_a_name() -> None:
    with pytest.raises(ConfigError, match="there are none of that name"):
        task_named("ts3-unit_cosmos", features="embeddings")
    with pytest.raises(ConfigError, match="it is about windows"):
        task_named("ts1-choice", features="unit_embeddings")
    assert task_named("ts3-unit_cosmos", features="unit_embeddings").also_reads == ("unit_embeddings",)
    assert task_named("ts3-unit_cosmos").also_reads == ()


def test_features_that_say_where_a_unit_is_are_not_read() -> None:
    asked = ("depth_um", "depth", "region_id", "beryl_id", "cosmos_level", "allen_id")
    assert all(_PLACE.fullmatch(name) for name in asked)
    assert not any(_PLACE.fullmatch(name) for name in ("rate_hz", "isi_hist_00", "rhythm_depth", "acg_03"))


@pytest.mark.slow
@pytest.mark.parametrize("regional", [True, False])
def test_regions_that_fire_apart_are_told_apart_and_others_are_not(tmp_path: Path, *, regional: bool) -> None:
    home = tmp_path / "home"
    platform = make_home(home, ("ibl",), n_sessions=6, size=replace(REGIONAL, regional=regional))
    stated = (home / "sources.yaml").read_text().replace("ibl:\n", "ibl:\n  reference_window: whole-session\n")
    (home / "sources.yaml").write_text(stated, encoding="utf-8")
    platform = Platform(load_settings(home))
    with dg.DagsterInstance.ephemeral() as instance:
        outcomes = materialize(platform, instance, "ibl", assets=("units", "unit_embeddings"))
    assert all(one.success for one in outcomes)
    features = {"features": "unit_embeddings"}
    found = operations.task_targets(home, "ts3-unit_cosmos", **features)
    data = next(iter(found.data.values()))
    assert "log10_rate" in data.input_ids
    assert any("unit embeddings of the reference window whole-session" in note for note in data.notes)
    assert "unit_embeddings" in str(data.origins[0])
    run = operations.run_task(home, "ts3-unit_cosmos", seeds=(43, 44, 45), permutations=99, **features)
    (row,) = run.table().query("session_id == 'all'").to_dict("records")
    if regional:
        assert row["macro_f1"] > row["control"] + 0.1
        assert row["p"] <= 0.01
    else:
        assert row["p"] > 0.01
