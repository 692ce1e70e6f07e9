"""Outliers of a release: insertions whose numbers lie far from those of the other insertions, robustly.

Contains the one rule of what an outlier is, and its words. Add here another number that insertions are compared by only
if it is stated in `nh_platform.reports.site.counts.pass_rates.per_insertion`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nh_platform.qc.rules.quantities import after_number, shown_number
from nh_platform.qc.rules.rule_summary import criterion
from nh_platform.qc.rules.rulebook_model import Rulebook

FAR = 3.5
"""Modified z-score beyond which a value is an outlier.

Iglewicz and Hoaglin 1993, How to Detect and Handle Outliers.
"""

NORMAL_MAD = 0.6745
"""Median absolute deviation of a normal distribution of standard deviation 1, by which the score is scaled (same)."""

_ROUNDING, _MOST = 1e-12, 1e9

LEAST_INSERTIONS, LEAST_UNITS = 8, 20
"""Of fewer insertions no median is trusted; shares and medians of an insertion with fewer units are left out: 1 of 5
units is no share of 20 %."""

COLUMNS = ("session_id", "probe", "number", "value", "unit", "median", "score", "units")


def rule_in_words() -> str:
    """Return what counts as an outlier, for people."""
    return (
        f"An insertion is named where one of its numbers lies more than {FAR:g} scaled median absolute deviations from "
        f"the median of all insertions of the release (modified z-score = {NORMAL_MAD} × (value − median) / MAD): half "
        f"of all may be odd before the median moves. Insertions with fewer than {LEAST_UNITS} units are left out; a "
        f"number is not judged where fewer than {LEAST_INSERTIONS} insertions have it, or more than half are equal."
    )


def modified_z(values: np.ndarray) -> np.ndarray:
    """Return the modified z-scores of values, (n,) float64; NaN where a value is not finite, or the MAD is 0.

    A MAD that only rounding made counts as 0, and scores end at ±1e9.

    ``0.6745 (x - median) / MAD`` (Iglewicz and Hoaglin 1993, eq. 3.8).

    Examples
    --------
    >>> modified_z(np.array([1.0, 2.0, 3.0, 4.0, 105.0])).round(2).tolist()
    [-1.35, -0.67, 0.0, 0.67, 68.8]
    """
    values = np.asarray(values, dtype=np.float64)
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.full(values.shape, np.nan)
    median = np.median(finite)
    spread = np.median(np.abs(finite - median))
    if spread <= _ROUNDING * abs(median):
        return np.full(values.shape, np.nan)
    with np.errstate(over="ignore", invalid="ignore"):
        scores = np.clip(NORMAL_MAD * (values - median) / spread, -_MOST, _MOST)
    return np.where(np.isfinite(values), scores, np.nan)


def find_outliers(insertions: pd.DataFrame, rulebook: Rulebook) -> pd.DataFrame:
    """Return the insertions that lie far from the others, furthest first.

    Parameters
    ----------
    insertions
        As of `nh_platform.reports.site.counts.pass_rates.per_insertion`.
    rulebook
        The rules in force.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`, one row per insertion and number: ``number`` in words, ``value`` and ``median`` of all in ``unit``,
        ``score`` (modified z-score), and the ``units`` of the insertion.
    """
    enough = insertions[insertions["units"] >= LEAST_UNITS]
    rows = []
    for column, name, unit, scale in _numbers(rulebook):
        table = insertions if column == "units" else enough
        values = table[column].to_numpy(dtype=np.float64) * scale
        if np.isfinite(values).sum() < LEAST_INSERTIONS:
            continue
        scores, median = modified_z(values), float(np.nanmedian(values))
        for place in np.flatnonzero(np.abs(np.nan_to_num(scores)) > FAR).tolist():
            row = table.iloc[place]
            stated = {"session_id": row["session_id"], "probe": row["probe"], "number": name, "unit": unit}
            numbers = {"value": float(values[place]), "median": median, "score": float(scores[place])}
            rows.append({**stated, **numbers, "units": int(row["units"])})
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    order = found["score"].abs().sort_values(ascending=False, kind="stable").index
    return found.loc[order].reset_index(drop=True)


def in_words(row: pd.Series) -> str:
    """Return what is odd about one row of `find_outliers`, in a sentence's words.

    Examples
    --------
    >>> in_words(pd.Series({"number": "good units", "value": 1.2, "median": 20.0, "unit": "%", "score": -4.1}))
    'good units: 1.2 %, the median is 20 % (score −4.1)'
    """
    space = after_number(row["unit"])
    value, median = (shown_number(row[name], 4) for name in ("value", "median"))
    return f"{row['number']}: {value}{space}, the median is {median}{space} (score {row['score']:.1f})".replace(
        "-", "−"
    )


def _numbers(rulebook: Rulebook) -> list[tuple[str, str, str, float]]:
    """Return column, words, unit of measure and factor of every number that insertions are compared by."""
    found = [("units", "units of the insertion", "1", 1.0), ("share", "good units", "%", 100.0)]
    for rule in rulebook.rules:
        found.append((f"share.{rule.id}", f"units that pass {criterion(rule)}", "%", 100.0))
        found.append((f"median.{rule.id}", f"median of {criterion(rule).split(' ')[0]}", rule.unit, 1.0))
    return found
