"""Entry of a dataset: the record that a source is registered with.

Contains the one record and offers what it is made of, so that a package that brings a source imports this alone. Add a
field here when sources differ in one more way. No source is named here, and nothing heavy is imported: entries are
loaded whenever the platform is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nh_platform.sources.counterparts import Counterpart, UpstreamLabel
from nh_platform.sources.events import EventFilter, EventTimes
from nh_platform.sources.servers import Answer, Server

if TYPE_CHECKING:
    from nh_platform.sources.source import Source

__all__ = [
    "Answer",
    "Counterpart",
    "EventFilter",
    "EventTimes",
    "MlTowards",
    "Server",
    "SourceEntry",
    "UpstreamLabel",
]

MlTowards = Literal["right", "left"]
"""Side of the animal to which ML of the CCF grows in what a source states."""


def _no_servers(read: Mapping[str, Any]) -> tuple[Server | str, ...]:
    """Return that a source asks nobody."""
    return ()


@dataclass(frozen=True)
class SourceEntry:
    """One dataset as the platform serves it.

    Parameters
    ----------
    name
        Source name: small letters, digits and ``_``. Key prefix of its assets; ``<name>_sessions`` is its partitions
        definition.
    title, description
        What a reader of the UI sees.
    open
        Makes the source from its settings (``read`` of ``sources.yaml``) and the home folder.
    rulebook, also_rulebooks
        Active rulebook, whose rules run as asset checks, and those that are columns and reports.
    presets
        Window presets that `windows` holds: ids of shipped ones or paths of YAML files.
    reference_window
        Stretch of a session that its units are described from, by its name: one that most sessions have before what
        is tested. Every recording has its first 30 s.
    upstream_format
        Format of the upstream files, shown as a kind in the UI.
    events
        Where its events lie, by their names; a window preset aligns to a name. What other sources have too is named as
        there: ``trial start``, ``stimulus onset``, ``go cue``, ``first movement``, ``response``, ``feedback``,
        ``lick``, ``reward``.
    short_title
        What its sessions are called in a sentence, for example ``IBL``; the title where empty.
    organisation
        Who made the recordings.
    order
        Place among the sources in lists and on pages: smaller first, those of one place by name.
    published
        Release of `published_counts` to reconcile with; found by the name of the manifest's release where None.
    published_counts, published_members
        YAML files of what releases are published to hold, and of the sessions or insertions that they are made of
        (`nh_platform.qc.published`); None where nothing is published.
    inclusion
        Rulebook about sessions and insertions that `nh show` and `nh qc sessions` apply; none where None.
    servers
        Servers that the source asks with given settings (``read`` of ``sources.yaml``), for `nh doctor`: records with a
        question of their own, or addresses of which any answer will do.
    counterparts
        Released columns that stand for a recomputed metric; the two are compared.
    released_words
        Unit of measure in the platform's table and meaning of released columns that stand for none, by upstream's name.
    upstream_label
        Released column that is its own judgement of units; None where it has none.
    viewer
        Address of a public page of an insertion, with ``{insertion_id}`` and ``{revision}`` (``original`` where the
        sorting is unrevised) where these stand; empty where there is none.
    definer
        Whose metric definitions have the names of the released columns: ``ibl`` for those defined by IBL.
    simulation
        Writer of simulated sessions in the upstream format, for `nh demo` and `nh qc validate`: a dotted name such as
        ``my_lab.simulation:write``, since a source knows no simulation. How it is called is said by
        `nh_platform.operations.simulated.simulated_sources`. Empty where there is none.
    extra_assets
        Assets, per session or across sessions, that this source has beyond those of every source.
    session_qc
        What upstream states of sessions: ``levels`` (PASS to CRITICAL), ``exceptions`` (what is abnormal of single
        ones, in words), or nothing where empty.
    region_names
        Acronyms by the names that its users give to regions, where these mean something else in the Allen CCF.
    ml_towards
        Side of the animal to which the ML of its CCF positions grows: ``right`` as the CCF is documented, ``left``
        where positions of the left hemisphere have an ML beyond the middle of the volume.
    assets_on_request
        Those that it has too, and that are made where `also_assets` of ``sources.yaml`` names them: large ones.
    terms
        What its data may be used for, in a sentence; empty where that is not known here.
    license
        Address of the terms, for machines; empty where none is known.
    cites
        What whoever uses its data cites: keys of `nh_platform.qc.rules.bibliography`.

    Raises
    ------
    ValueError
        If the name cannot be part of Dagster's names.
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
    short_title: str = ""
    organisation: str = ""
    order: int = 100
    reference_window: str = "start-30s"
    published: str | None = None
    published_counts: Path | None = None
    published_members: Path | None = None
    inclusion: str | None = None
    servers: Callable[[Mapping[str, Any]], tuple[Server | str, ...]] = _no_servers
    counterparts: tuple[Counterpart, ...] = ()
    released_words: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    upstream_label: UpstreamLabel | None = None
    viewer: str = ""
    definer: str = ""
    simulation: str = ""
    extra_assets: tuple[str, ...] = ()
    session_qc: str = ""
    region_names: Mapping[str, str] = field(default_factory=dict)
    ml_towards: MlTowards = "right"
    assets_on_request: tuple[str, ...] = ()
    terms: str = ""
    license: str = ""
    cites: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise ValueError(f"source name {self.name!r} must be small letters, digits and _")
