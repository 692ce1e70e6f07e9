"""The real daemon and webserver on the embedded store: a first load, then a release, without a hand on either."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.tags import PRIORITY_TAG
from typer.testing import CliRunner

from nh_platform.assets.registry import session_assets
from nh_platform.cli.app import app
from nh_platform.defs.automation.release_sensor import ASKED_BY_A_PERSON, CODE_LOCATION, SESSIONS_WERE_MADE
from nh_platform.defs.run_tags import (
    BACKFILL_TAG,
    MEMORY_TAG,
    PARTITION_TAG,
    REASON_TAG,
    SNAPSHOT_TAG,
    SOURCE_TAG,
    WARNED_TAG,
)
from nh_platform.home.platform import Platform
from nh_platform.home.running_ui import read_running_ui
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
from nh_platform.simulation import TINY, write_allen_vc
from nh_platform_tests.homes import SEED, make_home
from nh_platform_tests.services.servers import graphql, nh_ui

pytestmark = pytest.mark.service

LOAD_S = 600.0
"""One run takes about 6 s of process start on two loaded cores, five times that at a load of 12."""


def nh(home: Path, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["--home", str(home), *arguments])
    assert result.exit_code == 0, (result.output, result.stderr, result.exception)
    return result.output


def wait_until(what: str, done: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + LOAD_S
    while time.monotonic() < until:
        if done():
            return
        time.sleep(2)
    raise AssertionError(f"{what} did not happen within {LOAD_S:.0f} s:\n{log.read_text(errors='replace')[-4000:]}")


def ingested(home: Path, source: str) -> list[str]:
    platform = Platform(load_settings(home))
    sessions = platform.manifest(source).session_ids
    return [s for s in sessions if all(platform.store.current(source, s, asset) for asset in session_assets(source))]


def tags_of(address: str) -> list[dict[str, str]]:
    """Return the tags of every run, with its job."""
    runs = graphql(address, "query { runsOrError { ... on Runs { results { jobName tags { key value } } } } }")
    found = runs["runsOrError"]["results"]
    return [{"job": run["jobName"]} | {tag["key"]: tag["value"] for tag in run["tags"]} for run in found]


def test_a_backfill_and_then_a_release_are_worked_off_without_a_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("NH_SENSOR_INTERVAL_S", "5")
    make_home(tmp_path, ("allen_vc",), n_sessions=2)
    nh(tmp_path, "sync", "allen_vc")
    queued = re.search(r"2 sessions queued as backfill (\w+)", nh(tmp_path, "backfill", "allen_vc"))
    assert queued
    with nh_ui(tmp_path) as address:
        log = tmp_path / "ui.log"
        wait_until("the first load", lambda: len(ingested(tmp_path, "allen_vc")) == 2, log)
        loaded = ingested(tmp_path, "allen_vc")
        write_allen_vc(tmp_path / "upstream" / "allen_vc", 1, SEED, size=TINY, first=2)
        wait_until("the new session", lambda: len(ingested(tmp_path, "allen_vc")) == 3, log)
        runs = graphql(address, "query { runsOrError { ... on Runs { results { jobName tags { key value } } } } }")
        found = runs["runsOrError"]["results"]
    tags = [{"job": run["jobName"]} | {tag["key"]: tag["value"] for tag in run["tags"]} for run in found]
    first_load = [each for each in tags if each.get(BACKFILL_TAG) == queued[1]]
    assert sorted(each["dagster/partition"] for each in first_load) == sorted(loaded)
    for each in first_load:
        assert (each["job"], each[SOURCE_TAG], each[REASON_TAG]) == ("allen_vc_session", "allen_vc", ASKED_BY_A_PERSON)
        assert SNAPSHOT_TAG in each
    with open_instance(load_settings(tmp_path)) as instance:
        for run in instance.get_runs(dg.RunsFilter(tags={BACKFILL_TAG: queued[1]})):
            entries = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
            results = [one.dagster_event.asset_check_evaluation_data for one in entries if one.dagster_event]
            failed = ", ".join(one.check_name for one in results if not one.passed)
            assert run.tags.get(WARNED_TAG, "") == failed
    asked = [each for each in tags if each.get("dagster/sensor_name") == "allen_vc_release_sensor"]
    catalogs = [each for each in asked if each[REASON_TAG] == SESSIONS_WERE_MADE]
    asked = [each for each in asked if each not in catalogs and each not in first_load]
    made = [each["dagster/partition"] for each in asked if "dagster/partition" in each]
    # The new session was made once, and the two of the first load were left alone. The catalogue was read once, or
    # twice where a tick fell between the writing of the session and of its tables.
    assert made == [session for session in ingested(tmp_path, "allen_vc") if session not in loaded]
    assert 1 <= len(asked) - len(made) <= 2
    assert "ingested" in nh(tmp_path, "status")


def test_a_backfill_whose_processes_are_killed_is_finished_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("NH_SENSOR_INTERVAL_S", "5")
    make_home(tmp_path, ("allen_vc",), n_sessions=3)
    nh(tmp_path, "sync", "allen_vc")
    nh(tmp_path, "backfill", "allen_vc")
    log = tmp_path / "ui.log"
    with nh_ui(tmp_path) as address:

        def is_started() -> bool:
            runs = graphql(address, "query { runsOrError { ... on Runs { results { status } } } }")
            return any(run["status"] == "STARTED" for run in runs["runsOrError"]["results"])

        wait_until("a run", is_started, log)
        kill_everything(tmp_path)
    platform = Platform(load_settings(tmp_path))
    for session in platform.manifest("allen_vc").session_ids:
        for asset in session_assets("allen_vc"):
            platform.store.current("allen_vc", session, asset)  # raises where a pointer leads nowhere
    with nh_ui(tmp_path):
        wait_until("the rest of the backfill", lambda: len(ingested(tmp_path, "allen_vc")) == 3, log)


def kill_everything(home: Path) -> None:
    """Kill -9 every process that works for this home: `nh ui` first, then web server, daemon, code servers, runs."""
    running = read_running_ui(home)
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if f"NH_HOME={home}\0".encode() in environment:
            os.kill(int(folder.name), signal.SIGKILL)


LAUNCH = """mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}"""


def test_large_sessions_are_made_one_at_a_time_and_a_small_one_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("NH_SENSOR_INTERVAL_S", "3600")  # what the test launches are the only runs
    make_home(tmp_path, ("allen_vc",), n_sessions=3)
    nh(tmp_path, "sync", "allen_vc")
    job = {"repositoryName": "__repository__", "repositoryLocationName": CODE_LOCATION, "jobName": "allen_vc_session"}
    with nh_ui(tmp_path) as address:
        launched = []
        for session, memory in zip(sessions_of(tmp_path), ("large", "large", "small"), strict=True):
            tags = {PARTITION_TAG: session, MEMORY_TAG: memory, PRIORITY_TAG: str(int(memory == "large"))}
            of_run = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
            params = {"selector": job, "mode": "default", "executionMetadata": of_run}
            done = graphql(address, LAUNCH, {"params": params})["launchRun"]
            assert done["__typename"] == "LaunchRunSuccess", done
            launched.append(done["run"]["runId"])
        wait_until("the last session", lambda: len(ingested(tmp_path, "allen_vc")) == 3, tmp_path / "ui.log")
        with open_instance(load_settings(tmp_path)) as instance:
            wait_until("the end of runs", lambda: all(is_over(instance, run) for run in launched), tmp_path / "ui.log")
            (begun, ended), (begun_2, ended_2), (begun_small, _) = (times_of(instance, run) for run in launched)
    first_end, second_begin = (ended, begun_2) if begun < begun_2 else (ended_2, begun)
    assert first_end <= second_begin, "two large sessions were made at a time"
    assert begun_small < second_begin, "the small one waited for a large one that was itself held back"


def sessions_of(home: Path) -> list[str]:
    return list(Platform(load_settings(home)).manifest("allen_vc").session_ids)


def is_over(instance: dg.DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is not None and run.is_finished


def times_of(instance: dg.DagsterInstance, run_id: str) -> tuple[float, float]:
    (record,) = instance.get_run_records(dg.RunsFilter(run_ids=[run_id]))
    assert record.dagster_run.is_success
    assert record.start_time is not None
    assert record.end_time is not None
    return record.start_time, record.end_time
