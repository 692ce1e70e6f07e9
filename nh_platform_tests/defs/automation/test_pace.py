"""How many sessions the sensor asks for: enough work until the look after the next, and no more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.storage.runs.schema import RunsTable

from nh_platform import operations
from nh_platform.defs.automation import session_job_name
from nh_platform.defs.automation.release_sensor import evaluate_release, n_to_ask_for
from nh_platform.defs.run_tags import PARTITION_TAG, SOURCE_TAG
from nh_platform.operations.instance import open_instance
from nh_platform.operations.opened_home import OpenHome
from nh_platform.planning.session_facts import Attempt, AttemptState
from nh_platform.sources.registry import source_entry
from nh_platform_tests.homes import make_home


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def add_runs(
    instance: dg.DagsterInstance,
    n: int,
    source: str,
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.SUCCESS,
    job_name: str = "",
) -> None:
    tags = {SOURCE_TAG: source, PARTITION_TAG: "s0"}
    for _ in range(n):
        instance.add_run(dg.DagsterRun(job_name=job_name or session_job_name(source), status=status, tags=tags))


@pytest.mark.parametrize(
    ("n_made", "n_running", "asked_for"),
    [
        (0, 0, 20),  # nothing is known of the pace
        (0, 20, 0),  # sessions of hours: no more wait than at first
        (3, 17, 3),
        (60, 0, 120),  # small ones, a hundred between two looks
        (60, 100, 20),
        (5, 300, 0),  # the page asked for more
    ],
)
def test_what_is_queued_lasts_two_looks(
    instance: dg.DagsterInstance, n_made: int, n_running: int, asked_for: int
) -> None:
    add_runs(instance, n_made, "ibl")
    add_runs(instance, 70, "allen_vc")
    add_runs(instance, 70, "ibl", dg.DagsterRunStatus.FAILURE)  # it would fill the queue with more of them
    add_runs(instance, 70, "ibl", job_name="ibl_inventory")
    assert n_to_ask_for(instance, "ibl", n_running) == asked_for


def test_runs_that_ended_in_the_future_do_not_count(instance: dg.DagsterInstance) -> None:
    add_runs(instance, 500, "ibl")
    with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
        connection.execute(
            sa.update(RunsTable).values(update_timestamp=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1))
        )
    assert n_to_ask_for(instance, "ibl", 0) == 20


def test_a_backfill_of_the_page_that_waits_holds_up_no_other_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    platform = make_home(tmp_path, ("ibl",))
    waits = [Attempt(f"s{number}", "", AttemptState.in_progress) for number in range(400)]
    monkeypatch.setattr("nh_platform.defs.automation.release_sensor.in_backfills", lambda *_: waits)
    with open_instance(platform.settings) as instance:
        operations.sync(OpenHome(platform, instance), "ibl")
        operations.backfill(OpenHome(platform, instance), "ibl")
        tick = evaluate_release(instance, source_entry("ibl"), platform, None)
    assert isinstance(tick, dg.SensorResult)
    assert len(tick.run_requests or ()) == 1
