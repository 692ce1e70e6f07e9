"""Runs of `nh` stand in the overview and on the page of their job, as those of the daemon do."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from nh_platform.defs.run_storage import LOCATION, REPOSITORY, PlacingSqliteRunStorage
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import configuration_file, open_instance
from nh_platform.session.yaml_file import parse_yaml, read_text


@dg.job
def nothing() -> None: ...


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    monkeypatch.setenv("DAGSTER_HOME", "")
    return open_instance(load_settings(tmp_path))


def test_the_configuration_names_it(instance: dg.DagsterInstance) -> None:
    assert isinstance(instance.run_storage, PlacingSqliteRunStorage)


def test_a_run_here_and_now_is_of_the_platforms_code_location(instance: dg.DagsterInstance) -> None:
    run_id = nothing.execute_in_process(instance=instance, tags={"nh/source": "ibl"}).run_id
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert run.remote_job_origin is not None
    assert run.remote_job_origin.location_name == LOCATION
    assert run.remote_job_origin.job_name == "nothing"
    assert run.tags == {"nh/source": "ibl", "dagster/max_retries": "0"}
    of_repository = dg.RunsFilter(tags={".dagster/repository": f"{REPOSITORY}@{LOCATION}"})
    assert [one.run_id for one in instance.get_runs(of_repository)] == [run_id]


def test_the_location_is_the_one_that_is_served() -> None:
    text = read_text(configuration_file("workspace.yaml"))
    (served,) = parse_yaml(text, "workspace.yaml").data["load_from"]
    assert served["python_module"]["location_name"] == LOCATION
