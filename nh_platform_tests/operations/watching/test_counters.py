"""`nh metrics` counts what the store and Dagster's history say, in the text format of Prometheus."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from nh_platform import operations
from nh_platform.cli.app import app
from nh_platform.defs.automation.recent_work import OUTSIDE, UNTOLD
from nh_platform.defs.run_tags import OUTSIDE_TAG, SOURCE_TAG
from nh_platform.home.platform import Platform
from nh_platform.operations.instance import open_instance
from nh_platform.operations.opened_home import OpenHome
from nh_platform.operations.watching.counters import metrics
from nh_platform.operations.web import served_metrics
from nh_platform.operations.web.served_metrics import PATH, with_metrics
from nh_platform.session import StoreError
from nh_platform_tests.homes import make_home, materialize


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenHome]:
    """Give a home with one of two sources made, and failed runs of both kinds."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        patch.setenv("NH_HOME", str(folder))
        platform = make_home(folder, ("ibl", "allen_vc"))
        with open_instance(platform.settings) as instance:
            (outcome,) = materialize(platform, instance, "ibl", assets=("raw_spikes", "events"))
            assert outcome.success
            for tags in ({OUTSIDE_TAG: "1"}, {}):
                failing(instance, tags)
            yield OpenHome(platform, instance)


def failing(instance: dg.DagsterInstance, tags: dict[str, str]) -> None:
    @dg.op
    def fails() -> None:
        raise ValueError

    @dg.job(tags={SOURCE_TAG: "ibl", **tags})
    def failed_job() -> None:
        fails()

    assert not failed_job.execute_in_process(instance=instance, raise_on_error=False).success


def samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (one.name, *(one.labels[name] for name in sorted(one.labels, key=lambda name: name != "source"))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_the_counters_are_those_of_the_store_and_the_history(made: OpenHome) -> None:
    found = samples(metrics(made))
    session_id = made.platform.manifest("ibl").session_ids[0]
    stored = [made.platform.store.provenance("ibl", session_id, asset) for asset in ("raw_spikes", "events")]
    size = sum(file.size for record in stored if record for file in record.files.values())
    assert size > 10_000
    assert found["nh_stored_bytes_per_second", "ibl"] == pytest.approx(size / 3600.0)
    assert found["nh_sessions_listed", "ibl"] == 1
    assert found["nh_sessions", "ibl", "stale"] == 1, "units and what follows are not made"
    assert found["nh_sessions_made_last_hour", "ibl"] == 1
    assert found["nh_failures_last_hour", "ibl", OUTSIDE] == 1
    assert found["nh_failures_last_hour", "ibl", UNTOLD] == 1
    assert found["nh_runs_ended_last_hour", "ibl", "failure"] == 2
    assert found["nh_runs", "queued"] == found["nh_runs", "started"] == 0
    assert found["nh_source_usable", "ibl"] == 1
    assert found["nh_source_usable", "allen_vc"] == 0, "it was never synced"
    assert found["nh_last_look_timestamp_seconds", "ibl"] > 1e9
    assert not any(name[:2] == ("nh_sessions", "allen_vc") for name in found)


def test_a_run_that_starts_is_counted(made: OpenHome) -> None:
    @dg.job
    def waits() -> None:
        pass

    made.instance.create_run_for_job(waits, status=dg.DagsterRunStatus.STARTED)
    assert samples(metrics(made))["nh_runs", "started"] == 1


def test_the_command_prints_them(made: OpenHome, monkeypatch: pytest.MonkeyPatch) -> None:
    home = made.platform.settings.home
    monkeypatch.setenv("DAGSTER_HOME", "")
    result = CliRunner().invoke(app, ["--home", str(home), "metrics"])
    assert result.exit_code == 0, result.output
    assert samples(result.output)["nh_sessions_made_last_hour", "ibl"] == 1


def get(served: Any, path: str) -> tuple[int, bytes]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    asyncio.run(served({"type": "http", "path": path, "method": "GET", "headers": []}, receive, send))
    return sent[0]["status"], sent[1]["body"]


def test_the_page_serves_them_and_keeps_an_answer(made: OpenHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NH_HOME", str(made.platform.settings.home))

    async def others(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"theirs"})

    served = with_metrics(others, made.instance)
    status, body = get(served, PATH)
    assert status == 200
    assert samples(body.decode())["nh_sessions_listed", "ibl"] == 1
    monkeypatch.setattr(operations, "metrics", None)
    assert get(served, PATH) == (200, body)
    assert get(served, "/other") == (404, b"theirs")


@pytest.mark.parametrize(
    ("took_s", "text", "kept_s"),
    [
        (0.1, "nh_database_up 1.0\n", 15),
        (10.0, "nh_database_up 1.0\n", 100),
        (60.0, "nh_database_up 1.0\n", 300),  # a machine that was busy once is told of again in minutes
        (60.0, "nh_database_up 0.0\n", 15),  # an alert does not outlive what it tells of
        (60.0, StoreError("store", "it cannot be read", "Mount it."), 15),
    ],
)
def test_an_answer_is_kept_by_what_it_took_and_a_failure_is_not(
    took_s: float, text: str | StoreError, kept_s: float, made: OpenHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, asked = [1000.0], []

    def count(_: OpenHome) -> str:
        asked.append(clock[0])
        clock[0] += took_s
        if isinstance(text, StoreError):
            raise text
        return text

    monkeypatch.setattr("nh_platform.operations.watching.counters.metrics", count)
    monkeypatch.setattr(served_metrics.time, "monotonic", lambda: clock[0])
    monkeypatch.setenv("NH_HOME", str(made.platform.settings.home))
    counted = served_metrics._Counted(made.instance)
    counted.read()
    began = clock[0]
    clock[0] = began + kept_s - 1
    counted.read()
    clock[0] = began + kept_s + 1
    counted.read()
    assert len(asked) == 2
    assert asked[1] == pytest.approx(began + kept_s + 1)


def test_watching_shows_the_state_again(made: OpenHome, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            raise KeyboardInterrupt

    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setattr(sys.modules["nh_platform.cli.status"].time, "sleep", sleep)
    result = CliRunner().invoke(app, ["--home", str(made.platform.settings.home), "status", "--watch", "5"])
    assert waited == [5.0, 5.0]
    assert len(re.findall("again in 5 s, Ctrl-C ends it", result.output)) == 2


def test_lines_of_a_run_have_session_and_asset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NH_LOG_FORMAT", "json")
    monkeypatch.setenv("DAGSTER_HOME", "")
    platform: Platform = make_home(tmp_path, ("ibl",))
    with open_instance(platform.settings) as instance:
        (outcome,) = materialize(platform, instance, "ibl", assets=("raw_spikes",))
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    of_session = [line for line in lines if line.get("session") == outcome.plan.session_id]
    made = [line for line in of_session if line.get("event") == "ASSET_MATERIALIZATION"]
    assert [(line["source"], line["asset"]) for line in made] == [("ibl", "raw_spikes")]
    assert {"time", "level", "run", "message"} <= made[0].keys()
    checks = [line for line in of_session if line.get("event") == "ASSET_CHECK_EVALUATION"]
    assert all(line["asset"] == "raw_spikes" and line["passed"] in (True, False) for line in checks)
    assert {line["event"] for line in lines if "event" in line} >= {"RUN_START", "RUN_SUCCESS"}


def test_another_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NH_LOG_FORMAT", "xml")
    monkeypatch.setenv("DAGSTER_HOME", "")
    make_home(tmp_path, ("ibl",))
    result = CliRunner().invoke(app, ["--home", str(tmp_path), "sync", "ibl"])
    assert result.exit_code == 1
    assert "NH_LOG_FORMAT: 'xml' is no format" in result.stderr
