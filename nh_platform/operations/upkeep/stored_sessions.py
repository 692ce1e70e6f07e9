"""Sessions that the store holds, found by the first characters of their ids."""

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
    action = f"`nh sessions --source {source}` lists those there are."
    return session_named(asked, set(store.sessions(source)), source, f"the store {store.root}", action)
