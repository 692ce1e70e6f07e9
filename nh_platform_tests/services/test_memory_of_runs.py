"""The real page and daemon: what a person launches in the page, a run or a backfill, states its memory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.defs.run_tags import MEMORY_TAG
from nh_platform_tests.homes import make_home
from nh_platform_tests.services.servers import graphql, nh_ui

pytestmark = pytest.mark.service

LOAD_S = 600.0
RUN = "mutation Run($run: ExecutionParams!) { launchPipelineExecution(executionParams: $run) { __typename } }"
BACKFILL = """
  mutation Backfill($asked: LaunchBackfillParams!) {
    launchPartitionBackfill(backfillParams: $asked) { __typename ... on PythonError { message } }
  }
"""
RUNS = "query { runsOrError { ... on Runs { results { status tags { key value } } } } }"


def test_runs_of_the_page_and_of_its_backfills_state_their_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    platform = make_home(tmp_path, ("ibl",), n_sessions=3)
    result = CliRunner().invoke(app, ["--home", str(tmp_path), "sync", "ibl"])
    assert result.exit_code == 0, result.output
    first, *others = platform.manifest("ibl").session_ids
    keys = [{"path": ["ibl", "events"]}]
    selector = {
        "repositoryLocationName": "nh_platform",
        "repositoryName": "__repository__",
        "pipelineName": "ibl_session",
        "assetSelection": keys,
    }
    tags = [{"key": "dagster/partition", "value": first}]
    with nh_ui(tmp_path) as address:
        run = {"selector": selector, "mode": "default", "executionMetadata": {"tags": tags}}
        assert graphql(address, RUN, {"run": run})["launchPipelineExecution"]["__typename"] == "LaunchRunSuccess"
        asked = {"assetSelection": keys, "partitionNames": others, "tags": []}
        begun = graphql(address, BACKFILL, {"asked": asked})["launchPartitionBackfill"]
        assert begun["__typename"] == "LaunchBackfillSuccess", begun
        until = time.monotonic() + LOAD_S
        while len(runs := _runs(address)) < 3 or any(one["status"] != "SUCCESS" for one in runs):
            assert time.monotonic() < until, (runs, (tmp_path / "ui.log").read_text()[-3000:])
            time.sleep(1)
    assert sorted(one["tags"]["dagster/partition"] for one in runs) == sorted([first, *others])
    assert [one["tags"][MEMORY_TAG] for one in runs] == ["small"] * 3
    assert [one["tags"]["dagster/priority"] for one in runs] == ["0"] * 3
    assert sum("dagster/backfill" in one["tags"] for one in runs) == 2


def _runs(address: str) -> list[dict[str, Any]]:
    found = graphql(address, RUNS)["runsOrError"]["results"]
    runs = [{"status": run["status"], "tags": {tag["key"]: tag["value"] for tag in run["tags"]}} for run in found]
    return [run for run in runs if "dagster/partition" in run["tags"]]
