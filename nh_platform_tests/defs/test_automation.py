"""The release sensor on simulated homes, tick by tick, with runs put into the instance by hand."""

from __future__ import annotations

import errno
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, InstigatorType
from dagster._core.storage.tags import PRIORITY_TAG
from sqlalchemy.exc import OperationalError

from nh_platform import operations
from nh_platform.assets.registry import session_assets, source_assets
from nh_platform.defs.automation import (
    attempts,
    build_release_schedule,
    evaluate_release,
    release_job_name,
    release_sensor,
    release_sensor_name,
    session_job_name,
)
from nh_platform.defs.automation.attempts import session_decision
from nh_platform.defs.automation.jobs import inventory_job_name
from nh_platform.defs.automation.recent_work import UNTOLD, UNUSABLE
from nh_platform.defs.automation.release_sensor import ASKED, ASKED_BY_A_PERSON
from nh_platform.defs.automation.ticks import tick_words
from nh_platform.defs.automation.upstream_looks import RELEASE_ATTEMPTS
from nh_platform.defs.build import build_defs
from nh_platform.defs.inventory import (
    INVENTORY,
    build_inventory_schedule,
    inventory_selection,
)
from nh_platform.defs.partitions import register_sessions, session_partitions
from nh_platform.defs.release_manifest import diff_text
from nh_platform.defs.run_tags import (
    BACKFILL_TAG,
    MEMORY_TAG,
    OUTSIDE_TAG,
    PARTITION_TAG,
    REASON_TAG,
    SIGNAL_TAG,
    SNAPSHOT_TAG,
    SOURCE_TAG,
    TARGET_TAG,
    TROUBLE_TAG,
    UNUSABLE_TAG,
    failure_tag,
)
from nh_platform.defs.stored_files import STORED_FILES
from nh_platform.history.comparison.release_diff import diff_manifests
from nh_platform.history.snapshots import list_snapshots
from nh_platform.history.wanted import Asked, ask
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations import backfill, sync
from nh_platform.operations.instance import open_instance
from nh_platform.operations.opened_home import OpenHome
from nh_platform.planning.run_requests import FIRST_GAP_S, TRIED_LATER, Decision
from nh_platform.planning.session_states import SourceStates, source_states
from nh_platform.session import BadUpstreamData, ConfigError, StoreError, UpstreamTrouble
from nh_platform.simulation import TINY, write_allen_vc
from nh_platform.sources.entry import SourceEntry
from nh_platform.sources.registry import source_entry
from nh_platform.store.durable import copy_of
from nh_platform.store.names import SOURCE_WIDE
from nh_platform_tests.homes import SEED, make_home

SOURCE = "allen_vc"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture(scope="module")
def two_releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a home whose first catalogue had one session; the second brought another, which is thus asked for."""
    folder = tmp_path_factory.mktemp("two_releases")
    made = make_home(folder, (SOURCE,), n_sessions=1)
    with dg.DagsterInstance.ephemeral() as instance:
        sync(OpenHome(made, instance), SOURCE)
        release_one_more(made, 1)
        sync(OpenHome(made, instance), SOURCE)
    return folder


@pytest.fixture
def platform(tmp_path: Path, two_releases: Path, instance: dg.DagsterInstance) -> Platform:
    """Give a copy of that home."""
    copied = shutil.copytree(two_releases, tmp_path / "home")
    made = Platform(load_settings(copied))
    register_sessions(instance, SOURCE, made.manifest(SOURCE).session_ids)
    return made


def release_one_more(platform: Platform, first: int) -> None:
    write_allen_vc(platform.settings.home / "upstream" / SOURCE, 1, SEED, size=TINY, first=first)


def tick(instance: dg.DagsterInstance, platform: Platform, cursor: str | None = None) -> dg.SensorResult:
    result = evaluate_release(instance, source_entry(SOURCE), platform, cursor)
    assert isinstance(result, dg.SensorResult), result
    return result


def put_run(
    instance: dg.DagsterInstance, request: dg.RunRequest, status: dg.DagsterRunStatus, run_id: str | None = None
) -> str:
    """Put the run that the daemon would launch for a request into the instance, in the given state."""
    tags = dict(request.tags)
    if request.partition_key:
        tags[PARTITION_TAG] = request.partition_key
    run = dg.DagsterRun(
        job_name=session_job_name(SOURCE) if request.partition_key else release_job_name(SOURCE),
        run_id=run_id or str(uuid.uuid4()),
        status=status,
        tags=tags,
    )
    instance.add_run(run)
    return run.run_id


def fail(instance: dg.DagsterInstance, request: dg.RunRequest, tag: str = TROUBLE_TAG) -> None:
    """Put a run into the instance that failed in an asset, as it says itself."""
    instance.add_run_tags(put_run(instance, request, dg.DagsterRunStatus.FAILURE), {tag: "yes"})


def session_requests(result: dg.SensorResult) -> list[dg.RunRequest]:
    return [request for request in result.run_requests or [] if request.partition_key]


def release_requests(result: dg.SensorResult) -> list[dg.RunRequest]:
    return [request for request in result.run_requests or [] if not request.partition_key]


def test_only_the_session_of_the_later_release_is_asked_for(instance: dg.DagsterInstance, platform: Platform) -> None:
    (request,) = session_requests(tick(instance, platform))
    states = {state.session_id: state for state in source_states(platform, SOURCE).sessions}
    state = states[str(request.partition_key)]
    assert state.is_wanted
    assert [key.path[-1] for key in request.asset_selection or ()] == list(state.stale)
    assert request.tags == {
        SOURCE_TAG: SOURCE,
        TARGET_TAG: state.target,
        SNAPSHOT_TAG: "2",
        REASON_TAG: ASKED,
        MEMORY_TAG: "small",
        PRIORITY_TAG: "0",
    }
    assert request.job_name == session_job_name(SOURCE)
    assert request.asset_check_keys, "the rules run with the units"


def test_a_session_of_a_backfill_of_the_page_is_left_to_it(instance: dg.DagsterInstance, platform: Platform) -> None:
    (request,) = session_requests(tick(instance, platform))
    session = str(request.partition_key)
    register_sessions(instance, SOURCE, [session])
    subset = session_partitions(SOURCE).subset_with_partition_keys([session])
    by_asset = dict.fromkeys(request.asset_selection or (), subset)
    queued = PartitionBackfill.from_asset_graph_subset(
        backfill_id="of-the-page",
        backfill_timestamp=time.time(),
        tags={},
        dynamic_partitions_store=instance,
        asset_graph_subset=AssetGraphSubset(partitions_subsets_by_asset_key=by_asset),
        title=None,
        description=None,
        run_config=None,
    )
    instance.add_backfill(queued)
    assert session_requests(tick(instance, platform)) == []
    instance.update_backfill(queued.with_status(BulkActionStatus.COMPLETED_FAILED))
    assert [again.partition_key for again in session_requests(tick(instance, platform))] == [session]


def test_what_a_person_asks_for_is_tried_again_and_comes_first(
    instance: dg.DagsterInstance, platform: Platform
) -> None:
    """Neither tries that failed nor data that could not be used keep the sensor from it, and its run keys are new."""
    (request,) = session_requests(tick(instance, platform))
    session = str(request.partition_key)
    fail(instance, request)
    (second,) = session_requests(tick(instance, platform))
    fail(instance, second, UNUSABLE_TAG)
    assert session_requests(tick(instance, platform)) == []
    asked = backfill(OpenHome(platform, instance), SOURCE)
    assert set(asked.stale) == set(platform.manifest(SOURCE).session_ids), "also the one that nobody wanted before"
    both = session_requests(tick(instance, platform))
    assert {str(one.partition_key) for one in both} == set(asked.stale)
    assert {one.tags[BACKFILL_TAG] for one in both} == {asked.id}
    assert {one.tags[REASON_TAG] for one in both} == {ASKED_BY_A_PERSON}
    (third,) = [one for one in both if one.partition_key == session]
    assert third.run_key not in (request.run_key, second.run_key)
    said = tick_words(SOURCE, (states := source_states(platform, SOURCE)), decided(instance, platform, states))
    assert f"2 of backfill {asked.id} to go" in said[0]
    for one in both:
        fail(instance, one, UNUSABLE_TAG)
    assert session_requests(tick(instance, platform)) == [], (
        "it was tried as asked; another request is another decision"
    )
    states = source_states(platform, SOURCE)
    assert "of backfill" not in tick_words(SOURCE, states, decided(instance, platform, states))[0]


def decided(instance: dg.DagsterInstance, platform: Platform, states: SourceStates) -> Decision:
    return session_decision(instance, platform.store, SOURCE, states)


def test_a_sensor_that_was_stopped_is_named_by_nh_backfill(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    location = RegisteredCodeLocationOrigin("nh_platform")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), release_sensor_name(SOURCE))
    with open_instance(platform.settings) as instance:
        home = OpenHome(platform, instance)
        assert not backfill(home, SOURCE).is_stopped
        instance.add_instigator_state(InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.STOPPED))
        assert backfill(home, SOURCE).is_stopped


def test_a_tick_that_is_repeated_asks_with_the_same_key(instance: dg.DagsterInstance, platform: Platform) -> None:
    first, second = tick(instance, platform), tick(instance, platform)
    assert [r.run_key for r in session_requests(first)] == [r.run_key for r in session_requests(second)]


def test_a_run_that_ends_while_the_store_is_read_is_not_asked_for_again(
    instance: dg.DagsterInstance, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    (request,) = session_requests(tick(instance, platform))
    run_id = put_run(instance, request, dg.DagsterRunStatus.STARTED)

    def read_the_store_and_then_the_run_ends(platform: Platform, source: str) -> SourceStates:
        states = source_states(platform, source)
        instance.delete_run(run_id)
        put_run(instance, request, dg.DagsterRunStatus.SUCCESS, run_id)
        return states

    monkeypatch.setattr(release_sensor, "source_states", read_the_store_and_then_the_run_ends)
    assert session_requests(tick(instance, platform)) == []


def test_a_run_that_somebody_launches_while_the_store_is_read_counts(
    instance: dg.DagsterInstance, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    (request,) = session_requests(tick(instance, platform))
    by_hand = dg.RunRequest(partition_key=request.partition_key)

    def read_the_store_and_then_a_run_starts(platform: Platform, source: str) -> SourceStates:
        states = source_states(platform, source)
        put_run(instance, by_hand, dg.DagsterRunStatus.STARTED)
        return states

    monkeypatch.setattr(release_sensor, "source_states", read_the_store_and_then_a_run_starts)
    assert session_requests(tick(instance, platform)) == []


def test_a_failed_session_is_tried_once_more_and_then_left_to_a_person(
    instance: dg.DagsterInstance, platform: Platform
) -> None:
    keys = []
    for _ in range(2):
        (request,) = session_requests(tick(instance, platform))
        keys.append(request.run_key)
        fail(instance, request)
    assert len(set(keys)) == 2
    result = tick(instance, platform)
    assert session_requests(result) == []
    assert "1 failed" in str(result.skip_reason)


def test_a_clock_that_was_set_back_by_a_day_leaves_the_number_of_tries_bounded(
    instance: dg.DagsterInstance, platform: Platform
) -> None:
    """Neither a release nor a backfill of tomorrow makes today's tries count as none."""
    tomorrow = time.time() + 86400.0
    for folder in (platform.store.root / SOURCE / SOURCE_WIDE / "release_manifest").iterdir():
        os.utime(folder, (tomorrow, tomorrow))
    states = source_states(platform, SOURCE)
    ask(platform.store, SOURCE, {one.session_id: Asked("one", tomorrow, one.target) for one in states.sessions}, "test")
    n_tries = 0
    while requests := session_requests(tick(instance, platform)):
        for request in requests:
            n_tries += 1
            fail(instance, request)
        assert n_tries <= 2 * len(states.sessions)
    assert n_tries == 2 * len(states.sessions)


@pytest.mark.parametrize("tags", [{}, {OUTSIDE_TAG: "yes"}, {OUTSIDE_TAG: "yes", UNUSABLE_TAG: "yes"}])
def test_a_run_that_was_killed_or_failed_outside_its_session_is_asked_for_again_later(
    instance: dg.DagsterInstance, platform: Platform, monkeypatch: pytest.MonkeyPatch, tags: dict[str, str]
) -> None:
    """A killed process and a code server that timed out leave no tag; a full disk leaves one."""
    (request,) = session_requests(tick(instance, platform))
    instance.add_run_tags(put_run(instance, request, dg.DagsterRunStatus.FAILURE), tags)
    result = tick(instance, platform)
    assert session_requests(result) == []
    assert "1 failed (1 tried again later)" in str(result.skip_reason)
    failed = session_decision(instance, platform.store, SOURCE, source_states(platform, SOURCE)).failed
    assert failed == {request.partition_key: TRIED_LATER}
    found = operations.status(OpenHome(platform, instance)).sources[SOURCE]
    assert getattr(found, "n_failed", None) == 1
    now = time.time()
    monkeypatch.setattr(attempts.time, "time", lambda: now + FIRST_GAP_S + 1)
    (again,) = session_requests(tick(instance, platform))
    assert again.partition_key == request.partition_key
    assert again.run_key != request.run_key


def test_the_first_announcement_is_taken_as_known(instance: dg.DagsterInstance, platform: Platform) -> None:
    assert release_requests(tick(instance, platform)) == []


def test_an_announcement_is_looked_at_until_a_look_succeeds(instance: dg.DagsterInstance, platform: Platform) -> None:
    cursor = tick(instance, platform).cursor
    release_one_more(platform, 2)
    first = tick(instance, platform, cursor)
    (request,) = release_requests(first)
    assert request.tags[SIGNAL_TAG] == platform.source(SOURCE).signal()
    run_id = put_run(instance, request, dg.DagsterRunStatus.STARTED)
    assert release_requests(tick(instance, platform, first.cursor)) == [], "one look at a time"
    instance.delete_run(run_id)
    put_run(instance, request, dg.DagsterRunStatus.FAILURE)
    (again,) = release_requests(tick(instance, platform, first.cursor))
    assert again.run_key != request.run_key
    put_run(instance, again, dg.DagsterRunStatus.SUCCESS)
    read = tick(instance, platform, first.cursor)
    assert release_requests(read) == []
    assert release_requests(tick(instance, platform, read.cursor)) == []


def test_a_look_that_always_fails_waits_for_the_daily_one(instance: dg.DagsterInstance, platform: Platform) -> None:
    cursor = tick(instance, platform).cursor
    release_one_more(platform, 2)
    keys = set()
    for _ in range(RELEASE_ATTEMPTS):
        (request,) = release_requests(tick(instance, platform, cursor))
        keys.add(request.run_key)
        put_run(instance, request, dg.DagsterRunStatus.FAILURE)
    assert len(keys) == RELEASE_ATTEMPTS
    assert release_requests(tick(instance, platform, cursor)) == []


def test_an_upstream_that_does_not_answer_is_named_and_stops_no_session(
    instance: dg.DagsterInstance, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_answer(_: object) -> str:
        raise BadUpstreamData("the warehouse", "it does not answer", "Try again later.")

    monkeypatch.setattr(type(platform.source(SOURCE)), "signal", no_answer)
    (request,) = session_requests(tick(instance, platform))
    put_run(instance, request, dg.DagsterRunStatus.STARTED)
    words = str(tick(instance, platform).skip_reason)
    assert "upstream could not be asked since " in words
    assert "(the warehouse: it does not answer" in words
    assert "1 in progress" in words


def test_the_sensor_reads_the_settings_as_they_are_at_the_tick(
    instance: dg.DagsterInstance, platform: Platform, tmp_path: Path
) -> None:
    (sensor,) = [one for one in build_defs(platform).sensors or () if one.name == f"{SOURCE}_release_sensor"]
    targets = []
    for line in ("", "  presets: [stim-halves-500ms]\n"):
        with (platform.settings.home / "sources.yaml").open("a", encoding="utf-8") as settings:
            settings.write(line)
        with dg.build_sensor_context(instance) as context:
            result = sensor(context)
        assert isinstance(result, dg.SensorResult)
        (request,) = result.run_requests or []
        targets.append(request.tags[TARGET_TAG])
    assert targets[0] != targets[1]


def execute(instance: dg.DagsterInstance, platform: Platform, request: dg.RunRequest) -> bool:
    """Run a request as the daemon does, in this process."""
    name = session_job_name(SOURCE) if request.partition_key else release_job_name(SOURCE)
    job = build_defs(platform).resolve_job_def(name)
    result = job.execute_in_process(
        instance=instance,
        partition_key=request.partition_key,
        asset_selection=list(request.asset_selection or ()),
        tags=dict(request.tags),
        raise_on_error=False,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    return result.success


def test_what_is_asked_for_runs_and_is_not_asked_for_again(instance: dg.DagsterInstance, platform: Platform) -> None:
    first = tick(instance, platform)
    (request,) = session_requests(first)
    assert execute(instance, platform, request)
    (session,) = platform.store.sessions(SOURCE)
    assert session == request.partition_key
    assert all(platform.store.current(SOURCE, session, asset) for asset in session_assets(SOURCE))
    release_one_more(platform, 2)
    (look,) = release_requests(tick(instance, platform, first.cursor))
    assert execute(instance, platform, look)
    (new,) = session_requests(tick(instance, platform, first.cursor))
    assert new.partition_key not in (session, *first_catalogue(platform))


def first_catalogue(platform: Platform) -> list[str]:
    return list(list_snapshots(platform.store, SOURCE)[0].manifest().session_ids)


def test_unusable_upstream_data_are_tried_once_and_counted_by_the_inventory(
    instance: dg.DagsterInstance, platform: Platform
) -> None:
    (request,) = session_requests(tick(instance, platform))
    session = str(request.partition_key)
    (file,) = (platform.settings.home / "upstream" / SOURCE).rglob(f"session_{session}.nwb")
    file.write_bytes(file.read_bytes()[:5000])
    assert not execute(instance, platform, request)
    ended = tick(instance, platform)
    assert session_requests(ended) == []
    assert "1 unusable until upstream changes" in str(ended.skip_reason)

    job = build_defs(platform).resolve_job_def(inventory_job_name(SOURCE))
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    (check,) = [each for each in result.get_asset_check_evaluations() if each.check_name == INVENTORY]
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.WARN
    assert str(check.description).startswith(
        "1 session is left failed, 0 sessions are gated. Run `nh materialize allen_vc"
    )
    assert session in str(check.description)
    assert check.metadata["failed"].value == 1
    assert check.metadata["sessions made in 24 h"].value == 0
    assert check.metadata[f"runs failed in 24 h, {UNUSABLE}"].value == 1
    assert check.metadata[f"runs failed in 24 h, {UNTOLD}"].value == 0


def test_a_snapshot_that_changes_other_sessions_is_no_reason_to_try_unusable_data_again(
    instance: dg.DagsterInstance, platform: Platform
) -> None:
    (request,) = session_requests(tick(instance, platform))
    states = source_states(platform, SOURCE)
    run = put_run(instance, request, dg.DagsterRunStatus.FAILURE)
    instance.add_run_tags(run, {UNUSABLE_TAG: "yes"})
    release_one_more(platform, 2)
    sync(OpenHome(platform, instance), SOURCE)
    assert source_states(platform, SOURCE).snapshot == states.snapshot + 1
    asked = [str(one.partition_key) for one in session_requests(tick(instance, platform))]
    assert len(asked) == 1
    assert request.partition_key not in asked
    instance.add_run_tags(run, {TROUBLE_TAG: "yes"})
    assert len(session_requests(tick(instance, platform))) == 2, "what failed on something else too is tried again"


def test_failures_of_states_that_are_no_longer_wanted_are_not_read(
    instance: dg.DagsterInstance, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every tick read all failures on upstream's data that a source ever had."""
    (request,) = session_requests(tick(instance, platform))
    for state in ("an earlier state", "another earlier state", request.tags[TARGET_TAG]):
        earlier = request._replace(tags={**request.tags, TARGET_TAG: state, SNAPSHOT_TAG: "0"})
        run = put_run(instance, earlier, dg.DagsterRunStatus.FAILURE)
        instance.add_run_tags(run, {UNUSABLE_TAG: "yes"})
    read: list[str] = []
    get_run_records = instance.get_run_records

    def recorded(filters: dg.RunsFilter, **kwargs: Any) -> list[dg.RunRecord]:
        records = list(get_run_records(filters, **kwargs))
        if UNUSABLE_TAG in filters.tags:
            read.extend(one.dagster_run.tags.get(TARGET_TAG, "") for one in records)
        return records

    monkeypatch.setattr(instance, "get_run_records", recorded)
    assert session_requests(tick(instance, platform)) == []
    assert read == [request.tags[TARGET_TAG]]


@pytest.mark.parametrize(
    ("error", "tag"),
    [
        (BadUpstreamData("file", "unsorted", "."), UNUSABLE_TAG),
        (UpstreamTrouble("file", "HTTP 503", "."), OUTSIDE_TAG),
        (ConfigError("server", "refused the login", "."), TROUBLE_TAG),
        (StoreError("file", "damaged", "."), TROUBLE_TAG),
        (OSError(errno.ENOSPC, "full"), OUTSIDE_TAG),
        (OSError(errno.ENOENT, "gone"), TROUBLE_TAG),
        (MemoryError(), OUTSIDE_TAG),
        (OperationalError("insert", None, Exception("the server closed the connection")), OUTSIDE_TAG),
    ],
)
def test_upstreams_own_data_are_unusable_and_what_is_outside_a_session_passes(error: Exception, tag: str) -> None:
    assert failure_tag(error) == tag
    with pytest.raises(StoreError) as raised:
        raise StoreError("the store", "it cannot be written", ".") from error
    assert failure_tag(raised.value) == (OUTSIDE_TAG if tag == OUTSIDE_TAG else TROUBLE_TAG)


@pytest.mark.parametrize("build", [build_release_schedule, build_inventory_schedule])
def test_the_daily_looks_leave_a_source_alone_that_nobody_set_up(
    build: Callable[[SourceEntry, Platform], dg.ScheduleDefinition],
    instance: dg.DagsterInstance,
    platform: Platform,
) -> None:
    with dg.build_schedule_context(instance) as context:
        skipped = build(source_entry("ibl"), platform).evaluate_tick(context)
        asked = build(source_entry(SOURCE), platform).evaluate_tick(context)
    assert skipped.run_requests == []
    assert "never synced here; `nh sync ibl`" in str(skipped.skip_message)
    assert len(asked.run_requests or []) == 1


def test_a_daily_inventory_leaves_alone_what_is_current(instance: dg.DagsterInstance, platform: Platform) -> None:
    entry = source_entry(SOURCE)
    assets, checks = inventory_selection(platform, entry.name)
    assert [key.path[-1] for key in assets] == list(source_assets(entry.name))
    job = build_defs(platform).resolve_job_def(inventory_job_name(SOURCE))
    assert job.execute_in_process(instance=instance, raise_on_error=False).success
    assets, checks = inventory_selection(platform, entry.name)
    assert [key.path[-1] for key in assets] == ["reconciliation"]
    assert {key.name for key in checks} == {INVENTORY, STORED_FILES, "counts_reconcile"}


def test_a_release_is_told_in_words(platform: Platform) -> None:
    before, after = (snapshot.manifest() for snapshot in list_snapshots(platform.store, SOURCE))
    (new,) = set(after.session_ids) - set(before.session_ids)
    words = diff_text(diff_manifests(before, after))
    assert "- **session added**: 1" in words
    assert f"1. `{new}`" in words
    assert diff_text(diff_manifests(after, after)) == "Nothing changed since the snapshot before."


def test_a_tick_that_cannot_read_its_records_names_the_file(instance: dg.DagsterInstance, platform: Platform) -> None:
    damaged = platform.store.root / SOURCE / SOURCE_WIDE / "wanted.json"
    damaged.write_text("[")
    copy_of(damaged).write_text("[")
    skipped = evaluate_release(instance, source_entry(SOURCE), platform, None)
    assert isinstance(skipped, dg.SkipReason)
    assert str(damaged) in str(skipped.skip_message)
