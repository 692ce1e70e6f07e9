"""A release that nobody works off, and a catalogue that nobody looks at, are told to the hooks, once."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from nh_platform import operations
from nh_platform.defs.automation import alerts as alerts_module
from nh_platform.defs.automation.alerts import evaluate_alerts
from nh_platform.defs.automation.stale_releases import NOT_LOOKED, NOT_MADE, stale_releases
from nh_platform.home.alerts import AlertSettings
from nh_platform.home.platform import Platform
from nh_platform.operations.opened_home import OpenHome
from nh_platform_tests.defs.automation.test_alerts import configure, webhook
from nh_platform_tests.homes import make_home

NOW = dt.datetime.now(dt.UTC)
DAYS = AlertSettings(release_stale_after_days=3)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def home(tmp_path: Path, instance: dg.DagsterInstance) -> Platform:
    """Return a home whose one session is wanted and not made."""
    platform = make_home(tmp_path, ("ibl",))
    operations.sync(OpenHome(platform, instance), "ibl")
    operations.backfill(OpenHome(platform, instance), "ibl")
    return platform


def found(instance: dg.DagsterInstance, home: Platform, memory: dict, days: float) -> set[str]:
    now = NOW + dt.timedelta(days=days)
    return {one["check"] for one in stale_releases(instance, home, DAYS, memory, now).values()}


def test_waiting_sessions_are_stale_after_the_days(instance: dg.DagsterInstance, home: Platform) -> None:
    memory: dict = {}
    assert found(instance, home, memory, 0) == set()
    assert found(instance, home, memory, 2.9) == set()
    assert found(instance, home, memory, 3.1) == {NOT_MADE, NOT_LOOKED}
    told = stale_releases(instance, home, DAYS, memory, NOW + dt.timedelta(days=4))
    assert {one["source"] for one in told.values()} == {"ibl"}
    words = {one["check"]: one["found"] for one in told.values()}
    assert words[NOT_MADE].startswith("1 wanted session is not made as snapshot 1 asks for, for 4 days")
    assert "was 4 days ago" in words[NOT_LOOKED] or "was 3 days ago" in words[NOT_LOOKED]
    assert told.keys() == stale_releases(instance, home, DAYS, memory, NOW + dt.timedelta(days=5)).keys()


def test_a_clock_that_is_set_back_by_a_day_adds_none_to_the_days(instance: dg.DagsterInstance, home: Platform) -> None:
    memory: dict = {}
    assert found(instance, home, memory, 1) == set()
    assert found(instance, home, memory, 0) == set()
    assert NOT_MADE in found(instance, home, memory, 3.1)


def test_what_was_made_waits_no_more(instance: dg.DagsterInstance, home: Platform) -> None:
    memory: dict = {}
    found(instance, home, memory, 0)
    assert operations.materialize(OpenHome(home, instance), "ibl").outcomes[0].success
    assert found(instance, home, memory, 4) == {NOT_LOOKED}
    assert memory == {}


def test_hooks_are_told_once_and_again_where_nobody_answered(
    instance: dg.DagsterInstance, home: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts_module, "LOOK_INTERVAL_S", 0.0)
    with webhook([200]) as (address, sent):
        configure(home, f"hooks:\n  - webhook: {address}\nrelease_stale_after_days: 0.000000001\n")
        cursor = None
        for _ in range(2):  # the hook is new; then it is told of what has waited meanwhile
            cursor = evaluate_alerts(instance, home, cursor).cursor
        assert {one["check"] for message in sent for one in message["checks"]} == {NOT_MADE, NOT_LOOKED}
        n_sent = len(sent)
        cursor = evaluate_alerts(instance, home, cursor).cursor
        assert len(sent) == n_sent, "it is told once"
    memory = json.loads(cursor or "{}")
    memory[address]["stale"] = []
    cursor = evaluate_alerts(instance, home, json.dumps(memory)).cursor  # nobody listens
    assert json.loads(cursor or "{}")[address]["stale"] == []


def test_a_home_without_hooks_looks_at_nothing(instance: dg.DagsterInstance, home: Platform) -> None:
    assert evaluate_alerts(instance, home, None).cursor == "{}"
