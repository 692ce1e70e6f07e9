"""Size of the files that this machine holds of a store in a bucket: bounded, least recently used ones go first.

Add here what decides which files stay. Files are fetched again when they are opened, so none is lost.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from nh_platform.session.errors import ConfigError, StoreError
from nh_platform.store.objects.address import address_of

SIZE_VARIABLE = "NH_STORE_CACHE_GB"
DEFAULT_GB = 50.0
_IN_USE_S = 60.0
"""What was opened in the last minute stays, though the cache be too large: it was verified, and is being opened."""
_USED_S = 20.0
"""How exact the time of the last use is [s]."""
RECORDS, INCOMING = ".records", ".incoming"
"""Folders of the cache for small records, and for files that are being fetched."""
_RECORD_S, _INCOMING_S = 30 * 86400.0, 86400.0
"""After which time their files go [s]: a record that is still needed is fetched again."""
_used: dict[Path, float] = {}
_SHARE = 0.9
"""Down to which share of its size a cache that is too large is emptied, so that not every file empties it a little."""

_known: dict[Path, tuple[float, int]] = {}
"""When the bytes of a cache were counted by this process, and how many there were, with those fetched since."""
_COUNTED_S = 60.0


def cache_bytes() -> int:
    """Return the size that a cache may have [bytes]: that of ``NH_STORE_CACHE_GB``, or the default.

    Raises
    ------
    ConfigError
        If it is no number of gigabytes.
    """
    stated = os.environ.get(SIZE_VARIABLE)
    try:
        size = DEFAULT_GB if not stated else float(stated)
    except ValueError:
        size = -1.0
    if not 0 <= size < float("inf"):
        raise ConfigError(SIZE_VARIABLE, f"{stated!r} is no size in GB", f"Give one such as {DEFAULT_GB:g}.")
    return round(size * 1e9)


def used(version: Path) -> None:
    """Remember that a version is used now: as the time of its folder, since a file's own tells its state."""
    now = time.monotonic()
    if now - _used.get(version, -_USED_S) >= _USED_S:
        _used[version] = now
        with suppress(OSError):  # nothing of it is held yet, or the cache is another user's
            os.utime(version)


def make_room(root: Path, fetched: int) -> None:
    """Remove the versions that were used least recently, where more than `cache_bytes` are held.

    Parameters
    ----------
    root
        The folder that stands for the store.
    fetched
        Bytes that came to it just now.
    """
    most = cache_bytes()
    counted, size = _known.get(root, (-_COUNTED_S, 0))
    size += fetched
    if time.monotonic() - counted < _COUNTED_S and size <= most:
        _known[root] = counted, size
        return
    _remove_left(root)
    held = _held(root)
    size = sum(one.size for one in held)
    if size > most:
        then = time.time() - _IN_USE_S
        for one in sorted(held):
            if size <= most * _SHARE or one.last_used > then:
                break
            shutil.rmtree(one.folder, ignore_errors=True)
            size -= one.size
    _known[root] = time.monotonic(), size


def held_bytes(root: Path) -> int:
    """Return how many bytes of files of versions this machine holds of a store."""
    return sum(one.size for one in _held(root))


def _remove_left(root: Path) -> None:
    """Remove small records that were kept long ago, and what killed processes fetched in part."""
    for pattern, oldest_s in ((f"{RECORDS}/*/*", _RECORD_S), (f"{INCOMING}/*", _INCOMING_S)):
        then = time.time() - oldest_s
        for path in root.glob(pattern):
            with suppress(OSError):
                if path.stat().st_mtime < then:
                    path.unlink()


class _Held(NamedTuple):
    """A version that is held, at least in part: when it was used last [s since 1970], its bytes, its folder."""

    last_used: float
    size: int
    folder: Path


def _held(root: Path) -> list[_Held]:
    found = []
    for folder in root.glob("[!.]*/*/*/[!.]*/"):
        with suppress(OSError):
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            found.append(_Held(folder.stat().st_mtime, size, folder))
    return found


def cache_refused(root: Path, error: OSError) -> StoreError:
    """Return the error of a cache that cannot be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    found = "its disk is full" if full else f"it cannot be written: {error.strerror or error}"
    action = "Free some space, or name another folder by NH_STORE_CACHE; nothing in the bucket was changed."
    return StoreError(f"cache {root} of {address_of(root)}", found, action)
