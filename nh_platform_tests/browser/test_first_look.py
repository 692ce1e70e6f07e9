"""What a person sees on the first day: graph, session, rule, lineage, and *Materialize* pressed in the browser.

Screenshots lie in ``NH_SCREENSHOTS`` (default: the test's temporary folder).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from nh_platform import operations
from nh_platform.home.platform import Platform
from nh_platform.operations.instance import open_instance
from nh_platform.operations.opened_home import OpenHome
from nh_platform_tests.homes import make_home, materialize
from nh_platform_tests.services.servers import chromium, graphql, nh_ui, wait_for_text

pytestmark = [pytest.mark.browser, pytest.mark.service]

CHECKS = ("max_confidence", "noise_cutoff", "amp_median")


class Page:
    """A browser on the web page of a home with one materialized IBL session and one that is only registered."""

    def __init__(self, address: str, driver: Any, platform: Platform, shots: Path) -> None:
        self.address, self.driver, self.platform, self.shots = address, driver, platform, shots

    def open(self, path: str, name: str, *texts: str) -> str:
        self.driver.get(self.address + path)
        shown = wait_for_text(self.driver, list(texts))
        self.driver.save_screenshot(str(self.shots / f"{name}.png"))
        return shown

    def press(self, label: str) -> None:
        """Press the last button that shows ``label`` and can be pressed."""
        script = """
            const all = [...document.querySelectorAll('button, [role=button], a')];
            const fit = all.filter(e => e.innerText.trim().startsWith(arguments[0]) && !e.disabled);
            if (!fit.length) return false;
            fit[fit.length - 1].click();
            return true;
        """
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if self.driver.execute_script(script, label):
                return
            time.sleep(0.5)
        self.driver.save_screenshot(str(self.shots / "no_button.png"))
        raise AssertionError(f"no button {label!r} on {self.driver.current_url}")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    home = tmp_path_factory.mktemp("home")
    shots = Path(os.environ.get("NH_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    shots.mkdir(parents=True, exist_ok=True)
    platform = make_home(home, n_sessions=2)
    previous = os.environ.pop("DAGSTER_HOME", None)
    try:
        with open_instance(platform.settings) as instance:
            for source in ("ibl", "allen_vc"):
                operations.sync(OpenHome(platform, instance), source)
                first, _ = platform.manifest(source).session_ids
                assert all(outcome.success for outcome in materialize(platform, instance, source, [first]))
    finally:
        os.environ.pop("DAGSTER_HOME", None)
        if previous:
            os.environ["DAGSTER_HOME"] = previous
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NH_SENSOR_INTERVAL_S", "3600")  # the presses of the test are the only ones
        stack = ExitStack()
        address = stack.enter_context(nh_ui(home))
    with stack, chromium() as driver:
        yield Page(address, driver, Platform(platform.settings), shots)


def done_session(page: Page) -> str:
    return next(s for s in page.platform.manifest("ibl").session_ids if page.platform.store.current("ibl", s, "units"))


def new_session(page: Page) -> str:
    ids = page.platform.manifest("ibl").session_ids
    return next(s for s in ids if not page.platform.store.current("ibl", s, "raw_spikes"))


def test_the_asset_graph_shows_a_group_per_source(page: Page) -> None:
    page.open("/asset-groups", "asset_graph", "ibl", "allen_vc")


def test_the_lineage_leads_from_raw_spikes_to_embeddings(page: Page) -> None:
    texts = ("raw_spikes", "units", "windows", "unit_embeddings", "events", "signals", "2 partitions")
    before = page.driver.get_window_size()
    page.driver.set_window_size(5200, 3000)  # only what lies in the window is drawn
    try:
        page.open("/locations/nh_platform/asset-groups/ibl/lineage", "lineage", *texts)
    finally:
        page.driver.set_window_size(before["width"], before["height"])


def test_a_session_is_a_partition_with_counts_in_words(page: Page) -> None:
    session = done_session(page)
    shown = page.open(f"/assets/ibl/units?view=partitions&partition={session}", "partition", session, "good units")
    assert "share good" in shown
    assert "most frequent reasons" in shown
    assert "Materialized" in shown


def test_a_rule_tells_what_it_asks_for_and_why(page: Page) -> None:
    shown = page.open(
        "/assets/ibl/units?view=checks&checkDetail=noise_cutoff",
        "rule_check",
        "noise_cutoff < 5",
        "rulebook ibl-2022-10",
        "furthest from the threshold",
        *CHECKS,  # the list beside it is filled by a request of its own
    )
    assert "counts as fail" in shown


def test_pressing_materialize_on_a_new_session_makes_it_and_its_checks_green(page: Page) -> None:
    session = new_session(page)
    for asset in ("raw_spikes", "events", "units"):
        page.open(f"/assets/ibl/{asset}?view=partitions&partition={session}", f"before_{asset}", "Materialize")
        page.press("Materialize")
        _choose_only(page, session)
        page.driver.save_screenshot(str(page.shots / f"dialog_{asset}.png"))
        page.press("Launch 1 run")
        _wait_until_materialized(page, asset, session)
    outcomes = _check_outcomes(page, session)
    assert set(CHECKS) <= set(outcomes)
    assert set(outcomes.values()) == {"succeeded"}, outcomes
    page.open(f"/assets/ibl/units?view=partitions&partition={session}", "after_units", "good units")
    page.open("/assets/ibl/units?view=checks&checkDetail=amp_median", "after_check", session, "Succeeded")


def _choose_only(page: Page, session: str) -> None:
    """Leave only ``session`` in the dialog's list of partitions."""
    wait_for_text(page.driver, ["Launch"])
    from selenium.webdriver.common.keys import Keys

    field = page.driver.find_elements("css selector", "[role=dialog] input[type=text], .bp5-dialog input[type=text]")
    for candidate in field:
        if candidate.is_displayed() and candidate.get_attribute("value") != session:
            candidate.send_keys(Keys.CONTROL, "a")
            candidate.send_keys(session, Keys.ENTER)
            break
    time.sleep(1)


def _wait_until_materialized(page: Page, asset: str, session: str, seconds: float = 150.0) -> None:
    query = """
      query Runs { runsOrError(limit: 5) { ... on Runs { results { runId status tags { key value } } } } }
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if page.platform.store.current("ibl", session, asset) is not None:
            runs = graphql(page.address, query)["runsOrError"]["results"]
            if runs and runs[0]["status"] == "SUCCESS":
                return
        time.sleep(1)
    page.driver.save_screenshot(str(page.shots / "not_materialized.png"))
    raise AssertionError(f"{asset} of {session} was not materialized; runs: {graphql(page.address, query)}")


def _check_outcomes(page: Page, session: str) -> dict[str, str]:
    query = """
      query Checks($key: AssetKeyInput!) {
        assetNodeOrError(assetKey: $key) { ... on AssetNode { assetChecksOrError { ... on AssetChecks { checks {
          name
          partitionStatuses { ... on AssetCheckDefaultPartitionStatuses {
            succeededPartitions failedPartitions inProgressPartitions skippedPartitions executionFailedPartitions } }
        } } } } }
      }
    """
    key = {"path": ["ibl", "units"]}
    checks = graphql(page.address, query, {"key": key})["assetNodeOrError"]["assetChecksOrError"]["checks"]
    found = {}
    for check in checks:
        for state, partitions in check["partitionStatuses"].items():
            if session in partitions:
                found[check["name"]] = state.removesuffix("Partitions")
    return found


def test_the_instance_of_the_page_is_the_one_of_nh(page: Page) -> None:
    """Runs that `nh` made are there for the web page: both use the same storage."""
    runs = graphql(page.address, "query { runsOrError { ... on Runs { count } } }")["runsOrError"]["count"]
    assert runs >= 4
    assert dg.__version__.startswith("1.13")
