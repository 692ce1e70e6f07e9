"""People's recorded decisions about units and intervals: the files, read and validated.

Contains the models of the files under the reviews folder (`<source>/<session>.yaml`), their reader and their version.
Add here what a review may say and on which days it counts. What the reviews of a session decide is
`review_decisions.py`, agreement between reviewers `reviewer_agreement.py`. No clock is read here: the day is passed in.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from nh_platform.session import ConfigError
from nh_platform.session.validation_errors import checked
from nh_platform.session.yaml_file import Location, YamlFile, parse_yaml, read_optional

Decision = Literal["pass", "fail"]
Day = dt.date | str | None
"""A day as a date or ``YYYY-MM-DD``; None where reviews shall neither expire nor wait for their date."""


def as_day(day: Day) -> dt.date | None:
    """Return a day as a date; None stays None."""
    return dt.date.fromisoformat(day) if isinstance(day, str) else day


NonEmpty = Annotated[str, Field(min_length=1)]


class Review(BaseModel):
    """One decision of one reviewer.

    Exactly one of ``unit``, ``units`` and ``interval`` says what it is about. An interval is ``[start, stop]`` in
    seconds on the session clock, with ``scope`` ``all_probes`` or a probe name; ``fail`` marks it unusable.
    ``rulebook`` limits a decision about units to one rulebook. The review counts from ``date`` to ``expiry``, both
    included; without ``expiry`` it stays.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: NonEmpty | None = None
    units: list[NonEmpty] | None = Field(default=None, min_length=1)
    interval: tuple[float, float] | None = None
    scope: NonEmpty = "all_probes"
    decision: Decision
    reason: NonEmpty
    reviewer: NonEmpty
    date: dt.date
    evidence: list[NonEmpty] = []
    expiry: dt.date | None = None
    rulebook: NonEmpty | None = None

    @field_validator("unit", mode="before")
    @classmethod
    def _number_as_text(cls, value: object) -> object:
        return _text(value)

    @field_validator("units", mode="before")
    @classmethod
    def _numbers_as_text(cls, value: object) -> object:
        return [_text(item) for item in value] if isinstance(value, list) else value

    @property
    def unit_ids(self) -> tuple[str, ...]:
        """Ids of the units that it is about; empty for an interval."""
        return tuple(self.units or ([self.unit] if self.unit else []))

    def counts_on(self, today: Day) -> bool:
        """Return whether ``today`` lies within its dates; always, where no day is given."""
        day = as_day(today)
        if day is None:
            return True
        return self.date <= day and (self.expiry is None or day <= self.expiry)

    def concerns(self, rulebook: str) -> bool:
        """Return whether it is about all rulebooks or about this one."""
        return self.rulebook is None or self.rulebook == rulebook


class _ReviewFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    source: NonEmpty
    session: NonEmpty
    reviews: list[Review]

    @field_validator("session", mode="before")
    @classmethod
    def _session_as_text(cls, value: object) -> object:
        return _text(value)


@dataclass(frozen=True)
class SessionReviews:
    """The reviews of one session, in the order of the file.

    Parameters
    ----------
    source, session_id
        What the file is about.
    reviews
        The reviews.
    file
        Name of the file, for texts; empty where there is none.
    """

    source: str
    session_id: str
    reviews: tuple[Review, ...] = ()
    file: str = ""


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
        If the file is not as `Review` describes, with file and line.
    """
    file = Path(path)
    source, session_id = file.parent.name, file.stem
    name = f"{source}/{file.name}"
    text = read_optional(file, name)
    return SessionReviews(source, session_id) if text is None else parse_reviews(text, name, source, session_id)


def read_all_reviews(
    folder: str | os.PathLike[str], source: str | None = None
) -> tuple[list[SessionReviews], list[ConfigError]]:
    """Return the reviews of every session with a file, of one source or of all, and what is wrong with the others.

    Both are sorted by source and session; a file with a mistake is its session's matter alone.
    """
    found, mistakes = [], []
    for path in sorted(Path(folder).glob(f"{source or '*'}/*.yaml")):
        try:
            found.append(read_reviews(path))
        except ConfigError as error:
            mistakes.append(error)
    return found, mistakes


def parse_reviews(text: str, file: str, source: str, session_id: str) -> SessionReviews:
    """Parse and check the text of a review file.

    Raises
    ------
    ConfigError
        If it is not YAML, a key is unknown or missing, a decision or date is not one, it states another source or
        session than its place, a review is about nothing or about two things, an interval ends before it starts, or
        one reviewer decides the same thing twice on one day.
    """
    lined = parse_yaml(text, file)
    actions = {"": "Give source, session and reviews."}
    parsed = checked(lined, _ReviewFile, lambda location: _about(lined, location), actions)
    for key, stated, expected in (("source", parsed.source, source), ("session", parsed.session, session_id)):
        if stated != expected:
            found = f"{key} {stated!r}, but its place says {expected!r}"
            raise lined.error((key,), "", found, "Correct the file or move it to <source>/<session>.yaml.")
    seen: dict[tuple[object, ...], int] = {}
    for index, review in enumerate(parsed.reviews):
        _check(review, index, lined, seen)
    return SessionReviews(source, session_id, tuple(parsed.reviews), file)


def _about(lined: YamlFile, location: Location) -> tuple[str, Location]:
    if len(location) < 2 or location[0] != "reviews":
        return "", location
    reviewer = lined.at((*location[:2], "reviewer"))
    by = f" by {reviewer}" if isinstance(reviewer, str) else ""
    return f"review {int(location[1]) + 1}{by}", location[2:]


def _check(review: Review, index: int, lined: YamlFile, seen: dict[tuple[object, ...], int]) -> None:
    at = ("reviews", index)
    about = f"review {index + 1} by {review.reviewer}"
    named = [key for key in ("unit", "units", "interval") if getattr(review, key) is not None]
    if len(named) != 1:
        found = "it is about nothing" if not named else f"it is about {' and '.join(named)}"
        raise lined.error(at, about, found, "Give exactly one of unit, units and interval.")
    if review.interval is not None:
        start, stop = review.interval
        if not (np.isfinite(start) and np.isfinite(stop) and start < stop):
            action = "Give [start, stop] in seconds with start before stop."
            raise lined.error((*at, "interval"), about, f"interval {start} to {stop}", action)
        if review.rulebook is not None:
            raise lined.error((*at, "rulebook"), about, "an interval holds for every rulebook", "Remove the key.")
    if review.expiry is not None and review.expiry < review.date:
        found = f"expires on {review.expiry}, before its date"
        raise lined.error((*at, "expiry"), about, found, "Correct one of them.")
    things: Iterable[object] = review.unit_ids or (review.interval,)
    for thing in things:
        key = (thing, review.scope, review.rulebook, review.reviewer, review.date)
        if key in seen:
            found = f"{review.reviewer} decided {thing} on {review.date} already (line {seen[key]})"
            raise lined.error(at, about, found, "Keep one of the two, or give the later one its own date.")
        seen[key] = lined.line(at)


def reviews_version(path: str | os.PathLike[str], today: Day = None) -> str:
    """Return the content identity of a session's review file: sha256 over its bytes; of nothing where there is none.

    With ``today``, the positions of the reviews that count on that day are part of it: the version then changes on
    the day on which an expiry takes effect, and on no other.

    Raises
    ------
    ConfigError
        If the file cannot be read; with ``today``, if it cannot be parsed.
    """
    file = Path(path)
    content = read_optional(file, f"{file.parent.name}/{file.name}") or ""
    digest = hashlib.sha256(content.encode())
    if today is not None and content:
        parsed = read_reviews(file)
        counting = [str(index) for index, review in enumerate(parsed.reviews) if review.counts_on(today)]
        digest.update(b"\x1f" + ",".join(counting).encode())
    return digest.hexdigest()


def _text(value: object) -> object:
    """Allen ids are numbers; YAML reads them as integers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
