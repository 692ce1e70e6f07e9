"""Counters of a home folder in the text format of Prometheus: sessions, runs, queue, failures by kind, bytes a second.

Contains what is counted, from the store and Dagster's history alone: nothing is kept between two calls, so that every
machine that reaches them answers the same. Add a counter here, and its line in ``docs/operate.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OpenHome, open_home

if TYPE_CHECKING:
    from prometheus_client import Gauge

WINDOW_S = 3600.0
"""Time that rates are of [s]: shorter than a full session takes, one that is at work would count as standing still."""

_DATABASE_UP = "nh_database_up"
DATABASE_AWAY = f"{_DATABASE_UP} 0.0"
"""Line of the counters where Dagster's history does not answer."""
_STATES = ("ingested", "stale", "not_loaded", "failed", "gated", "damaged", "withdrawn")


def metrics(home: Home) -> str:
    """Return the counters of a home folder as Prometheus reads them (text format 0.0.4).

    Parameters
    ----------
    home
        Home folder, or an opened one.

    Raises
    ------
    ConfigError
        If its settings cannot be used. A database of Dagster's that is away is a counter of its own, and what the
        store knows is told.
    """
    from nh_platform.operations.instance import NoInstance, database_in_words

    with open_home(home) as at:
        try:
            with database_in_words():
                return _counted(at, with_history=True)
        except NoInstance:
            return _counted(at, with_history=False)


def _counted(home: OpenHome, *, with_history: bool) -> str:
    """Return the counters; without the history those that the store knows."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()

    def gauge(name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=registry)

    gauge(_DATABASE_UP, "1 where Dagster's history answers, else 0.").set(with_history)
    sessions = gauge("nh_sessions", "Sessions of the catalogue by state, as of nh status.", "source", "state")
    listed = gauge("nh_sessions_listed", "Sessions of the catalogue.", "source")
    usable = gauge("nh_source_usable", "1 where the state of the source can be told, else 0.", "source")
    for source in home.platform.entries:
        counts = _session_counts(home, source, with_history=with_history)
        usable.labels(source).set(counts is not None)
        listed.labels(source).set(0 if counts is None else counts["listed"])
        for state in _STATES if counts is not None else ():
            if state in counts:  # type: ignore[operator]
                sessions.labels(source, state).set(counts[state])  # type: ignore[index]
    if with_history:
        _count_history(home, gauge)
    return generate_latest(registry).decode()


def _count_history(home: OpenHome, gauge: Callable[..., Gauge]) -> None:
    """Count what Dagster's history alone knows."""
    from nh_platform.defs.automation.recent_work import KINDS, EndedRuns, ended_runs, stored_bytes

    runs = gauge("nh_runs", "Runs that wait in the queue, start, or are at work.", "state")
    ended = gauge("nh_runs_ended_last_hour", "Runs that ended in the last hour, by outcome.", "source", "outcome")
    made = gauge("nh_sessions_made_last_hour", "Sessions of which a run succeeded in the last hour.", "source")
    failures = gauge("nh_failures_last_hour", "Runs that failed in the last hour, by kind.", "source", "kind")
    speed = gauge("nh_stored_bytes_per_second", "Bytes published in the last hour, a second of it.", "source")
    looked = gauge("nh_last_look_timestamp_seconds", "Time of the last look at upstream that succeeded.", "source")
    for state, number in _runs_at_work(home).items():
        runs.labels(state).set(number)
    lately = ended_runs(home.instance, WINDOW_S)
    for source in home.platform.entries:
        speed.labels(source).set(stored_bytes(home.instance, home.platform, source, WINDOW_S) / WINDOW_S)
        if (at_s := last_look(home, source)) is not None:
            looked.labels(source).set(at_s)
        of_source = lately.get(source, EndedRuns())
        made.labels(source).set(len(of_source.sessions))
        for outcome in ("success", "failure", "canceled"):
            ended.labels(source, outcome).set(of_source.outcomes[outcome])
        for kind in KINDS:
            failures.labels(source, kind).set(of_source.failures[kind])


def last_look(home: OpenHome, source: str) -> float | None:
    """Return when the manifest of a source was read last with success [s since 1970]; None where never."""
    import dagster as dg

    from nh_platform.assets.release_manifest import NAME

    event = home.instance.get_latest_materialization_event(dg.AssetKey([source, NAME]))
    return None if event is None else float(event.timestamp)


def _session_counts(home: OpenHome, source: str, *, with_history: bool) -> dict[str, int] | None:
    """Return sessions by state; None where the state of the source cannot be told.

    Which sessions failed is told by the history alone.
    """
    from nh_platform.operations.home_status import source_status
    from nh_platform.operations.instance import NoInstance
    from nh_platform.session import NhError

    try:
        found = source_status(home, source, 0, asks_history=with_history)
    except NoInstance:
        raise
    except NhError:
        return None
    states = [state for state in _STATES if with_history or state != "failed"]
    return {"listed": found.n_sessions} | {state: int(getattr(found, f"n_{state}")) for state in states}


def _runs_at_work(home: OpenHome) -> dict[str, int]:
    import dagster as dg

    states = {
        "queued": dg.DagsterRunStatus.QUEUED,
        "starting": dg.DagsterRunStatus.STARTING,
        "started": dg.DagsterRunStatus.STARTED,
    }
    return {name: home.instance.get_runs_count(dg.RunsFilter(statuses=[status])) for name, status in states.items()}
