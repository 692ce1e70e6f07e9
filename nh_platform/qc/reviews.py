"""People's recorded decisions about units and intervals: read, validated, and counted once enough reviewers agree.

Contains the models of the files under the reviews folder (`<source>/<session>.yaml`), their reader, and what the
reviews of a session decide. Add here what a review may say and when it counts. Agreement between reviewers over many
sessions is `review_agreement.py`. No clock is read here: the day is passed in.
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
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from nh_platform.qc.rulebook_model import Rulebook
from nh_platform.qc.yaml_lines import LinedYaml, Location, first_complaint, read_lined
from nh_platform.session import ConfigError
from nh_platform.session.schemas import INVALID_TIMES

Decision = Literal["pass", "fail"]
Day = dt.date | str | None
"""A day as a date or ``YYYY-MM-DD``; None where reviews shall neither expire nor wait for their date."""

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
        if today is None:
            return True
        day = dt.date.fromisoformat(today) if isinstance(today, str) else today
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


@dataclass(frozen=True)
class UnitReview:
    """What the reviews of one unit come to.

    ``state``: ``counted``; ``pending`` (fewer reviewers than the quorum); ``conflict`` (reviewers disagree, so nothing
    is overridden); ``expired``. ``decision`` is ``none`` unless counted.
    """

    unit: str
    decision: Literal["pass", "fail", "none"]
    state: Literal["counted", "pending", "conflict", "expired"]
    passing: tuple[str, ...]
    failing: tuple[str, ...]
    text: str


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
    if not file.is_file():
        return SessionReviews(source, session_id)
    return parse_reviews(file.read_text(encoding="utf-8"), f"{source}/{file.name}", source, session_id)


def read_all_reviews(folder: str | os.PathLike[str], source: str | None = None) -> list[SessionReviews]:
    """Return the reviews of every session with a file, of one source or of all, sorted by source and session."""
    return [read_reviews(path) for path in sorted(Path(folder).glob(f"{source or '*'}/*.yaml"))]


def parse_reviews(text: str, file: str, source: str, session_id: str) -> SessionReviews:
    """Parse and check the text of a review file.

    Raises
    ------
    ConfigError
        If it is not YAML, a key is unknown or missing, a decision or date is not one, it states another source or
        session than its place, a review is about nothing or about two things, an interval ends before it starts, or
        one reviewer decides the same thing twice on one day.
    """
    lined = read_lined(text, file)
    if not isinstance(lined.data, dict):
        raise ConfigError(f"{file}:1", "the file is empty or not a mapping", "Give source, session and reviews.")
    try:
        parsed = _ReviewFile.model_validate(lined.data)
    except ValidationError as error:
        raise first_complaint(error, lined, _ReviewFile, lambda location: _about(lined, location)) from error
    for key, stated, expected in (("source", parsed.source, source), ("session", parsed.session, session_id)):
        if stated != expected:
            found = f"{key} {stated!r}, but its place says {expected!r}"
            raise lined.error((key,), "", found, "Correct the file or move it to <source>/<session>.yaml.")
    seen: dict[tuple[object, ...], int] = {}
    for index, review in enumerate(parsed.reviews):
        _check(review, index, lined, seen)
    return SessionReviews(source, session_id, tuple(parsed.reviews), file)


def _about(lined: LinedYaml, location: Location) -> str:
    if len(location) < 2 or location[0] != "reviews":
        return ""
    reviewer = lined.at((*location[:2], "reviewer"))
    return f"review {int(location[1]) + 1}" + (f" by {reviewer}" if isinstance(reviewer, str) else "")


def _check(review: Review, index: int, lined: LinedYaml, seen: dict[tuple[object, ...], int]) -> None:
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


def unit_reviews(reviews: SessionReviews, rulebook: Rulebook, today: Day) -> dict[str, UnitReview]:
    """Return what the reviews of each reviewed unit come to, for one rulebook on one day.

    A reviewer's latest review of a unit (by date) replaces the earlier ones. A decision is counted when at least
    ``rulebook.review_quorum`` reviewers agree and none disagrees; disagreement is shown and overrides nothing.

    Returns
    -------
    dict
        By unit id, sorted.
    """
    latest: dict[str, dict[str, Review]] = {}
    outside: dict[str, list[Review]] = {}
    for review in sorted(reviews.reviews, key=lambda item: item.date):
        if not review.concerns(rulebook.id):
            continue
        for unit in review.unit_ids:
            if review.counts_on(today):
                latest.setdefault(unit, {})[review.reviewer] = review
            else:
                outside.setdefault(unit, []).append(review)
    units = sorted({*latest, *outside})
    return {unit: _weigh(unit, latest.get(unit, {}), rulebook.review_quorum) for unit in units}


def _weigh(unit: str, by_reviewer: dict[str, Review], quorum: int) -> UnitReview:
    passing = tuple(sorted(name for name, review in by_reviewer.items() if review.decision == "pass"))
    failing = tuple(sorted(name for name, review in by_reviewer.items() if review.decision == "fail"))
    if not by_reviewer:
        return UnitReview(unit, "none", "expired", (), (), "all reviews are expired or dated later")
    if passing and failing:
        text = f"reviewers disagree: {', '.join(passing)} pass, {', '.join(failing)} fail; nothing is overridden"
        return UnitReview(unit, "none", "conflict", passing, failing, text)
    decision: Decision = "pass" if passing else "fail"
    names = passing or failing
    if len(names) < quorum:
        text = f"{decision} by {', '.join(names)}; {len(names)} of {quorum} reviewers needed"
        return UnitReview(unit, "none", "pending", passing, failing, text)
    reasons = "; ".join(dict.fromkeys(by_reviewer[name].reason for name in names))
    return UnitReview(unit, decision, "counted", passing, failing, f"{decision} by {', '.join(names)}: {reasons}")


def apply_reviews(units: pd.DataFrame, reviews: SessionReviews, rulebook: Rulebook, today: Day) -> pd.Series:
    """Return the decision of the counted reviews for every unit.

    Parameters
    ----------
    units
        Units table of the session with the column ``unit_id``.
    reviews, rulebook, today
        As for `unit_reviews`.

    Returns
    -------
    Series
        ``pass``, ``fail`` or ``none`` per unit, on the index of ``units``. A review of a unit that the table does not
        hold changes nothing; `unknown_units` names it.
    """
    decided = {unit: review.decision for unit, review in unit_reviews(reviews, rulebook, today).items()}
    decisions = [decided.get(str(unit), "none") for unit in units["unit_id"]]
    return pd.Series(decisions, index=units.index, name="review", dtype=object)


def unknown_units(units: pd.DataFrame, reviews: SessionReviews) -> list[str]:
    """Return reviewed unit ids that the units table does not hold, sorted: a typo, or units gone after a re-sorting."""
    known = set(units["unit_id"].astype(str))
    return sorted({unit for review in reviews.reviews for unit in review.unit_ids} - known)


def reviewed_intervals(reviews: SessionReviews, quorum: int, today: Day) -> pd.DataFrame:
    """Return the intervals that counted reviews mark unusable.

    Intervals count like units: at least ``quorum`` reviewers fail the same interval and scope, and none passes it.

    Returns
    -------
    DataFrame
        Schema `INVALID_TIMES` (``start_time``, ``stop_time`` in seconds, ``scope``, ``label``), sorted.
    """
    by_interval: dict[tuple[float, float, str], dict[str, Review]] = {}
    for review in sorted(reviews.reviews, key=lambda item: item.date):
        if review.interval is not None and review.counts_on(today):
            by_interval.setdefault((*review.interval, review.scope), {})[review.reviewer] = review
    rows = []
    for (start, stop, scope), by_reviewer in sorted(by_interval.items()):
        weighed = _weigh(f"{start}-{stop} s", by_reviewer, quorum)
        if weighed.decision == "fail":
            rows.append({"start_time": start, "stop_time": stop, "scope": scope, "label": f"review: {weighed.text}"})
    if not rows:
        return INVALID_TIMES.empty()
    return INVALID_TIMES.conform(pd.DataFrame(rows))


def reviews_version(path: str | os.PathLike[str], today: Day = None) -> str:
    """Return the content identity of a session's review file: sha256 over its bytes; of nothing where there is none.

    With ``today``, the positions of the reviews that count on that day are part of it: the version then changes on
    the day on which an expiry takes effect, and on no other.

    Raises
    ------
    ConfigError
        With ``today``, if the file cannot be parsed.
    """
    file = Path(path)
    content = file.read_bytes() if file.is_file() else b""
    digest = hashlib.sha256(content)
    if today is not None and content:
        parsed = read_reviews(file)
        counting = [str(index) for index, review in enumerate(parsed.reviews) if review.counts_on(today)]
        digest.update(b"\x1f" + ",".join(counting).encode())
    return digest.hexdigest()


def _text(value: object) -> object:
    """Allen ids are numbers; YAML reads them as integers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
