"""Releases that upstream publishes beside the one that is read: a pinned version does not hide that a newer one is out.

Contains the record of their names, written at every look at the catalogue, so that `nh status` asks nobody.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from nh_platform.history.snapshots import list_snapshots
from nh_platform.store import Store
from nh_platform.store.durable import write_durably
from nh_platform.store.layout import SOURCE_WIDE

_FILE = "published.json"


def record_published(store: Store, source: str, names: Sequence[str]) -> None:
    """Record the releases that upstream publishes, oldest first."""
    path = _path(store, source)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, (json.dumps(list(names)) + "\n").encode())


def newer_release(store: Store, source: str) -> str:
    """Return that a newer release is out than the one that was read last, in a sentence; empty where none is known."""
    snapshots = list_snapshots(store, source)
    try:
        names = [str(one) for one in json.loads(_path(store, source).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return ""  # what is known of others is a convenience; the next look at the catalogue writes it again
    read = snapshots[-1].release if snapshots else ""
    if read not in names or names[-1] == read:
        return ""
    diff = f"nh releases diff {read} {names[-1]} --source {source}"
    return f"{names[-1]} is out and {read} is read; `{diff}` shows what changed"


def _path(store: Store, source: str) -> Path:
    return store.root / source / SOURCE_WIDE / _FILE
