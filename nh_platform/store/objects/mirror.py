"""What this machine holds of a store in a bucket: small records, and the files of versions that were read.

Paths below the mirror's root stand for objects (`address`). What is there and small records are told by `listings`.
Files of versions are fetched when they are opened, and those that nobody used for long go when the cache is full
(`cache_size`). Add here what reading needs; a new version is written by `publishing`.
"""

from __future__ import annotations

import errno
import hashlib
import math
import os
import random
import time
import uuid
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from filelock import FileLock

from nh_platform.session.errors import StoreError
from nh_platform.store.objects.address import address_of, located
from nh_platform.store.objects.bucket import Bucket, Entry, OtherContent
from nh_platform.store.objects.cache_size import INCOMING, cache_refused, make_room
from nh_platform.store.objects.listings import Listings, above

_CHANGES = 50
"""How often a record is read and written anew because another machine wrote it between."""
_WAIT_S = 0.02
"""Up to this time is waited after each lost try, ten times it at most [s]."""


class Mirror:
    """A store in a bucket as this process sees it; threads may share it.

    Parameters
    ----------
    root
        The folder that stands for the store.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.bucket = root, Bucket(address_of(root))
        self._listings = Listings(root, self.bucket)

    def key(self, path: Path) -> str:
        """Return the key of the object that a path stands for."""
        return located(path)[1]

    def entry(self, path: Path) -> Entry | None:
        """Return what a listing says of the object of a path, None where there is none."""
        key = self.key(path)
        return self._listings.beside(key).get(key)

    def is_there(self, path: Path) -> bool:
        """Return whether a path stands for an object, or for a folder with any."""
        key = self.key(path)
        if not key:
            return bool(self._listings.names("") or self._listings.beside(""))
        if key.count("/") < 2 and self.entry(path) is None:
            return key.rpartition("/")[2] in self._listings.names(above(key))
        return self.entry(path) is not None or any(one.startswith(f"{key}/") for one in self._listings.beside(key))

    def folders(self, path: Path) -> list[str]:
        """Return the names of the folders that lie directly in one, sorted."""
        key = self.key(path)
        if key.count("/") < 1:
            return self._listings.names(key)
        rests = self._listings.below(key)
        return sorted({one.partition("/")[0] for one in rests if "/" in one})

    def files(self, path: Path) -> list[str]:
        """Return the names of the objects that lie directly in a folder, sorted."""
        return sorted(one for one in self._listings.below(self.key(path)) if "/" not in one)

    def tree(self, path: Path) -> dict[str, Entry]:
        """Return all objects below a folder, by their path from it; below the root those of its folders."""
        key = self.key(path)
        if not key:
            of_folders = {name: self.tree(path / name) for name in self.folders(path)}
            return {f"{name}/{rest}": entry for name, tree in of_folders.items() for rest, entry in tree.items()}
        if key and "/" not in key:
            return {one[len(key) + 1 :]: entry for one, entry in self._listings.of_source(key).items()}
        return self._listings.below(key)

    def read(self, path: Path) -> bytes:
        """Return a small record.

        Raises
        ------
        FileNotFoundError
            If there is none.
        """
        key = self.key(path)
        entry = self._listings.beside(key).get(key)
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        kept = self._listings.kept(key, entry.e_tag)
        if kept is not None:
            return kept
        found = self.bucket.get(key)
        if found is None or found.e_tag != entry.e_tag:
            self.look_again(path)  # it was replaced since it was listed, and so may what it names have been
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        self._listings.keep(key, found)
        return found.body

    def write(self, path: Path, content: bytes, over: str | None = "*") -> None:
        """Write a small record; as of `Bucket.put`."""
        self.bucket.put(self.key(path), content, over)
        self.look_again(path)

    def write_over_listed(self, path: Path, content: bytes) -> None:
        """Write a small record over the one that a listing knows, or where it knows none.

        Raises
        ------
        StoreError
            If another machine wrote it meanwhile.
        """
        entry = self.entry(path)
        try:
            self.write(path, content, None if entry is None else entry.e_tag)
        except OtherContent:
            self.look_again(path)
            found = "another machine wrote it at the same time"
            raise StoreError(f"{address_of(self.root)}/{self.key(path)}", found, "Run it again.") from None

    def change(self, path: Path, content: Callable[[], bytes | None]) -> None:
        """Replace a record by what is made of what is there now, again where another machine wrote it meanwhile.

        Raises
        ------
        StoreError
            If others write it again and again.
        """
        for lost in range(_CHANGES):
            time.sleep(random.uniform(0, _WAIT_S * min(lost, 10)))  # eight machines at once took 60 tries without
            before = self.bucket.get(self.key(path))
            self.look_again(path)
            fresh = content()
            if fresh is None or (before is not None and fresh == before.body):
                return
            try:
                self.write(path, fresh, None if before is None else before.e_tag)
            except OtherContent:
                continue
            return
        found = "other machines write it again and again"
        raise StoreError(f"{address_of(self.root)}/{self.key(path)}", found, "Try again; nothing was written.")

    def remove(self, path: Path, unless_since: float = math.inf) -> bool:
        """Remove the object of a path, or all below it; return whether that was done.

        Parameters
        ----------
        path
            Object or folder.
        unless_since
            Nothing is removed where an object of the folder was written after this [s since 1970, server's clock].
        """
        key = self.key(path)
        self.look_again(path)
        below = self._listings.below(key)
        if any(entry.written > unless_since for entry in below.values()):
            return False
        self.bucket.remove([key, *(f"{key}/{rest}" for rest in below)])
        self.look_again(path)
        return True

    def look_again(self, path: Path) -> None:
        """Believe no listing any more of what lies beside a path."""
        self._listings.forget(self.key(path))

    def fetch(self, path: Path, *, afresh: bool = False) -> None:
        """See to it that a file of a version is on the disk of this machine, whole.

        Parameters
        ----------
        path
            The file.
        afresh
            Whether one that is there is taken for damaged.

        Raises
        ------
        FileNotFoundError
            If there is no such object.
        StoreError
            If the disk of the cache is full, or refuses it.
        """
        if not afresh and path.is_file():
            return
        key = self.key(path)
        incoming = self.root / INCOMING
        fresh = incoming / uuid.uuid4().hex
        try:
            incoming.mkdir(parents=True, exist_ok=True)
            lock = incoming / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.lock"
            with FileLock(lock):  # several workers open the same file at their start
                if not afresh and path.is_file():
                    return
                if not self.bucket.download(key, fresh):
                    self.look_again(path)
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
                path.parent.mkdir(parents=True, exist_ok=True)
                os.replace(fresh, path)
            make_room(self.root, path.stat().st_size)
        except FileNotFoundError as error:
            if error.filename == str(path):
                raise
            raise cache_refused(self.root, error) from error
        except OSError as error:
            raise cache_refused(self.root, error) from error
        finally:
            fresh.unlink(missing_ok=True)


def mirror_of(path: Path) -> Mirror:
    """Return the mirror of the store in a bucket that a path belongs to, one per process.

    Raises
    ------
    ValueError
        If the path belongs to none.
    """
    return _mirror(located(path)[0], os.getpid())


@lru_cache(maxsize=16)
def _mirror(root: Path, process: int) -> Mirror:
    """Make a mirror: what another process locked or knows is nothing to a child that was forked from it."""
    return Mirror(root)
