"""`nh backfill` asks for what is stale; `nh status` counts sessions by what became of them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from nh_platform import operations
from nh_platform.assets import raw_spikes
from nh_platform.assets.registry import session_assets
from nh_platform.defs.automation import evaluate_release
from nh_platform.defs.run_tags import BACKFILL_TAG, REASON_TAG, SNAPSHOT_TAG, SOURCE_TAG
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
from nh_platform.qc.gate import Gate
from nh_platform.simulation import remove_session
from nh_platform.sources.registry import source_entry
from nh_platform_tests.cli.commands import nh
from nh_platform_tests.homes import make_home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    make_home(tmp_path, ("ibl",), n_sessions=2)
    return tmp_path


def ibl_status(home: Path) -> dict[str, object]:
    rows = json.loads(nh(home, "status", "--format", "json").output)
    return next(row for row in rows if row["source"] == "ibl")


def test_a_dry_run_queues_nothing(home: Path) -> None:
    nh(home, "sync", "ibl")
    words = nh(home, "backfill", "ibl", "--dry-run").output
    assert "2 of 2 sessions would be queued" in words
    assert asked_pairs(home) == set()
    assert "read in place" in words
    assert "459 sessions" in words  # the guide's table
    assert "Not estimated" not in words


def test_a_plan_counts_what_is_to_be_downloaded_and_warns_of_a_disk_that_is_too_small(home: Path) -> None:
    nh(home, "sync", "ibl")
    plan = operations.backfill(home, "ibl", limit=1, dry_run=True).needs
    assert plan is not None
    assert plan.store_bytes > plan.window_bytes > 0
    assert plan.lacking() == {}
    n_bytes = 1e9
    fetched = replace(plan, in_place=None, to_fetch=n_bytes, raw_free=int(n_bytes) - 1, is_one_disk=False)
    assert fetched.lacking() == {plan.raw_folder: 1}
    passing = replace(fetched, keeps_raw=False, most_of_session=n_bytes / 2)
    assert passing.lacking() == {}
    one_disk = replace(passing, is_one_disk=True, store_free=0)
    assert one_disk.lacking() == {plan.store_folder: plan.store_bytes + n_bytes / 2}


def test_status_says_what_every_folder_of_the_home_takes(home: Path) -> None:
    nh(home, "sync", "ibl")
    (home / "raw").mkdir()
    (home / "raw" / "one.bin").write_bytes(bytes(7_000_000))
    words = nh(home, "status").output
    assert "raw 7.0 MB" in words
    assert "upstream 8." in words
    assert "are free" in words


def asked_pairs(home: Path) -> set[tuple[str, str]]:
    """Return the (session, asset) pairs that the sensor asks for because a person did, through the named job."""
    settings = load_settings(home)
    with open_instance(settings) as instance:
        tick = evaluate_release(instance, source_entry("ibl"), Platform(settings), None)
    assert isinstance(tick, dg.SensorResult)
    asked = [one for one in tick.run_requests or [] if BACKFILL_TAG in one.tags]
    for one in asked:
        assert one.job_name == "ibl_session"
        assert (one.tags[SOURCE_TAG], one.tags[SNAPSHOT_TAG], one.tags[REASON_TAG]) == ("ibl", "1", "nh backfill")
    return {(str(one.partition_key), key.path[-1]) for one in asked for key in one.asset_selection or ()}


def test_exactly_the_stale_assets_of_each_session_are_asked_for(home: Path) -> None:
    nh(home, "sync", "ibl")
    first, second = nh(home, "sessions", "--source", "ibl", "--ids").output.split()
    nh(home, "materialize", "ibl", first)
    store = Platform(load_settings(home)).store
    shutil.rmtree(store.asset_folder("ibl", first, "windows"))
    assert asked_pairs(home) == set()
    assert "2 sessions queued as backfill" in nh(home, "backfill", "ibl").output
    assert asked_pairs(home) == {(second, asset) for asset in session_assets("ibl")} | {(first, "windows")}


def test_nh_says_how_a_backfill_is_followed_and_how_much_of_it_is_left(home: Path) -> None:
    nh(home, "sync", "ibl")
    said = nh(home, "backfill", "ibl").output
    number = said.split("queued as backfill ")[1].split(".")[0]
    assert f"by the tag nh/backfill={number}" in said.replace("\n", " ")
    assert f"ibl: 2 sessions of backfill {number} are still to be made" in nh(home, "status").output
    first = nh(home, "sessions", "--source", "ibl", "--ids").output.split()[0]
    nh(home, "materialize", "ibl", first)
    assert f"ibl: 1 session of backfill {number} is still to be made" in nh(home, "status").output


def test_a_limit_leaves_the_lighter_sessions(home: Path) -> None:
    nh(home, "sync", "ibl")
    assert "1 session queued as backfill" in nh(home, "backfill", "ibl", "--limit", "1").output
    heavy = Platform(load_settings(home)).manifest("ibl").session_ids[0]
    assert {session for session, _ in asked_pairs(home)} == {heavy}


def test_a_current_session_is_not_asked_for(home: Path) -> None:
    nh(home, "sync", "ibl")
    first, second = nh(home, "sessions", "--source", "ibl", "--ids").output.split()
    nh(home, "materialize", "ibl", first)
    assert "1 session queued as backfill" in nh(home, "backfill", "ibl").output
    assert {session for session, _ in asked_pairs(home)} == {second}
    assert "0 of 1 sessions lack something" in nh(home, "backfill", "ibl", first).output


def test_a_gated_session_is_named_with_its_reasons_and_never_tried_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "spike times are NaN or not sorted within a unit"
    nh(home, "sync", "ibl")
    first = nh(home, "sessions", "--source", "ibl", "--ids").output.split()[0]
    with monkeypatch.context() as patched:
        patched.setattr(raw_spikes, "gate_of", lambda *_: Gate((reason,)))
        failed = nh(home, "materialize", "ibl", first, code=1)
    assert f"it is gated: {reason}" in failed.stderr.replace("\n", " ")
    assert "Stack Trace" not in failed.stderr
    done = nh(home, "materialize", "ibl", "--missing")
    assert "1 session, 7 assets materialized" in done.output
    for again in (
        nh(home, "materialize", "ibl", "--missing"),
        nh(home, "materialize", "ibl", "--missing", "--dry-run"),
        nh(home, "backfill", "ibl", first),
    ):
        assert f"gated ibl {first}" in again.stderr
        assert reason in again.stderr
        assert "materialized" not in again.output
        assert "queued as" not in again.output
    assert asked_pairs(home) == set()
    shown = nh(home, "show", "ibl", first).output
    assert shown.count("│ gated ") == 4
    assert reason in shown
    row = ibl_status(home)
    assert (row["gated"], row["stale"], row["failed"]) == (1, 0, 0)


def test_status_counts_sessions_by_what_became_of_them(home: Path) -> None:
    assert "never synced" in str(ibl_status(home)["release"])
    nh(home, "sync", "ibl")
    first, second = nh(home, "sessions", "--source", "ibl", "--ids").output.split()
    nh(home, "materialize", "ibl", first)
    row = ibl_status(home)
    assert (row["sessions"], row["ingested"], row["stale"], row["not loaded"]) == (2, 1, 0, 1)
    remove_session(home / "upstream" / "ibl", second)
    nh(home, "sync", "ibl")
    row = ibl_status(home)
    assert (row["sessions"], row["ingested"], row["withdrawn"]) == (1, 1, 1)


def test_a_failed_session_is_counted(home: Path) -> None:
    nh(home, "sync", "ibl")
    first = nh(home, "sessions", "--source", "ibl", "--ids").output.split()[0]
    for path in (home / "upstream" / "ibl").rglob("spikes.times.npy"):
        path.write_bytes(b"broken")
    nh(home, "materialize", "ibl", first, code=1)
    assert ibl_status(home)["failed"] == 1


def test_an_unknown_session_is_named(home: Path) -> None:
    nh(home, "sync", "ibl")
    assert "nope" in nh(home, "backfill", "ibl", "nope", code=1).stderr
