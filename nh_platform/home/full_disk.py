"""A full disk under Dagster's databases, in words: SQLite says "disk I/O error" three tracebacks deep.

Contains the recognition of such an error, whoever wrapped it, and a watch over the disk of a home that is served. What
the store says of its own files is its own.
"""

from __future__ import annotations

import errno
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nh_platform.session import NhError, StoreError

_UNWRITABLE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LITTLE_MB, _LOOK_S = 20, 5.0
"""A session's events take some 100 kB, its smallest asset some MB."""
_PRIMARY_CODE = 0xFF
"""The rest of a code of SQLite says during which step of writing it was."""


@contextmanager
def named_full_disk(folder: Path) -> Iterator[None]:
    """Say in words that Dagster's databases in a folder cannot be written; every other error passes.

    Raises
    ------
    StoreError
        If they cannot, mostly because the disk is full.
    """
    try:
        yield
    except NhError:
        raise
    except Exception as error:
        words = _unwritable(error)
        if words is None:
            raise
        found = f"it cannot be written ({words}; {_free_mb(folder)} MB of its disk are free)"
        action = "Free some space and run it again: what was published stays, and is not made again."
        raise StoreError(f"Dagster's history {folder}", found, action) from error


def _unwritable(error: BaseException | None) -> str | None:
    """Return what the system said where an error, or what caused it, is a failure to write; else None."""
    seen = set[int]()  # an error may be raised from itself
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        code = getattr(error, "sqlite_errorcode", None)
        if isinstance(error, sqlite3.Error) and code is not None and code & _PRIMARY_CODE in _UNWRITABLE:
            return str(error)
        if isinstance(error, OSError) and error.errno in _NO_SPACE:
            return str(error.strerror)
        error = error.__cause__ or error.__context__
    return None


def _free_mb(folder: Path) -> int:
    there = next(one for one in (folder, *folder.parents) if one.exists())
    return shutil.disk_usage(there).free // 1_000_000


class DiskWatch:
    """Says once when the disk of a folder gets full, and once when there is room again.

    Dagster's daemon goes on then, with a traceback at every turn.

    Parameters
    ----------
    folder
        A folder of the disk.
    tell
        Called with a sentence.
    """

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        self._folder, self._tell = folder, tell
        self._is_full, self._next_s = False, 0.0

    def look(self) -> None:
        """Look whether there is room, at most every `_LOOK_S` seconds."""
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + _LOOK_S
        free_mb = _free_mb(self._folder)
        if free_mb < _LITTLE_MB and not self._is_full:
            self._tell(
                f"the disk of {self._folder} is full ({free_mb} MB are free): runs fail and write no history until "
                "there is room; the errors of Dagster that follow come from it"
            )
        elif free_mb >= _LITTLE_MB and self._is_full:
            self._tell(f"the disk of {self._folder} has room again; failed sessions are asked for again")
        self._is_full = free_mb < _LITTLE_MB
