"""Sessions are partitions: one dynamic definition per source, named ``<source>_sessions``.

Add here what registers or removes partitions. Nothing here launches a run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import dagster as dg

from nh_platform.session import BadUpstreamData

SESSIONS_POOL = "sessions"
"""Pool of the runs of sessions, of all sources together: as many runs as it has places go at a time."""
_KEY = re.compile(r"[A-Za-z0-9_-]+")


def session_partitions(source: str) -> dg.DynamicPartitionsDefinition:
    """Return the partitions definition of a source."""
    return dg.DynamicPartitionsDefinition(name=f"{source}_sessions")


def register_sessions(instance: dg.DagsterInstance, source: str, session_ids: Sequence[str]) -> list[str]:
    """Register sessions as partitions, in the order given, and return those that were new.

    The order of registration is the order of a backfill, so heavy sessions come first.

    Raises
    ------
    BadUpstreamData
        If a session id has a character other than letters, digits, ``_`` and ``-``: Dagster's UI cannot select it.
    """
    new = register_again(instance, source, session_ids)
    bad = [session_id for session_id in session_ids if not _KEY.fullmatch(session_id)]
    if bad:
        raise BadUpstreamData(
            f"{source} session {bad[0]!r}",
            f"{len(bad)} session ids have characters that a partition key cannot have; the others are registered",
            "Use letters, digits, _ and -.",
        )
    return new


def register_again(instance: dg.DagsterInstance, source: str, session_ids: Sequence[str]) -> list[str]:
    """Register those sessions that the instance does not know, and return them; ids that cannot be a key are left out.

    Its history may have been lost, moved or wiped while the store was kept: whatever begins a run calls this with the
    sessions of the stored manifest, and goes on.
    """
    definition = session_partitions(source).name
    assert definition is not None  # a dynamic definition made with a name has one
    known = set(instance.get_dynamic_partitions(definition))
    new = [name for name in session_ids if name not in known and _KEY.fullmatch(name)]
    if new:
        instance.add_dynamic_partitions(definition, new)
    return new
