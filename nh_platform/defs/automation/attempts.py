"""Runs of sessions as Dagster remembers them: which go on, which ended how, and which sessions are left failed.

Sensor, `nh status`, `nh inventory` and the standing check all count failed sessions with `session_decision`. Add here
another way in which a run comes about. What follows from the facts is decided in `nh_platform.planning.run_requests`.
"""

from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import Sequence
from dataclasses import replace

import dagster as dg

from nh_platform.defs.automation.jobs import session_job_name
from nh_platform.defs.run_tags import (
    PARTITION_TAG,
    SNAPSHOT_TAG,
    SOURCE_TAG,
    TARGET_TAG,
    UNUSABLE_TAG,
    failed_outside,
    is_unusable,
)
from nh_platform.history.snapshots import list_snapshots
from nh_platform.planning.run_requests import Decision, decide
from nh_platform.planning.session_facts import Attempt, AttemptState
from nh_platform.planning.session_states import SourceStates
from nh_platform.store import Store
from nh_platform.store.records import written_at

IN_PROGRESS = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_STATES = {
    dg.DagsterRunStatus.FAILURE: AttemptState.failed,
    dg.DagsterRunStatus.CANCELED: AttemptState.cancelled,
    dg.DagsterRunStatus.SUCCESS: AttemptState.succeeded,
}
_BACKFILL_GOES_ON = "REQUESTED"


def session_decision(
    instance: dg.DagsterInstance,
    store: Store,
    source: str,
    states: SourceStates,
    *,
    running: Sequence[Attempt] = (),
    cap: int = 0,
) -> Decision:
    """Return what is to be done with every session of a source now, and which are left failed.

    Parameters
    ----------
    instance, store, source, states
        Where the runs are, and the sessions, with what their checks lack (`unchecked.with_checks`).
    running
        Runs that were in progress before the store was read.
    cap
        At most this many requests.
    """
    now = time.time()
    attempts = [*running, *in_progress(instance, source), *_ended(instance, store, source, states)]
    unusable = _unusable(instance, source, states)
    return decide(
        states.sessions,
        attempts,
        snapshot=states.snapshot,
        cap=cap,
        unusable=unusable,
        now=now,
        held=frozenset(states.held.sessions if states.held else ()),
        # Asked for in the future: the clock was set back since, and all tries count, else there is no end of them.
        asked={name: one if one.at <= now else replace(one, at=0.0) for name, one in states.asked.items()},
    )


def in_progress(instance: dg.DagsterInstance, source: str) -> list[Attempt]:
    """Return the session runs of a source that did not end yet, launched by whomever, and those of backfills."""
    return [*queued_or_running(instance, source), *in_backfills(instance, source)]


def queued_or_running(instance: dg.DagsterInstance, source: str) -> list[Attempt]:
    """Return the session runs of a source that did not end yet, launched by whomever."""
    attempts = []
    for run in instance.get_runs(dg.RunsFilter(statuses=IN_PROGRESS)):
        session = run.tags.get(PARTITION_TAG)
        if session and is_of(run, source):
            attempts.append(Attempt(session, run.tags.get(TARGET_TAG, ""), AttemptState.in_progress))
    return attempts


def n_made_since(instance: dg.DagsterInstance, source: str, since: float) -> int:
    """Return how many runs of the job of a source's sessions ended well after a time [s since 1970].

    None that ended in the future counts: the clock was set back since, and those of hours would be of one minute.
    """
    done = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.SUCCESS],
        job_name=session_job_name(source),
        updated_after=dt.datetime.fromtimestamp(since, dt.UTC),
        updated_before=dt.datetime.now(dt.UTC),
    )
    return instance.get_runs_count(done)


def is_running(run: dg.DagsterRun) -> bool:
    """Whether a run did not end yet."""
    return run.status in IN_PROGRESS


def in_backfills(instance: dg.DagsterInstance, source: str) -> list[Attempt]:
    """Return the sessions of backfills that were launched in the page: Dagster will launch their runs itself.

    All of them until the last one has ended, made or not.
    """
    sessions: set[str] = set()
    for backfill in instance.get_backfills():
        data = backfill.asset_backfill_data if backfill.status.value == _BACKFILL_GOES_ON else None
        for key, subset in data.target_subset.partitions_subsets_by_asset_key.items() if data else ():
            sessions |= set(subset.get_partition_keys()) if key.path[0] == source else set()
    return [Attempt(session, "", AttemptState.in_progress) for session in sorted(sessions)]


def _ended(instance: dg.DagsterInstance, store: Store, source: str, states: SourceStates) -> list[Attempt]:
    """Return the runs of sessions that lack something, ended since this snapshot was taken, oldest first.

    Whoever launched them. Only these sessions are asked for: over the years a source has thousands of other runs.
    """
    lacking = [state.session_id for state in states.sessions if state.lacking]
    if not lacking:
        return []
    tags: dict[str, str | list[str]] = {PARTITION_TAG: lacking}
    wanted = dg.RunsFilter(statuses=list(_STATES), tags=tags, created_after=_taken(store, source))
    attempts = []
    for record in reversed(instance.get_run_records(wanted)):
        run = record.dagster_run
        if not is_of(run, source) or run.tags.get(SNAPSHOT_TAG, str(states.snapshot)) != str(states.snapshot):
            continue
        state = _STATES[run.status]
        if state is AttemptState.failed and failed_outside(run.tags):
            state = AttemptState.outside
        attempts.append(Attempt(run.tags[PARTITION_TAG], run.tags.get(TARGET_TAG, ""), state, _ended_at(record)))
    return attempts


def _taken(store: Store, source: str) -> dt.datetime | None:
    """Return when the snapshot that counts was stored; None where it is unknown.

    It is also where that is to come: the clock was set back since, and the tries of a day would count as none.
    """
    snapshots = list_snapshots(store, source)
    at = written_at(snapshots[-1].folder) if snapshots else math.inf
    return None if at > time.time() else dt.datetime.fromtimestamp(at, dt.UTC)


def _unusable(instance: dg.DagsterInstance, source: str, states: SourceStates) -> set[tuple[str, str]]:
    """Return (session, target) of the runs that failed on upstream's data alone, since somebody asked for it or ever.

    Only runs for a state that is wanted now are read: over the years a source has thousands of others.
    """
    targets = sorted({state.goal for state in states.sessions if state.lacking and state.is_wanted})
    if not targets:
        return set()
    tags = {SOURCE_TAG: source, UNUSABLE_TAG: "yes", TARGET_TAG: targets}
    records = instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], tags=tags))
    return {
        (one.dagster_run.tags[PARTITION_TAG], one.dagster_run.tags[TARGET_TAG])
        for one in records
        if is_unusable(one.dagster_run.tags) and not _was_asked_for_since(states, one)
    }


def _was_asked_for_since(states: SourceStates, record: dg.RunRecord) -> bool:
    asked = states.asked.get(record.dagster_run.tags[PARTITION_TAG])
    return asked is not None and asked.at > _ended_at(record)


def _ended_at(record: dg.RunRecord) -> float:
    """Return when a run ended [s since 1970]; one that ended before it began has no end of its own."""
    return record.end_time or record.update_timestamp.timestamp()


def is_of(run: dg.DagsterRun, source: str) -> bool:
    """Whether a run, launched by whomever, is of a source: by tag, or by the assets that it makes."""
    if run.tags.get(SOURCE_TAG) == source:
        return True
    return any(key.path[0] == source for key in run.asset_selection or ()) or run.job_name == session_job_name(source)
