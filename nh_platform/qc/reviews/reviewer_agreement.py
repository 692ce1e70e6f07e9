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

_Unit = tuple[str, str, str]
"""Source, session and unit."""


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
    """Return the agreement of every pair of readers over all units that both decided.

    A reader's latest decision about a unit is used, expired ones included: expiry says that a decision no longer
    counts, not that it was not made; what a reader withdrew is no decision of his. A decision that is limited to a
    rulebook is shared with one that holds for it, and not with one under another rulebook. Intervals are left out:
    reviewers choose their own edges, so two of them seldom decide about the same thing.

    Returns
    -------
    DataFrame
        One row per pair with a shared unit, sorted by name: ``first``, ``second``, ``shared`` (units; one that both
        decided otherwise under another rulebook counts for each), ``agreed``, ``agreement`` (share), ``kappa``,
        ``blind`` (units of which both state that they had not been shown the decisions of others); and as last row
        ``all`` / ``all``, pooled over the pairs.
    """
    names: dict[str, str] = {}
    stated: dict[str, dict[_Unit, list[Review]]] = {}
    for session in reviews:
        for review in sorted(session.reviews, key=lambda item: item.date):
            for about in review.about if review.decision is not None else ():
                names[review.reader] = review.reviewer
                of_reader = stated.setdefault(review.reader, {})
                if about.kind == "unit":
                    of_reader.setdefault((session.source, session.session_id, about.unit), []).append(review)
    rows = []
    pooled: list[tuple[Review, Review]] = []
    for first, second in combinations(sorted(stated, key=names.__getitem__), 2):
        shared = [unit for unit in stated[first] if unit in stated[second]]
        pairs = [pair for unit in shared for pair in _pairs(stated[first][unit], stated[second][unit])]
        if pairs:
            rows.append(_row(names[first], names[second], pairs))
            pooled += pairs
    if rows:
        rows.append(_row("all", "all", pooled))
    return pd.DataFrame(rows, columns=["first", "second", "shared", "agreed", "agreement", "kappa", "blind"])


def _pairs(first: list[Review], second: list[Review]) -> list[tuple[Review, Review]]:
    """Return the pairs of decisions that two readers made on a unit under one rulebook, each pair once."""
    found: dict[tuple[str, str], tuple[Review, Review]] = {}
    for rulebook in sorted({one.rulebook for one in (*first, *second)} | {None}, key=str):
        a, b = _standing(first, rulebook), _standing(second, rulebook)
        if a is not None and b is not None:
            found.setdefault((a.id, b.id), (a, b))
    return list(found.values())


def _standing(stated: list[Review], rulebook: str | None) -> Review | None:
    """Return the last decision that holds for a rulebook (None: for all of them), unless it was withdrawn."""
    concerned = [one for one in stated if one.rulebook in (None, rulebook)]
    return concerned[-1] if concerned and concerned[-1].decision != "withdrawn" else None


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
