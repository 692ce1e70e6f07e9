"""The release history under the real daemon: after each step exactly the affected assets are made again.

Upstream is the loopback Alyx, read by the real ONE client in the daemon's own processes. The sensor looks every 5 s and
notices what upstream announces. A deletion moves nothing of that: for it the job of the daily look is launched,
as its schedule does at 05:15. Everything else is the daemon's doing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.defs.automation import release_job_name
from nh_platform.defs.automation.attempts import session_decision
from nh_platform.history.snapshots import ASSET as MANIFEST
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
from nh_platform.planning.session_states import source_states, withdrawn
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.release_history import (
    ALL,
    FOUND_BY_THE_DAILY_LOOK,
    HISTORY,
    Runs,
    session_id,
    table,
    write_first_release,
)
from nh_platform_tests.services.servers import graphql, nh_ui

pytestmark = pytest.mark.service

SETTLE_S = 480.0
"""A release took 20 to 60 s on two loaded cores."""

TICKS = """
  query Ticks($sensor: SensorSelector!) {
    sensorOrError(sensorSelector: $sensor) {
      ... on Sensor { sensorState { ticks(limit: 1) { timestamp endTimestamp status error { message } } } }
    }
  }
"""
LAUNCH = """
  mutation Launch($parameters: ExecutionParams!) {
    launchRun(executionParams: $parameters) { __typename ... on LaunchRunSuccess { run { runId } } }
  }
"""
REPOSITORIES = "query { repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }"


class Daemon:
    """A running `nh ui` over a home that reads from the loopback servers."""

    def __init__(self, home: Path, address: str, instance: dg.DagsterInstance) -> None:
        self.home, self.address, self.instance = home, address, instance
        repository = self._loaded_repository()
        self._repository = {
            "repositoryName": repository["name"],
            "repositoryLocationName": repository["location"]["name"],
        }

    def _loaded_repository(self) -> dict[str, Any]:
        until = time.monotonic() + SETTLE_S
        while time.monotonic() < until:
            nodes = graphql(self.address, REPOSITORIES)["repositoriesOrError"]["nodes"]
            if nodes:
                return dict(nodes[0])
            time.sleep(1)  # the web server answers before the code location is loaded
        raise AssertionError(f"the code location did not load:\n{(self.home / 'ui.log').read_text()[-4000:]}")

    def look_at_the_catalogue(self) -> None:
        """Launch what the daily schedule launches."""
        parameters = {"selector": {**self._repository, "jobName": release_job_name("ibl")}, "mode": "default"}
        launched = graphql(self.address, LAUNCH, {"parameters": parameters})["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched

    def wait_for_a_look(self, before: set[str]) -> None:
        """Wait until the catalogue is being read by a run that is not among ``before``."""
        until = time.monotonic() + SETTLE_S
        while time.monotonic() < until:
            runs = [self.instance.get_run_by_id(run_id) for run_id in self.run_ids() - before]
            if any(run is not None and run.job_name == release_job_name("ibl") for run in runs):
                return
            time.sleep(1)
        raise AssertionError(f"no look at the catalogue:\n{(self.home / 'ui.log').read_text()[-4000:]}")

    def settle(self) -> None:
        """Wait until nothing runs, and a tick of the sensor that began after the last run asked for nothing."""
        until = time.monotonic() + SETTLE_S
        while time.monotonic() < until:
            tick = self._last_tick()
            assert tick.get("error") is None, tick
            records = self.instance.get_run_records()
            is_quiet = all(record.dagster_run.is_finished for record in records)
            last_end = max((record.end_time or 0.0 for record in records), default=0.0)
            if is_quiet and tick.get("status") == "SKIPPED" and tick["timestamp"] > last_end:
                return
            time.sleep(1)
        raise AssertionError(f"not settled within {SETTLE_S:.0f} s:\n{(self.home / 'ui.log').read_text()[-4000:]}")

    def run_ids(self) -> set[str]:
        """Return every run so far."""
        return set(self.instance.get_run_ids())

    def made(self, run_ids: set[str]) -> Runs:
        """Return what the given runs materialized, by session; each must have ended well and come from the sensor."""
        found: dict[str, list[str]] = {}
        for run_id in run_ids:
            run = self.instance.get_run_by_id(run_id)
            assert run is not None, run_id
            assert run.status is dg.DagsterRunStatus.SUCCESS, run
            for key, partition in self._materializations(run_id):
                if key[-1] == MANIFEST or not partition:  # or a catalog, which follows the sessions
                    continue
                assert run.tags.get("dagster/sensor_name") == "ibl_release_sensor", run.tags
                found.setdefault(partition, []).append(key[-1])
        # A list, so that an asset that was made twice shows twice.
        return {session: tuple(sorted(assets, key=ALL.index)) for session, assets in found.items()}

    def _materializations(self, run_id: str) -> Iterator[tuple[tuple[str, ...], str]]:
        for entry in self.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
            event = entry.dagster_event
            assert event is not None
            assert event.asset_key is not None
            yield tuple(event.asset_key.path), event.partition or ""

    def _last_tick(self) -> dict[str, Any]:
        sensor = {**self._repository, "sensorName": "ibl_release_sensor"}
        ticks = graphql(self.address, TICKS, {"sensor": sensor})["sensorOrError"]["sensorState"]["ticks"]
        return dict(ticks[0]) if ticks else {}


def test_after_each_release_the_daemon_makes_exactly_what_it_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("NH_SENSOR_INTERVAL_S", "5")
    write_first_release(tmp_path / "alyx")
    (tmp_path / "sources.yaml").write_text("ibl:\n  read: {mode: remote, retry_wait_s: 0.0}\n", encoding="utf-8")
    rows: list[tuple[str, Runs, Runs]] = []
    with Loopback(tmp_path / "alyx") as servers:
        for name, value in servers.environment.items():
            monkeypatch.setenv(name, value)
        for command in (["sync", "ibl"], ["materialize", "ibl", "--all"]):
            result = CliRunner().invoke(app, ["--home", str(tmp_path), *command])
            assert result.exit_code == 0, (result.output, result.stderr)
        platform = Platform(load_settings(tmp_path))
        with nh_ui(tmp_path) as address, open_instance(platform.settings) as instance:
            daemon = Daemon(tmp_path, address, instance)
            daemon.settle()
            for release in HISTORY:
                before = daemon.run_ids()
                touched = [step(servers.state) for step in release]
                expected = {session: assets for runs in touched for session, assets in runs.items()}
                assert len(expected) == sum(len(runs) for runs in touched), "two steps of a release touch one session"
                if set(release) & set(FOUND_BY_THE_DAILY_LOOK):
                    daemon.look_at_the_catalogue()
                daemon.wait_for_a_look(before)
                daemon.settle()
                steps = ", ".join(step.__name__.replace("_", " ") for step in release)
                rows.append((steps, expected, daemon.made(daemon.run_ids() - before)))
            with capsys.disabled():
                print("\n" + table(rows))
            states = source_states(platform, "ibl")
            assert not session_decision(instance, platform.store, "ibl", states).failed
    assert [(name, actual) for name, _, actual in rows] == [(name, expected) for name, expected, _ in rows]
    assert [state.session_id for state in states.sessions if state.stale] == []
    gone = session_id(1)
    assert withdrawn(platform, "ibl") == [gone]
    assert platform.store.current("ibl", gone, "units") is not None, "a withdrawn session keeps its assets"
