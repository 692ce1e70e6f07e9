"""Files out of a bucket and into one, for backups and restorations: past the cache of this machine, each verified.

Add here what both ask of buckets. Backups that lie in one are `backup_objects`.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.session.errors import ConfigError, DamagedFile

if TYPE_CHECKING:
    from nh_platform.store.hashing import StoredFile


def copy_object(path: Path, place: Path, *, whole: bool) -> StoredFile:
    """Copy a file out of a bucket, past the cache of this machine, and return its size and hash.

    Parameters
    ----------
    path, place
        What stands for the object, and where it goes.
    whole
        Whether it is a file of a version; a small record is read as it is known.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    """
    from nh_platform.store.durable import read_regular
    from nh_platform.store.hashing import hash_file
    from nh_platform.store.objects.mirror import mirror_of

    mirror = mirror_of(path)
    if not whole:
        place.write_bytes(read_regular(path))
    elif not mirror.bucket.download(mirror.key(path), place):
        mirror.look_again(path)
        place.unlink(missing_ok=True)
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    return hash_file(place)


def object_hash(path: Path, same: Path) -> StoredFile:
    """Return the size and hash of an object; it is not read where its e_tag says that it is a file of this disk.

    Parameters
    ----------
    path
        What stands for the object.
    same
        The file, of which the hash is known.

    Raises
    ------
    FileNotFoundError
        If there is no such object.
    """
    from nh_platform.downloads.hashes import file_hash
    from nh_platform.store.hashing import hash_file, hash_object
    from nh_platform.store.objects.mirror import mirror_of

    entry = mirror_of(path).entry(path)
    if entry is not None and entry.size == same.stat().st_size and file_hash(same) == entry.e_tag:
        return hash_file(same)
    return hash_object(path)


def stated_bucket() -> Path | None:
    """Return what stands for the store in a bucket that ``NH_STORE`` names; None where it names none."""
    from nh_platform.home.stores import stated_store
    from nh_platform.store.objects.address import is_in_bucket

    store = stated_store()
    return store if store is not None and is_in_bucket(store) else None


def require_empty_bucket(root: Path) -> None:
    """Refuse a store in a bucket that holds anything but reviews, and a server that ignores conditions.

    Raises
    ------
    ConfigError
        If it holds something.
    StoreError
        If the server does not keep the conditions of a write, or is away.
    """
    from nh_platform.operations.upkeep.backup_objects import bucket_of
    from nh_platform.store.names import REVIEWS
    from nh_platform.store.objects.address import address_of, shown
    from nh_platform.store.objects.trial import TRIAL, try_out

    try_out(address_of(root))
    folders, objects = bucket_of(root).level("")
    others = {name for name in objects if not name.startswith(TRIAL)}  # another machine tries it out now
    if taken := sorted({*folders, *others} - {REVIEWS}):
        found = f"NH_STORE names it, and it holds {', '.join(taken[:3])} already"
        raise ConfigError(shown(root), found, "Name an empty prefix by NH_STORE, or unset it.")


def copy_from_bucket(origin: Path, fresh: Path, stated: StoredFile) -> None:
    """Copy a file of a backup in a bucket.

    Raises
    ------
    DamagedFile
        If it is not there, or has other bytes than are stated.
    """
    from nh_platform.operations.upkeep.backup_objects import bucket_of
    from nh_platform.store.hashing import hash_file
    from nh_platform.store.objects.address import located, shown

    if not bucket_of(origin).download(located(origin)[1], fresh):
        raise DamagedFile(shown(origin), "the backup lacks it", "Take another backup; nothing was restored.")
    if hash_file(fresh) != stated:
        found = "it is not the bytes that were backed up (their hash differs)"
        raise DamagedFile(shown(origin), found, "Take another backup; nothing was restored.")


def send_store(folder: Path, root: Path) -> None:
    """Bring a store that lies in a folder into a bucket, the pointers last; what is there already is passed over.

    Parameters
    ----------
    folder
        The store, which nobody changes.
    root
        What stands for the bucket.
    """
    from nh_platform.downloads.hashes import file_hash
    from nh_platform.store.names import POINTER
    from nh_platform.store.objects.mirror import mirror_of
    from nh_platform.store.objects.uploads import send_file

    mirror = mirror_of(root)
    bucket, there = mirror.bucket, mirror.bucket.listed()
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}

    def send(name: str) -> None:
        entry, path = there.get(name), files[name]
        if entry is None or entry.size != path.stat().st_size or file_hash(path) != entry.e_tag:
            send_file(bucket, name, path)

    pointers = [name for name in files if name.rpartition("/")[2] == POINTER]
    for names in ([name for name in files if name not in set(pointers)], pointers):
        bucket.each(send, names)
    for name in files:
        mirror.look_again(root / name)
