"""Releases that nobody works off: sessions that wait for days, a catalogue that was not looked at for days.

Contains what the alert sensor is told of them beside failed checks. Add here another standing of a source that no run
tells of, because none happens. Who is told is `alerts`.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import dagster as dg

from nh_platform.assets.release_manifest import NAME as MANIFEST_ASSET
from nh_platform.home.alerts import AlertSettings
from nh_platform.home.platform import Platform
from nh_platform.planning.session_states import source_states
from nh_platform.session import NhError, UnknownSession
from nh_platform.session.display import counted

LOOK_INTERVAL_S = 1800.0
"""Time between two looks: to hold 1,000 sessions against the store takes seconds, and the answer is of days."""

NOT_MADE, NOT_LOOKED = "release_is_made", "upstream_is_looked_at"
"""Names that a hook is told in the place of a check."""


def stale_releases(
    instance: dg.DagsterInstance, platform: Platform, settings: AlertSettings, memory: dict[str, Any], now: dt.datetime
) -> dict[str, dict[str, str]]:
    """Return what is stale, by a key that stays while it is: source, name in the place of a check, and words.

    Parameters
    ----------
    instance, platform, settings
        Dagster's instance, the home, and after how many days something is stale.
    memory
        Since when each source has waited with a snapshot; changed in place, to be kept from tick to tick. Snapshots
        have no clock time: the first look that sees one counts.
    now
        The time of the look.
    """
    found: dict[str, dict[str, str]] = {}
    days = dt.timedelta(days=settings.release_stale_after_days)
    for source in platform.entries:
        if (at := _last_look(instance, source)) is not None and now - at > days:
            words = f"the last look at upstream that succeeded was {_ago(now - at)} ago; `nh ui` looks once a day"
            found[f"{source}:{NOT_LOOKED}:{at.date()}"] = {"source": source, "check": NOT_LOOKED, "found": words}
        try:
            waiting, snapshot = _waiting(platform, source)
        except UnknownSession:  # never synced
            continue
        except NhError as error:
            waiting, snapshot = f"what waits cannot be told: {error}", -1
        if not waiting:
            memory.pop(source, None)
            continue
        known: Mapping[str, Any] = memory.get(source) or {}
        # A clock that was set back would add what it was ahead to the days that are waited for.
        if known.get("snapshot") != snapshot or dt.datetime.fromisoformat(known["since"]) > now:
            known = memory[source] = {"snapshot": snapshot, "since": now.isoformat()}
        waited = now - dt.datetime.fromisoformat(known["since"])
        if waited > days:
            words = f"{waiting}, for {_ago(waited)}; `nh status` and the ticks of its sensor say why"
            key = f"{source}:{NOT_MADE}:{snapshot}:{known['since']}"
            found[key] = {"source": source, "check": NOT_MADE, "found": words}
    return found


def _waiting(platform: Platform, source: str) -> tuple[str, int]:
    """Return what of the last snapshot waits, in words, and its number; no words where nothing does."""
    states = source_states(platform, source)
    if states.held is not None:
        return states.held.text(), states.snapshot
    left = {*states.gated, *states.mistakes, *states.unreadable}
    wanted = [one for one in states.sessions if one.is_wanted and one.stale and one.session_id not in left]
    what = counted(len(wanted), "wanted session is", "wanted sessions are")
    return (f"{what} not made as snapshot {states.snapshot} asks for" if wanted else ""), states.snapshot


def _last_look(instance: dg.DagsterInstance, source: str) -> dt.datetime | None:
    event = instance.get_latest_materialization_event(dg.AssetKey([source, MANIFEST_ASSET]))
    return None if event is None else dt.datetime.fromtimestamp(event.timestamp, dt.UTC)


def _ago(time: dt.timedelta) -> str:
    return counted(time.days, "day") if time.days else f"{time.seconds // 3600} hours"
