"""The release sensor on simulated homes, tick by tick, with runs put into the instance by hand."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from nh_platform.cli.sync import sync_platform
from nh_platform.defs import automation
from nh_platform.defs.automation import (
    PARTITION_TAG,
    RELEASE_ATTEMPTS,
    SIGNAL_TAG,
    SNAPSHOT_TAG,
    SOURCE_TAG,
    TARGET_TAG,
    build_release_sensor,
    evaluate_release,
    release_job_name,
    session_job_name,
)
from nh_platform.defs.platform import Platform
from nh_platform.defs.registry import source_entry
from nh_platform.defs.session_states import SourceStates, source_states
from nh_platform.session import BadUpstreamData
from nh_platform.simulation import TINY, write_allen_vc
from nh_platform_tests.homes import SEED, make_home

SOURCE = "allen_vc"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def platform(tmp_path: Path, instance: dg.DagsterInstance) -> Platform:
    """Give a home whose first catalogue had one session; the second brought another, which is thus asked for."""
    made = make_home(tmp_path, (SOURCE,), n_sessions=1)
    sync_platform(made, instance, SOURCE)
    release_one_more(made, 1)
    sync_platform(made, instance, SOURCE)
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


def session_requests(result: dg.SensorResult) -> list[dg.RunRequest]:
    return [request for request in result.run_requests or [] if request.partition_key]


def release_requests(result: dg.SensorResult) -> list[dg.RunRequest]:
    return [request for request in result.run_requests or [] if not request.partition_key]


def test_only_the_session_of_the_later_release_is_asked_for(instance: dg.DagsterInstance, platform: Platform) -> None:
    (request,) = session_requests(tick(instance, platform))
    states = {state.session_id: state for state in source_states(platform, SOURCE).sessions}
    state = states[str(request.partition_key)]
    assert state.in_scope
    assert [key.path[-1] for key in request.asset_selection or ()] == list(state.stale)
    assert request.tags == {SOURCE_TAG: SOURCE, TARGET_TAG: state.target, SNAPSHOT_TAG: "2"}
    assert request.asset_check_keys, "the rules run with the units"


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

    monkeypatch.setattr(automation, "source_states", read_the_store_and_then_the_run_ends)
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

    monkeypatch.setattr(automation, "source_states", read_the_store_and_then_a_run_starts)
    assert session_requests(tick(instance, platform)) == []


def test_a_failed_session_is_tried_once_more_and_then_left_to_a_person(
    instance: dg.DagsterInstance, platform: Platform
) -> None:
    keys = []
    for _ in range(2):
        (request,) = session_requests(tick(instance, platform))
        keys.append(request.run_key)
        put_run(instance, request, dg.DagsterRunStatus.FAILURE)
    assert len(set(keys)) == 2
    result = tick(instance, platform)
    assert session_requests(result) == []
    assert "1 failed" in str(result.skip_reason)


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
    assert "upstream could not be asked (the warehouse" in words
    assert "1 in progress" in words


def test_the_sensor_reads_the_settings_as_they_are_at_the_tick(
    instance: dg.DagsterInstance, platform: Platform, tmp_path: Path
) -> None:
    sensor = build_release_sensor(source_entry(SOURCE), platform)
    targets = []
    for line in ("", "  presets: [stim-aligned-500ms-20ms]\n"):
        with (tmp_path / "sources.yaml").open("a", encoding="utf-8") as settings:
            settings.write(line)
        with dg.build_sensor_context(instance) as context:
            result = sensor(context)
        assert isinstance(result, dg.SensorResult)
        (request,) = result.run_requests or []
        targets.append(request.tags[TARGET_TAG])
    assert targets[0] != targets[1]
