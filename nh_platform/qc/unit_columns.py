"""Metric columns of `units`: which metrics are computed, and the unit and meaning of each column.

Contains the choice of metrics for the configured rulebooks, and unit and meaning of recomputed and released columns.
Formulas are in `nh_platform.qc.metrics`, what a release's own columns are in the entry of its source; no value is
computed here.
"""

from __future__ import annotations

from collections.abc import Iterable

from nh_platform.qc.metrics.definitions.lookup import DEFAULT_IDS, METRICS, definition, known_metrics
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.session.columns import ColumnMeanings
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
