"""From the arguments of an upstream loader to a session of a store: ``one=``, ``eid=``, ``pid=``, ``revision=``.

Contains these look-ups and the check of a revision. Add here how another argument of an upstream constructor names
something stored. What is read of the session is in the views.
"""

from __future__ import annotations

import os
from typing import Any

from nh_platform.reading.opening import OpenedStore, open_store
from nh_platform.reading.session_view import SessionView
from nh_platform.session import ConfigError, UnknownSession

StoreLike = OpenedStore | str | os.PathLike[str] | None
"""A store, the folder of a home, or None for the home that `nh` uses."""


def opened(store: StoreLike, argument: str) -> OpenedStore:
    """Return the store that an argument of a view stands for.

    Parameters
    ----------
    store
        A store, the folder of a home, or None for the home that `nh` uses.
    argument
        Name of the argument, for the text of the error.

    Raises
    ------
    ConfigError
        If it is something else, such as a connection of ONE.
    StoreError
        If the folder is neither a home nor a store.
    """
    if isinstance(store, OpenedStore):
        return store
    if store is None or isinstance(store, str | os.PathLike):
        return open_store(store)
    raise ConfigError(
        f"{argument}=",
        f"it is of class {type(store).__name__}, and the view reads a store",
        "Give the folder of a home (that of NH_HOME), or `open_store(folder)`.",
    )


def stored_session(store: OpenedStore, source: str, session_id: Any) -> SessionView:
    """Return a session by id, or raise what `OpenedStore.session` raises; an empty id is refused.

    Raises
    ------
    ConfigError
        If no id is given.
    UnknownSession
        If there is no such session.
    """
    if session_id is None or session_id == "":
        raise ConfigError(f"session of {source}", "none is named", "Give its id: eid=…, pid=… or ecephys_session_id=….")
    return store.session(source, session_id if isinstance(session_id, int) else str(session_id))


def allen_session(store: OpenedStore, source: str, session_id: Any) -> SessionView:
    """Return a session by an id of the Allen Institute's, which are whole numbers.

    Raises
    ------
    ConfigError
        If no id is given, or the session is of another source.
    UnknownSession
        If there is no such session.
    """
    session = stored_session(store, source, session_id)
    if not session.session_id.isdecimal():
        raise ConfigError(
            f"{source} session {session.session_id}", "it is no session of the Allen Institute", "Name another source."
        )
    return session


def probe_of(session: SessionView, pid: str) -> str:
    """Return the name of the probe whose insertion id ``pid`` is, or begins.

    Raises
    ------
    UnknownSession
        If no probe of the session is called so; the text names those it has.
    """
    ids = {str(pid_): str(probe) for probe, pid_ in zip(session.probes["probe"], session.probes["insertion_id"])}
    found = [probe for known, probe in ids.items() if known == pid] or [
        probe for known, probe in ids.items() if known.startswith(pid)
    ]
    if len(found) != 1:
        known = ", ".join(f"{probe} {pid_}" for pid_, probe in ids.items())
        raise UnknownSession(
            f"insertion {pid}",
            f"the session has {known or 'no insertions'}",
            "Give one of these ids, or eid and pname.",
        )
    return found[0]


def check_revision(session: SessionView, asset: str, revision: str | None) -> None:
    """Refuse a revision of which other files would be read than those that are stored.

    A revision chooses, of every file, the last one before or on it, as in ONE; the manifest tells which those are.

    Raises
    ------
    ConfigError
        If another file would be read; the text names it and both revisions.
    """
    if not revision:
        return
    listed = None if session._listed is None else session._listed.files
    for file in session.provenance(asset).upstream_files:
        there = {file.revision}
        if listed is not None:
            same = (listed["collection"] == file.collection) & (listed["name"] == file.name)
            there |= set(listed.loc[same, "revision"].fillna(""))
        fitting = max((one for one in there if one <= revision), default=None)
        if fitting != file.revision:
            raise ConfigError(
                f"revision {revision!r} of {session.source} session {session.session_id}",
                f"{file.collection}/{file.name} is stored as {_named(file.revision)}, not as {_named(fitting)}",
                "Leave `revision` out, or set `revision` under `read` of the source in sources.yaml and run "
                f"`nh materialize {session.source} {session.session_id}`.",
            )


def _named(revision: str | None) -> str:
    return "none" if revision is None else f"revision {revision}" if revision else "the unrevised file"
