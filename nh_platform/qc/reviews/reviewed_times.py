"""The times that counted reviews take out: intervals of the recording, and of single units.

Contains the two tables. Add here another kind of time that reviews mark. What counts is `review_decisions.py`.
"""

from __future__ import annotations

import pandas as pd

from nh_platform.qc.reviews.review_decisions import interval_reviews, unit_interval_reviews
from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_model import Day
from nh_platform.session.tables.events import INVALID_TIMES
from nh_platform.session.tables.units import UNIT_INVALID_TIMES


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
    return INVALID_TIMES.conform(pd.DataFrame(rows)) if rows else INVALID_TIMES.empty()


def reviewed_unit_intervals(reviews: SessionReviews, quorum: int, today: Day) -> pd.DataFrame:
    """Return the intervals of single units that counted reviews mark unusable.

    Returns
    -------
    DataFrame
        Schema `UNIT_INVALID_TIMES` (``unit_id``, ``start_time``, ``stop_time`` in seconds, ``label``), sorted.
    """
    rows = [
        {
            "unit_id": one.about.unit,
            "start_time": one.start_s,
            "stop_time": one.stop_s,
            "label": f"review: {one.text}",
        }
        for one in unit_interval_reviews(reviews, quorum, today)
        if one.decision == "fail"
    ]
    return UNIT_INVALID_TIMES.conform(pd.DataFrame(rows)) if rows else UNIT_INVALID_TIMES.empty()
