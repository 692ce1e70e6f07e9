"""Sessions of a home that reviewers set aside, or propose to: what every list, and every choice of sessions, asks.

Apart from `platform`, which costs 3 s and 85 MB to import. Add here another thing that lists ask of many review files.
"""

from __future__ import annotations

import datetime as dt

from nh_platform.home.active_rulebook import active_rulebook
from nh_platform.home.settings import PlatformSettings
from nh_platform.qc.reviews.review_decisions import SessionReview, session_review
from nh_platform.qc.reviews.review_files import read_reviews
from nh_platform.qc.reviews.review_model import Day
from nh_platform.session import ConfigError

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
    for path in sorted((settings.reviews / source).glob("*.yaml")):
        try:
            if not path.is_file() or _MARK not in path.read_bytes():  # opening a pipe waits for ever
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
