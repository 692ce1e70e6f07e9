"""Decisions of the reviews of a session on its units and intervals: counted, pending, in conflict or expired.

Contains the weighing of reviewers against the quorum and its effect on units and times. Add here another thing that
reviews decide. What a review may say is `reviews.py`; how far reviewers agree over many sessions is
`reviewer_agreement.py`. No clock is read here: the day is passed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from nh_platform.qc.reviews.review_files import Day, Decision, Review, SessionReviews, as_day
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.session.tables.events import INVALID_TIMES

State = Literal["counted", "pending", "conflict", "expired"]


@dataclass(frozen=True)
class UnitReview:
    """Outcome of the reviews of one unit.

    ``state``: ``counted``; ``pending`` (fewer reviewers than the quorum); ``conflict`` (reviewers disagree, so nothing
    is overridden); ``expired`` (no review counts on that day). ``decision`` is ``none`` unless counted.
    """

    unit: str
    decision: Literal["pass", "fail", "none"]
    state: State
    passing: tuple[str, ...]
    failing: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class IntervalReview:
    """Outcome of the reviews of one interval; ``decision``, ``state`` and ``text`` are as in `UnitReview`.

    ``start_s`` and ``stop_s`` are seconds on the session clock, ``scope`` is ``all_probes`` or a probe name. An
    interval is marked unusable where the decision is ``fail``.
    """

    start_s: float
    stop_s: float
    scope: str
    decision: Literal["pass", "fail", "none"]
    state: State
    text: str

    @property
    def name(self) -> str:
        """How a list names it, for example ``interval 812-845.5 s of probe00``."""
        return f"interval {self.start_s:g}-{self.stop_s:g} s of {self.scope.replace('_', ' ')}"


def unit_reviews(reviews: SessionReviews, rulebook: Rulebook, today: Day) -> dict[str, UnitReview]:
    """Return what the reviews of each reviewed unit come to, for one rulebook on one day.

    A reviewer's latest review of a unit (by date) replaces the earlier ones. A decision is counted when at least
    ``rulebook.review_quorum`` reviewers agree and none disagrees; disagreement is shown and overrides nothing.

    Returns
    -------
    dict
        By unit id, sorted.
    """
    by_unit: dict[str, list[Review]] = {}
    for review in reviews.reviews:
        for unit in review.unit_ids if review.concerns(rulebook.id) else ():
            by_unit.setdefault(unit, []).append(review)
    return {
        unit: UnitReview(unit, *_weigh(stated, rulebook.review_quorum, today))
        for unit, stated in sorted(by_unit.items())
    }


def interval_reviews(reviews: SessionReviews, quorum: int, today: Day) -> list[IntervalReview]:
    """Return what the reviews of each reviewed interval come to on one day, sorted by time and scope.

    Intervals count like units: at least ``quorum`` reviewers decide the same interval and scope alike, and none
    otherwise.
    """
    by_interval: dict[tuple[float, float, str], list[Review]] = {}
    for review in reviews.reviews:
        if review.interval is not None:
            by_interval.setdefault((*review.interval, review.scope), []).append(review)
    found = []
    for (start, stop, scope), stated in sorted(by_interval.items()):
        decision, state, _, _, text = _weigh(stated, quorum, today)
        found.append(IntervalReview(start, stop, scope, decision, state, text))
    return found


_Weighed = tuple[Literal["pass", "fail", "none"], State, tuple[str, ...], tuple[str, ...], str]


def _weigh(stated: Sequence[Review], quorum: int, today: Day) -> _Weighed:
    """Return decision, state, who passes, who fails, and that in words."""
    in_order = sorted(stated, key=lambda review: review.date)
    by_reviewer = {review.reviewer: review for review in in_order if review.counts_on(today)}
    if not by_reviewer:
        return "none", "expired", (), (), _out_of_date(in_order, today)
    passing, failing = _named(by_reviewer, "pass"), _named(by_reviewer, "fail")
    if passing and failing:
        text = f"reviewers disagree: {', '.join(passing)} pass, {', '.join(failing)} fail; nothing is overridden"
        return "none", "conflict", passing, failing, text
    decision: Decision = "pass" if passing else "fail"
    names = passing or failing
    if len(names) < quorum:
        text = f"{decision} by {', '.join(names)}; {len(names)} of {quorum} reviewers needed"
        return "none", "pending", passing, failing, text
    reasons = "; ".join(dict.fromkeys(by_reviewer[name].reason for name in names))
    return decision, "counted", passing, failing, f"{decision} by {', '.join(names)}: {reasons}"


def _named(by_reviewer: Mapping[str, Review], decision: Decision) -> tuple[str, ...]:
    return tuple(sorted(name for name, review in by_reviewer.items() if review.decision == decision))


def _out_of_date(in_order: Sequence[Review], today: Day) -> str:
    """Say of each reviewer's last decision since when it counts no more, or from when on it will."""
    day = as_day(today)
    parts = []
    for reviewer, review in sorted({review.reviewer: review for review in in_order}.items()):
        begins = day is not None and review.date > day
        parts.append(f"{review.decision} by {reviewer}, {f'from {review.date}' if begins else f'to {review.expiry}'}")
    return f"no review counts on {day}: {'; '.join(parts)}"


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

    Returns
    -------
    DataFrame
        Schema `INVALID_TIMES` (``start_time``, ``stop_time`` in seconds, ``scope``, ``label``), sorted.
    """
    rows = [
        {"start_time": one.start_s, "stop_time": one.stop_s, "scope": one.scope, "label": f"review: {one.text}"}
        for one in interval_reviews(reviews, quorum, today)
        if one.decision == "fail"
    ]
    if not rows:
        return INVALID_TIMES.empty()
    return INVALID_TIMES.conform(pd.DataFrame(rows))
