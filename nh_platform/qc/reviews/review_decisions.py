"""What the reviews of a session decide of its units, intervals and itself: counted, pending, in conflict or expired.

Contains the weighing of reviewers against the quorum and its effect on units and sessions. Add here another thing that
reviews decide. What a review may say is `review_model.py`; the times that reviews take out are `reviewed_times.py`;
questions and answers are `threads.py`; how far reviewers agree over many sessions is `reviewer_agreement.py`. No clock
is read here: the day is passed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_model import About, Day, Review, as_day, reviewer_names
from nh_platform.qc.rules.rulebook_model import Rulebook

Outcome = Literal["pass", "fail", "none"]
State = Literal["counted", "pending", "conflict", "expired", "withdrawn"]
"""``counted``; ``pending`` (fewer reviewers than the quorum); ``conflict`` (reviewers disagree, so nothing is
overridden); ``expired`` (no review counts on that day); ``withdrawn`` (every reviewer took the decision back)."""


@dataclass(frozen=True)
class Weighed:
    """Outcome of all decisions on one thing; ``decision`` is ``none`` unless they are counted.

    ``passing`` and ``failing`` are the reviewers who decide so on that day, sorted; ``text`` says all of it in words.
    """

    decision: Outcome
    state: State
    passing: tuple[str, ...]
    failing: tuple[str, ...]
    text: str

    @property
    def words(self) -> str:
        """What a list says of it, where it also says what it is about."""
        return self.text


@dataclass(frozen=True)
class UnitReview(Weighed):
    """Outcome of the reviews of one unit."""

    unit: str


@dataclass(frozen=True)
class IntervalReview(Weighed):
    """Outcome of the reviews of one interval, of the recording or of one unit.

    An interval is marked unusable where the decision is ``fail``.
    """

    about: About

    @property
    def start_s(self) -> float:
        """Start in seconds on the session clock."""
        return self.about.interval[0] if self.about.interval else 0.0

    @property
    def stop_s(self) -> float:
        """Stop in seconds on the session clock."""
        return self.about.interval[1] if self.about.interval else 0.0

    @property
    def scope(self) -> str:
        """``all_probes`` or a probe name."""
        return self.about.scope

    @property
    def name(self) -> str:
        """How a list names it, for example ``interval 812-845.5 s of probe00``."""
        return str(self.about)


@dataclass(frozen=True)
class SessionReview(Weighed):
    """Outcome of the reviews of a whole session; it is set aside where ``fail`` is counted."""

    quorum: int

    @property
    def is_set_aside(self) -> bool:
        """Whether enough reviewers agree that it is not to be used."""
        return self.decision == "fail"

    @property
    def short(self) -> str:
        """What a column of a list says, for example ``set aside`` or ``set aside proposed by ada, 1 of 2``."""
        if self.is_set_aside:
            return "set aside"
        if self.state == "conflict":
            return f"set aside by {', '.join(self.failing)}, kept by {', '.join(self.passing)}"
        if self.state == "pending" and self.failing:
            return f"set aside proposed by {', '.join(self.failing)}, {len(self.failing)} of {self.quorum}"
        return ""

    @property
    def words(self) -> str:
        """Who decided what, and why: ``set aside by ada, bea: seizures``."""
        if self.is_set_aside:
            return f"set aside{self.text.removeprefix('fail')}"
        return self.short or self.text

    @property
    def set_aside(self) -> str:
        """That it is set aside, by whom and why, or who proposes it; empty where nobody does."""
        return self.words if self.short else ""


def unit_reviews(reviews: SessionReviews, rulebook: Rulebook, today: Day) -> dict[str, UnitReview]:
    """Return what the reviews of each reviewed unit come to, for one rulebook on one day.

    A reviewer's latest review of a unit (by date, and on one date the later in the file) replaces the earlier ones. A
    decision is counted when at least ``rulebook.review_quorum`` reviewers agree and none disagrees; disagreement is
    shown and overrides nothing.

    Returns
    -------
    dict
        By unit id, sorted.
    """
    concerned = [review for review in reviews.reviews if review.concerns(rulebook.id)]
    return {
        about.unit: UnitReview(**vars(_weigh(stated, rulebook.review_quorum, today)), unit=about.unit)
        for about, stated in sorted(_decided(concerned, "unit").items(), key=lambda item: item[0].unit)
    }


def interval_reviews(reviews: SessionReviews, quorum: int, today: Day) -> list[IntervalReview]:
    """Return what the reviews of each reviewed interval come to on one day, sorted by time and scope.

    Intervals count like units: at least ``quorum`` reviewers decide the same interval and scope alike, and none
    otherwise. Those of single units are `unit_interval_reviews`.
    """
    return _intervals(reviews, "interval", quorum, today)


def unit_interval_reviews(reviews: SessionReviews, quorum: int, today: Day) -> list[IntervalReview]:
    """Return what the reviews of each interval of one unit come to on one day, sorted by unit and time.

    They count like `interval_reviews`, and hold for every rulebook.
    """
    return _intervals(reviews, "unit interval", quorum, today)


def session_review(reviews: SessionReviews, rulebook: Rulebook, today: Day) -> SessionReview | None:
    """Return what the reviews of the whole session come to on one day; None where nobody reviewed it as a whole.

    At least ``rulebook.review_quorum`` reviewers who fail it, and none who passes it, set it aside. It comes back when
    they withdraw that, or pass it.
    """
    stated = _decided(reviews.reviews, "session").get(About())
    if stated is None:
        return None
    return SessionReview(**vars(_weigh(stated, rulebook.review_quorum, today)), quorum=rulebook.review_quorum)


def weighed_things(reviews: SessionReviews, rulebook: Rulebook, today: Day) -> dict[About, Weighed]:
    """Return what the reviews of a session come to, of everything that was decided on, for one rulebook on one day.

    Returns
    -------
    dict
        Units, intervals, intervals of single units, each sorted, and the whole session last.
    """
    whole, quorum = session_review(reviews, rulebook, today), rulebook.review_quorum
    found: dict[About, Weighed] = {About(unit): one for unit, one in unit_reviews(reviews, rulebook, today).items()}
    found |= {one.about: one for one in interval_reviews(reviews, quorum, today)}
    found |= {one.about: one for one in unit_interval_reviews(reviews, quorum, today)}
    return found | ({} if whole is None else {About(): whole})


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


def _intervals(
    reviews: SessionReviews, kind: Literal["interval", "unit interval"], quorum: int, today: Day
) -> list[IntervalReview]:
    found = _decided(reviews.reviews, kind)
    in_order = sorted(found, key=lambda about: (about.unit, about.interval or (), about.scope))
    return [IntervalReview(**vars(_weigh(found[about], quorum, today)), about=about) for about in in_order]


def _decided(reviews: Sequence[Review], kind: str) -> dict[About, list[Review]]:
    """Return the decisions on every thing of one kind, in the order of their dates and of the file."""
    by_thing: dict[About, list[Review]] = {}
    for review in sorted(reviews, key=lambda review: review.date):
        for about in review.about if review.decision is not None else ():
            if about.kind == kind:
                by_thing.setdefault(about, []).append(review)
    return by_thing


def standing_decisions(stated: Sequence[Review], today: Day) -> dict[str, Review]:
    """Return what each reader decides on one thing on a day, of his decisions in the order of their dates.

    Readers are those of `Review.reader`. What one decides is his latest, as long as it counts and is no withdrawal: a
    decision that was replaced does not come back when the one that replaced it expires.
    """
    day = as_day(today)
    latest = {review.reader: review for review in stated if day is None or review.date <= day}
    return {
        reader: review for reader, review in latest.items() if review.counts_on(day) and review.decision != "withdrawn"
    }


def standing_reviews(reviews: SessionReviews, today: Day) -> frozenset[str]:
    """Return the ids of the decisions that stand on a day, on one thing and under one rulebook at least."""
    found: set[str] = set()
    for kind in ("unit", "unit interval", "interval", "session"):
        for stated in _decided(reviews.reviews, kind).values():
            for rulebook in {None, *(one.rulebook for one in stated)}:  # None: any that no decision names
                concerned = [one for one in stated if one.rulebook in (None, rulebook)]
                found |= {one.id for one in standing_decisions(concerned, today).values()}
    return frozenset(found)


def _weigh(stated: Sequence[Review], quorum: int, today: Day) -> Weighed:
    """Return what the decisions on one thing, in the order of their dates, come to."""
    by_reader = standing_decisions(stated, today)
    if not by_reader:
        return _none_stands(stated, today)
    passing, failing = _named(by_reader, "pass"), _named(by_reader, "fail")
    if passing and failing:
        text = f"reviewers disagree: {', '.join(passing)} pass, {', '.join(failing)} fail; nothing is overridden"
        return Weighed("none", "conflict", passing, failing, text)
    decision: Outcome = "pass" if passing else "fail"
    names = passing or failing
    if len(names) < quorum:
        text = f"{decision} by {', '.join(names)}; {len(names)} of {quorum} reviewers needed"
        return Weighed("none", "pending", passing, failing, text)
    in_order = sorted(by_reader.values(), key=lambda review: review.reviewer)
    reasons = "; ".join(dict.fromkeys(review.words for review in in_order))
    return Weighed(decision, "counted", passing, failing, f"{decision} by {', '.join(names)}: {reasons}")


def _named(by_reader: Mapping[str, Review], decision: Outcome) -> tuple[str, ...]:
    return reviewer_names(review for review in by_reader.values() if review.decision == decision)


def _none_stands(stated: Sequence[Review], today: Day) -> Weighed:
    """Say of each reviewer's last decision since when it counts no more, or from when on it will."""
    day = as_day(today)
    latest = sorted({review.reader: review for review in stated}.values(), key=lambda review: review.reviewer)
    if all(review.decision == "withdrawn" and review.counts_on(day) for review in latest):
        return Weighed("none", "withdrawn", (), (), f"withdrawn by {', '.join(reviewer_names(latest))}")
    parts = []
    for review in latest:
        begins = day is not None and review.date > day
        ends = f", to {review.expiry}" if review.expiry else ""
        parts.append(f"{review.decision} by {review.reviewer}{f', from {review.date}' if begins else ends}")
    return Weighed("none", "expired", (), (), f"no review counts on {day}: {'; '.join(parts)}")
