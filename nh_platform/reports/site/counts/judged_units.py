"""The units of a release judged: one narrow row per unit, with values and outcomes of every rule.

Contains the table that every part of the site is counted from. Add a column here when the site counts one more thing of
a unit. Verdicts are `nh_platform.qc.rules.verdicts`; nothing is read from a disk here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.qc.rules.label_agreement import compare_labels
from nh_platform.qc.rules.rulebook_model import Rulebook, ValueSource
from nh_platform.qc.rules.verdicts import Verdicts, apply_rulebook, in_rule_unit, is_numeric
from nh_platform.qc.units_file import first_column, region_of
from nh_platform.session import ConfigError

FAILS, PASSES, NOT_COUNTED = 0, 1, 2
"""Outcome of a rule on a unit; it is not counted where it has no value and the rule says ``nan: ignore``."""

NOT_STATED = -1
"""Stands for yes or no where nothing is stated."""

STATED_LABELS = ("released.label", "label")
"""Columns in which a release states its own label, as IBL does."""


def judge_units(
    units: pd.DataFrame,
    rulebook: Rulebook,
    others: Sequence[Rulebook] = (),
    *,
    value_source: ValueSource | None = None,
) -> pd.DataFrame:
    """Hold units against the active rulebook and others, and keep what the site counts.

    Parameters
    ----------
    units
        Units of the platform's table or of upstream's, with ``session_id``, ``probe`` and ``unit_id``.
    rulebook
        The rules in force.
    others
        Rulebooks that they are compared with.
    value_source
        As of `apply_rulebook`.

    Returns
    -------
    pandas.DataFrame
        One row per unit: ``session_id``, ``probe``, ``unit_id``, ``region`` (Beryl where known); ``good`` (bool,
        reviews included) and ``by_rules`` (bool); ``reviewed`` (bool: reviews decided it); ``stored`` (int8: good as
        stored, -1 where it is not stored); ``label_differs`` (int8, -1 where no label is stated); ``good.<rulebook>``
        (bool) of every other rulebook; ``outcome.<rulebook>.<rule>`` (uint8: `FAILS`, `PASSES`, `NOT_COUNTED`) of every
        rulebook; ``value.<rule>`` (float64, unit of measure of the rule; NaN where there is none) and
        ``missing.<rule>`` (bool) of the rules in force.
    """
    verdicts = apply_rulebook(units, rulebook, value_source=value_source, missing="nan")
    decisions = units["review"].to_numpy(dtype=object) if "review" in units else np.full(len(units), "none", object)
    reviewed = np.isin(decisions.astype(str), ("pass", "fail"))
    good = np.where(reviewed, decisions == "pass", verdicts.good).astype(bool)
    columns: dict[str, Any] = {
        "session_id": units["session_id"].astype(str).to_numpy(dtype=object),
        "probe": units["probe"].astype(str).to_numpy(dtype=object),
        "unit_id": units["unit_id"].astype(str).to_numpy(dtype=object),
        "region": region_of(units).to_numpy(dtype=object),
        "good": good,
        "by_rules": verdicts.good,
        "reviewed": reviewed,
        "stored": _stored(units, rulebook.id),
        "label_differs": _label_differs(units, verdicts),
        **_outcomes(verdicts),
    }
    for number, rule in enumerate(rulebook.rules):
        values = verdicts.values[number]
        columns[f"missing.{rule.id}"] = values.missing
        numbers = in_rule_unit(rule, values) if is_numeric(values) else np.full(len(units), np.nan)
        columns[f"value.{rule.id}"] = np.where(np.isfinite(numbers), numbers, np.nan)
    for other in others:
        found = apply_rulebook(units, other, value_source=value_source, missing="nan")
        columns |= {f"good.{other.id}": found.good, **_outcomes(found)}
    return pd.DataFrame(columns)


def no_units(rulebook: Rulebook, others: Sequence[Rulebook] = ()) -> pd.DataFrame:
    """Return the same table without a row."""
    names = [source.column for sources in rulebook.columns.values() for source in sources]
    empty = {name: pd.Series([], dtype=object) for name in ("session_id", "probe", "unit_id")}
    return judge_units(pd.DataFrame(empty | {name: pd.Series([], dtype="float64") for name in names}), rulebook, others)


def outcome_column(rulebook: Rulebook, rule: str) -> str:
    """Return the name of the column with the outcome of a rule."""
    return f"outcome.{rulebook.id}.{rule}"


def joined(parts: Iterable[pd.DataFrame], rulebook: Rulebook, others: Sequence[Rulebook] = ()) -> pd.DataFrame:
    """Return judged units of several sessions as one table; without a row where there are none."""
    found = [part for part in parts if len(part)]
    return pd.concat(found, ignore_index=True) if found else no_units(rulebook, others)


def _outcomes(verdicts: Verdicts) -> dict[str, npt.NDArray[np.uint8]]:
    kinds = np.where(verdicts.counted, np.where(verdicts.passed, PASSES, FAILS), NOT_COUNTED).astype(np.uint8)
    rules = verdicts.rulebook.rules
    return {outcome_column(verdicts.rulebook, rule.id): kinds[:, number] for number, rule in enumerate(rules)}


def _stored(units: pd.DataFrame, rulebook: str) -> npt.NDArray[np.int8]:
    """Return the verdict that the stored units carry, as they were judged when they were made."""
    name = f"pass.{rulebook}"
    if name not in units:
        return np.full(len(units), NOT_STATED, dtype=np.int8)
    return units[name].astype("boolean").astype("Int8").fillna(NOT_STATED).to_numpy(dtype=np.int8)


def _label_differs(units: pd.DataFrame, verdicts: Verdicts) -> npt.NDArray[np.int8]:
    """Return whether upstream's label of a unit says otherwise than the rules."""
    name = first_column(units, STATED_LABELS)
    if name is None:
        return np.full(len(units), NOT_STATED, dtype=np.int8)
    try:
        differs = compare_labels(verdicts, units[name]).mismatch
    except ConfigError:  # a column of another meaning, as a text: it is no label
        return np.full(len(units), NOT_STATED, dtype=np.int8)
    return np.where(units[name].isna(), NOT_STATED, differs.astype(np.int8)).astype(np.int8)
