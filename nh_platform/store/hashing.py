"""Sizes and hashes of files, on the disk and in a bucket.

Add here how bytes are hashed and listed. What is held against what was published is `file_hashes`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import blake3
from pydantic import BaseModel, ConfigDict

from nh_platform.store.names import PROVENANCE
from nh_platform.store.objects.address import is_in_bucket
from nh_platform.store.objects.mirror import mirror_of

_BLOCK = 1 << 20


class StoredFile(BaseModel):
    """Size [bytes] and BLAKE3 hash (64 hexadecimal digits) of a file as it was published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    blake3: str
    size: int


@dataclass(frozen=True)
class FileState:
    """What tells that a file was written since: inode, times of the last change and write [ns], size [bytes]."""

    inode: int
    changed_ns: int
    written_ns: int
    size: int


def file_state(path: Path) -> FileState | None:
    """Return the state of a file of the disk; None where there is none."""
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return FileState(facts.st_ino, facts.st_ctime_ns, facts.st_mtime_ns, facts.st_size)


def hash_file(path: Path) -> StoredFile:
    """Return the size and hash of a file."""
    hasher = _Hasher()
    with path.open("rb", buffering=0) as handle:
        while block := handle.read(_BLOCK):
            hasher.add(block)
    return hasher.found()


def hash_folder(folder: Path) -> dict[str, StoredFile]:
    """Return the size and hash of every file below a folder but its record, by path from the folder."""
    return {name: hash_file(folder / name) for name in file_names(folder)}


def file_names(folder: Path) -> list[str]:
    """Return the files below the folder of a version but its record, as paths from it, sorted."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return sorted(name for name in found if name != PROVENANCE)


def stored_sizes(folder: Path) -> dict[str, int]:
    """Return the bytes of every file below a folder of the store, by path from it, sorted."""
    if is_in_bucket(folder):
        return {name: entry.size for name, entry in sorted(mirror_of(folder).tree(folder).items())}
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def stored_names(version: Path) -> list[str]:
    """Return the files that are stored of a version but its record, as `file_names`."""
    if is_in_bucket(version):
        return sorted(name for name in mirror_of(version).tree(version) if name != PROVENANCE)
    return file_names(version)


def hash_object(path: Path) -> StoredFile:
    """Return the size and hash of a file as it is in the bucket, whatever this machine holds of it.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    mirror, hashers = mirror_of(path), list[_Hasher]()

    def begin() -> Callable[[bytes], None]:
        hashers.append(_Hasher())
        return hashers[-1].add

    if not mirror.bucket.read_through(mirror.key(path), begin):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    return hashers[-1].found()


class _Hasher:
    """Size and hash of bytes that come block by block."""

    def __init__(self) -> None:
        self._hasher, self._size = blake3.blake3(), 0

    def add(self, block: bytes) -> None:
        self._hasher.update(block)
        self._size += len(block)

    def found(self) -> StoredFile:
        return StoredFile(blake3=str(self._hasher.hexdigest()), size=self._size)
