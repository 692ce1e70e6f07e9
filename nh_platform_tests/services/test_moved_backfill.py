"""A backfill that the page of one machine began is finished by a deployment, to which its history moved."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from dagster._core.execution.backfill import BulkActionStatus

from nh_platform import operations
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
from nh_platform_tests.homes import make_home
from nh_platform_tests.services.deployment import deployment
from nh_platform_tests.services.servers import graphql, nh_ui

pytestmark = pytest.mark.service

SOURCE, N_SESSIONS = "ibl", 10
ASSETS = ("raw_spikes", "events", "units")
WAIT_S = 600.0
LAUNCH = """mutation ($asked: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $asked) { __typename ... on LaunchBackfillSuccess { backfillId } }
}"""


def made(home: Path) -> list[str]:
    """Return the sessions of which all that was asked for is there."""
    platform = Platform(load_settings(home))
    sessions = platform.manifest(SOURCE).session_ids
    return [one for one in sessions if all(platform.store.current(SOURCE, one, asset) for asset in ASSETS)]


def wait_until(what: str, done: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < until, f"{what} did not happen:\n{log.read_text(errors='replace')[-3000:]}"
        time.sleep(0.5)


def test_a_backfill_of_the_page_goes_on_where_its_history_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    make_home(tmp_path, (SOURCE,), n_sessions=N_SESSIONS)
    operations.sync(tmp_path, SOURCE)
    sessions = list(Platform(load_settings(tmp_path)).manifest(SOURCE).session_ids)
    with nh_ui(tmp_path) as address:
        asked = {"assetSelection": [{"path": [SOURCE, one]} for one in ASSETS], "partitionNames": sessions}
        begun = graphql(address, LAUNCH, {"asked": asked})["launchPartitionBackfill"]
        assert begun["__typename"] == "LaunchBackfillSuccess"
        wait_until("the first session", lambda: len(made(tmp_path)) > 0, tmp_path / "ui.log")
    with open_instance(load_settings(tmp_path)) as instance:
        before = instance.get_backfill(begun["backfillId"])
    assert before is not None
    assert before.status == BulkActionStatus.REQUESTED, "it ended before it could move: more sessions are needed"
    n_made = len(made(tmp_path))
    assert n_made < N_SESSIONS
    with deployment(tmp_path, workers=1, on_database=lambda at: moves(at.nh("move-history"))) as at:
        status = f"select status from bulk_actions where key = '{begun['backfillId']}'"
        at.wait_until("the end of the backfill", lambda: at.postgres.query(status).startswith("COMPLETED"), WAIT_S)
        # A session whose run was cut off is asked for again, as after every failure outside of it.
        at.wait_until("the last session", lambda: len(made(tmp_path)) == N_SESSIONS, WAIT_S)
        of_it = f"run_tags where key = 'dagster/backfill' and value = '{begun['backfillId']}'"
        assert int(at.postgres.query(f"select count(distinct run_id) from {of_it}")) >= N_SESSIONS


def moves(said: str) -> None:
    """See that backfills are among what a move says it moved."""
    assert re.search(r"bulk.actions", said), said
