"""Another code location depends on our assets: by their keys and with our partitions, nothing else."""

import warnings
from pathlib import Path

import dagster as dg
import pytest

from nh_platform import open_store
from nh_platform.defs.partitions import session_partitions
from nh_platform_tests.homes import make_home, materialize


def lab_location(home: Path) -> dg.Definitions:
    """Return what a lab would write: it knows the key of `units`, the partitions and how a store is read."""

    @dg.asset(
        key=["lab", "good_unit_count"], deps=[dg.AssetKey(["ibl", "units"])], partitions_def=session_partitions("ibl")
    )
    def good_unit_count(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        units = open_store(home).session("ibl", context.partition_key).units
        return dg.MaterializeResult(metadata={"good": int(units["good"].sum())})

    return dg.Definitions(assets=[good_unit_count])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_an_asset_of_another_location_is_made_from_ours_session_by_session(home: Path) -> None:
    platform = make_home(home, ("ibl",))
    with dg.DagsterInstance.ephemeral() as instance, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (outcome,) = materialize(platform, instance, "ibl", assets=["raw_spikes", "units"])
        assert outcome.success, outcome.errors
        location = lab_location(home)
        job = location.resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(instance=instance, partition_key=outcome.plan.session_id)
        (made,) = result.get_asset_materialization_events()
    graph = location.resolve_asset_graph()
    ours, theirs = dg.AssetKey(["ibl", "units"]), dg.AssetKey(["lab", "good_unit_count"])
    assert graph.get(theirs).parent_keys == {ours}
    assert graph.get(theirs).partitions_def == session_partitions("ibl")
    assert made.partition == outcome.plan.session_id
    stored = open_store(home).session("ibl", outcome.plan.session_id).units
    assert made.materialization.metadata["good"].value == stored["good"].sum()
