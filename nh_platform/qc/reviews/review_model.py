"""What a review may say: a decision of one reviewer, its withdrawal, or a question or comment of a thread.

Contains the model of one entry of a review file, what it is about, and its id. Add here another thing that a review may
state. The files are `review_files.py`; what the reviews of a session come to is `review_decisions.py`, threads are
`threads.py`. No clock is read here: the day is passed in.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import unicodedata
from collections.abc import Container, Iterable
from dataclasses import dataclass
from itertools import chain, count
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

Decision = Literal["pass", "fail", "withdrawn"]
Day = dt.date | str | None
"""A day as a date or ``YYYY-MM-DD``; None where reviews shall neither expire nor wait for their date."""
ALL_PROBES = "all_probes"
_DIGITS = 10
"""Of an id: among 20,000 reviews of one file, two have the same in 1 of 5,000 files, and the reader then says so."""

NonEmpty = Annotated[str, Field(min_length=1)]
_NOT_SEEN = dict.fromkeys(map(ord, "\u00ad\u061c\u200b\u200e\u200f\u2060\ufeff"))
"""Soft hyphen, marks of direction, spaces and joiners of no width; the joiners that scripts need to be read stay."""


def reviewer_name(text: str) -> str:
    r"""Return the one spelling of a reviewer's name, so that nobody is two readers by a space that is not seen.

    Spaces at its ends go, those within become one, accents are joined to their letters (Unicode's NFC), and characters
    of no width go. Capitals stay: a name is shown as it was written. Whose it is, `reader_of` says.

    Examples
    --------
    >>> reviewer_name(" Ada  L. ") == reviewer_name("Ada L.\u200b") == "Ada L."
    True
    """
    return " ".join(unicodedata.normalize("NFC", text.translate(_NOT_SEEN)).split())


def reader_of(name: str) -> str:
    """Return by what a reader is counted: the name without its capitals, so that ``Ada`` and ``ada`` are one.

    Examples
    --------
    >>> reader_of(" Ada L.") == reader_of("ada l.")
    True
    """
    return unicodedata.normalize("NFC", reviewer_name(name).casefold())


ReviewerName = Annotated[str, AfterValidator(reviewer_name), Field(min_length=1)]


def as_day(day: Day) -> dt.date | None:
    """Return a day as a date; None stays None."""
    return dt.date.fromisoformat(day) if isinstance(day, str) else day


@dataclass(frozen=True)
class About:
    """One thing that a review is about: a unit, an interval, an interval of one unit, or the whole session.

    ``interval`` is seconds on the session clock, ``scope`` is ``all_probes`` or a probe name, ``unit`` is empty where
    it is about no unit.
    """

    unit: str = ""
    interval: tuple[float, float] | None = None
    scope: str = ALL_PROBES

    @property
    def kind(self) -> Literal["unit", "unit interval", "interval", "session"]:
        """Which of the four it is."""
        if self.interval is None:
            return "unit" if self.unit else "session"
        return "unit interval" if self.unit else "interval"

    def __str__(self) -> str:
        """Return how a list names it, for example ``interval 812-845.5 s of probe00``."""
        if self.interval is None:
            return f"unit {self.unit}" if self.unit else "whole session"
        place = f"unit {self.unit}" if self.unit else self.scope.replace("_", " ")
        return f"interval {self.interval[0]:g}-{self.interval[1]:g} s of {place}"


class Shown(BaseModel):
    """What the reviewer was shown when deciding, so that others can tell what a decision rests on.

    ``units`` is the data version of the units table, ``rulebook`` and ``digest`` say which rules it was judged by,
    ``page`` is the version of the page or report. ``rules`` holds, per unit and rule, the value (in the unit of measure
    of the rule; null where there is none) and the verdict.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    units: NonEmpty | None = None
    rulebook: NonEmpty | None = None
    digest: NonEmpty | None = None
    page: NonEmpty | None = None
    rules: dict[str, dict[str, tuple[float | str | None, Literal["pass", "fail"]]]] = {}


class Review(BaseModel):
    """One entry of one reviewer: a decision, the withdrawal of one, or a question or comment without a decision.

    ``unit`` or ``units``, ``interval``, ``unit`` with ``interval``, or ``whole_session`` says what it is about. An
    interval is ``[start, stop]`` in seconds on the session clock, with ``scope`` ``all_probes`` or a probe name; that
    of a unit holds for the unit alone. ``fail`` marks an interval unusable, and sets a session aside. ``rulebook``
    limits a decision about units to one rulebook. A decision counts from ``date`` to ``expiry``, both included;
    without ``expiry`` it stays. ``withdrawn`` takes back the reviewer's own earlier decision on the same thing.

    A decision has a ``reason``; an entry without one has a ``comment``. ``answers`` names the review that it replies
    to, and ``closes`` says that the thread needs no other answer. ``blind`` is true where the reviewer had not been
    shown the decisions of others, false where they were, and absent where nobody knows.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")] = ""
    unit: NonEmpty | None = None
    units: list[NonEmpty] | None = Field(default=None, min_length=1)
    interval: tuple[float, float] | None = None
    scope: NonEmpty = ALL_PROBES
    whole_session: Literal[True] | None = None
    decision: Decision | None = None
    reason: NonEmpty | None = None
    comment: NonEmpty | None = None
    reviewer: ReviewerName
    date: dt.date
    evidence: list[NonEmpty] = []
    expiry: dt.date | None = None
    rulebook: NonEmpty | None = None
    answers: NonEmpty | None = None
    closes: Literal[True] | None = None
    blind: bool | None = None
    shown: Shown | None = None

    @field_validator("unit", mode="before")
    @classmethod
    def _number_as_text(cls, value: object) -> object:
        return text_of_number(value)

    @field_validator("units", mode="before")
    @classmethod
    def _numbers_as_text(cls, value: object) -> object:
        return [text_of_number(item) for item in value] if isinstance(value, list) else value

    @property
    def unit_ids(self) -> tuple[str, ...]:
        """Ids of the units that it is about, also where it is about an interval of one; empty where about none."""
        return tuple(self.units or ([self.unit] if self.unit else []))

    @property
    def about(self) -> tuple[About, ...]:
        """What it is about; nothing of its own where it answers another review."""
        if self.whole_session:
            return (About(),)
        if self.interval is not None:
            return (About(self.unit or "", self.interval, self.scope),)
        return tuple(About(unit) for unit in self.unit_ids)

    @property
    def reader(self) -> str:
        """Who reviewed, as readers are counted; ``reviewer`` is the name as written."""
        return reader_of(self.reviewer)

    @property
    def words(self) -> str:
        """Reason of a decision, or the comment."""
        return self.reason or self.comment or ""

    def counts_on(self, today: Day) -> bool:
        """Return whether ``today`` lies within its dates; always, where no day is given."""
        day = as_day(today)
        if day is None:
            return True
        return self.date <= day and (self.expiry is None or day <= self.expiry)

    def concerns(self, rulebook: str) -> bool:
        """Return whether it is about all rulebooks or about this one."""
        return self.rulebook is None or self.rulebook == rulebook

    def content_id(self) -> str:
        """Return the id that its content gives: ``r`` and ten hexadecimal digits.

        An entry that states no id has this one. What it does not state is no part of it, so that a key which reviews
        may state some day moves no id of today.
        """
        stated = self.model_dump(mode="json", exclude={"id"}, exclude_defaults=True)
        text = json.dumps(stated, sort_keys=True, ensure_ascii=False)
        return f"r{hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]}"


def reviewer_names(reviews: Iterable[Review]) -> tuple[str, ...]:
    """Return the names of who reviewed, sorted; each reader once, as the last of these reviews writes the name."""
    return tuple(sorted({review.reader: review.reviewer for review in reviews}.values()))


def free_id(content_id: str, taken: Container[str]) -> str:
    """Return the id of an entry that states none: of its content, with a number where another one has that already.

    A reviewer who passes, fails and passes a unit again has two entries of the same content.
    """
    names = chain([content_id], (f"{content_id}-{number}" for number in count(2)))
    return next(name for name in names if name not in taken)


def text_of_number(value: object) -> object:
    """Return a whole number as text: Allen's ids are numbers, and YAML reads them as integers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
