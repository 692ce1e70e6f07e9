"""What a reader is shown of the reviews of a session: everything, or, read blindly, what others decided afterwards.

Contains that filter and how an outcome is told to a page. Add here what a page is told of outcomes. What
reviews come to is `nh_platform.qc.reviews.review_decisions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from nh_platform.qc.reviews.resorted.proposals import agreeing_entries, listed_carried, without_carried
from nh_platform.qc.reviews.review_decisions import SessionReview, Weighed, session_review, weighed_things
from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_model import About, Review, reader_of
from nh_platform.reports.desk.settings import Desk
from nh_platform.reports.session_page.told_reviews import told_reviews
from nh_platform.session import ConfigError
from nh_platform.store.objects.address import shown as shown_path


@dataclass(frozen=True)
class Reader:
    """Who looks.

    Parameters
    ----------
    name
        Name that the reader gave; no proof of who it is.
    blind
        Whether the decisions of others on a thing are kept back until this reader has decided on it.
    """

    name: str
    blind: bool = False

    def shown(self, reviews: SessionReviews) -> SessionReviews:
        """Return the reviews that the reader may see."""
        if not self.blind:
            return reviews
        decided = decided_by(self.name, reviews.reviews)
        own = {review.id for review in reviews.reviews if review.reader == reader_of(self.name)}
        kept = (self._kept(review, decided, own) for review in reviews.reviews)
        return replace(reviews, reviews=tuple(review for review in kept if review is not None))

    def _kept(self, review: Review, decided: frozenset[About], own: set[str]) -> Review | None:
        """Return a review, without the units on which the reader has not decided, or None where nothing is left."""
        if review.reader == reader_of(self.name) or (review.decision is None and review.answers in own):
            return review
        seen = [about for about in review.about if about in decided]
        if not seen:
            return None
        if len(seen) == len(review.about):
            return review
        return review.model_copy(update={"units": [about.unit for about in seen], "shown": None})


def decided_by(name: str, reviews: Iterable[Review]) -> frozenset[About]:
    """Return what a reviewer has decided on, also where it was withdrawn later: nothing is kept back of it."""
    reader = reader_of(name)
    return frozenset(
        about for review in reviews if review.reader == reader and review.decision for about in review.about
    )


def session_state(desk: Desk, reviews: SessionReviews, reader: Reader) -> dict[str, Any]:
    """Return the reviews that a reader may see and what they come to, ready for JSON.

    Returns
    -------
    dict
        ``digest`` and path of the ``file``, ``quorum``, ``reviews`` in its order, and ``outcomes``: of each thing that
        was decided on, ``about``, ``unit``, ``interval``, ``scope``, ``decision``, ``state``, ``passing``, ``failing``
        and ``text``; ``set_aside``, that the session is, or who proposes it; and ``proposals``: entries by which the
        reader agrees with reviews of an earlier sorting.
    """
    rulebook, today = desk.rulebook(reviews.source), desk.platform.today
    shown = reader.shown(reviews)
    carried = desk.carried(shown)
    standing = without_carried(shown, carried)
    counting = {one.id: list(one.unit_ids) for one in standing.reviews}
    outcomes = [_outcome(about, one) for about, one in weighed_things(standing, rulebook, today).items()]
    whole = session_review(standing, rulebook, today)
    return {
        "digest": reviews.digest,
        "file": shown_path(desk.reviews_file(reviews.source, reviews.session_id)),
        "quorum": rulebook.review_quorum,
        "today": str(today),
        "reviews": [_marked(one, counting) for one in told_reviews(shown, today)],
        "outcomes": outcomes,
        "set_aside": _set_aside(whole, session_review(without_carried(reviews, carried), rulebook, today)),
        "proposals": _proposals(shown, carried, reader, today),
    }


def _set_aside(shown: SessionReview | None, whole: SessionReview | None) -> str:
    """Return what a reader is told of the session as a whole: that it counts as set aside is no secret, by whom is."""
    if shown is not None and shown.set_aside:
        return shown.set_aside
    return "set aside" if whole is not None and whole.is_set_aside else ""


def _marked(told: dict[str, Any], counting: Mapping[str, list[str]]) -> dict[str, Any]:
    """Mark a review whose spikes its units have no more."""
    if counting.get(told["id"]) == told["units"]:
        return told
    return {**told, "counts": False, "note": "its unit was sorted again and has other spikes now (nh review carry)"}


def _proposals(reviews: SessionReviews, carried: pd.DataFrame, reader: Reader, today: str) -> list[dict[str, Any]]:
    """Return the entries by which a reader agrees with reviews of an earlier sorting that do not contradict."""
    listed = listed_carried(reviews, carried)
    found: list[dict[str, Any]] = []
    for unit in sorted({one.unit for one in listed if one.standing == "proposed"}):
        with suppress(ConfigError):  # proposals that contradict each other, or questions alone
            found += agreeing_entries(listed, reader.name, today, [unit])
    return [{key: entry[key] for key in entry if key not in ("reviewer", "date")} for entry in found]


def _outcome(about: About, weighed: Weighed) -> dict[str, Any]:
    return {
        "about": str(about),
        "kind": about.kind,
        "unit": about.unit,
        "interval": list(about.interval) if about.interval else None,
        "scope": about.scope,
        "decision": weighed.decision,
        "state": weighed.state,
        "passing": list(weighed.passing),
        "failing": list(weighed.failing),
        "text": weighed.text,
    }
