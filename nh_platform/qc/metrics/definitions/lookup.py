"""Every metric definition by id, and the look-up that names the closest ids when one is unknown.

Contains the register. Add a definition in the module of who defined it, not here. Light to import: no numba, no scipy,
so rulebooks can be validated without either.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from nh_platform.qc.metrics.definitions import allen_metrics as allen
from nh_platform.qc.metrics.definitions import ibl_metrics as ibl
from nh_platform.qc.metrics.definitions import nh_metrics as nh
from nh_platform.qc.metrics.definitions import spikeinterface_metrics as spikeinterface
from nh_platform.qc.metrics.definitions.metric_definition import MetricDefinition
from nh_platform.qc.metrics.metric_group import ENTRY_POINTS, MetricGroup
from nh_platform.session import ConfigError
from nh_platform.session.installed import Installed, load


def _by_id(definitions: Iterable[MetricDefinition]) -> dict[str, MetricDefinition]:
    found: dict[str, MetricDefinition] = {}
    for definition in definitions:
        if definition.id in found:
            raise ValueError(f"metric id {definition.id} is defined twice")
        found[definition.id] = definition
    return found


METRICS: dict[str, MetricDefinition] = _by_id(
    (*ibl.DEFINITIONS, *allen.DEFINITIONS, *nh.DEFINITIONS, *spikeinterface.DEFINITIONS)
)
"""Definition by id of the platform's own metrics, in the order in which columns are written."""

HISTOGRAMS: dict[str, MetricDefinition] = _by_id(nh.HISTOGRAMS)
"""Definition by id of the arrays per unit, which are stored beside the units table."""

_ON_REQUEST = {known.id for known in spikeinterface.DEFINITIONS} | {name for name in METRICS if "@2022-03" in name}

DEFAULT_IDS: tuple[str, ...] = tuple(name for name in METRICS if name not in _ON_REQUEST)
"""Every metric but those of the superseded vintage and of SpikeInterface, which `units` has where a configured rulebook
names them (`nh_platform.qc.unit_columns.metric_ids`)."""


def installed_metrics() -> Installed:
    """Return the groups of metrics that installed packages bring."""
    return load(ENTRY_POINTS, MetricGroup, frozenset(METRICS))


def known_metrics() -> dict[str, MetricDefinition]:
    """Return every definition by id: the platform's own, then those of installed packages."""
    return METRICS | {known.id: known for group in installed_metrics().found.values() for known in group.definitions}


def definitions_of(*ids: str) -> tuple[MetricDefinition, ...]:
    """Return the definitions of some of the platform's own metrics, in the order of ``ids``."""
    return tuple(METRICS[metric_id] for metric_id in ids)


def definition(metric_id: str) -> MetricDefinition:
    """Return the definition with the id ``metric_id``.

    Raises
    ------
    ConfigError
        If there is none; the text names the closest ids.
    """
    known = known_metrics()
    if metric_id in known:
        return known[metric_id]
    # Names are compared without the version too: `ibl.noise_cutoff` has both its vintages as closest ids.
    name = metric_id.split("@", 1)[0]
    same = [found for found in known if found.split("@", 1)[0] == name or known[found].name == name]
    close = same or difflib.get_close_matches(metric_id, list(known), n=3, cutoff=0.5)
    action = f"Closest: {', '.join(close)}." if close else "nh_platform.qc.metrics.known_metrics() lists them all."
    raise ConfigError(f"metric {metric_id!r}", "no such definition", action)
