"""Files of a backup: copied or linked, each with its size and hash, and the manifest that states them.

Add here what backup and restoration share.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import stat
import uuid
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from urllib.parse import quote

from nh_platform.session.errors import ConfigError, DamagedFile, StoreError

if TYPE_CHECKING:
    from nh_platform.home.settings import PlatformSettings
    from nh_platform.store.hashing import StoredFile

BACKUP_FILE = "backup.json"
NAME = "%Y-%m-%dT%H%M%SZ"
"""Name of a backup: the time at which it was made, UTC."""
SAME_NAME_S = 0.2
"""How long is waited for another name [s]."""
_BLOCK = 1 << 20
_PRIMARY_CODE = 0xFF
"""The rest of a code of SQLite says during which step it was."""
PARTIAL = ".partial-"
"""Begins the name of a folder that is being written."""


class BackupFiles:
    """A backup that is being written.

    Parameters
    ----------
    folder
        Where it is written.
    before
        The backup before; None where there is none.
    """

    def __init__(self, folder: Path, before: Path | None) -> None:
        self.folder, self.before = folder, before
        self.files: dict[str, StoredFile] = {}
        self.left_out: list[str] = []
        self.refused: list[str] = []
        self.n_copied = 0
        self._known: Mapping[str, StoredFile] = {}
        if before is not None:
            with contextlib.suppress(DamagedFile):  # nothing is linked to it then
                self._known = read_manifest(before)

    def add(self, path: Path, name: str, stated: StoredFile | None = None) -> None:
        """Copy a file, or link it where the backup before has the bytes that are stated; both are read for that.

        Raises
        ------
        DamagedFile
            If its bytes are not those that are stated.
        StoreError
            If it cannot be read.
        FileNotFoundError
            If it is not there.
        """
        from nh_platform.operations.upkeep.bucket_files import copy_object, object_hash
        from nh_platform.store.hashing import hash_file
        from nh_platform.store.objects.address import is_in_bucket, shown

        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        linked = stated is not None and self._link(name, place, stated)
        if is_in_bucket(path):
            found = object_hash(path, place) if linked else copy_object(path, place, whole=stated is not None)
        else:
            if not linked:
                _copy(path, place)
            found = hash_file(path if linked else place)
        if stated is not None and found != stated:
            action = "Run `nh verify --repair`, and back up again."
            raise DamagedFile(shown(path), "it is damaged: its bytes are not those that were published", action)
        self.files[name] = found
        self.n_copied += 0 if linked else found.size
        self._settle(name, place)

    def _link(self, name: str, place: Path, stated: StoredFile) -> bool:
        """Link a file of the backup before, if its bytes are those that are stated; return whether they are."""
        from nh_platform.store.hashing import hash_file

        if self.before is None or self._known.get(name) != stated:
            return False
        try:
            os.link(self.before / name, place)
            if stat.S_ISREG(os.lstat(place).st_mode) and hash_file(place) == stated:
                return True
        except OSError:  # lost from the backup before, unreadable, or a disk without links
            pass
        place.unlink(missing_ok=True)  # a copy would be written into the backup before
        return False

    def add_text(self, name: str, content: bytes) -> None:
        """Write a record of the backup's own."""
        from nh_platform.store.hashing import hash_file

        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        self.files[name] = hash_file(place)
        self._settle(name, place)

    def _settle(self, name: str, place: Path) -> None:
        """Take a file that was written; it lies where it belongs."""

    def add_sqlite(self, path: Path, name: str) -> None:
        """Copy a database of SQLite as it is at one moment, whoever writes to it.

        Raises
        ------
        sqlite3.Error
            If it cannot be read.
        """
        from nh_platform.store.hashing import hash_file

        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            with (
                contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as source,
                contextlib.closing(sqlite3.connect(place)) as copy,
            ):
                source.backup(copy)
        except sqlite3.Error as error:
            place.unlink(missing_ok=True)
            if getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE == sqlite3.SQLITE_FULL:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(place)) from error
            raise
        self.files[name] = hash_file(place)
        self.n_copied += self.files[name].size
        self._settle(name, place)

    def forget(self, prefix: str) -> None:
        """Drop what was copied of an asset that was replaced meanwhile."""
        for name in [one for one in self.files if one.startswith(f"{prefix}/")]:
            del self.files[name]
        shutil.rmtree(self.folder / prefix, ignore_errors=True)

    def write_manifest(self) -> None:
        """State every file with its size and hash."""
        from nh_platform.store.durable import write_durably

        write_durably(self.folder / BACKUP_FILE, manifest_of(self.files))


def _copy(path: Path, place: Path) -> None:
    """Copy a file; that it cannot be read is told from a target that cannot be written."""
    from nh_platform.store.durable import open_regular

    with contextlib.ExitStack() as stack:
        try:
            origin = stack.enter_context(open_regular(path))
        except FileNotFoundError:
            raise
        except OSError as error:
            found = f"it cannot be read: {error.strerror}"
            raise StoreError(str(path), found, "See to it, and back up again.") from error
        shutil.copyfileobj(origin, stack.enter_context(place.open("wb")), _BLOCK)


def manifest_of(files: Mapping[str, StoredFile]) -> bytes:
    """Return the manifest of a backup: the size and hash of its files, by path from its folder."""
    from nh_platform.store.sealed import seal_json

    return seal_json({"format": 1, "files": {name: stated.model_dump() for name, stated in sorted(files.items())}})


def partial_folder(folder: Path) -> Path:
    """Return where this process writes what appears whole in a folder; what killed processes left there is removed."""
    from nh_platform.store.processes import is_running, process_name

    for left in folder.glob(f"{PARTIAL}*"):
        if is_running(left.name.removeprefix(PARTIAL).rpartition("-")[0]) is False:
            shutil.rmtree(left, ignore_errors=True)
    return folder / f"{PARTIAL}{process_name()}-{uuid.uuid4().hex[:8]}"


def last_backup(folder: Path) -> Path | None:
    """Return the last backup below a folder, None where there is none."""
    found = sorted(child for child in folder.iterdir() if (child / BACKUP_FILE).is_file())
    return found[-1] if found else None


def backup_named(folder: Path) -> Path:
    """Return a backup: the folder itself, or the last one below it.

    Raises
    ------
    ConfigError
        If there is none.
    """
    if (folder / BACKUP_FILE).is_file():
        return folder
    last = last_backup(folder) if folder.is_dir() else None
    if last is None:
        raise ConfigError(
            str(folder), f"it holds no backup (no {BACKUP_FILE})", "Name a folder that `nh backup` wrote."
        )
    return last


def read_manifest(folder: Path) -> dict[str, StoredFile]:
    """Return the size and hash of every file of a backup, by path from its folder.

    Raises
    ------
    DamagedFile
        If the manifest is not the bytes that were written, or names a file outside of its folder.
    """
    try:
        content = (folder / BACKUP_FILE).read_bytes()
    except OSError as error:
        raise DamagedFile(str(folder / BACKUP_FILE), f"it is damaged: {error}", "Take another backup.") from error
    return unsealed_manifest(content, str(folder / BACKUP_FILE))


def unsealed_manifest(content: bytes, place: str) -> dict[str, StoredFile]:
    """Return what a manifest states; ``place`` names it in errors, which are those of `read_manifest`."""
    from nh_platform.store.hashing import StoredFile
    from nh_platform.store.sealed import BrokenSeal, unseal_json

    try:
        files = unseal_json(content)["files"]
    except BrokenSeal as error:
        raise DamagedFile(place, f"it is damaged: {error}", "Take another backup.") from error
    outside = next((name for name in files if not _lies_inside(name)), None)
    if outside is not None:
        found = f"it names {outside!r}, which does not lie in the backup"
        raise DamagedFile(place, found, "Take another backup; nothing was restored.")
    return {name: StoredFile(**stated) for name, stated in files.items()}


def _lies_inside(name: str) -> bool:
    """Return whether a name is a path from the folder of a backup to a file in it."""
    path = PurePath(name)
    is_plain = bool(name) and path.as_posix() == name and "\0" not in name
    return is_plain and not path.anchor and ".." not in path.parts


def require_outside(folder: Path, settings: PlatformSettings) -> None:
    """Refuse a target in what is backed up, whatever links lead there: it would hold itself."""
    from nh_platform.downloads.in_buckets.raw_places import RAW_FOLDER
    from nh_platform.operations.bucket_states import bucket_roots
    from nh_platform.store.objects.address import address_of, is_in_bucket, shown

    if is_in_bucket(folder):
        for place in bucket_roots(settings):
            if address_of(folder).overlaps(address_of(place)):
                found = f"a backup and what is backed up ({shown(place)}) do not lie in one another"
                raise ConfigError(shown(folder), found, "Name a prefix of its own, or another bucket.")
        return
    beside = [settings.store, settings.reviews, settings.dagster_home, settings.home / RAW_FOLDER]
    for place in (settings.home, *beside):
        if folder.resolve().is_relative_to(place.resolve()):
            words = "a backup does not lie in the home folder"
            found = words if place == settings.home else f"a backup does not lie in what is backed up ({place})"
            raise ConfigError(str(folder), found, "Name a folder on another disk.")
