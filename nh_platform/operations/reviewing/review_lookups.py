"""What was decided, asked and answered in the reviews of a home, and how far reviewers agree.

Add here another look at reviews. What they come to is `nh_platform.qc.reviews`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OpenHome, open_home
from nh_platform.session import ConfigError, NhError, UnknownSession

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd

    from nh_platform.qc.reviews.listed_reviews import ListedReview
    from nh_platform.qc.reviews.review_decisions import UnitReview
    from nh_platform.qc.reviews.review_model import Review


@dataclass(frozen=True)
class ReviewList:
    """Everything that the reviews of a source, or of one session, are about.

    Parameters
    ----------
    rows
        By session: the session itself, units, intervals, questions, orphans.
    mistakes
        Files that cannot be used, each with its mistake; the others are listed.
    rulebook, quorum
        The active rulebook, and how many reviewers it asks for.
    day
        Day on which the reviews count.
    """

    rows: list[ListedReview]
    mistakes: list[ConfigError]
    rulebook: str
    quorum: int
    day: dt.date


@dataclass(frozen=True)
class ReviewHistory:
    """Every review of one unit, or of one thread.

    Parameters
    ----------
    session_id, name
        The session, and what the reviews are about, in words.
    reviews
        The reviews, in the order of their dates and of the file.
    outcomes
        What they come to, by rulebook; empty of a thread.
    """

    session_id: str
    name: str
    reviews: tuple[Review, ...]
    outcomes: dict[str, UnitReview]


def list_reviews(home: Home, source: str, session: str | None = None, day: str | None = None) -> ReviewList:
    """Return what the reviews of a source are about, and the state of each.

    Parameters
    ----------
    home, source
        The home folder, and one of its sources.
    session
        Only this session: its id, that of an insertion, or the first characters of one.
    day
        Day on which reviews count, ``YYYY-MM-DD``; today where not given.

    Raises
    ------
    ConfigError
        If the day is none, or there is no such source.
    UnknownSession
        If there is no such session.
    """
    from nh_platform.qc.reviews.listed_reviews import listed_reviews
    from nh_platform.qc.reviews.resorted.proposals import listed_carried, listed_rows, without_carried
    from nh_platform.qc.reviews.review_files import read_all_reviews, read_reviews
    from nh_platform.qc.reviews.review_model import as_day
    from nh_platform.qc.rules.rulebook import load_rulebook

    with open_home(home) as at:
        books = [load_rulebook(name) for name in at.platform.config(source).rulebooks]
        try:
            today = as_day(day or at.platform.today)
        except ValueError as error:
            raise ConfigError(f"day {day}", "it is not a day", "Write it as YYYY-MM-DD.") from error
        assert today is not None
        mistakes: list[ConfigError] = []
        if session is None:
            sessions, mistakes = read_all_reviews(at.platform.settings.reviews, source)
        else:
            session_id = at.platform.manifest(source).session_named(session)
            try:
                sessions = [read_reviews(at.platform.reviews_file(source, session_id))]
            except ConfigError as error:
                sessions, mistakes = [], [error]
        listed = _listed_sessions(at, source)
        rows: list[ListedReview] = []
        for one in sessions:
            units, carried = _stored_units(at, source, one.session_id), _carried(at, source, one.session_id)
            counting, is_known = without_carried(one, carried), listed is None or one.session_id in listed
            rows += listed_reviews(counting, books, today, units, is_known=is_known)
            rows += listed_rows(one.session_id, listed_carried(one, carried))
        return ReviewList(rows, mistakes, books[0].id, books[0].review_quorum, today)


def review_agreement(home: Home, source: str) -> tuple[pd.DataFrame, list[ConfigError]]:
    """Return how far reviewers of a source agree, a row per pair, and the files that cannot be used.

    Returns
    -------
    DataFrame
        As of `nh_platform.qc.reviews.reviewer_agreement.reviewer_agreement`.
    list
        Mistakes of files; the others are counted.
    """
    from nh_platform.qc.reviews.review_files import read_all_reviews
    from nh_platform.qc.reviews.reviewer_agreement import reviewer_agreement

    with open_home(home) as at:
        at.platform.config(source)
        sessions, mistakes = read_all_reviews(at.platform.settings.reviews, source)
        return reviewer_agreement(sessions), mistakes


def review_history(home: Home, source: str, session: str, thing: str) -> ReviewHistory:
    """Return every review of one unit, or the thread that a review is part of.

    Parameters
    ----------
    home, source, session
        The session, as for `list_reviews`.
    thing
        A unit, named as for `nh qc explain`; or the id of a review, or the start of one.

    Raises
    ------
    UnknownSession
        If there is no such session, or neither unit nor review of that name.
    ConfigError
        If the file of the session has a mistake.
    """
    from nh_platform.qc.reviews.resorted.proposals import without_carried
    from nh_platform.qc.reviews.review_decisions import unit_reviews
    from nh_platform.qc.reviews.review_files import read_reviews
    from nh_platform.qc.reviews.threads import thread_of
    from nh_platform.qc.rules.rulebook import load_rulebook

    with open_home(home) as at:
        session_id = at.platform.manifest(source).session_named(session)
        reviews = read_reviews(at.platform.reviews_file(source, session_id))
        unit = _unit_named(at, source, session_id, thing)
        known = {one for review in reviews.reviews for one in review.unit_ids}
        if unit is None and thing not in known:
            try:
                thread = thread_of(reviews, reviews.named(thing))
            except UnknownSession as error:
                found = "it is neither a unit nor one review"
                raise UnknownSession(f"{thing!r} of {source} {session_id}", found, error.action) from error
            about = ", ".join(map(str, thread.about)) or "what is not in the file"
            return ReviewHistory(session_id, f"thread about {about}", thread.entries, {})
        unit = unit or thing
        stated = sorted((one for one in reviews.reviews if _concerns(reviews.reviews, one, unit)), key=lambda r: r.date)
        books = [load_rulebook(name) for name in at.platform.config(source).rulebooks]
        counting = without_carried(reviews, _carried(at, source, session_id))
        found_by = {book.id: unit_reviews(counting, book, at.platform.today).get(unit) for book in books}
        outcomes = {book: one for book, one in found_by.items() if one is not None}
        return ReviewHistory(session_id, f"unit {unit}", tuple(stated), outcomes)


def _concerns(reviews: tuple[Review, ...], one: Review, unit: str) -> bool:
    """Return whether a review is about a unit, or answers one that is."""
    by_id = {review.id: review for review in reviews}
    seen: set[str] = set()
    while not one.about and one.answers in by_id and one.id not in seen:
        seen.add(one.id)
        one = by_id[one.answers]
    return unit in one.unit_ids


def _listed_sessions(home: OpenHome, source: str) -> set[str] | None:
    try:
        return set(home.platform.manifest(source).session_ids)
    except UnknownSession:  # never synced
        return None


def _stored_units(home: OpenHome, source: str, session_id: str) -> set[str] | None:
    from nh_platform.store.codecs.parquet import read_table

    folder = home.platform.store.usable(source, session_id, "units")
    return None if folder is None else set(read_table(folder / "units.parquet", ["unit_id"])["unit_id"].astype(str))


def _carried(home: OpenHome, source: str, session_id: str) -> pd.DataFrame:
    """Return the reviews that do not count since their unit was sorted again, as the stored units know them."""
    from nh_platform.store.codecs.recording_files import read_carried

    return read_carried(home.platform.store.usable(source, session_id, "units"))


def _unit_named(home: OpenHome, source: str, session_id: str, thing: str) -> str | None:
    """Return the id of the stored unit that a name means, or None."""
    from nh_platform.qc.rules.explain import find_unit
    from nh_platform.store.codecs.parquet import read_table

    folder = home.platform.store.usable(source, session_id, "units")
    if folder is None:
        return None
    try:
        return str(find_unit(read_table(folder / "units.parquet"), thing, "")["unit_id"].iloc[0])
    except NhError:
        return None
