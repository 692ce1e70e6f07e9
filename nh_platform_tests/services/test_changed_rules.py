"""Rules, presets and reviews changed while the real daemon and webserver run: no tick fails, the right sessions run.

Screenshots lie in ``NH_SCREENSHOTS`` (default: the test's temporary folder).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nh_platform.defs.rules.rules_in_force import REMEMBERED_S
from nh_platform.defs.run_tags import PARTITION_TAG, REASON_TAG, SNAPSHOT_TAG, SOURCE_TAG
from nh_platform.home.platform import Platform
from nh_platform.home.running_ui import read_running_ui, write_running_ui
from nh_platform.home.settings import load_settings
from nh_platform.planning.session_states import source_states
from nh_platform.qc.reviews.review_files import review_path
from nh_platform.qc.rules.rulebook import RULEBOOK_DIR
from nh_platform.qc.rules.rulebook_model import RESERVED_RULE_IDS
from nh_platform.store.codecs.parquet import read_table
from nh_platform_tests.homes import make_home
from nh_platform_tests.rulebook_texts import OWN_RULE
from nh_platform_tests.services.servers import chromium, graphql, nh_ui, wait_for_text
from nh_platform_tests.services.test_daemon import nh, wait_until

pytestmark = [pytest.mark.service, pytest.mark.browser]

SOURCE = "allen_vc"
OF_UNITS = ["session_report", "stimulus_tensors", "units"]
"""What a rule or a review changes: `units`, and what reads them."""
REVIEW = """\
source: {source}
session: '{session}'
reviews:
  - {{unit: '{unit}', decision: {decision}, reason: seen, reviewer: {reviewer}, date: 2026-01-01}}
"""
SECOND = "  - {{unit: '{unit}', decision: fail, reason: seen, reviewer: bea, date: 2026-01-01}}\n"
TICKS = """
  query Ticks($selector: SensorSelector!) { sensorOrError(sensorSelector: $selector) { ... on Sensor { sensorState {
    ticks(limit: 1000) { status skipReason timestamp error { message } runs { id } } } } } }
"""
RUNS = """
  query { runsOrError { ... on Runs { results {
    runId jobName status assetSelection { path } tags { key value } } } } }
"""
CHECKS = """
  query Checks($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode { assetChecksOrError {
    ... on AssetChecks { checks { name executionForLatestMaterialization { status partition }
      partitionStatuses { ... on AssetCheckDefaultPartitionStatuses { succeededPartitions failedPartitions
        skippedPartitions executionFailedPartitions inProgressPartitions } } } } } } } }
"""
HISTORY = """
  query History($key: AssetKeyInput!, $name: String!) {
    assetCheckExecutions(assetKey: $key, checkName: $name, limit: 100) {
      status partition evaluation { partition metadataEntries { label ... on TextMetadataEntry { text } } } } }
"""


class Watched:
    """A home folder under the real daemon, asked over its own page."""

    def __init__(self, home: Path, address: str) -> None:
        self.home, self.address, self.log = home, address, home / "ui.log"
        self.seen = set(self._runs())

    def _runs(self) -> dict[str, dict[str, Any]]:
        found = graphql(self.address, RUNS)["runsOrError"]["results"]
        return {run["runId"]: {**run, "tags": {t["key"]: t["value"] for t in run["tags"]}} for run in found}

    def ticks(self) -> list[dict[str, Any]]:
        selector = {
            "repositoryLocationName": "nh_platform",
            "repositoryName": "__repository__",
            "sensorName": f"{SOURCE}_release_sensor",
        }
        return list(graphql(self.address, TICKS, {"selector": selector})["sensorOrError"]["sensorState"]["ticks"])

    def said(self) -> str:
        return "\n".join(str(one["skipReason"]) for one in self.ticks())

    def settle(self) -> None:
        """Wait until nothing runs of what was asked for so far, which is seen then."""
        wait_until("the end of all runs", lambda: all(_has_ended(run) for run in self._runs().values()), self.log)
        self.seen |= set(self._runs())

    def after(self, what: str, is_done: Callable[[], bool]) -> dict[str, list[str]]:
        """Wait until something is done and nothing runs, and return the assets of the sessions that ran for it."""
        wait_until(what, is_done, self.log)
        for _ in range(2):  # and two ticks more, in which nothing but the catalogs may be asked for
            wait_until("the end of all runs", lambda: all(_has_ended(run) for run in self._runs().values()), self.log)
            time.sleep(12)
        wait_until("the end of all runs", lambda: all(_has_ended(run) for run in self._runs().values()), self.log)
        new = {run_id: run for run_id, run in self._runs().items() if run_id not in self.seen}
        self.seen |= set(new)
        assert all(run["status"] == "SUCCESS" for run in new.values()), new
        assert {run["jobName"] for run in new.values()} <= {f"{SOURCE}_session", f"{SOURCE}_inventory"}
        for run in new.values():
            assert {SOURCE_TAG, SNAPSHOT_TAG, REASON_TAG} <= set(run["tags"])
        return {
            run["tags"][PARTITION_TAG]: sorted(key["path"][-1] for key in run["assetSelection"])
            for run in new.values()
            if run["jobName"] == f"{SOURCE}_session"
        }

    def checks(self) -> dict[str, dict[str, Any]]:
        key = {"path": [SOURCE, "units"]}
        found = graphql(self.address, CHECKS, {"key": key})["assetNodeOrError"]["assetChecksOrError"]["checks"]
        return {check["name"]: check for check in found}

    def judged(self) -> set[str]:
        """Return the rules of which the page shows a result: for some session, or as the last one."""
        statuses = ("succeededPartitions", "failedPartitions")
        return {
            name
            for name, check in self.checks().items()
            if name not in RESERVED_RULE_IDS
            and (check["executionForLatestMaterialization"] or any(check["partitionStatuses"][one] for one in statuses))
        }

    def history(self, check: str) -> list[dict[str, Any]]:
        key = {"path": [SOURCE, "units"]}
        return list(graphql(self.address, HISTORY, {"key": key, "name": check})["assetCheckExecutions"])


def _has_ended(run: dict[str, Any]) -> bool:
    return run["status"] in ("SUCCESS", "FAILURE", "CANCELED")


def is_current(home: Path) -> bool:
    """Whether everything of the sessions that were loaded is as the settings say now."""
    return all(not state.stale or not state.is_wanted for state in source_states(platform_of(home), SOURCE).sessions)


def platform_of(home: Path) -> Platform:
    return Platform(load_settings(home))


def test_rulebook_preset_and_reviews_change_and_exactly_the_right_sessions_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shots = Path(os.environ.get("NH_SCREENSHOTS") or tmp_path / "shots")
    shots.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("NH_SENSOR_INTERVAL_S", "5")
    platform = make_home(tmp_path, (SOURCE,), n_sessions=3)
    nh(tmp_path, "sync", SOURCE)
    first, second, _not_loaded = platform.manifest(SOURCE).session_ids
    nh(tmp_path, "materialize", SOURCE, first, second)
    units = sorted(read_table(platform.store.folder(SOURCE, first, "units") / "units.parquet")["unit_id"])
    settings = tmp_path / "sources.yaml"
    text = (RULEBOOK_DIR / "allen-vc-default.yaml").read_text().replace("id: allen-vc-default", "id: lab-own")
    (tmp_path / "own.yaml").write_text(text.replace("rules:\n", OWN_RULE, 1))
    with nh_ui(tmp_path) as address:
        if read_running_ui(tmp_path) is None:
            write_running_ui(tmp_path, address)
        page = Watched(tmp_path, address)
        wait_until("a tick", lambda: bool(page.ticks()), page.log)
        page.settle()  # the site, joined while sessions are made anew, would be refused

        rules = page.judged()
        assert len(rules) > 1
        settings.write_text(settings.read_text() + "  rulebook: own.yaml\n")
        time.sleep(2 * REMEMBERED_S)
        assert page.judged() == set(), "greens of the rules before are shown for sessions that wait"
        assert "Not judged yet by the rules in force" in nh(tmp_path, "qc", "history", SOURCE, first)
        ran = page.after("the new rulebook", lambda: is_current(tmp_path))
        assert ran == {first: OF_UNITS, second: OF_UNITS}
        checks = page.checks()
        assert page.judged() == {*rules, "fast_enough"}
        for check in checks.values():
            states = check["partitionStatuses"]
            assert sorted(states["succeededPartitions"] + states["failedPartitions"]) == sorted([first, second]), check
            assert states["skippedPartitions"] == [], "the run after a reload left rows without a partition"
        assert all(row["partition"] in (first, second) for row in page.history("fast_enough"))
        by_rulebook = [_text(row, "rulebook") for row in page.history("amplitude_cutoff")]
        assert by_rulebook == ["lab-own", "lab-own", "allen-vc-default", "allen-vc-default"], "one readable list"

        settings.write_text(settings.read_text() + "  presets: [stim-halves-500ms]\n")
        ran = page.after("the new preset", lambda: is_current(tmp_path))
        assert set(ran) == {first, second}
        assert all("units" not in assets and "windows" in assets for assets in ran.values()), ran

        path = review_path(tmp_path / "reviews", SOURCE, first)
        path.parent.mkdir(parents=True)
        named = REVIEW.format(source=SOURCE, session=first, unit=units[0], decision="refuse", reviewer="ada")
        path.write_text(named)
        ran = page.after("the name of the mistake", lambda: f"{SOURCE}/{first}.yaml:4" in page.said())
        assert ran == {}
        path.write_text(named.replace("refuse", "fail") + SECOND.format(unit=units[0]))
        ran = page.after("the review", lambda: is_current(tmp_path))
        assert ran == {first: OF_UNITS}
        path = review_path(tmp_path / "reviews", SOURCE, second)
        path.write_text(REVIEW.format(source=SOURCE, session=second, unit="1", decision="pass", reviewer="bob"))
        ran = page.after("the second review", lambda: is_current(tmp_path))
        assert ran.pop(first, ["session_report"]) == ["session_report"]  # a page may be made once more, nothing else
        assert ran == {second: OF_UNITS}

        ticks = page.ticks()
        assert [one for one in ticks if one["status"] == "FAILURE"] == []
        assert "the definitions are loaded again, sessions follow in two ticks" in page.said()
        assert all("\n" not in str(one["skipReason"]) for one in ticks)
        printed = nh(tmp_path, "qc", "history", SOURCE, first, "amplitude_cutoff")
        assert "allen-vc-default" in printed
        assert "lab-own" in printed
        _look(address, first, shots)


def test_where_no_daemon_runs_the_page_shows_no_result_of_other_rules_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    platform = make_home(tmp_path, (SOURCE,))
    nh(tmp_path, "sync", SOURCE)
    (session,) = platform.manifest(SOURCE).session_ids
    judged = ("raw_spikes", "events", "optotagging", "units")
    nh(tmp_path, "materialize", SOURCE, "--all", *(word for asset in judged for word in ("--asset", asset)))
    text = (RULEBOOK_DIR / "allen-vc-default.yaml").read_text().replace("id: allen-vc-default", "id: lab-own")
    (tmp_path / "own.yaml").write_text(text)
    settings = tmp_path / "sources.yaml"
    with nh_ui(tmp_path, "--read-only") as address:
        page = Watched(tmp_path, address)
        rules = page.judged()
        assert "amplitude_cutoff" in rules
        settings.write_text(settings.read_text() + "  rulebook: own.yaml\n")
        time.sleep(2 * REMEMBERED_S)
        assert page.judged() == set()
        assert "not judged yet" in nh(tmp_path, "show", SOURCE, session)
        nh(tmp_path, "materialize", SOURCE, "--missing", "--asset", "units")
        assert page.judged() == rules


def _text(row: dict[str, Any], label: str) -> str:
    entries = (row["evaluation"] or {"metadataEntries": []})["metadataEntries"]
    return next((str(entry["text"]) for entry in entries if entry["label"] == label), "")


def _look(address: str, session: str, shots: Path) -> None:
    with chromium() as driver:
        for name, path, texts in (
            (
                "units",
                f"/assets/{SOURCE}/units?view=partitions&partition={session}",
                ("lab-own", "rulebook", "reviews by state", "ada, bea"),
            ),
            ("rule", f"/assets/{SOURCE}/units?view=checks&checkDetail=fast_enough", ("lab-own",)),
            ("reviews", f"/assets/{SOURCE}/reviews?view=events", ("Reported",)),
            (
                "ticks",
                f"/locations/nh_platform/sensors/{SOURCE}_release_sensor",
                ("Latest tick", "runs requested"),
            ),
        ):
            driver.get(address + path)
            wait_for_text(driver, list(texts))
            time.sleep(3)
            driver.save_screenshot(str(shots / f"changed_rules_{name}.png"))
