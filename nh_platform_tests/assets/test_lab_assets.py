"""An asset of an installed package is one record: it is planned, made, stored and shown as ours are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from nh_platform.assets import registry
from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetResult, SessionAsset
from nh_platform.defs.build import build_defs
from nh_platform.planning.staleness import standing_of
from nh_platform.planning.versions import SourcePlan
from nh_platform.session.columns import Column, TableSchema
from nh_platform.store.parquet import read_table, write_table
from nh_platform_tests.homes import make_home, materialize
from nh_platform_tests.lab_packages import install, on_the_path

RATES = TableSchema("lab_rates", (Column("unit_id", "string", "-", "Unit"), Column("n", "int64", "1", "Spikes")))

MODULE = """
from nh_platform_tests.assets.test_lab_assets import TOY as ASSET
from nh_platform_tests.assets.test_lab_assets import LOST, FRAMES
"""


def make(inputs: SessionInputs) -> AssetResult:
    """Count the spikes of every unit."""
    units = inputs.units()
    table = units[["unit_id"]].assign(n=units["n_spikes"].astype("int64"))
    return AssetResult(
        write=lambda folder: write_table(folder / "lab_rates.parquet", table, RATES),
        rows=len(table),
        shown={"units": 3},
    )


TOY = SessionAsset(
    name="lab_rates",
    code_version="1",
    description="Spikes of every unit, counted by the lab.",
    kinds=frozenset({"parquet"}),
    tables=((RATES, "lab_rates.parquet"),),
    make=make,
    inputs=("units",),
    parameters=lambda platform, source: {"lab": "toy"},
)
LOST = replace(TOY, name="lost", inputs=("nowhere",))
FRAMES = replace(TOY, name="frames", inputs=("stimulus_tensors",))


@pytest.fixture
def toy_package(tmp_path: Path) -> Iterator[None]:
    """Install a package: an asset of every source, one that reads an asset of one source, one that reads nothing."""
    points = {"toy": "toy_assets:ASSET", "lost": "toy_assets:LOST", "frames": "toy_assets:FRAMES"}
    site = install(tmp_path, points, group=registry.ENTRY_POINTS)
    (site / "toy_assets.py").write_text(MODULE)
    registry.all_session_assets.cache_clear()
    with on_the_path(site):
        yield
    registry.all_session_assets.cache_clear()


@pytest.mark.usefixtures("toy_package")
def test_it_is_made_by_its_record_alone(tmp_path: Path) -> None:
    platform = make_home(tmp_path / "home", ("ibl",))
    with dg.DagsterInstance.ephemeral() as instance:
        (outcome,) = materialize(platform, instance, "ibl", assets=["raw_spikes", "units", "lab_rates"])
    assert outcome.success, outcome.errors
    session_id = outcome.plan.session_id
    table = read_table(platform.store.folder("ibl", session_id, "lab_rates") / "lab_rates.parquet")
    assert table["n"].sum() > 0
    record = platform.store.provenance("ibl", session_id, "lab_rates")
    assert record is not None
    assert (set(record.inputs), record.parameters) == ({"units"}, {"lab": "toy"})
    stale = standing_of(SourcePlan(platform, "ibl"), platform.manifest("ibl").session(session_id)).stale
    assert stale == ("events", "signals", "windows", "unit_embeddings")
    graph = build_defs(platform).resolve_asset_graph()
    assert graph.get(dg.AssetKey(["ibl", "lab_rates"])).parent_keys == {dg.AssetKey(["ibl", "units"])}


@pytest.mark.usefixtures("toy_package")
def test_one_that_reads_what_nobody_makes_is_named_and_the_others_go_on() -> None:
    assert "lab_rates" in registry.session_assets("allen_vc")
    assert "lost" not in registry.session_assets("allen_vc")
    (problem,) = registry.package_problems()
    assert str(problem).startswith("asset lost of package toy-lab: it reads nowhere, which is not served")


@pytest.mark.usefixtures("toy_package")
def test_one_that_reads_an_asset_of_single_sources_is_theirs_alone(tmp_path: Path) -> None:
    assert "frames" in registry.session_assets("allen_vc")
    assert "frames" not in registry.session_assets("ibl")
    keys = build_defs(make_home(tmp_path / "home", ())).resolve_asset_graph().get_all_asset_keys()
    assert [key.path for key in keys if key.path[-1] == "frames"] == [["allen_vc", "frames"]]
