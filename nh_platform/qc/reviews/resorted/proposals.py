"""Reviews that a re-sort proposes for other units: not counted, listed, and taken up by a reviewer who looked again.

Contains what is left that counts, the list, and the entries that agreeing writes. Add here what a person is shown of
such a review. A proposal counts for nothing: who agrees makes a review of his own about the unit of today, and the
earlier ones stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from nh_platform.qc.reviews.listed_reviews import ListedReview
from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_model import Review, reader_of, reviewer_names
from nh_platform.session import ConfigError


@dataclass(frozen=True)
class CarriedReview:
    """One review of one unit whose spikes are not under that id any more.

    Parameters
    ----------
    review
        The review.
    reviewed_unit, probe
        Unit id that it names, and its probe.
    standing
        ``proposed`` or ``orphan``.
    unit
        Unit that has most of the reviewed spikes, or, of an orphan, the one that agrees most; empty where none does.
    agreement
        Agreement of the trains, 0 to 1.
    taken_up_by
        Reviewers who agreed for `unit`, sorted.
    """

    review: Review
    reviewed_unit: str
    probe: str
    standing: Literal["proposed", "orphan"]
    unit: str
    agreement: float
    taken_up_by: tuple[str, ...]

    @property
    def decision(self) -> str:
        """Decision of the review; ``comment`` where it is none."""
        return self.review.decision or "comment"


def without_carried(reviews: SessionReviews, carried: pd.DataFrame) -> SessionReviews:
    """Return the reviews without those of a table `CARRIED_REVIEWS`; of a review of several units the others stay."""
    moved = set(zip(carried["review"], carried["reviewed_unit"]))
    if not moved:
        return reviews
    kept = []
    for review in reviews.reviews:
        units = [unit for unit in review.unit_ids if (review.id, unit) not in moved]
        if len(units) == len(review.unit_ids):
            kept.append(review)
        elif units:
            kept.append(review.model_copy(update={"units": units, "unit": None}))
    return replace(reviews, reviews=tuple(kept))


def listed_carried(reviews: SessionReviews, carried: pd.DataFrame) -> list[CarriedReview]:
    """Return the reviews of a table `CARRIED_REVIEWS`, proposals first, by unit of today."""
    by_id = {review.id: review for review in reviews.reviews}
    found = []
    for row in carried.itertuples(index=False):
        if row.review in by_id:
            unit = row.unit if isinstance(row.unit, str) else ""
            agreed = [one for one in reviews.reviews if _takes_up(one, row.review, row.reviewed_unit, unit)]
            found.append(
                CarriedReview(
                    by_id[row.review],
                    str(row.reviewed_unit),
                    str(row.probe),
                    "proposed" if row.standing == "proposed" else "orphan",
                    unit,
                    float(row.agreement),
                    reviewer_names(agreed),
                )
            )
    return sorted(found, key=lambda one: (one.standing != "proposed", one.probe, one.unit, one.reviewed_unit))


def listed_rows(session_id: str, carried: Iterable[CarriedReview]) -> list[ListedReview]:
    """Return carried reviews as `nh review list` shows them: proposals of units, and orphans."""
    rows = []
    for one in carried:
        said = f"{one.decision} by {one.review.reviewer} of unit {one.reviewed_unit} before it was sorted again"
        if one.standing == "proposed":
            agreed = f"; agreed: {', '.join(one.taken_up_by)}" if one.taken_up_by else ""
            text = f"{said} (agreement {one.agreement:.2f}){agreed}; `nh review carry` takes it up"
            kind, about = "unit", f"unit {one.unit}"
        else:
            kind, about, text = "orphan", f"unit {one.reviewed_unit}", f"{said}; no unit has most of its spikes now"
        state = "proposed" if one.standing == "proposed" else "sorted again"
        rows.append(
            ListedReview(session_id, kind, about, state, "none", text, (one.review.reviewer,), (one.review.id,))
        )
    return rows


def agreeing_entries(
    carried: Iterable[CarriedReview], reviewer: str, date: str, units: Sequence[str] = (), reason: str = ""
) -> list[dict[str, Any]]:
    """Return the reviews by which a reviewer agrees with proposals, as entries of the review file.

    Proposals that this reviewer took up already, and those that are no decision, are left out.

    Parameters
    ----------
    carried
        From `listed_carried`.
    reviewer, date
        Who agrees, and when (``YYYY-MM-DD``).
    units
        Units of today to agree for; every proposal where none is given.
    reason
        Why; the reasons of the proposed reviews where empty.

    Raises
    ------
    ConfigError
        If a unit has no proposal, or the proposals of a unit contradict each other.
    """
    open_ = [one for one in carried if one.standing == "proposed" and one.decision in ("pass", "fail")]
    for unit in units:
        if unit not in {one.unit for one in open_}:
            there = ", ".join(sorted({one.unit for one in open_})) or "none"
            raise ConfigError(f"unit {unit}", f"no review is proposed for it; there are for {there}", "Name one.")
    grouped: dict[tuple[Any, ...], list[CarriedReview]] = {}
    for one in open_:
        if (not units or one.unit in units) and reader_of(reviewer) not in map(reader_of, one.taken_up_by):
            grouped.setdefault((one.unit, one.review.interval, one.review.rulebook), []).append(one)
    entries = []
    for (unit, interval, rulebook), proposals in grouped.items():
        decisions = {one.decision for one in proposals}
        if len(decisions) > 1:
            who = ", ".join(f"{one.decision} by {one.review.reviewer}" for one in proposals)
            found = f"the proposals contradict each other ({who})"
            raise ConfigError(f"unit {unit}", found, "Decide by `nh review add`, or name the other units by --unit.")
        reasons = "; ".join(dict.fromkeys(one.review.words for one in proposals))
        entries.append(
            {
                "unit": unit,
                "interval": list(interval) if interval else None,
                "decision": decisions.pop(),
                "reason": reason or reasons,
                "reviewer": reviewer,
                "date": date,
                "rulebook": rulebook,
                "evidence": [
                    f"{_taken_up(one.review.id, one.reviewed_unit)}, agreement {one.agreement:.2f}" for one in proposals
                ],
            }
        )
    return entries


def _taken_up(review: str, unit: str) -> str:
    return f"carried over from review {review} of unit {unit}"


def _takes_up(one: Review, review: str, reviewed_unit: str, unit: str) -> bool:
    said = f"{_taken_up(review, reviewed_unit)},"
    return unit in one.unit_ids and any(text.startswith(said) for text in one.evidence)
