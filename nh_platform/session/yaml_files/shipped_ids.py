"""Ids of the YAML files in a folder of this package: rulebooks and presets are named after theirs.

Contains the listing alone. What a file states is read where it is used.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path


def ids_in(folder: Path) -> list[str]:
    """Return the ids of the YAML files in a folder, sorted; listed again once a file came or went."""
    found = folder.stat()
    return list(_listed(folder, found.st_ino, found.st_mtime_ns))


@lru_cache(maxsize=8)
def _listed(folder: Path, _inode: int, _changed_ns: int) -> tuple[str, ...]:
    """List a folder in one state; 300 listings while a session was made took a fiftieth of its time."""
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))
