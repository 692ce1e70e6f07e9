"""What was made lately and what failed, from the store and Dagster's history: for the inventory and the counters.

Contains the counts of one stretch of time; nothing is kept between two calls. Add here another count of what ended.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import dagster as dg

from nh_platform.defs.run_tags import OUTSIDE_TAG, PARTITION_TAG, SOURCE_TAG, TROUBLE_TAG, UNUSABLE_TAG
from nh_platform.home.platform import Platform
from nh_platform.planning.versions import SourcePlan
from nh_platform.session import NhError

UNUSABLE, OUTSIDE, TROUBLE, UNTOLD = KINDS = ("upstream data", "outside the session", "trouble", "process ended")
"""Kinds of failed runs: on upstream's data as they are, for a reason that may pass, on anything else, and without a
word: the process was killed."""

_LIMIT = 1000
"""Publications of an asset that are looked at, the newest; 40 sessions an hour are many."""


@dataclass(frozen=True)
class EndedRuns:
    """Runs of one source that ended lately.

    Parameters
    ----------
    outcomes
        Runs by ``success``, ``failure`` and ``canceled``.
    failures
        Failed ones by kind (`KINDS`).
    sessions
        Sessions of which a run succeeded.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    sessions: set[str] = field(default_factory=set)


def ended_runs(instance: dg.DagsterInstance, last_s: float) -> dict[str, EndedRuns]:
    """Return the runs that ended in the last seconds, by source; sources without any are not named."""
    found: dict[str, EndedRuns] = {}
    for source, run in _ended(instance, last_s):
        ended = found.setdefault(source, EndedRuns())
        outcome = run.status.value.lower()
        ended.outcomes[outcome] += 1
        if outcome == "success" and PARTITION_TAG in run.tags:
            ended.sessions.add(run.tags[PARTITION_TAG])
        elif outcome == "failure":
            ended.failures[_kind(run)] += 1
    return found


def stored_bytes(instance: dg.DagsterInstance, platform: Platform, source: str, last_s: float) -> int:
    """Return the bytes of assets of sessions that were published in the last seconds, as their records state them."""
    since, size = time.time() - last_s, 0
    try:
        assets = SourcePlan(platform, source).assets
    except NhError:
        return 0
    for asset in assets:
        asked = dg.AssetRecordsFilter(asset_key=dg.AssetKey([source, asset]), after_timestamp=since)
        records = instance.fetch_materializations(asked, limit=_LIMIT).records
        for session_id in {record.partition_key for record in records if record.partition_key}:
            try:
                record = platform.store.provenance(source, session_id, asset)
            except NhError:  # damaged since
                continue
            size += 0 if record is None else sum(file.size for file in record.files.values())
    return size


def _ended(instance: dg.DagsterInstance, last_s: float) -> Iterator[tuple[str, dg.DagsterRun]]:
    """Yield the runs that ended in the last seconds, with each source that they are of."""
    statuses = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    since = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=last_s)
    for record in instance.get_run_records(dg.RunsFilter(statuses=statuses, updated_after=since)):
        if (record.end_time or 0.0) >= since.timestamp():
            for source in record.dagster_run.tags.get(SOURCE_TAG, "").split(","):
                yield source.strip(), record.dagster_run


def _kind(run: dg.DagsterRun) -> str:
    kinds = {UNUSABLE_TAG: UNUSABLE, OUTSIDE_TAG: OUTSIDE, TROUBLE_TAG: TROUBLE}
    return next((kind for tag, kind in kinds.items() if tag in run.tags), UNTOLD)
