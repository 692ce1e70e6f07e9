"""Applies a rulebook to a units table: each rule's verdict, the label, failed-rule bits and the reason in words.

Contains the vectorised evaluation of unit rules. Add here what a verdict consists of. Which column holds a rule's
values is found by `nh_platform.qc.rules.rule_columns`; counts per rule are in `nh_platform.qc.rules.rule_summary`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.qc.rules.markdown import listed
from nh_platform.qc.rules.quantities import after_number, quantity, shown_number, unit_factor
from nh_platform.qc.rules.rule_columns import RuleValues, values_with_fallback
from nh_platform.qc.rules.rulebook_model import HOLDS, Comparison, Rule, Rulebook, ValueSource
from nh_platform.session import ConfigError

BoolArray = npt.NDArray[np.bool_]

_NEGATION: dict[Comparison, str] = {"<": "≥", "<=": ">", ">": "≤", ">=": "<", "==": "≠", "in": "not in"}


@dataclass(frozen=True)
class Verdicts:
    """Verdicts of a rulebook on every unit of a table.

    Parameters
    ----------
    rulebook
        The rulebook.
    index
        Index of the units table, so that results can be joined to it.
    values
        Values that each rule was held against, in the order of ``rulebook.rules``.
    passed
        (n_units, n_rules) bool, True where the unit passes the rule, NaN policy applied.
    counted
        (n_units, n_rules) bool, False where the value is not available and the rule says ``nan: ignore``.
    label
        (n_units,) float64: mean of the counted rules (``thirds``), or 1 where all of them pass (``all``). 0 where no
        rule could be counted.
    failed
        (n_units,) uint32, bit i is set where rule i fails.
    good
        (n_units,) bool, True where at least one rule is counted and every counted rule passes.
    """

    rulebook: Rulebook
    index: pd.Index
    values: tuple[RuleValues, ...]
    passed: BoolArray
    counted: BoolArray
    label: npt.NDArray[np.float64]
    failed: npt.NDArray[np.uint32]
    good: BoolArray

    @property
    def missing(self) -> BoolArray:
        """(n_units, n_rules) bool, True where the value of the rule is not available."""
        return np.column_stack([values.missing for values in self.values])

    @property
    def by_fallback(self) -> npt.NDArray[np.uint32]:
        """(n_units,) uint32, bit i is set where the fallback of rule i judges the unit."""
        found = np.zeros(len(self.index), np.uint32)
        for bit, values in enumerate(self.values):
            if values.in_place is not None:
                found |= values.in_place.astype(np.uint32) << np.uint32(bit)
        return found

    def reasons(self) -> npt.NDArray[np.object_]:
        """Return why each unit fails, in words, ``(n_units,)`` text; empty for a good unit.

        Written only when asked for: on 137,354 units the verdicts take milliseconds and the words about a second.
        """
        parts: list[list[str]] = [[] for _ in range(len(self.index))]
        for column, (rule, values) in enumerate(zip(self.rulebook.rules, self.values)):
            rows = np.flatnonzero(self.counted[:, column] & ~self.passed[:, column])
            for row, text in zip(rows.tolist(), _reason_texts(rule, values, rows)):
                parts[row].append(text)
        uncounted: BoolArray = np.asarray(~self.counted.any(axis=1), dtype=bool)
        words = [
            "no rule could be evaluated" if uncounted[row] else "; ".join(texts) for row, texts in enumerate(parts)
        ]
        return np.array(words, dtype=object)

    def columns(self, reviews: pd.Series | None = None) -> pd.DataFrame:
        """Return the columns that the `units` table holds for this rulebook.

        Parameters
        ----------
        reviews
            ``pass``, ``fail`` or ``none`` per unit (from `nh_platform.qc.reviews.review_decisions.apply_reviews`); a
            counted review replaces the verdict in ``pass.<rulebook>`` and is named in the reason. Rules and label stay
            as they are.

        Returns
        -------
        DataFrame
            ``label.<id>`` float64, ``failed.<id>`` uint32, ``fallback.<id>`` uint32 where a rule has a fallback (bit i
            is set where that of rule i judges the unit), ``reason.<id>`` text, ``pass.<id>`` bool and one
            ``rule.<id>.<rule>`` bool per rule, on the index of the units table.
        """
        name = self.rulebook.id
        good, reasons = self.good, self.reasons()
        if reviews is not None:
            decisions = reviews.to_numpy(dtype=object)
            good = np.where(decisions == "pass", True, np.where(decisions == "fail", False, good)).astype(bool)
            reasons = np.array([_reviewed(text, decision) for text, decision in zip(reasons, decisions)], dtype=object)
        table: dict[str, Any] = {f"label.{name}": self.label, f"failed.{name}": self.failed}
        if any(rule.fallback for rule in self.rulebook.rules):
            table[f"fallback.{name}"] = self.by_fallback
        table[f"reason.{name}"] = reasons
        table[f"pass.{name}"] = good
        for column, rule in enumerate(self.rulebook.rules):
            table[f"rule.{name}.{rule.id}"] = self.passed[:, column]
        return pd.DataFrame(table, index=self.index)


def apply_rulebook(
    units: pd.DataFrame,
    rulebook: Rulebook,
    *,
    value_source: ValueSource | None = None,
    missing: Literal["error", "nan"] = "error",
) -> Verdicts:
    """Hold every unit of a table against the unit rules of a rulebook.

    Parameters
    ----------
    units
        One row per unit: the platform's units table, or a table with upstream's column names.
    rulebook
        The rulebook.
    value_source
        Read ``released`` or ``recomputed`` values instead of what the rulebook states. A rule with a ``use`` of its
        own, and a quantity that only a release states, are not affected.
    missing
        What a table without a rule's column means: ``error``, or ``nan`` to treat the value of every unit as not
        available, so that the rule's NaN policy decides.

    Raises
    ------
    ConfigError
        If the rulebook has no unit rules, the table has no column for a rule, or the column does not hold what the
        rule compares.
    """
    if not rulebook.rules:
        found = "it is a rulebook for sessions, trials or regions and has no unit rules"
        action = f"{_instead(rulebook)}Rulebooks for units are in `nh qc rules list`."
        raise ConfigError(f"rulebook {rulebook.id}", found, action)
    n_units, n_rules = len(units), len(rulebook.rules)
    passed = np.ones((n_units, n_rules), dtype=bool)
    counted = np.ones((n_units, n_rules), dtype=bool)
    all_values = []
    for column, rule in enumerate(rulebook.rules):
        values = values_with_fallback(units, rulebook, rule, value_source, missing)
        passed[:, column] = np.where(values.missing, rule.nan != "fail", _holds(values, rule))
        if rule.nan == "ignore":
            counted[:, column] = ~values.missing
        all_values.append(values)
    n_counted = counted.sum(axis=1)
    good = (passed | ~counted).all(axis=1) & (n_counted > 0)
    share = (passed & counted).sum(axis=1) / np.maximum(n_counted, 1)
    bits = np.uint32(1) << np.arange(n_rules, dtype=np.uint32)
    failed = ((counted & ~passed) * bits).sum(axis=1, dtype=np.uint32)
    label = share if rulebook.label == "thirds" else good.astype(np.float64)
    return Verdicts(rulebook, units.index, tuple(all_values), passed, counted, label, failed, good)


def _instead(rulebook: Rulebook) -> str:
    """Name the commands that apply a rulebook without unit rules."""
    commands = [f"nh qc sessions {rulebook.sources[0]} --rulebook {rulebook.id}"] if rulebook.session else []
    commands += [f"nh qc regions {rulebook.sources[0]} --rulebook {rulebook.id}"] if rulebook.regions else []
    shown = " and ".join(f"`{command}`" for command in commands)
    return f"Apply it with {shown}. " if commands else ""


def threshold_in(rule: Rule, unit: str) -> float:
    """Return the numeric threshold of ``rule`` in ``unit``, exact in decimal before it becomes a float."""
    factor = unit_factor(rule.unit, unit)
    if factor is None or not isinstance(rule.threshold, int | float):
        raise ValueError(f"rule {rule.id}: no number, or {rule.unit} does not convert to {unit}")
    return float(Decimal(repr(float(rule.threshold))) * factor)


def in_rule_unit(rule: Rule, values: RuleValues) -> npt.NDArray[np.float64]:
    """Return numeric values in the rule's own unit of measure, for display."""
    factor = unit_factor(values.unit, rule.unit)
    return np.asarray(values.values, dtype=np.float64) * float(factor or 1)


def is_numeric(values: RuleValues) -> bool:
    """Return whether the rule compares magnitudes: not text, not yes/no, not an outcome that upstream stored."""
    return values.values.dtype.kind == "f" and not (values.source and values.source.kind == "verdict")


def _holds(values: RuleValues, rule: Rule) -> BoolArray:
    """Return (n_units,) whether the rule holds, by its fallback where that judges."""
    held = _compare(values, rule)
    if values.fallback is None or values.in_place is None or rule.in_place is None:
        return held
    return np.where(values.in_place, _compare(values.fallback, rule.in_place), held).astype(bool)


def _compare(values: RuleValues, rule: Rule) -> BoolArray:
    if values.source and values.source.kind == "verdict":
        return np.asarray(values.values == values.source.passes, dtype=bool)
    found, threshold = values.values, rule.threshold
    if isinstance(threshold, list):
        return np.isin(found.astype(object) if found.dtype == object else found, np.array(threshold, dtype=found.dtype))
    if isinstance(threshold, str) or found.dtype == bool or isinstance(threshold, bool):
        return np.asarray(found == threshold, dtype=bool)
    # A Python float, so that a float32 column is compared in float32 (NumPy 2 promotion), as upstream does.
    number = threshold_in(rule, values.unit)
    with np.errstate(invalid="ignore"):
        return np.asarray(HOLDS[rule.comparison](found, number), dtype=bool)


def _reason_texts(rule: Rule, values: RuleValues, rows: npt.NDArray[np.intp]) -> list[str]:
    """Return one reason per failing row; it names the metric that the fallback replaces, where that judges."""
    if values.fallback is None or values.in_place is None or rule.in_place is None:
        return _own_reasons(rule, values, rows)
    replaced = values.in_place[rows]
    of_fallback = _own_reasons(rule.in_place, values.fallback, rows[replaced])
    tail = f" (in place of {quantity(rule.metric).name}, which has no value)"
    texts = np.empty(len(rows), dtype=object)
    texts[replaced] = [f"{text}{tail}" for text in of_fallback]
    texts[~replaced] = _own_reasons(rule, values, rows[~replaced])
    return list(texts)


def _own_reasons(rule: Rule, values: RuleValues, rows: npt.NDArray[np.intp]) -> list[str]:
    """Return one reason per row that the metric of the rule itself fails."""
    name = quantity(rule.metric).name
    absent = f"{listed(quantity(metric).name for metric in rule.metrics)} not available (NaN) counts as fail"
    missing = values.missing[rows]
    if values.source and values.source.kind == "verdict":
        stated = f"{name} rule not passed: released {values.source.column} is "
        return [absent if gone else stated + _plain(v) for gone, v in zip(missing, values.values[rows].tolist())]
    if values.source and values.source.kind in ("present", "nonzero"):
        return [f"not {name.replace('_', ' ')}"] * len(rows)
    negation = _NEGATION[rule.comparison]
    if not is_numeric(values) or isinstance(rule.threshold, list | bool | str):
        shown = _shown_threshold(rule)
        found = values.values[rows].tolist()
        return [absent if gone else f"{name} {_plain(v)} {negation} {shown}" for gone, v in zip(missing, found)]
    limit = float(rule.threshold)  # type: ignore[arg-type]  # numbers only, checked when read
    space = after_number(rule.unit)
    tail = f"{space} {negation} {_shown_threshold(rule)}{space}"
    numbers = in_rule_unit(rule, replace(values, values=values.values[rows], missing=missing))
    found = zip(missing.tolist(), numbers.tolist())
    return [absent if gone else f"{name} {_number(value, limit)}{tail}" for gone, value in found]


def _number(value: float, threshold: float) -> str:
    """Four digits, or as many as it takes to show on which side of the threshold the value lies."""
    text = shown_number(value, 4)
    return shown_number(value, 10) if float(text) == threshold and value != threshold else text


def _plain(value: object, digits: int = 6) -> str:
    return shown_number(value, digits) if isinstance(value, float) else str(value)


def _shown_threshold(rule: Rule) -> str:
    if isinstance(rule.threshold, list):
        return "(" + ", ".join(_plain(value, 15) for value in rule.threshold) + ")"
    return _plain(rule.threshold, 15)


def _reviewed(reason: str, decision: object) -> str:
    if decision not in ("pass", "fail"):
        return reason
    return f"{reason}; reviews say {decision}" if reason else f"reviews say {decision}"
