"""Sessions that the store holds, found by the first characters of their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nh_platform.session.errors import UnknownSession, close_matches

if TYPE_CHECKING:
    from nh_platform.store import Store


def stored_session(store: Store, source: str, asked: str) -> str:
    """Return the id of a stored session, whether or not upstream lists it still.

    Raises
    ------
    UnknownSession
        If the store holds none that begins so, or several.
    """
    stored = store.sessions(source)
    found = [one for one in stored if one == asked] or [one for one in stored if one.startswith(asked)]
    if len(found) != 1:
        words = "the store holds no such session" if not found else f"{len(found)} stored sessions begin with it"
        action = f"`nh sessions {source}` lists them.{close_matches(asked, stored)}"
        raise UnknownSession(f"{source} session {asked}", words, action)
    return found[0]
