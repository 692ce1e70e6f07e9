"""A release that tags datasets which exist already: seen and told; only the page that names it is made again."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.defs.automation import evaluate_release
from nh_platform.history.comparison.release_diff import diff_manifests
from nh_platform.history.snapshots import find_snapshot
from nh_platform.operations import sync
from nh_platform.operations.opened_home import OpenHome
from nh_platform.planning.session_states import source_states
from nh_platform.sources.registry import source_entry
from nh_platform_tests.end_to_end.remote_homes import make_remote_home, write_upstream
from nh_platform_tests.homes import materialize
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.release_history import tag_only


def test_a_tag_makes_a_snapshot_and_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DAGSTER_HOME", "")
    with Loopback(write_upstream(tmp_path / "upstream")) as servers, dg.DagsterInstance.ephemeral() as instance:
        home = make_remote_home(tmp_path / "home", servers, monkeypatch)
        (outcome,) = materialize(home, instance, "ibl", assets=["events"])
        assert outcome.success, outcome.errors
        before = source_states(home, "ibl")
        looked = home.source("ibl").signal()
        assert tag_only(servers.state) == {outcome.plan.session_id: ("session_report",)}, (
            "only the page names a release"
        )
        assert home.source("ibl").signal() != looked, "a new tag is announced"
        sync(OpenHome(home, instance), "ibl")
        after = source_states(home, "ibl")
        assert (before.snapshot, after.snapshot) == (1, 2)
        assert [one.stale for one in after.sessions] == [one.stale for one in before.sessions], "nothing became stale"
        assert after.observed == before.observed
        manifests = [find_snapshot(home.store, "ibl", number).manifest() for number in (1, 2)]
        diff = diff_manifests(*manifests)
        assert diff.counts() == {"tag changed": 1}
        assert diff.changes["what"].tolist() == ["5 files: +2026_Q1_Test"]
        assert manifests[1].session(outcome.plan.session_id).memberships() == {"2026_Q1_Test": 5}
        assert len(diff.affected) == 0
        # What is left to make is what was left before, and none of it for the tag's sake.
        tick = evaluate_release(instance, source_entry("ibl"), home, None)
        assert isinstance(tick, dg.SensorResult)
        asked = {key.path[-1] for request in tick.run_requests or [] for key in request.asset_selection or []}
        assert asked == set(before.sessions[0].stale)
        assert "events" not in asked
        shown = CliRunner().invoke(app, ["--home", str(tmp_path / "home"), "show", "ibl", outcome.plan.session_id])
        assert f"release 2026_Q1_Test: 5 of its {len(servers.state.datasets)} files" in shown.output
