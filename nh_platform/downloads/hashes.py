"""The hash of a file's bytes, streamed, and remembered between runs where a folder for that is given.

Add nothing that decides what a changed file means: that is the manifest's diff. The cache is a shortcut only; what
identifies a file is always the hash of its bytes. ONE's own hashing allocates 256 MiB per call and takes 0.2-0.5 s
whatever the size.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import stat as stat_of
from pathlib import Path
from typing import Literal

from nh_platform.session import BadUpstreamData

Algorithm = Literal["md5", "blake2b"]
"""md5 where the platform hashes by itself; blake2b where a release states it (AllenSDK's cloud cache)."""

_MD5 = re.compile(r"[0-9a-f]{32}")


def is_md5(text: str) -> bool:
    """Return whether a text is an md5 in lower-case hexadecimal digits, and so may be part of a path."""
    return _MD5.fullmatch(text) is not None


def file_hash(path: Path, algorithm: Algorithm = "md5", cache_dir: Path | None = None) -> str:
    """Return the hash of a file's bytes.

    A 2 GB file takes about 4 s. With ``cache_dir`` the result is kept there under the file's (path, size, mtime_ns,
    inode), one small JSON per file, so that processes that hash different files never write the same one.

    Parameters
    ----------
    path
        The file.
    algorithm
        ``md5`` or ``blake2b`` (64 bytes, as AllenSDK's `file_hash_from_path`), in hexadecimal digits.
    cache_dir
        Folder of the cache; None hashes every time.

    Raises
    ------
    BadUpstreamData
        If the file cannot be read.
    """
    try:
        stat = path.stat()
        if (trouble := why_no_file(path)) is not None:
            raise BadUpstreamData(f"file {path.name}", trouble, f"Put the file in its place: {path}.")
        place = str(path.resolve())
        key: list[str | int] = [place, stat.st_size, stat.st_mtime_ns, stat.st_ino]
        suffix = "" if algorithm == "md5" else f".{algorithm}"
        entry = (
            None if cache_dir is None else cache_dir / f"{hashlib.sha256(place.encode()).hexdigest()[:32]}{suffix}.json"
        )
        known = _remembered(entry, key, algorithm)
        if known is not None:
            return known
        with path.open("rb") as file:
            found = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
    except OSError as error:
        raise BadUpstreamData(
            f"file {path.name}", f"it cannot be read: {error}", "Check the disk, or download it again."
        ) from error
    if entry is not None:
        # A cache that cannot be written costs the next hash, nothing else.
        with contextlib.suppress(OSError):
            _remember(entry, key, algorithm, found)
    return found


def why_no_file(path: Path) -> str | None:
    """Return why a path holds no bytes to read: it is not there, or is no file; None where it is one.

    Opening a FIFO that lay in a local tree waited for somebody to write into it, for ever.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if not path.is_symlink():
            return "it is not there"
        back = error.errno == errno.ELOOP
        return (
            "it is a link that leads back to itself"
            if back
            else f"it is a link to {path.readlink()}, which is not there"
        )
    kinds = {stat_of.S_IFIFO: "a FIFO", stat_of.S_IFSOCK: "a socket", stat_of.S_IFDIR: "a folder"}
    return None if stat_of.S_ISREG(mode) else f"it is {kinds.get(stat_of.S_IFMT(mode), 'a device')} and no file"


def _remember(entry: Path, key: list[str | int], algorithm: Algorithm, found: str) -> None:
    entry.parent.mkdir(parents=True, exist_ok=True)
    beside = entry.with_suffix(f".{os.getpid()}.part")
    beside.write_text(json.dumps({"key": key, algorithm: found}), encoding="utf-8")
    beside.replace(entry)


def _remembered(entry: Path | None, key: list[str | int], algorithm: Algorithm) -> str | None:
    """Return the remembered hash where the file is still the same; a damaged entry counts as none."""
    if entry is None or not entry.is_file():
        return None
    try:
        stored = json.loads(entry.read_text(encoding="utf-8"))
    except ValueError:
        return None
    if not isinstance(stored, dict) or stored.get("key") != key:
        return None
    return str(stored.get(algorithm))
