"""Sessions that the store holds, found by their ids, those of their insertions, or the first characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nh_platform.session.session_names import session_named

if TYPE_CHECKING:
    from nh_platform.store import Store


def stored_session(store: Store, source: str, asked: str) -> str:
    """Return the id of a stored session, whether or not upstream lists it still.

    Raises
    ------
    UnknownSession
        As of `nh_platform.session.session_names.session_named`.
    """
    from nh_platform.history.registered_ids import insertion_sessions

    action = f"`nh sessions --source {source}` lists those there are."
    stored = set(store.sessions(source))
    insertions = {pid: one for pid, one in insertion_sessions(store, source).items() if one in stored}
    return session_named(asked, stored, source, f"the store {store.address}", action, insertions)
