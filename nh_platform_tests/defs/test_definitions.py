"""The definitions: every asset spec as a snapshot, no heavy library at load, and what the UI tells a reader."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.config import PoolGranularity
from syrupy.assertion import SnapshotAssertion

from nh_platform.assets.registry import session_assets
from nh_platform.defs.build import build_defs
from nh_platform.defs.partitions import SESSIONS_POOL
from nh_platform.defs.run_tags import MEMORY_TAG
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
from nh_platform.sources.registry import source_names

HEAVY = ("numba", "scipy", "one", "iblatlas", "allensdk", "h5py", "matplotlib", "boto3", "xarray", "torch")


@pytest.fixture
def definitions(tmp_path: Path) -> dg.Definitions:
    return build_defs(Platform(load_settings(tmp_path)))


def test_every_asset_spec(definitions: dg.Definitions, snapshot: SnapshotAssertion) -> None:
    """An unintended change of lineage, checks or versions shows in the diff of the snapshot."""
    graph = definitions.resolve_asset_graph()
    specs = {}
    for spec in sorted(definitions.resolve_all_asset_specs(), key=lambda spec: spec.key):
        checks = [key for key in graph.asset_check_keys if key.asset_key == spec.key]
        specs[spec.key.to_user_string()] = {
            "deps": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
            "partitions": spec.partitions_def.name
            if isinstance(spec.partitions_def, dg.DynamicPartitionsDefinition)
            else None,
            "group": spec.group_name,
            "kinds": sorted(spec.kinds),
            "owners": sorted(spec.owners),
            # Without the digest of rules and settings behind the dash: a changed threshold is no change of lineage.
            "code_version": (spec.code_version or "").split("-")[0] or None,
            "freshness": None if spec.freshness_policy is None else repr(spec.freshness_policy),
            "checks": sorted(key.name for key in checks),
        }
    assert specs == snapshot


def test_no_heavy_library_is_imported_to_load_the_definitions(tmp_path: Path) -> None:
    script = f"import sys, nh_platform.definitions\nprint(','.join(name for name in {HEAVY!r} if name in sys.modules))"
    environment = {"NH_HOME": str(tmp_path), "PATH": "", "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_every_asset_tells_a_reader_what_it_is(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for spec in definitions.resolve_all_asset_specs():
        name = spec.key.to_user_string()
        assert len(spec.description or "") > 40, name
        assert spec.owners, name
        assert spec.kinds, name
        if spec.key in graph.external_asset_keys:
            continue
        schema = spec.metadata["dagster/column_schema"]
        assert all(column.description for column in schema.columns), name


def test_no_session_asset_depends_on_an_asset_across_sessions(definitions: dg.Definitions) -> None:
    """An unpartitioned parent would mark every session stale."""
    graph = definitions.resolve_asset_graph()
    for source in source_names():
        for asset in session_assets(source):
            for parent in graph.get(dg.AssetKey([source, asset])).parent_keys:
                assert graph.get(parent).is_partitioned, (source, asset, parent)


def test_the_gate_and_the_audit_are_the_only_blocking_checks(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    blocking = {key.to_user_string() for key in graph.asset_check_keys if graph.get(key).blocking}
    assert blocking == {"training_set:no_leaks", *(f"{source}/raw_spikes:units_usable" for source in source_names())}


def test_check_names_are_letters_digits_and_underscores(definitions: dg.Definitions) -> None:
    for key in definitions.resolve_asset_graph().asset_check_keys:
        assert key.name.replace("_", "").isalnum(), key


def test_runs_of_the_daemon_take_places_and_those_in_the_foreground_none(tmp_path: Path) -> None:
    platform = Platform(load_settings(tmp_path))
    pools = {}
    for queued in (True, False):
        job = build_defs(platform, queued=queued).resolve_job_def("ibl_session")
        pools[queued] = {
            node.definition.pool for node in job.nodes if "gate" not in node.name and "check" not in node.name
        }
    assert pools == {True: {SESSIONS_POOL}, False: {None}}


def test_the_embedded_instance_limits_runs_by_pools_alone(tmp_path: Path) -> None:
    """A limit of runs at a time would count the foreground's, and pools by step give one session both places."""
    with open_instance(load_settings(tmp_path), embedded=True) as instance:
        limits = instance.get_concurrency_config()
    assert limits.run_queue_config is not None
    assert limits.run_queue_config.max_concurrent_runs == -1
    # Of large sessions one at a time; what the foreground runs has no such tag.
    assert limits.run_queue_config.tag_concurrency_limits == [{"key": MEMORY_TAG, "value": "large", "limit": 1}]
    assert limits.pool_config.pool_granularity is PoolGranularity.RUN
    assert limits.pool_config.default_pool_limit == 2


def test_no_two_nodes_of_a_group_show_the_same_name(definitions: dg.Definitions) -> None:
    """A node shows the last part of its key: `upstream_files/events` stood beside `events` as a second one."""
    shown = [(spec.group_name, spec.key.path[-1]) for spec in definitions.resolve_all_asset_specs()]
    assert sorted(shown) == sorted(set(shown))


def test_what_is_observed_says_why_nothing_fills_it(definitions: dg.Definitions) -> None:
    observed = [spec for spec in definitions.resolve_all_asset_specs() if "observed" in spec.kinds]
    assert len(observed) == len(source_names()) * 7
    for spec in observed:
        assert "*0% filled* and *Never materialized*; neither means that something is missing" in spec.description
        assert spec.metadata["observed by"] == f"{spec.key.path[0]}_release_sensor"
