"""What lies beside the reviews of one unit, in words: labels of other curators, and reviews of spikes that moved.

Add here what a person asking about a unit is told of it. The words about rules are `nh_platform.qc.rules.explain`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from nh_platform.qc.reviews.resorted.proposals import listed_carried
from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.session.tables.units import CURATED_PREFIX


def label_lines(unit: pd.Series) -> list[str]:
    """Return what other curators and tools said of a unit, a line for each; empty where nobody did.

    Parameters
    ----------
    unit
        One row of the units table.
    """
    said: dict[str, list[str]] = {}
    for column, value in unit.items():
        if str(column).startswith(CURATED_PREFIX) and value is not None and value == value:
            curator, name = str(column).removeprefix(CURATED_PREFIX).split(".", 1)
            shown = value if isinstance(value, str) else f"{value:.4g}"
            said.setdefault(curator, []).append(f"{name} {shown}")
    if not said:
        return []
    lines = [f"  {curator}: {', '.join(labels)}" for curator, labels in sorted(said.items())]
    return ["", "labels of other curators (evidence, no decision; 1 is yes and 0 is no)", *lines]


def carried_lines(unit: str, reviews: SessionReviews, carried: pd.DataFrame) -> Iterator[str]:
    """Yield what a re-sort did to reviews of a unit: those of other spikes under its id, and those proposed for it.

    Parameters
    ----------
    unit
        Unit id.
    reviews
        All reviews of the session.
    carried
        Table `CARRIED_REVIEWS` of its stored units.
    """
    for one in listed_carried(reviews, carried):
        said = f"{one.decision} by {one.review.reviewer} ({one.review.id}): {one.review.words}"
        if one.standing == "proposed" and one.unit == unit:
            of = "these spikes as they were" if one.reviewed_unit == unit else f"unit {one.reviewed_unit}"
            agreed = f"; agreed: {', '.join(one.taken_up_by)}" if one.taken_up_by else ""
            yield f"review proposed, not counted: {said}; it is of {of} (agreement {one.agreement:.2f}){agreed}"
        elif one.reviewed_unit == unit:
            where = f", which unit {one.unit} has now" if one.standing == "proposed" else ""
            yield f"review of other spikes under this id, not counted: {said}{where}"
