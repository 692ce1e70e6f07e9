"""Stored files that a test edits in place, given the hashes of what it wrote."""

from __future__ import annotations

from pathlib import Path

from nh_platform.store import Provenance
from nh_platform.store.hashing import hash_folder
from nh_platform.store.names import PROVENANCE


def reseal(version: Path, **changes: object) -> None:
    """Write the record of a version anew: with the hashes of its files as they are now, and fields changed."""
    record = Provenance.read(version).model_copy(update={**changes, "files": hash_folder(version)})
    (version / PROVENANCE).write_bytes(record.to_bytes())
