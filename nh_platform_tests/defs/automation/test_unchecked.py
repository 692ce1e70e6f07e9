"""What is stored and was not checked to the end is asked for again: by the sensor, by commands, and not for ever."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from nh_platform import operations
from nh_platform.defs import checks as checks_of_sessions
from nh_platform.defs.automation import session_job_name
from nh_platform.defs.automation.release_sensor import ASKED_FOR_CHECKS, evaluate_release
from nh_platform.defs.automation.unchecked import not_checked, with_checks
from nh_platform.defs.build import build_defs
from nh_platform.defs.checks import GATE, session_checks
from nh_platform.defs.partitions import register_sessions
from nh_platform.defs.run_launcher import end_lost_runs
from nh_platform.defs.run_tags import BACKFILL_TAG, REASON_TAG
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.in_process import QUIET
from nh_platform.operations.instance import open_instance
from nh_platform.operations.opened_home import OpenHome
from nh_platform.operations.side_by_side.planned_runs import SessionPlan
from nh_platform.planning import run_requests
from nh_platform.planning.session_states import source_states
from nh_platform.sources.registry import source_entry
from nh_platform_tests.homes import make_home

SOURCE = "allen_vc"
AT_THE_GATE = "import nh_platform.defs.checks as at; at.read_gate = killed"
AT_ITS_OUTCOMES = "import nh_platform.defs.session_assets as at; at.checks_of_making = killed"
"""Where a run is killed: before the check of an output that Dagster has, and between an output and Dagster's event."""
_NH = """
import os, signal
def killed(*_): os.kill(os.getpid(), signal.SIGKILL)
{killed}
from nh_platform.cli.app import app
app()
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a home with a session that is made and checked."""
    home = tmp_path_factory.mktemp("unchecked")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        make_home(home, (SOURCE,), n_sessions=1)
        operations.sync(home, SOURCE)
        assert not operations.materialize(home, SOURCE).failed
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("NH_HOME", str(tmp_path / "home"))
    return Path(shutil.copytree(made, tmp_path / "home", symlinks=True))


def kill(home: Path, where: str, asset: str) -> str:
    """Have `nh materialize` make an asset of a session again and kill it -9; return the session."""
    session = Platform(load_settings(home)).manifest(SOURCE).session_ids[0]
    command = ["--home", str(home), "materialize", SOURCE, session, "--asset", asset]
    done = subprocess.run([sys.executable, "-c", _NH.format(killed=where), *command], capture_output=True)
    assert done.returncode == -signal.SIGKILL, done
    return session


@contextmanager
def opened(home: Path) -> Iterator[OpenHome]:
    settings = load_settings(home)
    with open_instance(settings) as instance:
        yield OpenHome(Platform(settings), instance)


def requests(at: OpenHome) -> list[dg.RunRequest]:
    """Return what a tick of the sensor asks for of sessions."""
    result = evaluate_release(at.instance, source_entry(SOURCE), at.platform, None)
    assert isinstance(result, dg.SensorResult), result
    return [one for one in result.run_requests or [] if one.partition_key]


def run(at: OpenHome, request: dg.RunRequest) -> bool:
    """Run a request as the daemon does, in this process."""
    job = build_defs(at.platform, queued=False).resolve_job_def(session_job_name(SOURCE))
    subset = job.get_subset(
        asset_selection=set(request.asset_selection or ()), asset_check_selection=set(request.asset_check_keys or ())
    )
    return subset.execute_in_process(
        instance=at.instance,
        partition_key=request.partition_key,
        tags=dict(request.tags),
        raise_on_error=False,
        run_config=QUIET,
    ).success


def lacking(at: OpenHome) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return what is not checked, by session: what is to be checked alone, and what is to be made again."""
    found = with_checks(at.instance, at.platform, SOURCE, source_states(at.platform, SOURCE))
    return {one.session_id: (one.unchecked, one.unrecorded) for one in found.sessions if one.lacking}


def leave_unchecked(at: OpenHome) -> str:
    """Leave plans of all that is stored of a session, as a backfill of the page does that is cancelled."""
    session = at.platform.manifest(SOURCE).session_ids[0]
    job = at.definitions.resolve_job_def(session_job_name(SOURCE))
    planned = at.instance.create_run_for_job(job, tags={"dagster/partition": session})
    at.instance.report_run_canceled(planned)
    return session


def test_checks_of_a_run_that_was_killed_before_them_are_run_alone_by_the_sensor(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = kill(home, AT_THE_GATE, "raw_spikes")
    with opened(home) as at:
        assert requests(at) == [], "it is being run, as far as Dagster knows"
        assert end_lost_runs(at.instance)
        assert operations.status(at).sources[SOURCE].n_unchecked == 1
        assert requests(at) == [], "a run that was killed is tried again after some minutes"
        monkeypatch.setattr(run_requests, "FIRST_GAP_S", 0.0)
        (request,) = requests(at)
        assert (request.partition_key, request.asset_selection) == (session, [])
        assert {key.name for key in request.asset_check_keys or ()} == {GATE, checks_of_sessions.PLAUSIBLE}
        assert request.tags[REASON_TAG] == ASKED_FOR_CHECKS
        assert run(at, request)
        assert requests(at) == []
        assert operations.status(at).sources[SOURCE].n_unchecked == 0
        keys = session_checks(source_entry(SOURCE), at.platform)["raw_spikes"]
        infos = at.instance.event_log_storage.get_asset_check_partition_info(keys)
        assert [one.is_current for one in infos if one.partition_key == session] == [True, True]


def test_what_was_published_before_dagster_had_it_is_made_again_by_nh_materialize(home: Path) -> None:
    session = kill(home, AT_ITS_OUTCOMES, "unit_embeddings")
    planned = operations.materialize(home, SOURCE, dry_run=True)
    assert planned.plans == (), "it is being run, as far as Dagster knows"
    done = operations.materialize(home, SOURCE)
    assert [one.plan for one in done.outcomes] == [SessionPlan(SOURCE, session, ("unit_embeddings",))]
    assert not done.failed
    with opened(home) as at:
        assert lacking(at) == {}
    assert operations.materialize(home, SOURCE).plans == ()


def test_what_a_person_stopped_is_checked_and_not_made_by_nh_backfill_and_nh_materialize(home: Path) -> None:
    """A backfill of the page that is cancelled leaves plans of what is stored; its checks are run, it is not made."""
    with opened(home) as at:
        session = leave_unchecked(at)
        assert lacking(at) == {session: (("raw_spikes", "units"), ())}
        asked = operations.backfill(at, SOURCE, dry_run=True)
        assert (asked.sessions, asked.stale) == ((session,), {})
        assert asked.checked == {session: ("raw_spikes", "units")}
        queued = operations.backfill(at, SOURCE)
        (request,) = requests(at)
        assert request.tags[BACKFILL_TAG] == queued.id
        assert operations.status(at).sources[SOURCE].backfills == {queued.id: 1}
        before = at.instance.get_latest_materialization_event(dg.AssetKey([SOURCE, "units"]))
        (outcome,) = operations.materialize(at, SOURCE, assets=["units"]).outcomes
        assert outcome.success
        assert (outcome.plan.assets, outcome.plan.checked) == ((), ("units",))
        assert outcome.checks_passed + len(outcome.warned) == len(
            session_checks(source_entry(SOURCE), at.platform)["units"]
        )
        assert lacking(at) == {session: (("raw_spikes",), ())}
        assert operations.materialize(at, SOURCE).outcomes[0].success
        assert operations.status(at).sources[SOURCE].backfills == {}
        assert at.instance.get_latest_materialization_event(dg.AssetKey([SOURCE, "units"])) == before


def test_a_check_that_crashes_is_tried_twice_and_left_to_a_person(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crashing(_: Path) -> None:
        raise ValueError("it cannot be read")

    monkeypatch.setattr(checks_of_sessions, "read_gate", crashing)
    with opened(home) as at:
        leave_unchecked(at)
        keys = set()
        for _ in range(2):
            (request,) = requests(at)
            keys.add(request.run_key)
            assert not run(at, request)
        assert len(keys) == 2
        assert requests(at) == []
        assert operations.status(at).sources[SOURCE].n_failed == 1


def test_what_a_history_does_not_know_is_left_alone(home: Path, tmp_path: Path) -> None:
    """The history was lost, or is another machine's: nothing is made anew for that."""
    shutil.rmtree(home / "dagster")
    with opened(home) as at:
        register_sessions(at.instance, SOURCE, at.platform.manifest(SOURCE).session_ids)
        assert requests(at) == []
        assert lacking(at) == {}


def test_a_check_that_never_ran_is_one(home: Path) -> None:
    with opened(home) as at:
        (session,) = at.platform.manifest(SOURCE).session_ids
        current = {session: ["raw_spikes", "units"]}
        known = session_checks(source_entry(SOURCE), at.platform)
        assert not_checked(at.instance, at.platform, SOURCE, current, known) == {}
        new = dg.AssetCheckKey(dg.AssetKey([SOURCE, "units"]), "of_tomorrow")
        found = not_checked(at.instance, at.platform, SOURCE, current, {**known, "units": [*known["units"], new]})
        assert {name: one.unchecked for name, one in found.items()} == {session: ("units",)}


@pytest.mark.parametrize("n_sessions", [2, 1000])
def test_the_question_takes_as_many_statements_for_a_thousand_sessions_as_for_two(home: Path, n_sessions: int) -> None:
    asked: list[str] = []

    def listen(*given: Any) -> None:
        asked.append(given[2])

    with opened(home) as at:
        current = {f"s{number}": ["raw_spikes", "units"] for number in range(n_sessions)}
        sa.event.listen(sa.Engine, "before_cursor_execute", listen)
        try:
            not_checked(at.instance, at.platform, SOURCE, current)
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", listen)
    assert len([one for one in asked if "_logs" in one or "_executions" in one]) == 2
