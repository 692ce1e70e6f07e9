"""What the platform must know of a dataset to serve it: the record that a source is registered with.

Contains the one record, apart from `registry` so that a package which brings a source imports this and nothing else of
`defs`. Add a field here when sources differ in one more way. No source is named here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nh_platform.sources.source import Source


def _no_servers(read: Mapping[str, Any]) -> tuple[str, ...]:
    """Return that a source asks nobody."""
    return ()


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
        Window presets that `windows` holds.
    upstream_format
        Format of the upstream files, shown as a kind in the UI.
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
    published: str | None = None
    extra_assets: tuple[str, ...] = ()
    inclusion: str | None = None
    servers: Callable[[Mapping[str, Any]], tuple[str, ...]] = _no_servers
