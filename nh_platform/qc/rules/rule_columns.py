"""Finds, for each rule, the column of a units table that holds its values, and in which unit of measure.

Contains the resolution of the `columns:` section of a rulebook against a table: the platform's own units table or any
table with the upstream column names of IBL or Allen. Add here another way in which a column may stand for a quantity.
Thresholds and verdicts belong to `nh_platform.qc.rules.verdicts`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.qc.metrics.definitions.lookup import known_metrics
from nh_platform.qc.rules.quantities import RELEASED_ONLY, is_column_of_units, platform_unit, quantity, unit_factor
from nh_platform.qc.rules.rulebook_model import ColumnSource, Rule, Rulebook, ValueSource
from nh_platform.session import ConfigError

NULL_TEXT = frozenset({"", "None", "nan", "null"})
"""Text that stands for no value: an Allen NWB file writes "None" or "" for a structure outside the brain."""


class MissingColumn(ConfigError):
    """A units table has no column that holds the values of a rule."""


@dataclass(frozen=True)
class RuleValues:
    """The values that one rule is held against, one per unit.

    Parameters
    ----------
    values
        (n_units,) float, bool or object array as the table has it; NaN or None where not available.
    missing
        (n_units,) bool, True where the value is not available.
    unit
        Unit of measure of ``values``.
    column
        Column that was read; empty where the table has none.
    source
        The entry of the rulebook that the column was found by; None for a recomputed value.
    recomputed
        (n_units,) bool, True where the release states nothing and a recomputed value stands in; None where nowhere.
    fallback
        The values of the rule's fallback; None where it has none.
    in_place
        (n_units,) bool, True where the fallback judges the unit; None where the rule has none.
    """

    values: npt.NDArray[Any]
    missing: npt.NDArray[np.bool_]
    unit: str
    column: str
    source: ColumnSource | None
    recomputed: npt.NDArray[np.bool_] | None = None
    fallback: RuleValues | None = None
    in_place: npt.NDArray[np.bool_] | None = None


def values_with_fallback(
    units: pd.DataFrame, rulebook: Rulebook, rule: Rule, value_source: ValueSource | None, missing: str
) -> RuleValues:
    """Return the values of ``rule`` in ``units``, and beside them those of its fallback where it has one.

    ``missing`` of the result is True only where neither has a value. Parameters and errors are those of `rule_values`;
    a table without the column of one of the two is no error.
    """
    other = rule.in_place
    if other is None:
        return rule_values(units, rulebook, rule, value_source, missing)
    values, fallback = (rule_values(units, rulebook, one, value_source, "nan") for one in (rule, other))
    if missing == "error" and not values.column and not fallback.column:
        raise _missing_column(units, rulebook, rule, value_source)
    return replace(
        values,
        missing=values.missing & fallback.missing,
        fallback=fallback,
        in_place=values.missing & ~fallback.missing,
    )


def rule_values(
    units: pd.DataFrame, rulebook: Rulebook, rule: Rule, value_source: ValueSource | None, missing: str
) -> RuleValues:
    """Return the values of ``rule`` in ``units``.

    Parameters
    ----------
    units
        One row per unit; columns of the platform's units table, or upstream's.
    rulebook, rule
        The rulebook and one of its unit rules.
    value_source
        ``released`` or ``recomputed``, or None for what the rulebook states.
    missing
        ``error`` to refuse a table without the column, ``nan`` to treat every unit's value as not available.

    A unit of the platform's own table of which the release states none of the metrics that are recomputed is held
    against recomputed values, as ibllib does, unless ``value_source`` says otherwise.

    Raises
    ------
    MissingColumn
        If the table has no column for the rule and ``missing`` is ``error``. A label of another curator that the
        platform's own table lacks is not available: not every session was labelled.
    ConfigError
        If the column does not hold numbers.
    """
    own_column = is_column_of_units(rule.metric)
    own_judge = value_source is None and rule.metric in units.columns and not own_column
    unstated = without_released(units, rulebook) if own_judge else np.zeros(len(units), dtype=bool)
    for name, (unit, source) in candidates(units, rulebook, rule, value_source).items():
        if name in units.columns:
            values = _values(units, name, unit, source, rule)
            return _with_recomputed(values, units, rule, unstated) if unstated.any() else values
    if own_judge and unstated.all():
        return _values(units, rule.metric, quantity(rule.metric).unit, None, rule)
    if missing == "nan" or (own_column and _is_units_table(units)):
        is_text = _wants_text(rule.threshold)
        nothing = np.full(len(units), None, dtype=object) if is_text else np.full(len(units), np.nan)
        return RuleValues(nothing, np.ones(len(units), dtype=bool), rule.unit, "", None)
    raise _missing_column(units, rulebook, rule, value_source)


def without_released(units: pd.DataFrame, rulebook: Rulebook) -> npt.NDArray[np.bool_]:
    """Return (n_units,) of which units of the platform's own table the release states no metric that is recomputed.

    A release leaves out the whole table of a probe, or the rows of clusters without spikes. A single metric that is NaN
    is a statement of the release, and the rule says what it counts as. What a release alone can state does not count:
    an Allen file has ``valid_data`` and ``quality`` of every unit.
    """
    stated = [name for name in _released_counterparts(units, rulebook) if name in units.columns]
    if not stated:
        return np.full(len(units), _is_units_table(units))
    return units[stated].isna().all(axis=1).to_numpy(dtype=bool)


def _released_counterparts(units: pd.DataFrame, rulebook: Rulebook) -> list[str]:
    """Return the released columns that have the name of a recomputed one, or stand for it in ``rulebook``."""
    recomputed = {metric.name: None for metric in known_metrics().values() if metric.id in units.columns}
    named = {
        source.column: None
        for metric, sources in rulebook.columns.items()
        for source in sources
        if metric not in RELEASED_ONLY and source.table == "upstream"
    }
    return [f"released.{name}" for name in recomputed | named]


def _with_recomputed(
    values: RuleValues, units: pd.DataFrame, rule: Rule, unstated: npt.NDArray[np.bool_]
) -> RuleValues:
    """Return released values with recomputed ones for the units of which the release states nothing."""
    ours = _values(units, rule.metric, quantity(rule.metric).unit, None, rule)
    factor = unit_factor(ours.unit, values.unit)
    numeric = values.values.dtype.kind == "f" and (values.source is None or values.source.kind == "value")
    if not numeric or factor is None or ours.values.dtype.kind != "f":
        return values
    return replace(
        values,
        values=np.where(unstated, (ours.values * float(factor)).astype(values.values.dtype), values.values),
        missing=np.where(unstated, ours.missing, values.missing),
        recomputed=unstated,
    )


def candidates(
    units: pd.DataFrame, rulebook: Rulebook, rule: Rule, value_source: ValueSource | None
) -> dict[str, tuple[str, ColumnSource | None]]:
    """Return the columns that may hold the values of ``rule``, best first: unit of measure there, and by which entry.

    Parameters are those of `rule_values`; ``units`` decides by its kind, not by the columns that it has.
    """
    if is_column_of_units(rule.metric):
        return {rule.metric: (rule.unit, ColumnSource(column=rule.metric, unit=rule.unit, table="units"))}
    own = _is_units_table(units)
    found: dict[str, tuple[str, ColumnSource | None]] = {}
    recomputes = _recomputes(rulebook, rule, value_source)
    if recomputes:
        found[rule.metric] = (quantity(rule.metric).unit, None)
    for source in rulebook.columns.get(rule.metric, []):
        if recomputes and source.table != "other":
            continue
        for name, unit in _candidates(source, own=own):
            found.setdefault(name, (unit, source))
    return found


def _recomputes(rulebook: Rulebook, rule: Rule, value_source: ValueSource | None) -> bool:
    return rulebook.uses(rule, value_source) == "recomputed" and rule.metric not in RELEASED_ONLY


def _missing_column(
    units: pd.DataFrame, rulebook: Rulebook, rule: Rule, value_source: ValueSource | None
) -> MissingColumn:
    about = f"rulebook {rulebook.id}, rule {rule.id}"
    if _recomputes(rulebook, rule, value_source) and _is_units_table(units):
        return MissingColumn(
            about,
            f"these units were made without {rule.metric}: it is computed where a configured rulebook names it",
            f"Name {rulebook.id} under `also_rulebooks` of the source in sources.yaml and run "
            "`nh materialize SOURCE --missing`, or read the released values (`--use released`).",
        )
    looked_for = ", ".join(candidates(units, rulebook, rule, value_source)) or "none"
    return MissingColumn(
        about,
        f"the units table has no column for {rule.metric}; looked for {looked_for}; it has {_some(units.columns)}",
        "Name a table that has one of these columns, or another rulebook (`nh qc rules list`).",
    )


def _is_units_table(units: pd.DataFrame) -> bool:
    """Return whether the table is the platform's own, where a bare ``label`` or ``depth`` is not upstream's column."""
    return "review" in units.columns or any(str(name).startswith("released.") for name in units.columns)


def _candidates(source: ColumnSource, *, own: bool) -> list[tuple[str, str]]:
    """Names under which a source may stand in a table, with the unit of measure there."""
    if source.table != "upstream":
        return [(source.column, source.unit)] if own == (source.table == "units") else []
    released = (f"released.{source.column}", platform_unit(source.unit))
    return [released] if own else [(source.column, source.unit)]


def _values(units: pd.DataFrame, name: str, unit: str, source: ColumnSource | None, rule: Rule) -> RuleValues:
    series = units[name]
    if isinstance(series, pd.DataFrame):
        raise ConfigError(f"column {name!r}", "stands more than once in the units table", "Keep one of them.")
    kind = source.kind if source else "value"
    if kind == "present":
        present = ~_null(series)
        return RuleValues(present, np.zeros(len(units), dtype=bool), unit, name, source)
    if kind == "nonzero":
        numbers = _numbers(series, name, rule)
        inside = ~np.isnan(numbers) & (numbers != 0)
        return RuleValues(inside, np.zeros(len(units), dtype=bool), unit, name, source)
    compared = source.passes if source and source.kind == "verdict" else rule.threshold
    if _wants_text(compared):
        null = _null(series)
        text = series.astype(object).to_numpy(copy=True)
        text[null] = None
        return RuleValues(text, null, unit, name, source)
    numbers = _numbers(series, name, rule)
    if source and source.absolute:
        numbers = np.abs(numbers)
    return RuleValues(numbers, np.isnan(numbers), unit, name, source)


def _wants_text(threshold: object) -> bool:
    values = threshold if isinstance(threshold, list) else [threshold]
    return any(isinstance(value, str) for value in values)


def _null(series: pd.Series) -> npt.NDArray[np.bool_]:
    null = series.isna().to_numpy(dtype=bool)
    if series.dtype == object or isinstance(series.dtype, pd.StringDtype | pd.CategoricalDtype):
        null = null | series.astype(object).isin(NULL_TEXT).to_numpy(dtype=bool)
    return null


def _numbers(series: pd.Series, name: str, rule: Rule) -> npt.NDArray[np.floating]:
    """Return the column as float32 where it is float32, else float64; nulls become NaN."""
    if isinstance(series.dtype, np.dtype) and series.dtype.kind == "f":
        # float32 stays float32: 0.1 stored there is compared with float32(0.1), as upstream's own code does.
        return series.to_numpy() if series.dtype.itemsize >= 4 else series.to_numpy(dtype=np.float32)
    try:
        numeric = pd.to_numeric(series, errors="raise")
        return numeric.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"column {name!r}, rule {rule.id}", f"does not hold numbers: {error}", "Correct the units table."
        ) from error


def _some(columns: pd.Index) -> str:
    names = [str(name) for name in columns]
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
