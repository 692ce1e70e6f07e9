"""The files of people's reviews, read and validated: one per session, `<source>/<session>.yaml` in the reviews folder.

Contains their reader, what is refused of them, and their version. Add here what a file must hold as a whole. What one
review may say is `review_model.py`; saving is `review_saving.py`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, field_validator

from nh_platform.qc.reviews.review_model import ALL_PROBES, About, Day, NonEmpty, Review, free_id, text_of_number
from nh_platform.qc.reviews.review_places import read_stated
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.session.errors import close_matches
from nh_platform.session.yaml_files.validation_errors import checked
from nh_platform.session.yaml_files.yaml_file import Location, YamlFile, parse_yaml
from nh_platform.store.records import folder_names, record_names

_EFFECTIVE = frozenset(Review.model_fields) - {"id", "comment", "evidence", "answers", "closes", "blind", "shown"}
"""Keys of a decision that change what is made of it."""
_TEXTS = 32
"""Texts that are parsed once: saving one review meets the same text four times, and 400 reviews take 66 ms."""
_FURTHEST_S = 1e9
"""Of an interval, 32 years: beyond are slips of the pen, and differences of numbers as 1e308 are no numbers."""
_ABOUT = "unit or units, interval, unit with interval, or whole_session: true"


class _ReviewFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    source: NonEmpty
    session: NonEmpty
    reviews: list[Review]

    @field_validator("session", mode="before")
    @classmethod
    def _session_as_text(cls, value: object) -> object:
        return text_of_number(value)


@dataclass(frozen=True)
class SessionReviews:
    """The reviews of one session, in the order of the file; each has an id, stated or from its content.

    Parameters
    ----------
    source, session_id
        What the file is about.
    reviews
        The reviews.
    file
        Name of the file, for texts; empty where there is none.
    digest
        Sha256 over the bytes of the file; of nothing where there is none.
    """

    source: str
    session_id: str
    reviews: tuple[Review, ...] = ()
    file: str = ""
    digest: str = hashlib.sha256(b"").hexdigest()

    def named(self, name: str) -> Review:
        """Return the review that an id, or the start of exactly one, means.

        Raises
        ------
        UnknownSession
            If none is meant, or several.
        """
        found = [review for review in self.reviews if review.id == name]
        found = found or [review for review in self.reviews if name and review.id.startswith(name)]
        if len(found) != 1:
            ids = [review.id for review in self.reviews]
            what = f"{len(found)} of its {len(ids)} reviews match"
            action = f"`nh review list {self.source} {self.session_id}` has the ids.{close_matches(name, ids)}"
            raise UnknownSession(f"review {name!r} of {self.source} {self.session_id}", what, action)
        return found[0]


def review_path(folder: str | os.PathLike[str], source: str, session_id: str) -> Path:
    """Return where the reviews of a session are: ``<folder>/<source>/<session>.yaml``."""
    return Path(folder) / source / f"{session_id}.yaml"


def read_reviews(path: str | os.PathLike[str]) -> SessionReviews:
    """Return the reviews of a session; none where it has no file.

    Parameters
    ----------
    path
        ``<folder>/<source>/<session>.yaml``, as from `review_path`; the file must state the same source and session.

    Raises
    ------
    ConfigError
        If the file is not as `nh_platform.qc.reviews.review_model.Review` describes, with file and line.
    """
    file = Path(path)
    source, session_id = file.parent.name, file.stem
    name = f"{source}/{file.name}"
    text = read_stated(file, name)
    return SessionReviews(source, session_id) if text is None else parse_reviews(text, name, source, session_id)


def read_all_reviews(
    folder: str | os.PathLike[str], source: str | None = None
) -> tuple[list[SessionReviews], list[ConfigError]]:
    """Return the reviews of every session with a file, of one source or of all, and what is wrong with the others.

    Both are sorted by source and session; a file with a mistake is its session's matter alone.
    """
    found, mistakes = [], []
    for name in folder_names(Path(folder)) if source is None else [source]:
        for path in review_paths(Path(folder), name):
            try:
                found.append(read_reviews(path))
            except ConfigError as error:
                mistakes.append(error)
    return found, mistakes


def review_paths(folder: Path, source: str) -> list[Path]:
    """Return the review files of a source, sorted; none where there are none."""
    return [folder / source / name for name in record_names(folder / source) if name.endswith(".yaml")]


@lru_cache(maxsize=_TEXTS)
def parse_reviews(text: str, file: str, source: str, session_id: str) -> SessionReviews:
    """Parse and check the text of a review file.

    Raises
    ------
    ConfigError
        If it is not YAML, a key is unknown or missing, a decision or date is not one, it states another source or
        session than its place, a review is about nothing or about two things, has neither decision nor comment, an
        interval ends before it starts, a withdrawal takes back nothing, an id stands twice, or a reviewer's entry is
        his last one word for word.
    """
    lined = parse_yaml(text, file)
    actions = {"": "Give source, session and reviews."}
    parsed = checked(lined, _ReviewFile, lambda location: _about(lined, location), actions)
    for key, stated, expected in (("source", parsed.source, source), ("session", parsed.session, session_id)):
        if stated != expected:
            found = f"{key} {stated!r}, but its place says {expected!r}"
            raise lined.error((key,), "", found, "Correct the file or move it to <source>/<session>.yaml.")
    reviews: list[Review] = []
    last_of: dict[str, tuple[str, int]] = {}
    ids: dict[str, int] = {}
    for index, review in enumerate(parsed.reviews):
        content, line = review.content_id(), lined.line(("reviews", index))
        before, its_line = last_of.get(review.reader, ("", 0))
        mistake = _mistake(review)
        if mistake is None and content == before:
            mistake = "", f"it stands in line {its_line} already, word for word", "Remove one of the two."
        if mistake is None and review.id in ids:
            found = f"the review in line {ids[review.id]} has the id {review.id} too"
            mistake = "id", found, "Give it another id."
        if mistake is not None:
            key, found, action = mistake
            raise lined.error(("reviews", index, *([key] if key else [])), _words(review, index), found, action)
        chosen = review.id or free_id(content, ids)
        last_of[review.reader], ids[chosen] = (content, line), line
        reviews.append(review.model_copy(update={"id": chosen}))
    for index in _withdrawing_nothing(reviews):
        review = reviews[index]
        found = f"{review.reviewer} decided nothing before about {_listed(review.about)} that could be withdrawn"
        action = "Withdraw a decision of your own, on the same thing; or remove this review."
        raise lined.error(("reviews", index, "decision"), _words(review, index), found, action)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return SessionReviews(source, session_id, tuple(reviews), file, digest)


def _about(lined: YamlFile, location: Location) -> tuple[str, Location]:
    if len(location) < 2 or location[0] != "reviews":
        return "", location
    reviewer = lined.at((*location[:2], "reviewer"))
    by = f" by {reviewer}" if isinstance(reviewer, str) else ""
    return f"review {int(location[1]) + 1}{by}", location[2:]


def _words(review: Review, index: int) -> str:
    return f"review {index + 1} by {review.reviewer}"


def _listed(about: Iterable[About]) -> str:
    return ", ".join(map(str, about))


def _mistake(review: Review) -> tuple[str, str, str] | None:
    """Return key, what was found and what to do of the first thing that is wrong with one review, or None."""
    return _mistake_of_place(review) or _mistake_of_interval(review) or _mistake_of_words(review)


def _mistake_of_place(review: Review) -> tuple[str, str, str] | None:
    named = [key for key in ("unit", "units", "interval", "whole_session") if getattr(review, key) is not None]
    if not named and not (review.answers and review.decision is None):
        return "", "it is about nothing", f"Give {_ABOUT}."
    if len(named) > 1 and named != ["unit", "interval"]:
        return "", f"it is about {' and '.join(named)}", f"Give one of: {_ABOUT}."
    twice = sorted(unit for unit, times in Counter(review.unit_ids).items() if times > 1)
    if twice:
        return "units", f"it names {', '.join(twice)} twice", "Name each unit once."
    if review.rulebook is not None and (review.interval is not None or review.whole_session):
        thing = "the whole session" if review.whole_session else "an interval"
        return "rulebook", f"a review of {thing} holds for every rulebook", "Remove the key."
    return None


def _mistake_of_interval(review: Review) -> tuple[str, str, str] | None:
    if review.interval is not None:
        start, stop = review.interval
        if not (start < stop and max(abs(start), abs(stop)) <= _FURTHEST_S):  # NaN is neither
            action = f"Give [start, stop] in seconds with start before stop, within {_FURTHEST_S:,.0f} s of 0."
            return "interval", f"interval {start} to {stop}", action
        if review.unit is not None and review.scope != ALL_PROBES:
            return "scope", "an interval of one unit is of no probe", "Remove the key, or the unit."
    if review.expiry is not None and review.expiry < review.date:
        return "expiry", f"expires on {review.expiry}, before its date", "Correct one of them."
    return None


def _mistake_of_words(review: Review) -> tuple[str, str, str] | None:
    if review.decision is None:
        if review.comment is None:
            return "", "it has neither a decision nor a comment", "Add decision and reason; or comment, for a question."
        pointless = [key for key in ("reason", "expiry", "rulebook") if getattr(review, key) is not None]
        if pointless:
            return pointless[0], f"{pointless[0]!r} stands in a comment, which decides nothing", "Add a decision."
    elif review.reason is None:
        return "", "'reason' is missing", "Say in a sentence why."
    elif review.comment is not None:
        return "comment", "it has a reason and a comment", "Write both in the reason."
    if review.closes and not review.answers:
        return "closes", "it closes no thread", "Name the review that it answers: `answers: <id>`."
    return None


def _withdrawing_nothing(reviews: list[Review]) -> list[int]:
    """Return the positions of withdrawals on whose thing their reviewer decided nothing before them."""
    decided: dict[tuple[str, About], list[tuple[object, int]]] = {}
    for index, review in enumerate(reviews):
        if review.decision in ("pass", "fail"):
            for thing in review.about:
                decided.setdefault((review.reader, thing), []).append((review.date, index))
    return [
        index
        for index, review in enumerate(reviews)
        if review.decision == "withdrawn"
        and not all(
            any(before < (review.date, index) for before in decided.get((review.reader, thing), ()))
            for thing in review.about
        )
    ]


def reviews_version(path: str | os.PathLike[str], today: Day = None) -> str:
    """Return the identity of the decisions that a session's review file holds: sha256 over them and their order.

    Where there are none, it is sha256 over nothing. Comments, questions, evidence and ids are no part of it: they
    change nothing that is made. With ``today``, the positions of the decisions that count on that day are part of it:
    the version then changes on the day on which an expiry takes effect, and on no other.

    Raises
    ------
    ConfigError
        If the file cannot be read or parsed.
    """
    decisions = [review for review in read_reviews(path).reviews if review.decision is not None]
    if not decisions:
        return hashlib.sha256(b"").hexdigest()
    stated = [one.model_dump(mode="json", include=set(_EFFECTIVE)) for one in decisions]
    counting = [index for index, review in enumerate(decisions) if review.counts_on(today)] if today else []
    return hashlib.sha256(json.dumps([stated, counting], sort_keys=True).encode()).hexdigest()


def reviews_content(path: str | os.PathLike[str]) -> str:
    """Return the identity of all that the reviews of a session say, questions, evidence and ids too.

    YAML comments and layout are no part of it: no page shows them. Where nothing is said, it is sha256 over nothing.

    Raises
    ------
    ConfigError
        If the file cannot be read or parsed.
    """
    said = [review.model_dump(mode="json", exclude={"shown"}) for review in read_reviews(path).reviews]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode() if said else b"").hexdigest()
