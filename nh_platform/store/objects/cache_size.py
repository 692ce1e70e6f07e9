"""Size of the files that this machine holds of a store in a bucket: bounded, least recently used ones go first.

Add here what decides which files stay. Files are fetched again when they are opened, so none is lost.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from nh_platform.session.errors import ConfigError, StoreError
from nh_platform.store.objects.address import address_of, roots_in

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
_RAW_FILES = "[0-9a-f][0-9a-f]/" + "[0-9a-f]" * 32
"""Names of raw files, which are those of their content (`nh_platform.downloads.in_buckets`)."""


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
    """Remove what was used least recently, where more than `cache_bytes` are held of all that lies in buckets.

    Parameters
    ----------
    root
        The folder that stands for the store or the raw files.
    fetched
        Bytes that came to it just now.
    """
    most, cache = cache_bytes(), root.parent
    counted, size = _known.get(cache, (-_COUNTED_S, 0))
    size += fetched
    if time.monotonic() - counted < _COUNTED_S and size <= most:
        _known[cache] = counted, size
        return
    held = []
    for each in roots_in(cache):
        _remove_left(each)
        held += _held(each)
    size = sum(one.size for one in held)
    if size > most:
        now = time.time()
        # What was used in the future was so before the clock was set back: kept, it would fill the disk for a day.
        for one in sorted(held, key=lambda one: one.last_used if one.last_used <= now else 0.0):
            if size <= most * _SHARE or now - _IN_USE_S < one.last_used <= now:
                break
            with suppress(OSError):
                shutil.rmtree(one.place) if one.place.is_dir() else one.place.unlink()
            size -= one.size
    _known[cache] = time.monotonic(), size


def held_bytes(root: Path) -> int:
    """Return how many bytes of files of versions, or of raw files, this machine holds of what a folder stands for."""
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
    """A version or raw file that is held: when it was used last [s since 1970], the bytes held of it, its place."""

    last_used: float
    size: int
    place: Path


def _held(root: Path) -> list[_Held]:
    found = []
    for folder in root.glob("[!.]*/*/*/[!.]*/"):
        with suppress(OSError):
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            found.append(_Held(folder.stat().st_mtime, size, folder))
    for path in root.glob(_RAW_FILES):
        with suppress(OSError):
            facts = path.stat()  # the time of the last write tells the state of a raw file, that of reading its use
            if stat.S_ISREG(facts.st_mode):
                found.append(_Held(facts.st_atime, facts.st_size, path))
    return found


def cache_refused(root: Path, error: OSError) -> StoreError:
    """Return the error of a cache that cannot be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    found = "its disk is full" if full else f"it cannot be written: {error.strerror or error}"
    action = "Free some space, or name another folder by NH_STORE_CACHE; nothing in the bucket was changed."
    return StoreError(f"cache {root} of {address_of(root)}", found, action)
