"""Threads of the reviews of a session: questions and comments, their answers, and which of them are open.

Add here what is said of talk between reviewers. What they decide is `review_decisions.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_model import About, Review, reader_of

ThreadState = Literal["open", "answered", "closed"]


@dataclass(frozen=True)
class Thread:
    """A review with what answers it, in the order of the file.

    Parameters
    ----------
    entries
        The review that it begins with, and every answer, also to answers.
    """

    entries: tuple[Review, ...]

    @property
    def about(self) -> tuple[About, ...]:
        """What the first entry is about; nothing where it answers what is not in the file."""
        return self.entries[0].about

    @property
    def asker(self) -> str:
        """Reviewer of the first entry without a decision; empty where every entry decides."""
        return next((one.reviewer for one in self.entries if one.decision is None), "")

    @property
    def state(self) -> ThreadState:
        """``closed`` where the last entry closes it, ``open`` where its asker spoke last, else ``answered``."""
        last = self.entries[-1]
        if last.closes:
            return "closed"
        return "open" if last.reader == reader_of(self.asker) else "answered"


def threads(reviews: SessionReviews) -> list[Thread]:
    """Return every thread in which something is asked or said without a decision, in the order of the file.

    An answer stands below what it answers in the file; one that names nothing above it begins a thread of its own.
    """
    return [thread for thread in _all_threads(reviews) if thread.asker]


def thread_of(reviews: SessionReviews, review: Review) -> Thread:
    """Return the thread that a review of the file is part of, also one in which everybody decides."""
    return next(thread for thread in _all_threads(reviews) if review in thread.entries)


def _all_threads(reviews: SessionReviews) -> list[Thread]:
    begins: dict[str, str] = {}
    entries: dict[str, list[Review]] = {}
    for review in reviews.reviews:
        first = begins[review.id] = begins.get(review.answers or "", review.id)
        entries.setdefault(first, []).append(review)
    return [Thread(tuple(stated)) for stated in entries.values()]


def answers_to_nothing(reviews: SessionReviews) -> list[Review]:
    """Return the entries that answer a review which does not stand above them: a typo, or an entry that was changed.

    The id of an entry that states none follows its content, so that correcting one loses its answers.
    """
    above: set[str] = set()
    found = []
    for review in reviews.reviews:
        if review.answers is not None and review.answers not in above:
            found.append(review)
        above.add(review.id)
    return found
