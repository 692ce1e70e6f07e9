"""Counts per rule: how many units pass, fail or have no value, which fail worst, and how the values are spread.

Contains the summary that asset checks, the CLI and the review site show. Add here a number about a rule over many
units. Verdicts of single units are made by `nh_platform.qc.rules.verdicts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.qc.rules.quantities import after_number, quantity
from nh_platform.qc.rules.rulebook_model import Rule
from nh_platform.qc.rules.verdicts import Verdicts, in_rule_unit, is_numeric

HISTOGRAM_BINS = 20
N_WORST = 5


@dataclass(frozen=True)
class WorstUnit:
    """A failing unit and the value that fails it, in the rule's unit of measure."""

    unit: str
    value: float


@dataclass(frozen=True)
class RuleSummary:
    """Effect of one rule on a table of units.

    Parameters
    ----------
    rule, criterion
        Id of the rule, and what it asks for in words, for example ``noise_cutoff < 5``.
    n_units
        Units of the table; those that neither pass nor fail are left out because the rule says ``nan: ignore``.
    n_pass, n_fail, n_nan
        Units that pass, that fail, and without a value.
    n_fallback
        Units among those that pass or fail by the rule's fallback.
    share
        ``n_pass / (n_pass + n_fail)``; NaN where no unit is counted.
    column
        Column that was read, the fallback's where the metric has none; empty where the table has neither.
    worst
        Up to five failing units furthest from the threshold, worst first; by the metric, not by the fallback.
    counts, edges
        Histogram of the metric's finite values between their 1st and 99th percentile (values outside are in the outer
        bins), ``edges`` in the rule's unit of measure; empty for text and yes/no.
    """

    rule: str
    criterion: str
    n_units: int
    n_pass: int
    n_fail: int
    n_nan: int
    n_fallback: int
    share: float
    column: str
    worst: tuple[WorstUnit, ...]
    counts: tuple[int, ...]
    edges: tuple[float, ...]


def rule_summary(verdicts: Verdicts, unit_ids: Sequence[object] | None = None) -> list[RuleSummary]:
    """Summarise every rule of ``verdicts``.

    Parameters
    ----------
    verdicts
        From `nh_platform.qc.rules.verdicts.apply_rulebook`.
    unit_ids
        (n_units,) how to name units among the worst; the index of the table where None.
    """
    names = list(verdicts.index) if unit_ids is None else list(unit_ids)
    return [_summary(verdicts, column, rule, names) for column, rule in enumerate(verdicts.rulebook.rules)]


def criterion(rule: Rule) -> str:
    """Return what a rule asks for in words: ``amp_median > 50 µV``, or ``snr ≥ 5, else num_spikes > 300``."""
    own = _own_criterion(rule)
    return own if rule.in_place is None else f"{own}, else {_own_criterion(rule.in_place)}"


def _own_criterion(rule: Rule) -> str:
    name = quantity(rule.metric).name
    signs = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "=", "in": "in"}
    if isinstance(rule.threshold, list):
        return f"{name} in ({', '.join(str(value) for value in rule.threshold)})"
    threshold = {True: "yes", False: "no"}[rule.threshold] if isinstance(rule.threshold, bool) else rule.threshold
    return f"{name} {signs[rule.comparison]} {threshold}{after_number(rule.unit)}"


def _summary(verdicts: Verdicts, column: int, rule: Rule, names: list[object]) -> RuleSummary:
    values = verdicts.values[column]
    passed, counted = verdicts.passed[:, column], verdicts.counted[:, column]
    by_fallback = np.zeros(len(passed), np.bool_) if values.in_place is None else values.in_place
    n_pass, n_fail = int((passed & counted).sum()), int((~passed & counted).sum())
    worst: tuple[WorstUnit, ...] = ()
    counts: tuple[int, ...] = ()
    edges: tuple[float, ...] = ()
    if is_numeric(values) and not isinstance(rule.threshold, list | str | bool):
        numbers = in_rule_unit(rule, values)
        counts, edges = _histogram(numbers[np.isfinite(numbers)])
        rows = np.flatnonzero(~passed & counted & ~values.missing & ~by_fallback)
        distance = np.abs(numbers[rows] - float(rule.threshold))
        worst_rows = rows[np.lexsort((rows, -distance))[:N_WORST]]
        worst = tuple(WorstUnit(_name(names[row]), float(numbers[row])) for row in worst_rows)
    return RuleSummary(
        rule=rule.id,
        criterion=criterion(rule),
        n_units=len(passed),
        n_pass=n_pass,
        n_fail=n_fail,
        n_nan=int(values.missing.sum()),
        n_fallback=int(by_fallback.sum()),
        share=n_pass / (n_pass + n_fail) if n_pass + n_fail else float("nan"),
        column=values.column or (values.fallback.column if values.fallback else ""),
        worst=worst,
        counts=counts,
        edges=edges,
    )


def _histogram(finite: npt.NDArray[np.float64]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    # One noise cut-off of 1e5 among values of 0 to 10 would put every unit into the first of 20 bins.
    if len(finite) == 0:
        return (), ()
    low, high = np.percentile(finite, [1, 99])
    if low == high:
        high = low + max(abs(low), 1.0) * 1e-9
    counts, edges = np.histogram(np.clip(finite, low, high), bins=HISTOGRAM_BINS, range=(low, high))
    return tuple(int(count) for count in counts), tuple(float(edge) for edge in edges)


def _name(unit: object) -> str:
    return "/".join(str(part) for part in unit) if isinstance(unit, tuple) else str(unit)
