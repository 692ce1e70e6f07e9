"""Backups in a bucket: files go there one by one, and the manifest last; without it a backup is none.

The layout is that of a backup on the disk, so that a copy either way is one. What the backup before holds with the same
bytes is copied by the server, and does not pass this machine. Add here what is different of them.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.upkeep.backup_files import (
    BACKUP_FILE,
    NAME,
    SAME_NAME_S,
    BackupFiles,
    manifest_of,
    unsealed_manifest,
)
from nh_platform.session.errors import ConfigError, DamagedFile, StoreError

if TYPE_CHECKING:
    from nh_platform.store.hashing import StoredFile
    from nh_platform.store.objects.bucket import Bucket

_UNENDED_S = 86400.0
"""After which time a backup without a manifest is one that nobody ends [s, by the server's clock]."""
_CLAIM = ".begun"
"""In a backup until its manifest is there."""
_MOST_COPIED = 5 << 30
"""Bytes of an object that S3 copies by one request."""


def bucket_of(folder: Path) -> Bucket:
    """Return the bucket of the backups that a folder of this machine stands for."""
    from nh_platform.store.objects.address import address_of, located
    from nh_platform.store.objects.bucket import Bucket

    return Bucket(address_of(located(folder)[0]))


class TargetFailed(Exception):
    """The bucket of the backups is in trouble, with its error: no file that is backed up is to blame."""

    def __init__(self, error: StoreError) -> None:
        super().__init__(str(error))
        self.error = error


class BackupObjects(BackupFiles):
    """A backup that is being written into a bucket.

    Parameters
    ----------
    folder
        A folder of this machine for what is on its way.
    bucket
        Where the backups lie.
    """

    def __init__(self, folder: Path, bucket: Bucket) -> None:
        super().__init__(folder, None)
        self.bucket, self.n_sent = bucket, 0
        self._before = last_in(bucket)
        if self._before is not None:
            with suppress(DamagedFile):  # nothing is copied from it then
                self._known = manifest_there(bucket, self._before)
        self.name = _claimed(bucket)

    def _settle(self, name: str, place: Path) -> None:
        """Send a file, or let the server copy it from the backup before, where that holds the same bytes."""
        from nh_platform.store.locking.locks import FOLDER as LOCKS
        from nh_platform.store.objects.uploads import send_file

        key, stated = f"{self.name}/{name}", self.files[name]
        try:
            if not self._is_copied(name, key, stated):
                send_file(self.bucket, key, place)
                self.n_sent += stated.size
        except StoreError as error:
            raise TargetFailed(error) from error
        if not name.startswith(f"store/{LOCKS}/"):  # what they name is looked at, at the end
            place.unlink()

    def _is_copied(self, name: str, key: str, stated: StoredFile) -> bool:
        before = f"{self._before}/{name}"
        if self._known.get(name) != stated or not 0 < stated.size <= _MOST_COPIED:
            return False
        there = self.bucket.entry(before)
        if there is None or there.size != stated.size:
            return False
        source = self.bucket.names(before)
        asked = {**self.bucket.names(key), "CopySource": source, "CopySourceIfMatch": there.e_tag}
        self.bucket.tried(key, lambda: self.bucket.client.copy_object(**asked))
        return True

    def forget(self, prefix: str) -> None:
        """Drop what was copied of an asset that was replaced meanwhile."""
        try:
            self.bucket.remove([f"{self.name}/{one}" for one in self.files if one.startswith(f"{prefix}/")])
        except StoreError as error:
            raise TargetFailed(error) from error
        super().forget(prefix)

    def write_manifest(self) -> None:
        """State every file with its size and hash, last: from then on it is a backup."""
        self.bucket.put(f"{self.name}/{BACKUP_FILE}", manifest_of(self.files), over=None)
        with suppress(StoreError):  # beside a manifest it says nothing
            self.bucket.remove([f"{self.name}/{_CLAIM}"])
        self.n_copied = self.n_sent

    def give_up(self) -> None:
        """Remove what was written of a backup that failed."""
        with suppress(StoreError):  # a bucket that is away keeps it for a day
            self.bucket.remove(self.bucket.listed(f"{self.name}/"))


def _claimed(bucket: Bucket) -> str:
    """Return the name of a new backup, the time in seconds, which no other machine takes."""
    from nh_platform.store.objects.bucket import OtherContent

    while True:
        name = dt.datetime.now(dt.UTC).strftime(NAME)
        try:
            if not bucket.listed(f"{name}/"):
                bucket.put(f"{name}/{_CLAIM}", uuid.uuid4().bytes, over=None)
                return name
        except OtherContent:
            pass
        time.sleep(SAME_NAME_S)


def last_in(bucket: Bucket) -> str | None:
    """Return the name of the last backup in a bucket; None where there is none."""
    names = sorted(bucket.level("")[0], reverse=True)
    return next((name for name in names if bucket.entry(f"{name}/{BACKUP_FILE}") is not None), None)


def manifest_there(bucket: Bucket, name: str) -> Mapping[str, StoredFile]:
    """Return the size and hash of every file of a backup in a bucket; as of `read_manifest`.

    Raises
    ------
    DamagedFile
        If the manifest is not there, or not the bytes that were written.
    """
    key = "/".join(filter(None, (name, BACKUP_FILE)))
    found, place = bucket.get(key), f"{bucket.address}/{key}"
    if found is None:
        raise DamagedFile(place, "it is not there", "Take another backup.")
    return unsealed_manifest(found.body, place)


def backup_there(folder: Path) -> Path:
    """Return the folder of this machine that stands for one backup: the one that is named, or the last below it.

    Raises
    ------
    ConfigError
        If there is none.
    """
    from nh_platform.store.objects.address import shown

    bucket = bucket_of(folder)
    if bucket.entry(BACKUP_FILE) is not None:
        return folder
    name = last_in(bucket)
    if name is None:
        found = f"it holds no backup (no {BACKUP_FILE})"
        raise ConfigError(shown(folder), found, "Name an address that `nh backup` wrote to.")
    return folder / name


def remove_unended(bucket: Bucket) -> None:
    """Remove what killed processes left of backups a day ago and before; the address may hold other things."""
    from nh_platform.store.objects.uploads import remove_left_uploads

    then = bucket.clock() - _UNENDED_S
    for name in filter(_is_time, bucket.level("")[0]):
        objects = bucket.listed(f"{name}/")
        is_begun = f"{name}/{_CLAIM}" in objects and f"{name}/{BACKUP_FILE}" not in objects
        if is_begun and all(one.written < then for one in objects.values()):
            bucket.remove(objects)
    remove_left_uploads(bucket, then, is_ours=lambda key: _is_time(key.partition("/")[0]))


def _is_time(name: str) -> bool:
    """Return whether a folder is called as a backup is."""
    try:
        dt.datetime.strptime(name, NAME)
    except ValueError:
        return False
    return True
