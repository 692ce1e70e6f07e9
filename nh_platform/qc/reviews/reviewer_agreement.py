"""Agreement of reviewers with each other across the sessions of a release.

Contains Cohen's kappa and the table of reviewer pairs. Add here a measure of agreement. Whether a review counts for a
unit is decided by `nh_platform.qc.reviews.review_decisions`.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import numpy as np
import pandas as pd

from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_model import Review


def cohens_kappa(first: Iterable[bool], second: Iterable[bool]) -> float:
    """Return Cohen's kappa of two reviewers' decisions on the same things.

    ``(p_o - p_e) / (1 - p_e)`` with the observed agreement ``p_o`` and the agreement ``p_e`` expected from each
    reviewer's own shares (Cohen 1960, Educ. Psychol. Meas. 20:37).

    Parameters
    ----------
    first, second
        One decision per thing, in the same order; True is a pass.

    Returns
    -------
    float
        1 is full agreement, 0 what chance gives. NaN without shared things, and where both always decide the same
        way, because chance alone would then agree fully.

    Raises
    ------
    ValueError
        If the two differ in length.
    """
    a, b = np.array(list(first), dtype=bool), np.array(list(second), dtype=bool)
    if len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)} decisions; kappa needs the same things decided by both")
    if len(a) == 0:
        return float("nan")
    observed = float((a == b).mean())
    expected = float(a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean()))
    return float("nan") if expected == 1 else (observed - expected) / (1 - expected)


def reviewer_agreement(reviews: Iterable[SessionReviews]) -> pd.DataFrame:
    """Return the agreement of every pair of reviewers over all units that both decided.

    A reviewer's latest decision about a unit is used, expired ones included: expiry says that a decision no longer
    counts, not that it was not made; what a reviewer withdrew is no decision of his. Intervals are left out: reviewers
    choose their own edges, so two of them seldom decide about the same thing.

    Returns
    -------
    DataFrame
        One row per pair with a shared unit, sorted by name: ``first``, ``second``, ``shared`` (units), ``agreed``,
        ``agreement`` (share), ``kappa``, ``blind`` (units of which both state that they had not been shown the
        decisions of others); and as last row ``all`` / ``all``, pooled over the pairs.
    """
    decisions: dict[str, dict[tuple[str, str, str], Review]] = {}
    for session in reviews:
        for review in sorted(session.reviews, key=lambda item: item.date):
            for about in review.about if review.decision is not None else ():
                made = decisions.setdefault(review.reviewer, {})
                if about.kind == "unit":
                    made[(session.source, session.session_id, about.unit)] = review
    made_of = {
        name: {unit: one for unit, one in made.items() if one.decision != "withdrawn"}
        for name, made in decisions.items()
    }
    rows = []
    pooled: list[tuple[Review, Review]] = []
    for first, second in combinations(sorted(made_of), 2):
        pairs = [(made_of[first][unit], made_of[second][unit]) for unit in made_of[first] if unit in made_of[second]]
        if pairs:
            rows.append(_row(first, second, pairs))
            pooled += pairs
    if rows:
        rows.append(_row("all", "all", pooled))
    return pd.DataFrame(rows, columns=["first", "second", "shared", "agreed", "agreement", "kappa", "blind"])


def _row(first: str, second: str, pairs: list[tuple[Review, Review]]) -> dict[str, object]:
    passes = [(a.decision == "pass", b.decision == "pass") for a, b in pairs]
    agreed = sum(a == b for a, b in passes)
    return {
        "first": first,
        "second": second,
        "shared": len(pairs),
        "agreed": agreed,
        "agreement": agreed / len(pairs),
        "kappa": cohens_kappa((a for a, _ in passes), (b for _, b in passes)),
        "blind": sum(bool(a.blind and b.blind) for a, b in pairs),
    }
