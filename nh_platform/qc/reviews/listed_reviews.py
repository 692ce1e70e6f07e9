"""Everything that the reviews of a session are about, one row each with its state: what `nh review list` shows.

Add here another thing that people look for among reviews. Outcomes are weighed in `review_decisions.py`, threads made
in `threads.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from nh_platform.qc.reviews.review_decisions import unit_reviews, weighed_things
from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_model import About, Day, Review, reviewer_names
from nh_platform.qc.reviews.threads import answers_to_nothing, threads
from nh_platform.qc.rules.rulebook_model import Rulebook

_KINDS = ("session", "unit", "unit interval", "interval")
"""The order in which they are listed."""


@dataclass(frozen=True)
class ListedReview:
    """One thing that was reviewed or asked about.

    Parameters
    ----------
    session_id
        The session.
    kind
        ``unit``, ``interval``, ``unit interval``, ``session``, ``question`` or ``orphan``.
    about
        What it is about, in words.
    state
        That of `nh_platform.qc.reviews.review_decisions.State` or of a thread; of an orphan ``unknown session``,
        ``unknown unit``, ``unknown rulebook`` or ``answers nothing``.
    decision
        ``pass`` or ``fail`` where the reviews are counted, else ``none``.
    text
        The outcome, or the question with its last answer, in words.
    reviewers
        Everybody who reviewed it or spoke of it, sorted.
    ids
        Ids of the reviews, in the order of the file.
    """

    session_id: str
    kind: str
    about: str
    state: str
    decision: str
    text: str
    reviewers: tuple[str, ...]
    ids: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """Whether it is a question that waits for an answer."""
        return self.state == "open"


def listed_reviews(
    reviews: SessionReviews,
    rulebooks: Sequence[Rulebook],
    today: Day,
    units: Collection[str] | None = None,
    *,
    is_known: bool = True,
) -> list[ListedReview]:
    """Return what the reviews of a session are about: the session, units, intervals, questions, orphans.

    Parameters
    ----------
    reviews, today
        As for `nh_platform.qc.reviews.review_decisions.unit_reviews`.
    rulebooks
        Rulebooks of the source, the active one first. Units are listed by it, and by another one where a review is
        about that one alone.
    units
        Ids of the session's units; None where they are not known, and no unit is an orphan then.
    is_known
        Whether the catalog has the session; all of its reviews are orphans where it does not.
    """
    active = rulebooks[0]
    weighed = [(about, one.words, one) for about, one in weighed_things(reviews, active, today).items()]
    for book in rulebooks[1:]:
        limited = {unit for review in reviews.reviews if review.rulebook == book.id for unit in review.unit_ids}
        weighed += [
            (About(unit), f"{book.id}: {one.words}", one)
            for unit, one in unit_reviews(reviews, book, today).items()
            if unit in limited
        ]
    weighed.sort(key=lambda row: _KINDS.index(row[0].kind))
    of: dict[About, list[Review]] = {}
    for review in reviews.reviews:
        for thing in review.about if review.decision is not None else ():
            of.setdefault(thing, []).append(review)
    rows = [
        _row(reviews, about.kind, str(about), one.state, one.decision, text, of[about]) for about, text, one in weighed
    ]
    for thread in threads(reviews):
        about_words = ", ".join(map(str, thread.about)) or f"answers {thread.entries[0].answers}"
        said = [f"{one.reviewer}: {one.words}" for one in thread.entries]
        text = said[0] if len(said) == 1 else f"{said[0]} — {said[-1]}"
        rows.append(_row(reviews, "question", about_words, thread.state, "none", text, thread.entries))
    if not is_known and reviews.reviews:
        text = f"the catalog of {reviews.source} has no such session"
        rows.append(_row(reviews, "orphan", str(About()), "unknown session", "none", text, reviews.reviews))
    return rows + _orphans(reviews, {book.id for book in rulebooks}, units)


def entries_newest_first(reviews: SessionReviews) -> list[dict[str, str]]:
    """Return every entry of a file as a row of text, the newest first: date, reviewer, about, decision, reason, id."""
    in_order = sorted(reviews.reviews, key=lambda review: review.date)
    return [
        {
            "date": str(one.date),
            "reviewer": one.reviewer,
            "about": ", ".join(map(str, one.about)) or f"answers {one.answers}",
            "decision": one.decision or "comment",
            "reason": one.words,
            "id": one.id,
        }
        for one in reversed(in_order)
    ]


def _orphans(reviews: SessionReviews, rulebooks: Collection[str], units: Collection[str] | None) -> list[ListedReview]:
    """Return what names a review, rulebook or unit that there is not."""
    rows = []
    for review in answers_to_nothing(reviews):
        text = f"{review.reviewer} answers {review.answers}, which does not stand above it: {review.words}"
        rows.append(_row(reviews, "orphan", "answer", "answers nothing", "none", text, [review]))
    for review in reviews.reviews:
        if review.rulebook is not None and review.rulebook not in rulebooks:
            text = f"{review.rulebook} is no rulebook of {reviews.source}; it has {', '.join(sorted(rulebooks))}"
            about = ", ".join(map(str, review.about))
            rows.append(_row(reviews, "orphan", about, "unknown rulebook", "none", text, [review]))
    named = {unit for review in reviews.reviews for unit in review.unit_ids}
    for unit in sorted(named.difference(units)) if units is not None else ():
        text = "the session has no such unit now: a typo, or it was sorted again"
        stated = [review for review in reviews.reviews if unit in review.unit_ids]
        rows.append(_row(reviews, "orphan", f"unit {unit}", "unknown unit", "none", text, stated))
    return rows


def _row(
    reviews: SessionReviews, kind: str, about: str, state: str, decision: str, text: str, stated: Sequence[Review]
) -> ListedReview:
    ids = tuple(review.id for review in stated)
    return ListedReview(reviews.session_id, kind, about, state, decision, text, reviewer_names(stated), ids)
