"""Upstream that is down for longer than allowed is a failed check; that it answers again is one that passes."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from nh_platform.defs.automation import evaluate_release
from nh_platform.defs.automation.jobs import UPSTREAM_ANSWERS, inventory_job_name
from nh_platform.defs.build import build_defs
from nh_platform.home.platform import Platform
from nh_platform.operations import sync
from nh_platform.operations.opened_home import OpenHome
from nh_platform.session import UpstreamTrouble
from nh_platform.sources.registry import source_entry
from nh_platform_tests.homes import make_home

SOURCE = "allen_vc"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def tick(instance: dg.DagsterInstance, home: Platform, cursor: str | None) -> dg.SensorResult:
    result = evaluate_release(instance, source_entry(SOURCE), home, cursor)
    assert isinstance(result, dg.SensorResult)
    return result


def evaluated(instance: dg.DagsterInstance, home: Platform, request: dg.RunRequest) -> dg.AssetCheckEvaluation:
    """Run the check as the daemon does."""
    assert request.job_name == inventory_job_name(SOURCE)
    job = build_defs(home).resolve_job_def(str(request.job_name))
    result = job.get_subset(
        asset_selection=set(request.asset_selection or ()), asset_check_selection=set(request.asset_check_keys or ())
    ).execute_in_process(instance=instance, tags=dict(request.tags), raise_on_error=False)
    (check,) = result.get_asset_check_evaluations()
    assert check.check_name == UPSTREAM_ANSWERS
    return check


def test_an_outage_is_said_once_it_lasts_and_once_it_is_over(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path, (SOURCE,))
    sync(OpenHome(home, instance), SOURCE)
    (tmp_path / "alerts.yaml").write_text("upstream_down_after_h: 2\n")

    def no_answer(_: object) -> str:
        raise UpstreamTrouble("the warehouse", "HTTP 503", "Try again later.")

    with monkeypatch.context() as patch:
        patch.setattr(type(home.source(SOURCE)), "signal", no_answer)
        first = tick(instance, home, None)
        assert first.run_requests == [], "an outage of minutes is no alert"
        assert "upstream could not be asked since" in str(first.skip_reason)
        memory = json.loads(str(first.cursor))
        began = memory["down_since"]
        memory["down_since"] = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).isoformat(timespec="minutes")
        set_back = json.loads(str(tick(instance, home, json.dumps(memory)).cursor))
        assert began <= set_back["down_since"] <= dt.datetime.now(dt.UTC).isoformat(), "the clock was set back"
        three_hours_ago = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=3)).isoformat(timespec="minutes")
        memory["down_since"] = three_hours_ago
        late = tick(instance, home, json.dumps(memory))
        (request,) = late.run_requests or []
        check = evaluated(instance, home, request)
        assert not check.passed
        assert check.severity is dg.AssetCheckSeverity.ERROR
        assert f"has not answered since {three_hours_ago}: the warehouse: HTTP 503" in str(check.description)
        assert tick(instance, home, late.cursor).run_requests == [], "it is said once"
    again = tick(instance, home, late.cursor)
    (request,) = again.run_requests or []
    assert evaluated(instance, home, request).passed
    assert tick(instance, home, again.cursor).run_requests == []
