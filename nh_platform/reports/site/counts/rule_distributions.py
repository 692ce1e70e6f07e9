"""Distribution of every rule's values over a release, and the dated snapshot of it that other pages show.

Contains the counting and the snapshot's form. Add a number here when every page should show it of a rule over the
release. How a page of one session comes to have it is `release_snapshot.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nh_platform.qc.rules.rule_summary import criterion
from nh_platform.qc.rules.rulebook_model import Rule, Rulebook
from nh_platform.reports.site.counts.judged_units import FAILS, PASSES, outcome_column

BINS = 50
_OUTER, _QUARTILES, _RANGES = (1.0, 99.0), (25.0, 75.0), 3.0
"""Values are drawn between these percentiles, and no further than three interquartile ranges from the middle half: a
long tail would take the whole axis. Those outside are counted beside."""


@dataclass(frozen=True)
class RuleDistribution:
    """One rule over all units of a release.

    Parameters
    ----------
    rule, criterion, why, unit
        The rule, what it asks for in words, why, and the unit of measure of its values.
    comparison, threshold
        As the rulebook states them; ``threshold`` None where it is no number.
    units, passing, failing, without_value
        Counts of units.
    alone
        Units that fail this rule and no other.
    edges, counts
        Histogram of the values, ``BINS + 1`` and ``BINS`` long; empty where the rule compares no numbers.
    below, above
        Values outside the edges.
    """

    rule: str
    criterion: str
    why: str
    unit: str
    comparison: str
    threshold: float | None
    units: int
    passing: int
    failing: int
    without_value: int
    alone: int
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    below: int
    above: int

    @property
    def share(self) -> float | None:
        """Share of the counted units that pass, 0 to 1; None where none is counted."""
        counted = self.passing + self.failing
        return self.passing / counted if counted else None


def rule_distributions(units: pd.DataFrame, rulebook: Rulebook) -> list[RuleDistribution]:
    """Return the distribution of every rule in force, in the order of the rulebook.

    Parameters
    ----------
    units
        As of `nh_platform.reports.site.counts.judged_units.judge_units`.
    rulebook
        The rules in force.
    """
    columns = [outcome_column(rulebook, rule.id) for rule in rulebook.rules]
    fails = (units[columns] == FAILS).to_numpy()
    only = fails.sum(axis=1) == 1
    return [
        _distribution(rule, units, units[columns[number]], int((fails[:, number] & only).sum()))
        for number, rule in enumerate(rulebook.rules)
    ]


def _distribution(rule: Rule, units: pd.DataFrame, outcome: pd.Series, alone: int) -> RuleDistribution:
    is_number = isinstance(rule.threshold, int | float) and not isinstance(rule.threshold, bool)
    threshold = float(rule.threshold) if is_number else None  # type: ignore[arg-type]
    values = units[f"value.{rule.id}"].to_numpy(dtype=np.float64)
    values = values[np.isfinite(values)]
    edges = _edges(values, threshold)
    inside = (values >= edges[0]) & (values <= edges[-1]) if len(edges) else np.zeros(len(values), dtype=bool)
    counts = np.histogram(values[inside], edges)[0] if len(edges) else np.empty(0)
    return RuleDistribution(
        rule=rule.id,
        criterion=criterion(rule),
        why=rule.why,
        unit=rule.unit,
        comparison=rule.comparison,
        threshold=threshold,
        units=len(units),
        passing=int((outcome == PASSES).sum()),
        failing=int((outcome == FAILS).sum()),
        without_value=int(units[f"missing.{rule.id}"].sum()),
        alone=alone,
        edges=tuple(float(edge) for edge in edges),
        counts=tuple(int(count) for count in counts),
        below=int((values < edges[0]).sum()) if len(edges) else 0,
        above=int((values > edges[-1]).sum()) if len(edges) else 0,
    )


def _edges(values: np.ndarray, threshold: float | None) -> np.ndarray:
    """Return bin edges over the central values; the threshold is one of them, so that no bar is on both sides of it."""
    if not len(values):
        return np.empty(0)
    low, high = np.percentile(values, _OUTER)
    lower, upper = np.percentile(values, _QUARTILES)
    reach = _RANGES * (upper - lower)
    if reach > 0:
        low, high = max(low, lower - reach), min(high, upper + reach)
    if threshold is not None:
        low, high = min(low, threshold), max(high, threshold)
    if not high > low:
        low, high = low - 0.5, high + 0.5
    if threshold is None:
        return np.linspace(low, high, BINS + 1)
    width = (high - low) / (BINS - 2)
    first = np.floor((low - threshold) / width)
    return threshold + width * (first + np.arange(BINS + 1))
