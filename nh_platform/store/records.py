"""Small records of the store, and what lies where: on the disk, or in a bucket where the path stands for an object.

Contains the one door through which modules ask what is there and in which state, and change what others change too.
Reading and replacing a single record is `durable`'s; files of versions are opened through `file_hashes`. Add here what
is asked of both.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path

from nh_platform.session import StoreError
from nh_platform.store.durable import (
    alone,
    changing_file,
    copy_of,
    disk_in_words,
    unreadable,
    write_durably,
    write_twice,
)
from nh_platform.store.names import PROVENANCE, STAGING
from nh_platform.store.objects.address import is_in_bucket, shown
from nh_platform.store.objects.mirror import mirror_of

_LOCK_TIMEOUT_S = 60.0


def is_there(path: Path) -> bool:
    """Return whether there is a record, a file or a folder."""
    return mirror_of(path).is_there(path) if is_in_bucket(path) else path.exists()


def folder_names(folder: Path) -> list[str]:
    """Return the names of the folders in a folder of the store but hidden ones, sorted; none where it is not there.

    Raises
    ------
    StoreError
        If it cannot be read.
    """
    if is_in_bucket(folder):
        return [name for name in mirror_of(folder).folders(folder) if not name.startswith(".")]
    try:
        with os.scandir(folder) as entries:
            return sorted(one.name for one in entries if not one.name.startswith(".") and one.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise unreadable(folder, error) from error


def asset_folders(root: Path) -> Iterator[Path]:
    """Give the folder of every asset of a store, in order."""
    for source in (root / name for name in folder_names(root)):
        for session in (source / name for name in folder_names(source)):
            yield from (session / name for name in folder_names(session))


def record_names(folder: Path) -> list[str]:
    """Return the names of what lies directly in a folder of records, sorted; none where it is not there.

    On the disk a folder in the place of a record is in it too: it is a damaged one.
    """
    if is_in_bucket(folder):
        return mirror_of(folder).files(folder)
    return sorted(path.name for path in folder.glob("*"))


def record_state(path: Path) -> Hashable | None:
    """Return what tells that a record or file was written since; None where it is missing.

    On the disk inode, time of the last change [ns] and size [bytes], in a bucket its e_tag.
    """
    if is_in_bucket(path):
        entry = mirror_of(path).entry(path)
        return None if entry is None else entry.e_tag
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_size


def written_at(version: Path) -> float:
    """Return when a version was stored [s since 1970]; in a bucket by the clock of the server.

    The folder that stands for one in a bucket does not tell it: its time is that of the last use.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    """
    if not is_in_bucket(version):
        return version.stat().st_mtime
    entry = mirror_of(version).entry(version / PROVENANCE)
    if entry is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(version))
    return entry.written


def remove_record(path: Path) -> None:
    """Remove a record; a folder in its place too. One that is not there is no error.

    Raises
    ------
    OSError
        If the disk refuses it.
    """
    if is_in_bucket(path):
        if is_there(path):
            mirror_of(path).remove(path)
        return
    try:
        path.unlink(missing_ok=True)
    except IsADirectoryError:
        shutil.rmtree(path)


def look_again(path: Path) -> None:
    """Believe nothing any more that this process knows of what lies beside a path; the disk is always looked at."""
    if is_in_bucket(path):
        mirror_of(path).look_again(path)


def write_over_known(path: Path, content: bytes) -> None:
    """Replace a record that this machine read under a lock of its own, or write a new one.

    Raises
    ------
    StoreError
        If another machine wrote it meanwhile.
    """
    if is_in_bucket(path):
        mirror_of(path).write_over_listed(path, content)
    else:
        write_durably(path, content)


def change_record(path: Path, content: Callable[[], bytes | None]) -> None:
    """Replace a record by what is made of it, whole or not at all, so that nothing is lost that others write meanwhile.

    On the disk under a lock that accounts of a group share, in a bucket on condition that it is what was read.

    Parameters
    ----------
    path, content
        As for `change_twice`.

    Raises
    ------
    StoreError
        If the disk or the bucket refuses it, or others write it all the time.
    """
    if is_in_bucket(path):
        mirror_of(path).change(path, content)
        return
    with changing_file(path):
        fresh = content()
        if fresh is not None:
            write_durably(path, fresh)


def change_twice(path: Path, content: Callable[[], bytes | None]) -> None:
    """Replace a record that is kept twice by what is made of it, so that nothing is lost that others write meanwhile.

    Parameters
    ----------
    path
        The record.
    content
        Reads what is there and returns what shall be; None where it shall stay. Called again where another machine
        wrote it meanwhile.

    Raises
    ------
    StoreError
        If other machines write it again and again, another process holds it for long, or it cannot be written.
    """
    with disk_in_words(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    found = f"another process has been writing it for {_LOCK_TIMEOUT_S:g} s"
    busy = StoreError(shown(path), found, "Try again; nothing was written.")
    with alone(path.with_name(f".{path.name}.lock"), busy, wait_s=_LOCK_TIMEOUT_S), disk_in_words(path.parent):
        replace_twice(path, content)


def replace_twice(path: Path, content: Callable[[], bytes | None]) -> None:
    """Do as `change_twice` where no other process of this machine changes the record."""
    if not is_in_bucket(path):
        fresh = content()
        if fresh is not None:
            write_twice(path, fresh)
        return
    made: list[bytes] = []

    def remembered() -> bytes | None:
        fresh = content()
        made[:] = [] if fresh is None else [fresh]
        return fresh

    mirror_of(path).change(path, remembered)
    if made:
        write_durably(copy_of(path), made[0])


def has_versions(asset: Path) -> bool:
    """Return whether the folder of an asset has any version, whether or not one counts."""
    if is_in_bucket(asset):
        return bool(folder_names(asset))
    return any(child.is_dir() and not child.name.startswith(STAGING) for child in asset.iterdir())
