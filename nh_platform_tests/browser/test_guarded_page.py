"""Dagster's page behind the guard in Chromium: every view is answered, and the log of a run grows while it runs.

Screenshots lie in ``NH_SCREENSHOTS`` (default: the test's temporary folder).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform_tests.services.servers import chromium, graphql, nh_ui, synced_home, wait_for_text

pytestmark = [pytest.mark.browser, pytest.mark.service]

VIEWS = {
    "/overview": ("Overview", "ibl_release"),  # `nh sync` is there, though it ran in a process of its own
    "/assets": ("allen_vbn",),
    "/asset-groups": ("ibl",),
    "/locations": ("nh_platform",),
    "/automation": ("ibl_release_sensor",),
    "/deployment/daemons": ("Sensors", "Running"),
    "/assets/ibl/units?view=partitions": ("units",),
    "/runs": ("Runs",),
}
LAUNCH = """
const [run, done] = arguments;
const query = `mutation Run($run: ExecutionParams!) { launchPipelineExecution(executionParams: $run) {
  __typename ... on LaunchRunSuccess { run { runId } } } }`;
fetch('/graphql', {method: 'POST', headers: {'Content-Type': 'application/json'},
                   body: JSON.stringify({query, variables: {run}})})
  .then(answer => answer.json()).then(answer => done(answer.data.launchPipelineExecution));
"""
STATUS = "query Status($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synced_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NH_SENSOR_INTERVAL_S", "3600")
        with nh_ui(home) as served:
            yield served


@pytest.fixture(scope="module")
def driver(address: str) -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("NH_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def happened(driver: Any) -> list[dict[str, Any]]:
    """Return what the browser's network did since this was last asked."""
    return [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]


def test_every_view_is_answered_and_the_console_has_no_error(address: str, driver: Any, shots: Path) -> None:
    for n, (view, texts) in enumerate(VIEWS.items()):
        driver.get(address + view)
        wait_for_text(driver, list(texts))
        driver.save_screenshot(str(shots / f"guarded_{n}.png"))
    time.sleep(2)
    answers = [
        event["params"]["response"] for event in happened(driver) if event["method"] == "Network.responseReceived"
    ]
    own = [(answer["status"], answer["url"]) for answer in answers if answer["url"].startswith(address)]
    assert len(own) > 2 * len(VIEWS)
    assert [one for one in own if one[0] >= 400] == []
    assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_the_log_of_a_run_grows_on_its_page_while_it_runs(home: Path, address: str, driver: Any, shots: Path) -> None:
    session = Platform(load_settings(home)).manifest("ibl").session_ids[0]
    selector = {
        "repositoryLocationName": "nh_platform",
        "repositoryName": "__repository__",
        "pipelineName": "ibl_session",
        "assetSelection": [{"path": ["ibl", asset]} for asset in ("raw_spikes", "events", "signals", "units")],
    }
    tags = [{"key": "dagster/partition", "value": session}]
    driver.get(f"{address}/runs")
    wait_for_text(driver, ["Runs"])
    run = {"selector": selector, "mode": "default", "executionMetadata": {"tags": tags}}
    launched = driver.execute_async_script(LAUNCH, run)
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run_id = launched["run"]["runId"]
    happened(driver)
    driver.get(f"{address}/runs/{run_id}?logs=")
    seen = _shown_until_the_end(driver, address, run_id)
    driver.save_screenshot(str(shots / "guarded_live_log.png"))
    wait_for_text(driver, ["RUN_SUCCESS"])
    driver.save_screenshot(str(shots / "guarded_log.png"))
    assert len(seen) >= 3, f"the log was shown in one piece: {seen}"
    frames = [
        event["params"]["response"]["payloadData"]
        for event in happened(driver)
        if event["method"] == "Network.webSocketFrameReceived"
    ]
    assert sum("pipelineRunLogs" in frame for frame in frames) >= 3


def _shown_until_the_end(driver: Any, address: str, run_id: str, seconds: float = 120.0) -> list[str]:
    """Return the last lines that the log showed, each once, until the run succeeded."""
    words = ("RUN_ENQUEUED", "RUN_STARTING", "RUN_START", "STEP_START", "STEP_SUCCESS", "RUN_SUCCESS")
    seen, until = list[str](), time.monotonic() + seconds
    while time.monotonic() < until:
        shown = driver.execute_script("return document.body ? document.body.innerText : ''")
        state = " ".join(f"{shown.count(word)} {word}" for word in words)
        if any(word in shown for word in words) and state not in seen:
            seen.append(state)
        status = graphql(address, STATUS, {"id": run_id})["runOrError"]["status"]
        assert status != "FAILURE", shown[-3000:]
        if status == "SUCCESS":
            return seen
        time.sleep(0.5)
    raise AssertionError(f"the run did not end within {seconds:.0f} s; {seen}")
