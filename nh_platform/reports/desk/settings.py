"""What one start of the desk serves, and to whom: the home, the reviewer's name, blind reading, the form's token.

Contains the record and what the desk knows of a session. Add here a setting of `nh review serve`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nh_platform.home.platform import Platform
from nh_platform.qc.reviews.resorted.proposals import without_carried
from nh_platform.qc.reviews.review_files import SessionReviews, read_reviews
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.reports.site.release_snapshot import stored_snapshot
from nh_platform.session import UnknownSession
from nh_platform.session.errors import close_matches
from nh_platform.store.codecs.recording_files import read_carried


@dataclass(frozen=True)
class Desk:
    """The desk of one home folder.

    Parameters
    ----------
    platform
        The home.
    form_token
        What the desk's own pages state when they write.
    reviewer
        Name that the form begins with; asked by the page where empty.
    blind
        Whether the decisions of others on a thing are kept back until the reader has decided on it.
    saved
        Called with source and session when reviews were saved.
    """

    platform: Platform
    form_token: str
    reviewer: str = ""
    blind: bool = False
    saved: Callable[[str, str], object] = lambda source, session_id: None

    def sessions(self, source: str) -> list[str]:
        """Return the sessions of a source of which something is stored; none where the store has none of it."""
        return self.platform.store.sessions(source)

    def require_session(self, source: str, session_id: str) -> None:
        """Refuse what names no stored session: a path of the disk is made of no other words.

        Raises
        ------
        ConfigError
            If there is no such source.
        UnknownSession
            If nothing of the session is stored.
        """
        self.platform.entry(source)
        known = self.sessions(source)
        if session_id not in known:
            action = f"The desk's first page lists what is stored.{close_matches(session_id, known)}"
            raise UnknownSession(f"{source} session {session_id!r}", "nothing of it is stored", action)

    def rulebook(self, source: str) -> Rulebook:
        """Return the active rulebook of a source, whose quorum decides."""
        return load_rulebook(self.platform.config(source).rulebook)

    def reviews_file(self, source: str, session_id: str) -> Path:
        """Return the file of the reviews of a session."""
        return self.platform.reviews_file(source, session_id)

    def carried(self, reviews: SessionReviews) -> pd.DataFrame:
        """Return the reviews whose spikes their unit has no more (schema `CARRIED_REVIEWS`): they do not count."""
        return read_carried(self.platform.store.usable(reviews.source, reviews.session_id, "units"))

    def standing(self, reviews: SessionReviews) -> SessionReviews:
        """Return the reviews that may count."""
        return without_carried(reviews, self.carried(reviews))

    def release(self, source: str) -> dict[str, Any] | None:
        """Return the snapshot of the release's distributions that `qc_site` wrote; None where there is none."""
        return stored_snapshot(self.platform.store, source)

    def reviews(self, source: str, session_id: str) -> SessionReviews:
        """Return the reviews of a session as they stand now.

        Raises
        ------
        ConfigError
            If the file has a mistake, with its line.
        """
        return read_reviews(self.reviews_file(source, session_id))
