"""Backup of a home folder: its store, reviews, configuration and Dagster history, every file with its hash.

A backup is a folder ``<target>/<UTC time>/`` with the files of the home as they lie there and ``backup.json``, which
states the size and hash of each. A file that the backup before holds with the same bytes is a hard link to it, so that
a backup each day takes what changed. It appears whole or not at all.
"""

from __future__ import annotations

import datetime as dt
import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.defs.deployed.server_address import POSTGRES_VARIABLE
from nh_platform.operations.instance import history_is_shared
from nh_platform.operations.opened_home import OnProgress, OpenHome, open_home, unwatched
from nh_platform.operations.upkeep.backup_files import (
    NAME,
    SAME_NAME_S,
    BackupFiles,
    last_backup,
    partial_folder,
    require_outside,
)
from nh_platform.operations.upkeep.backup_store import copy_store
from nh_platform.session.errors import NhError, StoreError

if TYPE_CHECKING:
    from nh_platform.home.settings import SourceSettings

_DUMP = "back it up there, one in Postgres by pg_dump (docs/deploy.md)"
_SQLITE = ".db"
"""Ends the names of databases; that of events without a run has no other name."""
_BESIDE_SQLITE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Backup:
    """Outcome of a backup.

    Parameters
    ----------
    folder
        The folder of the backup; of one in a bucket the folder of this machine that stands for it.
    n_files, n_bytes
        What it holds.
    n_copied_bytes
        What had to be copied; the rest is linked to the backup before.
    left_out
        What is not in it and why, one text each.
    refused
        What is not in it because it is damaged, lost or cannot be read, one text each; everything else is.
    """

    folder: Path
    n_files: int
    n_bytes: int
    n_copied_bytes: int
    left_out: tuple[str, ...]
    refused: tuple[str, ...] = ()


def backup(home: Path | str, target: Path | str, *, raw: bool = False, on_progress: OnProgress = unwatched) -> Backup:
    """Copy the store, reviews, configuration, the index of raw files and Dagster's history of a home folder.

    Runs may go on meanwhile: an asset that is replaced while it is copied is copied anew. What is damaged or cannot be
    read is not in it and is named; the other assets and sessions are.

    Parameters
    ----------
    home
        The home folder.
    target
        Folder of the backups, outside the home; or the address of a bucket, outside what it holds of the home.
    raw
        Copy the raw files too; without, their names and sizes alone: they are fetched again when they are needed.
    on_progress
        Called for each asset.

    Raises
    ------
    ConfigError
        If the target lies in the home folder, or in a folder that is backed up with it.
    DamagedFile
        If the format of the store cannot be read: `nh verify --repair` comes first.
    StoreError
        If the disk of the target is full or cannot be written; the backups before are as they were.
    """
    from nh_platform.store.durable import disk_in_words, sync_folder, sync_tree
    from nh_platform.store.objects.address import is_address

    if is_address(str(target)):
        return _backed_up_there(home, str(target), raw, on_progress)
    folder = Path(target).absolute()
    with open_home(home) as at:
        require_outside(folder, at.platform.settings)
        with disk_in_words(folder):
            folder.mkdir(parents=True, exist_ok=True)
            partial = partial_folder(folder)
            partial.mkdir()
            try:
                made = BackupFiles(partial, last_backup(folder))
                copy_store(at.platform.store, made, on_progress)
                _copy_others(at, made, raw)
                made.write_manifest()
                sync_tree(partial)
                final = _appeared(partial, folder)
                sync_folder(folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    return _outcome(final, made)


def _outcome(final: Path, made: BackupFiles) -> Backup:
    n_bytes = sum(one.size for one in made.files.values())
    return Backup(final, len(made.files), n_bytes, made.n_copied, tuple(made.left_out), tuple(made.refused))


def _backed_up_there(home: Path | str, address: str, raw: bool, on_progress: OnProgress) -> Backup:
    """Back up into a bucket, as of `backup`; what is on its way lies in the cache of this machine."""
    from nh_platform.operations.upkeep.backup_objects import BackupObjects, TargetFailed, bucket_of, remove_unended
    from nh_platform.store.durable import disk_in_words
    from nh_platform.store.objects.address import cache_folder, local_root, parse_address

    root = local_root(parse_address(address, "target of the backup"))
    with open_home(home) as at:
        require_outside(root, at.platform.settings)
        bucket = bucket_of(root)
        remove_unended(bucket)
        with disk_in_words(cache_folder()):
            cache_folder().mkdir(parents=True, exist_ok=True)
            partial = partial_folder(cache_folder())
            partial.mkdir()
            made = BackupObjects(partial, bucket)
            try:
                copy_store(at.platform.store, made, on_progress)
                _copy_others(at, made, raw)
                made.write_manifest()
            except BaseException as failed:
                made.give_up()
                if isinstance(failed, TargetFailed):
                    raise failed.error from failed
                raise
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    return _outcome(root / made.name, made)


def _appeared(partial: Path, folder: Path) -> Path:
    """Give a backup its name, which is the time in seconds: another one of this second has it already."""
    while True:
        final = folder / dt.datetime.now(dt.UTC).strftime(NAME)
        try:
            if not final.exists():
                os.rename(partial, final)
                return final
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        time.sleep(SAME_NAME_S)


def _copy_others(home: OpenHome, made: BackupFiles, raw: bool) -> None:
    """Copy reviews, configuration, the raw files or their index, and Dagster's history."""
    settings = home.platform.settings
    named = [one for own in settings.sources.values() for one in _files_named(own)]
    named += _files_of_recipes(settings.home, made)
    own = {*settings.home.glob("*.yaml"), *settings.home.glob("*.yml"), *(settings.home / name for name in named)}
    for path in sorted(one for one in own if one.is_file() and one.is_relative_to(settings.home)):
        _copy_one(made, path, path.relative_to(settings.home).as_posix())
    _copy_reviews(settings.reviews, made)
    _copy_raw(settings.home / "raw", made, raw)
    for source, of_source in settings.sources.items():
        _name_what_lies_elsewhere(source, of_source, settings.home, made)
    given = os.environ.get("DAGSTER_HOME")
    if given and Path(given).resolve() != settings.dagster_home.resolve():
        made.left_out.append(f"Dagster's history: DAGSTER_HOME names {given}; {_DUMP}")
        return
    if history_is_shared():
        made.left_out.append(f"Dagster's history: it is in the database of {POSTGRES_VARIABLE}; {_DUMP}")
    for path in _files_below(settings.dagster_home, made):
        name = f"dagster/{path.relative_to(settings.dagster_home).as_posix()}"
        if path.name.endswith(_BESIDE_SQLITE) or path.parent == settings.dagster_home:
            continue  # what is written anew: the configuration, and the address of a running `nh ui`
        (_copy_database if path.name.endswith(_SQLITE) else _copy_one)(made, path, name)


def _copy_reviews(folder: Path, made: BackupFiles) -> None:
    """Copy all that reviewers wrote, of a bucket too."""
    from nh_platform.store.durable import read_regular
    from nh_platform.store.hashing import stored_sizes
    from nh_platform.store.objects.address import is_in_bucket

    if not is_in_bucket(folder):
        for path in _files_below(folder, made):
            _copy_one(made, path, f"reviews/{path.relative_to(folder).as_posix()}")
        return
    for name in stored_sizes(folder):
        with suppress(FileNotFoundError):  # it went meanwhile
            made.add_text(f"reviews/{name}", read_regular(folder / name))


def _files_of_recipes(home: Path, made: BackupFiles) -> list[str]:
    """Return the recipes of image embeddings and training sets, and the files that they name, by path in the home."""
    from nh_platform.reading.images.recipe_file import FOLDER as OF_IMAGES
    from nh_platform.training_sets.recipe import FOLDER, read_recipe

    found = [f"{OF_IMAGES}/{path.name}" for path in sorted((home / OF_IMAGES).glob("*.yaml"))]
    for path in sorted((home / FOLDER).glob("*.y*ml")):
        found.append(f"{FOLDER}/{path.name}")
        try:
            found += read_recipe(path).files
        except NhError as error:  # it is copied as it is
            made.left_out.append(f"what {path} names: {error}")
    return found


def _copy_one(made: BackupFiles, path: Path, name: str) -> None:
    """Copy a file, or say that it cannot be read; one that went meanwhile is passed over."""
    try:
        made.add(path, name)
    except FileNotFoundError:
        pass
    except StoreError as error:
        made.refused.append(str(error))


def _name_what_lies_elsewhere(source: str, own: SourceSettings, home: Path, made: BackupFiles) -> None:
    """Say which raw files, rulebooks and presets of a source lie outside its home, or of the folder of raw files."""
    from nh_platform.downloads.in_buckets.raw_places import RAW_FOLDER, RAW_VARIABLE, raw_root
    from nh_platform.store.objects.address import shown

    stated = own.read.get("raw_dir")
    raw = raw_root(home, stated)
    if raw.resolve() != (home / RAW_FOLDER).resolve():
        whose, setting = (f" of {source}", "raw_dir") if stated else ("", RAW_VARIABLE)
        found = f"raw files{whose} in {shown(raw)} ({setting}), with or without --raw; back them up there"
        made.left_out += [found] if found not in made.left_out else []
    for name in sorted(set(_files_named(own))):
        path = home / name
        if path.is_file() and not path.resolve().is_relative_to(home.resolve()):
            made.left_out.append(f"{path}, which {source} names; back it up there")


def _files_named(own: SourceSettings) -> Iterator[str]:
    """Give the rulebooks and presets of a source that may be files of its home."""
    yield from filter(None, (own.rulebook, *(own.also_rulebooks or ()), *(own.presets or ())))


def _copy_raw(folder: Path, made: BackupFiles, whole: bool) -> None:
    from nh_platform.downloads.raw_files import stored_raw_files, weak_notes
    from nh_platform.store.sealed import seal_json

    stored = stored_raw_files(folder)
    for path in weak_notes(folder):
        made.add(path, f"raw/{path.relative_to(folder).as_posix()}")
    if whole:
        for path in stored:
            made.add(path, f"raw/{path.relative_to(folder).as_posix()}")
    elif stored:
        index = {path.name: path.stat().st_size for path in stored}
        made.add_text("raw/index.json", seal_json({"bytes by md5": index}))
        made.left_out.append(f"{len(stored)} raw files, which are fetched again (--raw copies them)")


def _copy_database(made: BackupFiles, path: Path, name: str) -> None:
    """Copy a database of Dagster's, or say that it cannot be read; one that was purged meanwhile is passed over."""
    try:
        made.add_sqlite(path, name)
    except sqlite3.Error as error:
        if path.exists():
            made.refused.append(f"{path}: it cannot be copied: {error}. See to it, and back up again.")


def _files_below(folder: Path, made: BackupFiles) -> list[Path]:
    """Return the files below a folder, links to folders followed, sorted; what cannot be listed is named."""
    found: list[Path] = []
    seen = set[Path]()

    def unlisted(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            made.refused.append(f"{error.filename}: it cannot be read: {error.strerror}. See to it, and back up again.")

    for parent, folders, names in os.walk(folder, onerror=unlisted, followlinks=True):
        seen.add(Path(parent).resolve())
        folders[:] = [name for name in folders if Path(parent, name).resolve() not in seen]
        found += [path for name in names if not name.endswith(".lock") and (path := Path(parent, name)).is_file()]
    return sorted(found)
