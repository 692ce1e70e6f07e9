"""The asset groups of snapshots that were stored before 0.3, when `events` and `signals` were one group.

A stored manifest is never rewritten; its groups are translated when it is read, so that a home that was filled before
goes on without a sync. Nothing else belongs here.
"""

from __future__ import annotations

import re

import pandas as pd

BEFORE = "behavior"
_SIGNALS = re.compile(r"(_ibl_)?(wheel|wheelMoves|leftCamera|rightCamera|bodyCamera)\..+")
_EVENTS = re.compile(r"(_ibl_)?(trials|licks|passive[A-Za-z]*)\..+")


def with_current_groups(files: pd.DataFrame) -> pd.DataFrame:
    """Return a table of schema `FILES` in which no file is of the group ``behavior`` any more.

    ALF datasets go by their object; a table beside the session files was read for its events alone; any other file,
    an NWB file for example, feeds both groups.
    """
    old = files["group"].map(lambda text: BEFORE in text.split(","))
    if not old.any():
        return files
    group = files["group"].where(~old, [_translated(*row) for row in zip(files["group"], files["name"])])
    return files.assign(group=group)


def _translated(group: str, name: str) -> str:
    if _SIGNALS.fullmatch(name):
        now = "signals"
    elif _EVENTS.fullmatch(name) or name.endswith("sessions.csv"):
        now = "events"
    else:
        now = "events,signals"
    return ",".join(now if one == BEFORE else one for one in group.split(","))
