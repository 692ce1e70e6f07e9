"""What a person states by session: which of it is meant for which session of a set.

Contains `by_session`. Add here another way to name sessions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nh_platform.reading import SessionView
from nh_platform.session import ConfigError
from nh_platform.session.display import counted
from nh_platform.session.errors import close_matches

WHOLE_WHERE_LACKING = ("ranges",)
"""Arguments that state every session: one that is left out would be read whole, its test stretch included."""


def by_session(what: str, stated: Any, sessions: Sequence[SessionView]) -> list[Any]:
    """Return what is stated for each session: the value of its key in a mapping, else ``stated`` itself.

    Parameters
    ----------
    what
        Name of the argument.
    stated
        A mapping by session id, or by ``source/session_id``; None for sessions that are no key, or that it states as
        None. Or one for all.
    sessions
        The sessions.

    Raises
    ------
    ConfigError
        If a key is no session, or the id of sessions of two sources, or one of `WHOLE_WHERE_LACKING` lacks a session.
    """
    if not isinstance(stated, Mapping):
        return [stated] * len(sessions)
    value_of = {str(key): value for key, value in stated.items()}
    ids = [one.session_id for one in sessions]
    full = [f"{one.source}/{one.session_id}" for one in sessions]
    for key in value_of:
        meant = [name for name, session_id in zip(full, ids) if key in (name, session_id)]
        if not meant:
            found = f"{key} is none of the {counted(len(ids), 'session')}"
            raise ConfigError(what, found, f"Use their ids.{close_matches(key, ids)}")
        if len(meant) > 1:
            found = f"{key} is the id of {' and of '.join(meant)}"
            raise ConfigError(what, found, f"State them by {' and '.join(meant)}.")
        if key not in full and meant[0] in value_of:
            raise ConfigError(what, f"they are stated by {key} and by {meant[0]}, one session", "State them once.")
    lacking = [name for name, session_id in zip(full, ids) if not {name, session_id} & value_of.keys()]
    if what in WHOLE_WHERE_LACKING and lacking:
        found = f"they say nothing of {lacking[0]}, the first of {counted(len(lacking), 'session')}"
        raise ConfigError(
            what, found, f"State them of every session; None where nothing is meant: {lacking[0]!r}: None."
        )
    return [value_of.get(name, value_of.get(session_id)) for name, session_id in zip(full, ids)]
