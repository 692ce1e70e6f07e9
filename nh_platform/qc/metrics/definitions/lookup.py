"""Every metric definition by id, and the look-up that names the nearest id when one is unknown.

Contains the assembled register. Add a definition in the module of its family, not here. Light to import: no numba, no
scipy, so rulebooks can be validated without either.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from nh_platform.qc.metrics.definitions import allen_metrics as allen
from nh_platform.qc.metrics.definitions import ibl_metrics as ibl
from nh_platform.qc.metrics.definitions import nh_metrics as nh
from nh_platform.qc.metrics.definitions.metric_definition import MetricDefinition
from nh_platform.session import ConfigError


def _by_id(definitions: Iterable[MetricDefinition]) -> dict[str, MetricDefinition]:
    found: dict[str, MetricDefinition] = {}
    for definition in definitions:
        if definition.id in found:
            raise ValueError(f"metric id {definition.id} is defined twice")
        found[definition.id] = definition
    return found


METRICS: dict[str, MetricDefinition] = _by_id((*ibl.DEFINITIONS, *allen.DEFINITIONS, *nh.DEFINITIONS))
"""Definition by id, in the order in which columns are written."""

HISTOGRAMS: dict[str, MetricDefinition] = _by_id(nh.HISTOGRAMS)
"""Definition by id of the arrays per unit, which are stored beside the units table."""

DEFAULT_IDS: tuple[str, ...] = tuple(name for name in METRICS if not name.endswith("@2022-03"))
"""Every metric but those of the superseded vintage, which `units` has where a configured rulebook names them
(`nh_platform.qc.unit_columns.metric_ids`)."""


def definition(metric_id: str) -> MetricDefinition:
    """Return the definition with the id ``metric_id``.

    Raises
    ------
    ConfigError
        If there is none; the text names the closest ids.
    """
    try:
        return METRICS[metric_id]
    except KeyError:
        raise ConfigError(f"metric {metric_id!r}", "no such definition", _advice(metric_id)) from None


def _advice(metric_id: str) -> str:
    # Names are compared without the version too: `ibl.noise_cutoff` has both its vintages as closest ids.
    name = metric_id.split("@", 1)[0]
    same = [known for known in METRICS if known.split("@", 1)[0] == name or METRICS[known].name == name]
    close = same or difflib.get_close_matches(metric_id, list(METRICS), n=3, cutoff=0.5)
    return f"Closest: {', '.join(close)}." if close else "nh_platform.qc.metrics.METRICS lists them all."
