"""Counters of a home folder in the text format of Prometheus: sessions, runs, queue, failures by kind, bytes a second.

Contains what is counted, from the store and Dagster's history alone: nothing is kept between two calls, so that every
machine that reaches them answers the same. Add a counter here, and its line in ``docs/operate.md``.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OpenHome, open_home

if TYPE_CHECKING:
    from dagster import DagsterRun

WINDOW_S = 3600.0
"""Time that rates are of [s]: shorter than a full session takes, one that is at work would count as standing still."""

_STATES = ("ingested", "stale", "not_loaded", "failed", "gated", "damaged", "withdrawn")
_LIMIT = 1000
"""Publications of an asset that are looked at, the newest; 40 sessions an hour are many."""


def metrics(home: Home) -> str:
    """Return the counters of a home folder as Prometheus reads them (text format 0.0.4).

    Parameters
    ----------
    home
        Home folder, or an opened one.

    Raises
    ------
    ConfigError
        If its settings cannot be used.
    """
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()

    def gauge(name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=registry)

    sessions = gauge("nh_sessions", "Sessions of the catalogue by state, as of nh status.", "source", "state")
    listed = gauge("nh_sessions_listed", "Sessions of the catalogue.", "source")
    usable = gauge("nh_source_usable", "1 where the state of the source can be told, else 0.", "source")
    runs = gauge("nh_runs", "Runs that wait in the queue, start, or are at work.", "state")
    ended = gauge("nh_runs_ended_last_hour", "Runs that ended in the last hour, by outcome.", "source", "outcome")
    made = gauge("nh_sessions_made_last_hour", "Sessions of which a run succeeded in the last hour.", "source")
    failures = gauge("nh_failures_last_hour", "Runs that failed in the last hour, by kind.", "source", "kind")
    speed = gauge("nh_stored_bytes_per_second", "Bytes published in the last hour, a second of it.", "source")
    looked = gauge("nh_last_look_timestamp_seconds", "Time of the last look at upstream that succeeded.", "source")
    with open_home(home) as at:
        for source in at.platform.entries:
            counts = _session_counts(at, source)
            usable.labels(source).set(counts is not None)
            listed.labels(source).set(0 if counts is None else counts["listed"])
            for state in _STATES if counts is not None else ():
                sessions.labels(source, state).set(counts[state])  # type: ignore[index]
            speed.labels(source).set(_stored_bytes(at, source) / WINDOW_S)
            if (at_s := last_look(at, source)) is not None:
                looked.labels(source).set(at_s)
        for state, number in _runs_at_work(at).items():
            runs.labels(state).set(number)
        outcomes, kinds, done = _ended(at)
        for source in at.platform.entries:
            made.labels(source).set(len(done[source]))
            for outcome in ("success", "failure", "canceled"):
                ended.labels(source, outcome).set(outcomes[source, outcome])
            for kind in (UNUSABLE, OUTSIDE, TROUBLE, UNTOLD):
                failures.labels(source, kind).set(kinds[source, kind])
    return generate_latest(registry).decode()


UNUSABLE, OUTSIDE, TROUBLE, UNTOLD = "upstream data", "outside the session", "trouble", "process ended"
"""Kinds of failed runs: on upstream's data as they are, for a reason that may pass, on anything else, and without a
word: the process was killed."""


def last_look(home: OpenHome, source: str) -> float | None:
    """Return when the manifest of a source was read last with success [s since 1970]; None where never."""
    import dagster as dg

    from nh_platform.assets.release_manifest import NAME

    event = home.instance.get_latest_materialization_event(dg.AssetKey([source, NAME]))
    return None if event is None else float(event.timestamp)


def _session_counts(home: OpenHome, source: str) -> dict[str, int] | None:
    """Return sessions by state; None where the state of the source cannot be told."""
    from nh_platform.operations.home_status import source_status
    from nh_platform.session import NhError

    try:
        found = source_status(home, source, 0)
    except NhError:
        return None
    return {"listed": found.n_sessions} | {state: int(getattr(found, f"n_{state}")) for state in _STATES}


def _runs_at_work(home: OpenHome) -> dict[str, int]:
    import dagster as dg

    states = {
        "queued": dg.DagsterRunStatus.QUEUED,
        "starting": dg.DagsterRunStatus.STARTING,
        "started": dg.DagsterRunStatus.STARTED,
    }
    return {name: home.instance.get_runs_count(dg.RunsFilter(statuses=[status])) for name, status in states.items()}


def _ended(home: OpenHome) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]], dict[str, set[str]]]:
    """Return runs that ended lately by source and outcome, failed ones by source and kind, and sessions made."""
    from nh_platform.defs.run_tags import PARTITION_TAG

    outcomes, kinds = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    done: dict[str, set[str]] = {source: set() for source in home.platform.entries}
    for source, run in _ended_runs(home):
        outcome = run.status.value.lower()
        outcomes[source, outcome] += 1
        if outcome == "success" and PARTITION_TAG in run.tags and source in done:
            done[source].add(run.tags[PARTITION_TAG])
        elif outcome == "failure":
            kinds[source, _kind(run)] += 1
    return outcomes, kinds, done


def _ended_runs(home: OpenHome) -> Iterator[tuple[str, DagsterRun]]:
    """Yield the runs that ended in the last hour, with each source that they are of."""
    import dagster as dg

    from nh_platform.defs.run_tags import SOURCE_TAG

    statuses = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    since = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=WINDOW_S)
    for record in home.instance.get_run_records(dg.RunsFilter(statuses=statuses, updated_after=since)):
        if (record.end_time or 0.0) >= since.timestamp():
            for source in record.dagster_run.tags.get(SOURCE_TAG, "").split(","):
                yield source.strip(), record.dagster_run


def _kind(run: DagsterRun) -> str:
    from nh_platform.defs.run_tags import OUTSIDE_TAG, TROUBLE_TAG, UNUSABLE_TAG

    kinds = {UNUSABLE_TAG: UNUSABLE, OUTSIDE_TAG: OUTSIDE, TROUBLE_TAG: TROUBLE}
    return next((kind for tag, kind in kinds.items() if tag in run.tags), UNTOLD)


def _stored_bytes(home: OpenHome, source: str) -> int:
    """Return the bytes of the assets of sessions that were published in the last hour, as their records state them."""
    import time

    import dagster as dg

    from nh_platform.planning.versions import SourcePlan
    from nh_platform.session import NhError

    since, size = time.time() - WINDOW_S, 0
    try:
        assets = SourcePlan(home.platform, source).assets
    except NhError:
        return 0
    for asset in assets:
        asked = dg.AssetRecordsFilter(asset_key=dg.AssetKey([source, asset]), after_timestamp=since)
        records = home.instance.fetch_materializations(asked, limit=_LIMIT).records
        for session_id in {record.partition_key for record in records if record.partition_key}:
            try:
                record = home.platform.store.provenance(source, session_id, asset)
            except NhError:  # damaged since
                continue
            size += 0 if record is None else sum(file.size for file in record.files.values())
    return size
