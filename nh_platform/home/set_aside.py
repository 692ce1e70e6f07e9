"""Sessions of a home that reviewers set aside, or propose to: what every list, and every choice of sessions, asks.

Apart from `platform`, which costs 3 s and 85 MB to import. Add here another thing that lists and choices ask of many
review files.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nh_platform.home.active_rulebook import active_rulebook
from nh_platform.home.settings import PlatformSettings
from nh_platform.qc.reviews.review_decisions import SessionReview, session_review
from nh_platform.qc.reviews.review_files import read_reviews, review_paths
from nh_platform.qc.reviews.review_model import Day
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.session.display import counted
from nh_platform.store.durable import read_regular

if TYPE_CHECKING:
    from nh_platform.home.platform import Platform

_MARK = b"whole_session"
"""Key of such reviews: files without it are not parsed, and 500 files of 700 units each would take minutes."""


def session_reviews(settings: PlatformSettings, source: str, today: Day = None) -> dict[str, SessionReview]:
    """Return what the reviews of whole sessions of a source come to, by session id, sorted.

    A session whose file cannot be used is not in it: `nh status` and `nh review list` name the mistake.

    Parameters
    ----------
    settings, source
        The home, and one of its sources.
    today
        Day on which reviews count; this day where None.

    Raises
    ------
    ConfigError
        If there is no such source, or its rulebook is refused.
    """
    rulebook, day = active_rulebook(settings, source), today or dt.date.today()
    found = {}
    for path in review_paths(settings.reviews, source):
        try:
            if _MARK not in read_regular(path):
                continue
            outcome = session_review(read_reviews(path), rulebook, day)
        except (OSError, ConfigError):
            continue
        if outcome is not None:
            found[path.stem] = outcome
    return found


def set_aside_words(settings: PlatformSettings, source: str, today: Day = None) -> dict[str, str]:
    """Return what lists say of sessions that are set aside, or that somebody proposes to; parameters as above."""
    words = {session_id: one.short for session_id, one in session_reviews(settings, source, today).items()}
    return {session_id: text for session_id, text in words.items() if text}


@dataclass(frozen=True)
class SessionsInUse:
    """Sessions of a source that are worked on together, and those of them that reviewers set aside.

    Parameters
    ----------
    ids
        The sessions to work on, in the order that they were given.
    left_out
        Sessions that are set aside and were not asked for by name, each with by whom and why.
    noted
        Sessions among ``ids`` that are set aside all the same, each with by whom and why.
    """

    ids: tuple[str, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    noted: dict[str, str] = field(default_factory=dict)


def sessions_in_use(
    platform: Platform, source: str, session_ids: Sequence[str], *, are_named: bool, with_set_aside: bool
) -> SessionsInUse:
    """Leave out the sessions that reviewers set aside, unless a person named them or asks for them too.

    Parameters
    ----------
    platform, source
        The home, and one of its sources.
    session_ids
        Whole ids of the sessions that are at hand.
    are_named
        Whether a person named each of them, instead of taking all that are stored.
    with_set_aside
        Whether those that are set aside are taken too.

    Raises
    ------
    ConfigError
        As of `session_reviews`.
    UnknownSession
        If nothing but sessions that are set aside is at hand.
    """
    found = session_reviews(platform.settings, source, platform.today) if session_ids else {}
    aside = {one: found[one].words for one in session_ids if one in found and found[one].is_set_aside}
    if are_named or with_set_aside:
        return SessionsInUse(tuple(session_ids), noted=aside)
    ids = tuple(one for one in session_ids if one not in aside)
    if aside and not ids:
        one, words = next(iter(aside.items()))
        what = f"reviewers set aside {counted(len(aside), 'session')}, and no other is stored; {one}: {words}"
        raise UnknownSession(
            f"source {source}", what, "Name sessions by their ids, or take them all: `--with-set-aside`."
        )
    return SessionsInUse(ids, left_out=aside)
