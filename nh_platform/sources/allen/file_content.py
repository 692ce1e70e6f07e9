"""The content identity of large local files: their md5, remembered between runs.

Contains the hash and its cache. Add nothing that decides what a changed file means: that is the manifest's diff. The
cache is a shortcut only; what identifies a file is always the md5 of its bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path

from nh_platform.session import BadUpstreamData


def content_md5(path: Path, cache_dir: Path | None = None) -> str:
    """Return the md5 of a file's bytes.

    A 2 GB file takes about 4 s. With ``cache_dir`` the result is kept there under the file's (path, size, mtime_ns,
    inode), one small JSON per file, so that processes that hash different files never write the same one.

    Parameters
    ----------
    path
        The file.
    cache_dir
        Folder of the cache; None hashes every time.

    Raises
    ------
    BadUpstreamData
        If the file cannot be read.
    """
    try:
        stat = path.stat()
        place = str(path.resolve())
        key: list[str | int] = [place, stat.st_size, stat.st_mtime_ns, stat.st_ino]
        entry = None if cache_dir is None else cache_dir / f"{hashlib.sha256(place.encode()).hexdigest()[:32]}.json"
        known = _remembered(entry, key)
        if known is not None:
            return known
        with path.open("rb") as file:
            md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError as error:
        raise BadUpstreamData(
            f"file {path.name}", f"it cannot be read: {error}", "Check the disk, or download it again."
        ) from error
    if entry is not None:
        # A cache that cannot be written costs the next hash, nothing else.
        with contextlib.suppress(OSError):
            _remember(entry, key, md5)
    return md5


def _remember(entry: Path, key: list[str | int], md5: str) -> None:
    entry.parent.mkdir(parents=True, exist_ok=True)
    beside = entry.with_suffix(f".{os.getpid()}.part")
    beside.write_text(json.dumps({"key": key, "md5": md5}), encoding="utf-8")
    beside.replace(entry)


def _remembered(entry: Path | None, key: list[str | int]) -> str | None:
    """Return the remembered md5 where the file is still the same; a damaged entry counts as none."""
    if entry is None or not entry.is_file():
        return None
    try:
        stored = json.loads(entry.read_text(encoding="utf-8"))
    except ValueError:
        return None
    if not isinstance(stored, dict) or stored.get("key") != key:
        return None
    return str(stored.get("md5"))
