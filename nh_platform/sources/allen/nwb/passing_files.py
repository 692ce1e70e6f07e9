"""Session files that do not stay: of each source the one that is read, in a folder of this process alone.

Contains when such a file comes and goes. The assets of a session read its one NWB file several times in a row, so it is
kept until another session's is asked for or the process ends: each run fetches it once, and a process holds one at a
time. What a killed process left is removed by the next one. Where a file comes from is each source's matter.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from nh_platform.downloads.private_folder import PrivateFolder

Came = TypeVar("Came")

FOLDER = ".nh_platform.passing"
"""Folder of the root for files that pass; AllenSDK takes no notice of it."""
_IN_USE = "in_use.lock"
_LOCKED_AFTER_S = 60.0
"""Time in which a new folder gets its lock."""


@dataclass
class _Held:
    """One file: its folder and the lock that says that its process lives, what came, and how many read it now."""

    folder: PrivateFolder
    in_use: FileLock
    came: Any = None
    readers: int = 0
    fetching: threading.Lock = field(default_factory=threading.Lock)


_Key = tuple[int, str, str]
_held: dict[_Key, _Held] = {}
"""By process (a fork has nothing of its parent's), folder of the source, and identity of the content."""
_lock = threading.Lock()


@contextmanager
def passing_file(root: Path, identity: str, fetch: Callable[[Path], Came]) -> Iterator[Came]:
    """Give what ``fetch`` made of a file; the file goes once another one of the source is read, or the process ends.

    Parameters
    ----------
    root
        Folder of the source, on whose disk the file lies meanwhile.
    identity
        What tells the content from every other of the source.
    fetch
        Fetches it into a folder, whole and verified, or raises.
    """
    key = os.getpid(), str(root.absolute()), identity
    with _lock:
        _remove_others(key)
        if key not in _held:
            _held[key] = _new_folder(root / FOLDER)
        one = _held[key]
        one.readers += 1
    try:
        with one.fetching:
            if one.came is None:
                one.came = fetch(one.folder.path)
        yield one.came
    finally:
        with _lock:
            one.readers -= 1
            if one.came is None and not one.readers:
                _remove(key)


def _new_folder(parent: Path) -> _Held:
    _remove_left(parent)
    folder = PrivateFolder(parent)
    in_use = FileLock(folder.path / _IN_USE)
    in_use.acquire()
    return _Held(folder, in_use)


def _remove_left(parent: Path) -> None:
    """Remove folders whose process was killed: nobody holds their lock."""
    for folder in parent.iterdir() if parent.is_dir() else ():
        with suppress(OSError, Timeout):
            if time.time() - folder.stat().st_mtime > _LOCKED_AFTER_S:
                with FileLock(folder / _IN_USE, timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)


def _remove_others(newest: _Key) -> None:
    """Remove what nobody reads of the source of ``newest``, but that itself."""
    for key in [key for key, one in _held.items() if key[1] == newest[1] and key != newest and not one.readers]:
        _remove(key)


def _remove(key: _Key) -> None:
    one = _held.pop(key)
    if key[0] == os.getpid():
        one.in_use.release()
    one.folder.remove()
