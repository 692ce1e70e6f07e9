"""What the platform must know of a dataset to serve it: the record that a source is registered with.

Contains the one record and where its events lie, apart from `registry` so that a package which brings a source imports
this and nothing else of `defs`. Add a field here when sources differ in one more way. No source is named here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator

from nh_platform.sources.source import Source


def _no_servers(read: Mapping[str, Any]) -> tuple[str, ...]:
    """Return that a source asks nobody."""
    return ()


class EventFilter(BaseModel):
    """One condition on the rows of an event table.

    Parameters
    ----------
    column
        Column of the event table.
    minus
        Second column, subtracted before the comparison: a reaction time is ``firstMovement_times`` minus
        ``stimOn_times``.
    include, exclude
        Values that are kept, or dropped.
    minimum, maximum
        Inclusive bounds; a NaN never meets them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    minus: str | None = None
    include: tuple[str | float, ...] | None = None
    exclude: tuple[str | float, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.include is None and self.exclude is None and self.minimum is None and self.maximum is None:
            raise ValueError(f"the filter on {self.column} needs include, exclude, minimum or maximum")
        return self


@dataclass(frozen=True)
class EventTimes:
    """Where a source keeps the times of one event.

    Parameters
    ----------
    table, column
        Event table (`nh_platform.session.tables.events.EVENTS`) and its column of times in seconds.
    filters
        Conditions that a row must meet to be the event; all must hold.
    """

    table: str
    column: str
    filters: tuple[EventFilter, ...] = ()

    @property
    def label(self) -> str:
        """``table.column``, as written in the window index."""
        return f"{self.table}.{self.column}"


@dataclass(frozen=True)
class SourceEntry:
    """One dataset as the platform serves it.

    Parameters
    ----------
    name
        Source name; key prefix of its assets, ``<name>_sessions`` is its partitions definition.
    title, description
        What a reader of the UI sees.
    open
        Makes the source from its settings (``read`` of ``sources.yaml``) and the home folder.
    rulebook, also_rulebooks
        Active rulebook, whose rules run as asset checks, and those that are columns and reports.
    presets
        Window presets that `windows` holds: ids of shipped ones or paths of YAML files.
    upstream_format
        Format of the upstream files, shown as a kind in the UI.
    events
        Where its events lie, by their names; a window preset aligns to a name. What other sources have too is named as
        there: ``stimulus onset``, ``go cue``, ``first movement``, ``response``, ``feedback``, ``lick``, ``reward``.
    published
        Release of `qc/published/published_counts.yaml` to reconcile with; found by the name of the manifest's release
        where None.
    inclusion
        Rulebook about sessions and insertions that `nh show` and `nh qc sessions` apply; none where None.
    servers
        Addresses that the source asks with given settings (``read`` of ``sources.yaml``), for `nh doctor`.
    extra_assets
        Per-session assets that this source has beyond those of every source .
    """

    name: str
    title: str
    description: str
    open: Callable[[Mapping[str, Any], Path], Source]
    rulebook: str
    also_rulebooks: tuple[str, ...]
    presets: tuple[str, ...]
    upstream_format: str
    events: Mapping[str, EventTimes] = field(default_factory=dict)
    published: str | None = None
    extra_assets: tuple[str, ...] = ()
    inclusion: str | None = None
    servers: Callable[[Mapping[str, Any]], tuple[str, ...]] = _no_servers
