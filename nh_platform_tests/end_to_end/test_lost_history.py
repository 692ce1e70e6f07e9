"""A home whose Dagster history was lost goes on: its sessions are registered again from the stored manifest."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from nh_platform import operations
from nh_platform.defs.automation import evaluate_release
from nh_platform.defs.partitions import session_partitions
from nh_platform.defs.run_tags import BACKFILL_TAG
from nh_platform.operations.opened_home import OpenHome
from nh_platform.sources.registry import source_entry
from nh_platform_tests.homes import make_home, materialize


def test_sessions_are_registered_again_by_whatever_begins_a_run(tmp_path: Path) -> None:
    platform = make_home(tmp_path / "home", ("ibl",))
    with dg.DagsterInstance.ephemeral() as instance:
        (first,) = materialize(platform, instance, "ibl", assets=["raw_spikes"])
        assert first.success
    session = first.plan.session_id
    with dg.DagsterInstance.ephemeral() as wiped:
        made = operations.materialize(OpenHome(platform, wiped), "ibl", assets=["events"])
        assert [one.success for one in made.outcomes] == [True], made.outcomes
        assert wiped.get_dynamic_partitions(session_partitions("ibl").name) == [session]
    with dg.DagsterInstance.ephemeral() as wiped:
        tick = evaluate_release(wiped, source_entry("ibl"), platform, None)
        assert isinstance(tick, dg.SensorResult)
        assert [request.partition_key for request in tick.run_requests] == [session]
        assert wiped.get_dynamic_partitions(session_partitions("ibl").name) == [session]
    with dg.DagsterInstance.ephemeral() as wiped:
        asked = operations.backfill(OpenHome(platform, wiped), "ibl")
        tick = evaluate_release(wiped, source_entry("ibl"), platform, None)
        assert isinstance(tick, dg.SensorResult)
        assert [request.tags[BACKFILL_TAG] for request in tick.run_requests] == [asked.id]
