"""Making what was written survive a power cut, and saying in words what the disk refuses.

Add here what every reader or writer of the store needs of the disk. What is written is theirs.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

from filelock import FileLock, Timeout

from nh_platform.session.errors import NhError, StoreError
from nh_platform.store.objects.address import is_in_bucket, shown
from nh_platform.store.objects.mirror import mirror_of

Content = TypeVar("Content")

_FRESH, _WRITTEN_S = ".new", 3600.0
"""Ends the name of a record that is being written, which takes a moment [s]."""
_HALF_WRITTEN = re.compile(rf".+\.[0-9a-f]{{8}}{re.escape(_FRESH)}", flags=re.DOTALL)
LOST = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EIO)
"""Errors of reading that say that the bytes are gone. Any other, as a permission or too many open files, may pass."""
_SHARED_LOCK = 0o666
"""Permissions of the lock of a file that people with accounts of their own change: with 644 the second could not."""
_CHANGE_WAIT_S = 30.0
"""How long a change of a file waits for another one's; writing a file of reviews takes milliseconds."""
_FULL, _NOTHING = (errno.ENOSPC, errno.EDQUOT), 1 << 20
"""Errors of a full disk, and so few bytes that a disk with less of them free is full where the error has no number."""


def unreadable(path: Path, error: OSError) -> StoreError:
    """Return the error of what cannot be read for a reason that says nothing of its bytes."""
    action = "See to it and try again; nothing was changed."
    return StoreError(shown(path), f"it cannot be read now: {error.strerror}", action)


@contextmanager
def disk_in_words(folder: Path) -> Iterator[None]:
    """Say in words that the disk of a folder is full, or that something cannot be written there.

    Raises
    ------
    StoreError
        If it is so.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL or (error.errno is None and _is_full(folder)):
            action = "Free some space, and run it again; what was there before is unchanged."
            raise StoreError(str(folder), "the disk is full", action) from error
        action = "See to it, and run it again; what was there before is unchanged."
        raise StoreError(str(error.filename or folder), str(error.strerror or error), action) from error


def _is_full(folder: Path) -> bool:
    """Return whether a disk has nothing free: numpy's error of a write that was cut short says no number."""
    with suppress(OSError):
        return shutil.disk_usage(folder).free < _NOTHING
    return False


def require_folder(folder: Path) -> None:
    """Refuse a folder that cannot be made or written into, before work that takes long; nothing is made.

    Raises
    ------
    StoreError
        If it, or what it would be made in, is a file or read-only, or the name is longer than the disk takes.
    """
    with disk_in_words(folder):
        there = next(one for one in (folder, *folder.absolute().parents) if os.path.lexists(one))
        if not there.is_dir():
            raise StoreError(str(there), "it is no folder", "Take another folder.")
        if not os.access(there, os.W_OK | os.X_OK):
            raise StoreError(str(there), "it cannot be written into", "See to it, or take another folder.")
        with suppress(FileNotFoundError):
            folder.stat()


@contextmanager
def alone(lock: Path, busy: NhError, wait_s: float = 0.0, mode: int = 0o644) -> Iterator[None]:
    """Do something while no other process or thread does; a lock is released when its process is killed.

    Parameters
    ----------
    lock
        File that is locked; made if need be.
    busy
        What is raised where another one still does it.
    wait_s
        How long it is waited for [s].
    mode
        Permissions of the lock's file: who may not write it cannot hold the lock.

    Raises
    ------
    NhError
        ``busy``.
    StoreError
        If the lock cannot be written.
    """
    held = FileLock(lock, timeout=wait_s, mode=mode)
    try:
        held.acquire()
    except Timeout:
        raise busy from None
    except OSError as error:
        action = "See to it, and run it again; nothing was changed."
        raise StoreError(str(lock.parent), f"it cannot be written: {error.strerror or error}", action) from error
    try:
        yield
    finally:
        held.release()


@contextmanager
def changing_file(path: Path) -> Iterator[None]:
    """Read and replace a file while no other process or thread does so; its folder is made if need be.

    The lock lies beside it, ``.<name>.lock``. What is written within is said in words as by `disk_in_words`.

    Parameters
    ----------
    path
        The file; where it is a link, what it leads to.

    Raises
    ------
    StoreError
        If the disk refuses it, or another process holds the file for 30 s.
    """
    with disk_in_words(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    found = f"another process has been writing it for {_CHANGE_WAIT_S:g} s"
    busy = StoreError(str(path), found, "Try again; nothing was written.")
    lock = path.with_name(f".{path.name}.lock")
    with alone(lock, busy, wait_s=_CHANGE_WAIT_S, mode=_SHARED_LOCK), disk_in_words(path.parent):
        yield


def sync_folder(folder: Path) -> None:
    """Write the entries of a folder to the disk, so that a renamed file is still there after a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Write every file below a folder, and the entries of the folders, to the disk."""
    for parent, _, files in os.walk(folder):
        for name in files:
            with open(os.path.join(parent, name), "rb") as handle:
                os.fsync(handle.fileno())
        sync_folder(Path(parent))


def write_durably(path: Path, content: bytes, check: Callable[[Path], None] | None = None) -> None:
    """Replace a file by ``content``, whole or not at all; in a bucket where its path stands for an object.

    Parameters
    ----------
    path, content
        The file, and what it shall hold.
    check
        Looks at what was written, under its name of the moment, before it takes the place of ``path``; what it raises
        leaves the file as it was.
    """
    if is_in_bucket(path):
        mirror_of(path).write(path, content)
        return
    fresh = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}{_FRESH}")
    try:
        with fresh.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        if check is not None:
            check(fresh)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)  # a record's place; a folder there is nobody's, and could never be replaced
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(path.parent)


def is_half_written(name: str, of: str = "") -> bool:
    """Return whether a name is one that `write_durably` writes under: of the file ``of``, where it is given."""
    return bool(_HALF_WRITTEN.fullmatch(name)) and name.startswith(f"{of}." if of else "")


def left_half_written(folder: Path) -> list[Path]:
    """Return what `write_durably` left in a folder where its process was killed long ago."""
    then = time.time() - _WRITTEN_S
    found = []
    for path in folder.glob("*"):
        if not is_half_written(path.name):
            continue
        with suppress(FileNotFoundError):  # it has its name by now
            if path.lstat().st_mtime < then:
                found.append(path)
    return sorted(found)


def read_regular(path: Path) -> bytes:
    """Return the content of a small record.

    Raises
    ------
    OSError
        If it cannot be read or is no regular file: opening a FIFO would wait for ever.
    """
    if is_in_bucket(path):
        return mirror_of(path).read(path)
    with open_regular(path) as handle:
        return handle.read()


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading.

    Raises
    ------
    OSError
        If it cannot be opened or is no regular file: opening a FIFO would wait for ever.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EISDIR, "it is no regular file")
    return os.fdopen(descriptor, "rb")


def write_twice(path: Path, content: bytes) -> None:
    """Replace a record that nothing else can tell, and a copy of it beside."""
    write_durably(path, content)
    write_durably(copy_of(path), content)


def read_either(path: Path, unseal: Callable[[bytes], Content]) -> Content:
    """Return the content of a record that was written twice: of its copy where the first is damaged or lost.

    Raises
    ------
    FileNotFoundError
        If there is neither.
    BrokenSeal, OSError
        As of the first, where neither can be read.
    """
    try:
        return unseal(read_regular(path))
    except (ValueError, OSError) as error:
        try:
            return unseal(read_regular(copy_of(path)))
        except (ValueError, OSError):
            raise error from None


def repair_either(path: Path, unseal: Callable[[bytes], object]) -> None:
    """Write a record and its copy again from whichever is intact.

    Raises
    ------
    FileNotFoundError
        If there is neither.
    BrokenSeal, OSError
        As of the first, where neither can be read.
    """
    content = read_either(path, lambda found: (unseal(found), found)[1])
    write_twice(path, content)


def copy_of(path: Path) -> Path:
    """Return where the copy of a record is kept."""
    return path.with_name(f"{path.name}.copy")
