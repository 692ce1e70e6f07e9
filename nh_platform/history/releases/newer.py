"""Releases that upstream publishes beside the one that is read: a pinned version does not hide that a newer one is out.

Contains the record of their names, written at every look at the catalogue, so that `nh status` asks nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nh_platform.history.snapshots import list_snapshots
from nh_platform.store import Store
from nh_platform.store.durable import read_either, write_twice
from nh_platform.store.names import PUBLISHED, SOURCE_WIDE
from nh_platform.store.sealed import BrokenSeal, seal_json, unseal_json


def record_published(store: Store, source: str, names: Sequence[str]) -> None:
    """Record the releases that upstream publishes, oldest first."""
    path = _path(store, source)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_twice(path, seal_json({"releases": list(names)}))


def newer_release(store: Store, source: str) -> str:
    """Return that a newer release is out than the one that was read last, in a sentence; empty where none is known."""
    snapshots = list_snapshots(store, source)
    try:
        names = [str(one) for one in read_either(_path(store, source), unseal_json)["releases"]]
    except (OSError, BrokenSeal):
        return ""  # what is known of others is a convenience; the next look at the catalogue writes it again
    read = snapshots[-1].release if snapshots else ""
    if read not in names or names[-1] == read:
        return ""
    diff = f"nh releases diff {read} {names[-1]} --source {source}"
    return f"{names[-1]} is out and {read} is read; `{diff}` shows what changed"


def _path(store: Store, source: str) -> Path:
    return store.root / source / SOURCE_WIDE / PUBLISHED
