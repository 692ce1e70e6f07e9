"""Runs of `nh` stand in the overview and on the page of their job, as those of the daemon do."""

from __future__ import annotations

import uuid
from pathlib import Path

import dagster as dg
import pytest

from nh_platform.defs.run_storage import LOCATION, REPOSITORY, PlacingSqliteRunStorage
from nh_platform.defs.run_tags import IN_THE_PAGE, REASON_TAG, SOURCE_TAG
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import configuration_file, open_instance
from nh_platform.session.yaml_files.yaml_file import parse_yaml, read_text


@dg.job
def nothing() -> None: ...


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    monkeypatch.setenv("DAGSTER_HOME", "")
    return open_instance(load_settings(tmp_path))


def test_the_configuration_names_it(instance: dg.DagsterInstance) -> None:
    assert isinstance(instance.run_storage, PlacingSqliteRunStorage)


def test_a_run_here_and_now_is_of_the_platforms_code_location(instance: dg.DagsterInstance) -> None:
    run_id = nothing.execute_in_process(instance=instance, tags={SOURCE_TAG: "ibl", REASON_TAG: "a test"}).run_id
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert run.remote_job_origin is not None
    assert run.remote_job_origin.location_name == LOCATION
    assert run.remote_job_origin.job_name == "nothing"
    assert run.tags == {SOURCE_TAG: "ibl", REASON_TAG: "a test", "dagster/max_retries": "0"}
    of_repository = dg.RunsFilter(tags={".dagster/repository": f"{REPOSITORY}@{LOCATION}"})
    assert [one.run_id for one in instance.get_runs(of_repository)] == [run_id]


def launched(instance: dg.DagsterInstance, *assets: str, checks: tuple[str, ...] = (), **tags: str) -> dict[str, str]:
    """Return the tags of a run as the page makes it, through Dagster's own job of all assets, before its first step."""
    manifest = dg.AssetKey(["ibl", "release_manifest"])
    run = dg.DagsterRun(
        job_name="__ASSET_JOB",
        run_id=str(uuid.uuid4()),
        status=dg.DagsterRunStatus.NOT_STARTED,
        tags=tags,
        asset_selection=frozenset(dg.AssetKey(one.split("/")) for one in assets) or None,
        asset_check_selection=frozenset(dg.AssetCheckKey(manifest, one) for one in checks) or None,
    )
    instance.add_run(run)
    stored = instance.get_run_by_id(run.run_id)
    assert stored is not None
    return dict(stored.tags)


def test_a_run_that_waits_in_the_queue_says_its_source_and_who_launched_it(instance: dg.DagsterInstance) -> None:
    of_page = launched(instance, "ibl/units", "ibl/windows")
    assert (of_page[SOURCE_TAG], of_page[REASON_TAG]) == ("ibl", IN_THE_PAGE)
    assert launched(instance, "ibl/units", "allen_vc/units")[SOURCE_TAG] == "allen_vc, ibl"
    assert launched(instance, checks=("no_partitions_left_failed",))[SOURCE_TAG] == "ibl"
    of_job = launched(instance, **{SOURCE_TAG: "ibl"})
    assert (of_job[SOURCE_TAG], of_job[REASON_TAG]) == ("ibl", IN_THE_PAGE)
    of_sensor = launched(instance, "ibl/units", **{SOURCE_TAG: "ibl", REASON_TAG: "nh backfill"})
    assert of_sensor[REASON_TAG] == "nh backfill"
    assert SOURCE_TAG not in launched(instance, "warehouse/orders"), "another code location's"


def test_the_location_is_the_one_that_is_served() -> None:
    text = read_text(configuration_file("workspace.yaml"))
    (served,) = parse_yaml(text, "workspace.yaml").data["load_from"]
    assert served["python_module"]["location_name"] == LOCATION
