"""Looks at upstream: whether it announced a release, and whether it has not answered for too long.

Add here what else upstream must be asked in a tick. What is asked for of the sessions is `release_sensor`.
"""

import datetime as dt
from typing import Any

import dagster as dg

from nh_platform.assets.release_manifest import NAME as MANIFEST_ASSET
from nh_platform.defs.automation.attempts import is_running
from nh_platform.defs.automation.jobs import UPSTREAM_ANSWERS, inventory_job_name, release_job_name
from nh_platform.defs.automation.ticks import Memory, Tick
from nh_platform.defs.run_tags import DOWN_SINCE_TAG, REASON_TAG, SIGNAL_TAG, SOURCE_TAG
from nh_platform.home.alerts import load_alerts
from nh_platform.home.platform import Platform
from nh_platform.session import NhError
from nh_platform.sources.entry import SourceEntry

RELEASE_ATTEMPTS = 3
"""Looks at the catalogue for one announcement; after that the daily one is waited for."""

ANNOUNCED = "upstream announced a release"


def look_for_a_release(
    instance: dg.DagsterInstance, entry: SourceEntry, platform: Platform, memory: Memory, tick: Tick
) -> None:
    """Ask upstream whether something was released, and for a look at the catalogue where it was."""
    try:
        announced = platform.source(entry.name).signal()
    except NhError as error:
        now = dt.datetime.now(dt.UTC).isoformat(timespec="minutes")
        memory.down_since = min(memory.down_since, now) if memory.down_since else now  # the clock may be set back
        tick.words.append(f"upstream could not be asked since {memory.down_since} ({error})")
        if memory.down_said != memory.down_since and _is_down_for_long(platform, memory.down_since, tick):
            memory.down_said = memory.down_since
            tick.requests.append(_look_whether_upstream_answers(entry, memory.down_since, "upstream is down"))
        return
    if memory.down_said:
        tick.requests.append(
            _look_whether_upstream_answers(entry, f"{memory.down_said}, over", "upstream answers again")
        )
    memory.down_since = memory.down_said = ""
    if memory.signal is None or _is_read(instance, entry.name, announced):
        memory.signal = announced
    elif announced != memory.signal:
        tick.requests += _release_request(instance, entry.name, announced)


def _is_down_for_long(platform: Platform, since: str, tick: Tick) -> bool:
    """Whether upstream has not answered for longer than the home's alerts allow."""
    try:
        allowed = dt.timedelta(hours=load_alerts(platform.settings.home).upstream_down_after_h)
    except NhError as error:
        tick.words.append(str(error))
        return False
    return dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(since) > allowed


def _look_whether_upstream_answers(entry: SourceEntry, since: str, reason: str) -> dg.RunRequest:
    """Ask for the check that says whether upstream answers: a sensor cannot evaluate it itself more than once."""
    return dg.RunRequest(
        run_key=f"{entry.name}:upstream:{since}",
        job_name=inventory_job_name(entry.name),
        asset_selection=[],
        asset_check_keys=[dg.AssetCheckKey(dg.AssetKey([entry.name, MANIFEST_ASSET]), UPSTREAM_ANSWERS)],
        tags={SOURCE_TAG: entry.name, DOWN_SINCE_TAG: since, REASON_TAG: reason},
    )


def _is_read(instance: dg.DagsterInstance, source: str, announced: str) -> bool:
    """Whether the catalogue was read since ``announced`` was announced."""
    tags: dict[str, Any] = {SOURCE_TAG: source, SIGNAL_TAG: announced}
    return bool(instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS], tags=tags), limit=1))


def _release_request(instance: dg.DagsterInstance, source: str, announced: str) -> list[dg.RunRequest]:
    """Ask for a look at the catalogue; once more after each failure, at most `RELEASE_ATTEMPTS` times."""
    tags = {SOURCE_TAG: source, SIGNAL_TAG: announced}
    runs = instance.get_runs(dg.RunsFilter(tags=tags))
    if len(runs) >= RELEASE_ATTEMPTS or any(map(is_running, runs)):
        return []
    return [
        dg.RunRequest(
            run_key=f"{source}:release:{announced}:{len(runs) + 1}",
            job_name=release_job_name(source),
            asset_selection=[dg.AssetKey([source, MANIFEST_ASSET])],
            asset_check_keys=[],
            tags={**tags, REASON_TAG: ANNOUNCED},
        )
    ]
