"""An asset of an installed package is one record: it is planned, made, stored and shown as ours are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest

from nh_platform import operations
from nh_platform.assets import registry
from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetResult, SessionAsset
from nh_platform.defs.build import build_defs
from nh_platform.operations.home_status import SourceStatus
from nh_platform.planning.making import make_session_asset
from nh_platform.planning.staleness import standing_of
from nh_platform.planning.versions import SourcePlan
from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.session.columns import Column, TableSchema
from nh_platform.store.codecs.parquet import read_table, write_table
from nh_platform_tests.homes import make_home, materialize
from nh_platform_tests.lab_packages import install, on_the_path
from nh_platform_tests.store.codecs.test_recording_files import recording
from nh_platform_tests.store.resealing import reseal

RATES = TableSchema("lab_rates", (Column("unit_id", "string", "-", "Unit"), Column("n", "int64", "1", "Spikes")))

MODULE = """
from nh_platform_tests.assets.test_lab_assets import TOY as ASSET
from nh_platform_tests.assets.test_lab_assets import LOST, FRAMES, BROKEN, READER, NUMBERS, WINDOWED, SECRET
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
BROKEN = replace(TOY, name="broken", parameters=lambda platform, source: {"lab": str(1 / 0)})
READER = replace(TOY, name="reader", inputs=("broken",))
WINDOWED = replace(TOY, name="windowed", inputs=("windows",))
SECRET = replace(TOY, name="secret", inputs=("raw_spikes",))
NUMBERS = replace(TOY, name="numbers", parameters=lambda platform, source: {"lab": 1})  # type: ignore[dict-item]


@contextmanager
def package_with(folder: Path, *names: str) -> Iterator[None]:
    """Install, for a block, a package with some of the records of this module."""
    site = install(folder, {name.lower(): f"toy_assets:{name}" for name in names}, group=registry.ENTRY_POINTS)
    (site / "toy_assets.py").write_text(MODULE)
    registry.all_session_assets.cache_clear()
    with on_the_path(site):
        yield
    registry.all_session_assets.cache_clear()


@pytest.fixture
def toy_package(tmp_path: Path) -> Iterator[None]:
    """Install a package: an asset of every source, one that reads an asset of one source, one that reads nothing."""
    with package_with(tmp_path, "ASSET", "LOST", "FRAMES"):
        yield


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
    assert stale == ("events", "signals", "windows", "unit_embeddings", "session_report")
    graph = build_defs(platform).resolve_asset_graph()
    assert graph.get(dg.AssetKey(["ibl", "lab_rates"])).parent_keys == {dg.AssetKey(["ibl", "units"])}


@pytest.mark.usefixtures("toy_package")
def test_one_that_reads_what_nobody_makes_is_named_and_the_others_go_on() -> None:
    assert "lab_rates" in registry.session_assets("allen_vc")
    assert "lost" not in registry.session_assets("allen_vc")
    (problem,) = registry.package_problems()
    assert str(problem).startswith("asset lost of package toy-lab: it reads nowhere, which is not served")


def test_the_asset_of_the_page_is_one(tmp_path: Path) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "add-an-asset.md"
    first = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)[0]
    names: dict[str, object] = {}
    exec(compile(first, "add-an-asset.md", "exec"), names)
    asset = names["ASSET"]
    assert isinstance(asset, SessionAsset)
    spikes = recording(300).spikes
    inputs = SimpleNamespace(recording=lambda: recording(300), units=lambda: recording(300).units)
    result = asset.make(inputs)  # type: ignore[arg-type]
    assert result.rows == spikes.n_units
    assert result.write is not None
    result.write(tmp_path)
    assert len(read_table(tmp_path / "burst_rates.parquet")) == spikes.n_units


@pytest.mark.usefixtures("toy_package")
def test_one_that_reads_an_asset_of_single_sources_is_theirs_alone(tmp_path: Path) -> None:
    assert "frames" in registry.session_assets("allen_vc")
    assert "frames" not in registry.session_assets("ibl")
    keys = build_defs(make_home(tmp_path / "home", ())).resolve_asset_graph().get_all_asset_keys()
    assert [key.path for key in keys if key.path[-1] == "frames"] == [["allen_vc", "frames"]]


@pytest.mark.parametrize("name", ["reviews", "reviewed_intervals", "upstream_spikes"])
def test_no_package_takes_the_name_of_what_is_observed(tmp_path: Path, name: str) -> None:
    (tmp_path / "named.py").write_text(
        "from dataclasses import replace\n"
        "from nh_platform_tests.assets.test_lab_assets import TOY\n"
        f"ASSET = replace(TOY, name={name!r})\n"
    )
    site = install(tmp_path, {"toy": "named:ASSET"}, group=registry.ENTRY_POINTS)
    with on_the_path(site):
        (problem,) = registry.package_problems()
    assert f"the name {name!r} is taken already, by nh-platform" in str(problem)


def test_one_whose_parameters_cannot_be_told_is_left_out_with_what_reads_it_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    platform = make_home(tmp_path / "home", ("ibl",))
    with package_with(tmp_path / "site", "ASSET", "BROKEN", "READER", "NUMBERS"):
        plan = SourcePlan(platform, "ibl")
        graph = build_defs(platform).resolve_asset_graph()
        operations.sync(tmp_path / "home", "ibl")
        outcome = operations.materialize(tmp_path / "home", "ibl", dry_run=True)
        said = operations.status(tmp_path / "home").sources["ibl"]
        findings = operations.doctor(tmp_path / "home", offline=True)
        with pytest.raises(ConfigError, match="asset 'broken': ibl has no such per-session asset, or it is left out"):
            make_session_asset(platform, "ibl", platform.manifest("ibl").session_ids[0], "broken")
    assert {"lab_rates", "units"} <= plan.assets.keys()
    assert plan.assets.keys().isdisjoint({"broken", "reader", "numbers"})
    assert not graph.has(dg.AssetKey(["ibl", "broken"]))
    division, number = sorted(map(str, plan.problems))
    assert division == (
        "asset broken of package toy-lab: its parameters for ibl cannot be told: ZeroDivisionError: division by zero. "
        "Correct or uninstall the package."
    )
    assert "asset numbers of package toy-lab: its parameters for ibl cannot be told: TypeError" in number
    assert "asset broken of package toy-lab its parameters for ibl" in caplog.text
    assert list(map(str, outcome.problems)) == list(map(str, plan.problems))
    assert isinstance(said, SourceStatus)
    assert len(said.problems) == 2
    assert "asset broken of package toy-lab" in [finding.about for finding in findings]


def test_one_that_reads_the_gate_through_others_alone_is_stopped_by_it(tmp_path: Path) -> None:
    platform = make_home(tmp_path / "home", ("ibl",))
    with package_with(tmp_path / "site", "WINDOWED"), dg.DagsterInstance.ephemeral() as instance:
        (outcome,) = materialize(platform, instance, "ibl", assets=["raw_spikes", "events", "windows"])
        assert outcome.success, outcome.errors
        session_id = outcome.plan.session_id
        folder = platform.store.folder("ibl", session_id, "raw_spikes")
        (folder / "gate.json").write_text(json.dumps({"problems": ["times are not sorted"]}))
        reseal(folder)
        standing = standing_of(SourcePlan(platform, "ibl"), platform.manifest("ibl").session(session_id))
        assert "windowed" in standing.stopped
        with pytest.raises(BadUpstreamData, match="it is gated: times are not sorted"):
            make_session_asset(platform, "ibl", session_id, "windowed")


def test_one_that_reads_what_it_does_not_state_is_named(tmp_path: Path) -> None:
    platform = make_home(tmp_path / "home", ("ibl",))
    with package_with(tmp_path / "site", "SECRET"), dg.DagsterInstance.ephemeral() as instance:
        (outcome,) = materialize(platform, instance, "ibl", assets=["raw_spikes"])
        assert outcome.success, outcome.errors
        stated = "asset secret: it reads 'units', which is not among its inputs: raw_spikes"
        with pytest.raises(ConfigError, match=stated):
            make_session_asset(platform, "ibl", outcome.plan.session_id, "secret")


def test_a_source_that_names_assets_that_do_not_exist_is_named(tmp_path: Path) -> None:
    (tmp_path / "lab.py").write_text(
        "from nh_platform_tests.lab_packages import lab_entry\n"
        "LAB = lab_entry('lab', extra_assets=('stimulus_tensors', 'rates'))\n"
    )
    with on_the_path(install(tmp_path, {"lab": "lab:LAB"})):
        (problem,) = registry.package_problems()
    assert str(problem).startswith(
        "source lab of package toy-lab: its extra_assets name rates, which does not exist or is not served"
    )
