"""Names of sessions as people write them: a session id, that of one of its insertions, or the first characters of one.

Contains that one look-up and the closest names for a text that means nothing. Add here another way in which a person
may name a session. Which sessions there are is the caller's matter.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping

from nh_platform.session.display import counted
from nh_platform.session.errors import UnknownSession

MIN_PREFIX = 4
"""Fewest characters that stand for a whole id: of 1,000 random eids, 4 hexadecimal digits are unique for 98 %."""

LISTED_MATCHES = 10
"""Most ids that the text of an error names."""

_CLOSE_MATCHES = 3


def session_named(
    asked: str,
    known: Collection[str],
    source: str,
    where: str,
    action: str,
    insertions: Mapping[str, str] | None = None,
) -> str:
    """Return the id of the session that ``asked`` means.

    Parameters
    ----------
    asked
        A whole id, or at least `MIN_PREFIX` characters with which exactly one id begins.
    known
        Ids of the sessions there are. A container with fast look-up (a set or dict) makes whole ids cheap.
    source, where
        Source of the sessions and what holds or lists them, for the text of errors.
    action
        What to do where nothing is close, for the text of errors.
    insertions
        Session of each probe insertion by its id: a pid stands for its session, once no session is called so.

    Raises
    ------
    UnknownSession
        If it means none of them, or several; the text names those, or the closest ones.

    Examples
    --------
    >>> session_named("4b7f", {"4b7fbad4-f6de", "71505119-aa01"}, "ibl", "the store", "Run `nh sync ibl`.")
    '4b7fbad4-f6de'
    """
    if asked in known:
        return asked
    alike = sorted(name for name in known if asked and name.startswith(asked))
    if len(alike) == 1 and len(asked) >= MIN_PREFIX:
        return alike[0]
    thing = f"{source} session {asked}"
    if alike and len(asked) < MIN_PREFIX:
        found = (
            f"it is too short: {MIN_PREFIX} characters or more stand for a session, and {_several(alike)} with these"
        )
        raise UnknownSession(thing, found, "Give more of the id.")
    if alike:
        raise UnknownSession(thing, f"{_several(alike)} with it: {_shortened(alike)}", "Give more of the id.")
    of_probes = _sessions_of(asked, insertions or {})
    if len(of_probes) == 1:
        return of_probes[0]
    if of_probes:
        found = f"insertions of {len(of_probes)} sessions begin with it: {_shortened(of_probes)}"
        raise UnknownSession(thing, found, "Give more of the id.")
    raise UnknownSession(
        thing,
        f"it is not among the {counted(len(known), 'session')} of {where}",
        suggestion(asked, [*known, *(insertions or ())], action),
    )


def suggestion(asked: str, known: Collection[str], otherwise: str) -> str:
    """Return which names could have been meant, or ``otherwise`` where none is close.

    Examples
    --------
    >>> suggestion("allen_cv", ["allen_vc", "ibl"], "Run `nh sync`.")
    'Did you mean allen_vc?'
    """
    # An id whose first part is right was mistyped after it.
    alike = sorted(name for name in known if len(asked) >= MIN_PREFIX and name.startswith(asked[:8]))
    close = alike or difflib.get_close_matches(asked, sorted(known), n=_CLOSE_MATCHES, cutoff=0.5)
    return f"Did you mean {' or '.join(close[:_CLOSE_MATCHES])}?" if close else otherwise


def _sessions_of(asked: str, insertions: Mapping[str, str]) -> list[str]:
    """Return the sessions of the insertion that is called so, or of those that begin with these characters."""
    if asked in insertions:
        return [insertions[asked]]
    if len(asked) < MIN_PREFIX:
        return []
    return sorted({session_id for pid, session_id in insertions.items() if pid.startswith(asked)})


def _several(names: list[str]) -> str:
    return f"{len(names)} session{' begins' if len(names) == 1 else 's begin'}"


def _shortened(names: list[str]) -> str:
    more = f" and {len(names) - LISTED_MATCHES} more" if len(names) > LISTED_MATCHES else ""
    return ", ".join(names[:LISTED_MATCHES]) + more
