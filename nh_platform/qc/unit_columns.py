"""Metric columns of `units`: which metrics are computed, and the unit and meaning of each column.

Contains the choice of metrics for the configured rulebooks, and unit and meaning of recomputed and released columns.
Formulas are in `nh_platform.qc.metrics`, what a release's own columns are in the entry of its source; no value is
computed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from nh_platform.qc.metrics.definitions.lookup import DEFAULT_IDS, METRICS, definition, known_metrics
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.session.columns import NULLABLE, Column, ColumnMeanings, describe
from nh_platform.session.tables.units import UNITS
from nh_platform.sources.entry import SourceEntry

_RELEASED = "released."
_AS_STATED = "as the release states it"


def metric_ids(rulebooks: Iterable[Rulebook]) -> tuple[str, ...]:
    """Return the definition ids that `units` holds: those of `DEFAULT_IDS`, and of the others what ``rulebooks`` name.

    Also where a rulebook reads released values: released and recomputed stand side by side, and
    ``nh qc diff --use recomputed`` can then compare any two configured rulebooks.

    Parameters
    ----------
    rulebooks
        All rulebooks that are configured for the source.
    """
    named = {metric for rulebook in rulebooks for rule in rulebook.rules for metric in rule.metrics}
    not_asked = METRICS.keys() - set(DEFAULT_IDS) - named
    return tuple(metric_id for metric_id in known_metrics() if metric_id not in not_asked)


def column_meanings(entry: SourceEntry) -> ColumnMeanings:
    """Return a function that gives unit of measure and meaning of a metric column of a source; None for others.

    Raises
    ------
    ConfigError
        If a released column stands for a metric that has no definition.
    """
    stated = {one.column: definition(one.definition) for one in entry.counterparts}
    metrics = known_metrics()
    # The latest vintage of a name comes first in the register.
    same_name = {known.name: known for known in reversed(metrics.values()) if known.defined_by == entry.definer}

    def meanings(column: str) -> tuple[str, str] | None:
        if column in metrics:
            return metrics[column].unit, metrics[column].meaning
        if not column.startswith(_RELEASED):
            return None
        name = column.removeprefix(_RELEASED)
        metric = stated.get(name) or same_name.get(name)
        if metric is not None:
            return metric.unit, f"{metric.meaning} ({_AS_STATED})"
        unit, meaning = entry.released_words.get(name, ("", ""))
        return (unit, f"{meaning} ({_AS_STATED})") if unit else None

    return meanings


def unit_columns(entry: SourceEntry, rulebooks: Sequence[Rulebook]) -> list[Column]:
    """Return the columns of `units` of a source: the fixed ones, metrics, released ones, and those of rulebooks.

    A session may lack some of the released ones, and have labels of curators beside them.

    Parameters
    ----------
    entry
        Entry of the source.
    rulebooks
        All rulebooks that are configured for it.
    """
    metrics = known_metrics()
    of_definer = {metrics[one].name: metrics[one] for one in metrics if metrics[one].defined_by == entry.definer}
    stated = {one.column: definition(one.definition) for one in entry.counterparts}
    released = dict.fromkeys([*stated, *of_definer, *entry.released_words])
    dtypes = {one: metrics[one].dtype for one in metric_ids(rulebooks)}
    for name in released:
        metric = stated.get(name) or of_definer.get(name)
        is_bits = metric is not None and metric.dtype == "uint8"  # counts are released as decimal numbers
        unit, meaning = entry.released_words.get(name, ("1", ""))
        of_words = "bool" if meaning.startswith("Whether ") else "string" if unit == "-" else "float64"
        dtypes[f"{_RELEASED}{name}"] = "uint8" if is_bits else of_words
    names = [*UNITS.names, *dtypes]
    for book in rulebooks:
        bits = ["failed", "fallback"] if any(rule.fallback for rule in book.rules) else ["failed"]
        names += [f"{what}.{book.id}" for what in ("label", *bits, "reason", "pass")]
        names += [f"rule.{book.id}.{rule.id}" for rule in book.rules]
    described = describe(UNITS, names, column_meanings(entry))
    return [_of_dtype(column, dtypes.get(column.name, column.dtype)) for column in described]


def _of_dtype(column: Column, dtype: str) -> Column:
    return column if dtype == column.dtype else replace(column, dtype=dtype, nullable=dtype in NULLABLE)
