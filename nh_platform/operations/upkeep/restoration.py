"""Restoration of a backup into an empty home folder, every file held against its hash.

Files are written beside and synced; then they get their names, the store last. Whatever is stopped halfway goes on with
the next `restore`, and until then every command refuses the home (`nh_platform.home.restoring`).
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.defs.deployed.server_address import POSTGRES_VARIABLE
from nh_platform.home.restoring import Restoration, end_restoration, read_restoration, write_restoration
from nh_platform.operations.instance import history_is_shared
from nh_platform.operations.opened_home import OnProgress, Progress, unwatched
from nh_platform.operations.upkeep.backup_files import backup_named, partial_folder, read_manifest
from nh_platform.session.errors import ConfigError, DamagedFile

if TYPE_CHECKING:
    from nh_platform.store.hashing import StoredFile

_REVIEWS, _STORE = "reviews", "store"
_LOCK = ".restoring.lock"
_NAMED = 3
"""Most files that an error names."""


@dataclass(frozen=True)
class Restored:
    """Outcome of a restoration.

    Parameters
    ----------
    home, backup
        The home, and the folder or the address of the backup that it was given.
    n_files, n_bytes
        What it was given.
    elsewhere
        What the environment has lie or be read outside of the home, one text each.
    """

    home: Path
    backup: str
    n_files: int
    n_bytes: int
    elsewhere: tuple[str, ...] = ()


def restore(backup_folder: Path | str, home: Path | str, *, on_progress: OnProgress = unwatched) -> Restored:
    """Bring a backup into an empty home folder; every file is held against the hash that the backup states.

    One that was stopped at any instant goes on: from the beginning, or where all files were there already, with their
    names. Until then every command refuses the home.

    Parameters
    ----------
    backup_folder
        The folder of one backup, or that of several: the last one counts. Or the address of either in a bucket.
    home
        The home folder; it may hold nothing that the backup brings, and no raw files. Reviews go to where they are
        read, which ``NH_REVIEWS`` may say: a folder that holds others of the same names is refused. The store goes
        into the bucket that ``NH_STORE`` names, which must be empty.
    on_progress
        Called for each file.

    Raises
    ------
    ConfigError
        If there is no backup, the home is not empty, another process restores into it, or another backup was begun.
    DamagedFile
        If a file of the backup is not the bytes that were backed up, or does not lie in it; nothing is restored then.
    StoreError
        If the disk is full.
    """
    from nh_platform.store.durable import disk_in_words
    from nh_platform.store.objects.address import shown

    asked, folder = _place_named(backup_folder), Path(home).absolute()
    if read_restoration(folder) is None:  # a backup that was read whole need not be there any more
        _named(asked)
    folder.mkdir(parents=True, exist_ok=True)
    with disk_in_words(folder), _alone(folder):
        begun = read_restoration(folder)
        if begun is None or not begun.is_whole:
            begun = _brought_beside(_named(asked), folder, begun, on_progress)
        elif not f"{begun.backup}/".startswith(f"{shown(asked)}/"):
            found = f"the restoration of {begun.backup} into it is not done, and another backup is named"
            raise ConfigError(str(folder), found, f"Finish it first: nh --home {folder} restore {begun.backup}")
        _give_names(folder, begun)
    on_progress(Progress("files", begun.n_files, begun.n_files, "done"))
    return Restored(folder, begun.backup, begun.n_files, begun.n_bytes, tuple(_elsewhere(folder, begun)))


def _place_named(backup: Path | str) -> Path:
    """Return the folder of a backup or of several; of a bucket the folder of this machine that stands for it."""
    from nh_platform.store.objects.address import is_address, local_root, parse_address

    return local_root(parse_address(str(backup), "backup")) if is_address(str(backup)) else Path(backup).absolute()


def _named(asked: Path) -> Path:
    """Return one backup as of `backup_named`, in a bucket too."""
    from nh_platform.operations.upkeep.backup_objects import backup_there
    from nh_platform.store.objects.address import is_in_bucket

    return backup_there(asked) if is_in_bucket(asked) else backup_named(asked)


def _manifest(source: Path) -> Mapping[str, StoredFile]:
    from nh_platform.operations.upkeep.backup_objects import bucket_of, manifest_there
    from nh_platform.store.objects.address import is_in_bucket, located

    return manifest_there(bucket_of(source), located(source)[1]) if is_in_bucket(source) else read_manifest(source)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Restore into a folder while no other process does."""
    from nh_platform.store.durable import alone

    lock = folder / _LOCK
    with alone(lock, ConfigError(str(folder), "another process restores into it", "Wait for that one.")):
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _brought_beside(source: Path, folder: Path, before: Restoration | None, on_progress: OnProgress) -> Restoration:
    """Write all files of a backup beside those of a home folder, and record that they are there."""
    from nh_platform.home.settings import reviews_folder
    from nh_platform.operations.upkeep.bucket_files import require_empty_bucket, stated_bucket
    from nh_platform.store.durable import sync_tree
    from nh_platform.store.objects.address import shown

    files, reviews, store = _manifest(source), reviews_folder(folder), stated_bucket()
    if folder.resolve().is_relative_to(source.resolve()):
        raise ConfigError(str(folder), "it lies in the backup", "Name a folder outside of it with --home.")
    _require_room(folder, reviews, files)
    if store is not None:
        require_empty_bucket(store)
    if before is not None:
        shutil.rmtree(folder / before.partial, ignore_errors=True)
    partial = partial_folder(folder)
    n_bytes = sum(one.size for one in files.values())
    begun = Restoration(
        backup=shown(source),
        partial=partial.name,
        reviews=str(reviews),
        n_files=len(files),
        n_bytes=n_bytes,
        is_whole=False,
        store="" if store is None else str(store),
    )
    write_restoration(folder, begun)
    try:
        partial.mkdir()
        for done, (name, stated) in enumerate(files.items()):
            on_progress(Progress("files", done, len(files), name))
            _copy(source, name, partial, stated)
        sync_tree(partial)
        begun = replace(begun, is_whole=True)
        write_restoration(folder, begun)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        end_restoration(folder)
        raise
    return begun


def _require_room(folder: Path, reviews: Path, files: Mapping[str, StoredFile]) -> None:
    """Refuse a home that holds what a backup brings, and a folder of reviews that holds other ones.

    Raises
    ------
    ConfigError
        If they do.
    """
    from nh_platform.store.objects.address import shown

    brought = dict.fromkeys([_STORE, "dagster", _REVIEWS, "raw", "sources.yaml", *sorted(_first_parts(files))])
    taken = [name for name in brought if os.path.lexists(folder / name)]
    if taken:
        raise ConfigError(str(folder), f"it holds {', '.join(taken)} already", "Name an empty folder with --home.")
    if not _differs(reviews, folder / _REVIEWS):
        return
    places = {
        reviews / name.removeprefix(f"{_REVIEWS}/"): files[name] for name in files if name.startswith(f"{_REVIEWS}/")
    }
    others = [shown(place) for place, stated in places.items() if not _is_free(place, stated)]
    if others:
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        found = f"it holds other reviews than the backup: {', '.join(others[:_NAMED])}{more}"
        raise ConfigError(shown(reviews), found, "Set NH_REVIEWS to an empty folder, or unset it.")


def _is_free(place: Path, stated: StoredFile) -> bool:
    """Return whether nothing lies in the place of a review file, or the file itself."""
    from nh_platform.store.hashing import hash_file, hash_object
    from nh_platform.store.objects.address import is_in_bucket

    if not is_in_bucket(place):
        return not os.path.lexists(place) or (place.is_file() and hash_file(place) == stated)
    try:
        return hash_object(place) == stated
    except FileNotFoundError:
        return True


def _differs(one: Path, other: Path) -> bool:
    return one.resolve() != other.resolve()


def _copy(source: Path, name: str, partial: Path, stated: StoredFile) -> None:
    """Copy a file of a backup.

    Raises
    ------
    DamagedFile
        If it is not there, leads out of the backup, or has other bytes than are stated.
    """
    from nh_platform.operations.upkeep.bucket_files import copy_from_bucket
    from nh_platform.store.hashing import hash_file
    from nh_platform.store.objects.address import is_in_bucket

    origin, fresh = source / name, partial / name
    fresh.parent.mkdir(parents=True, exist_ok=True)
    if is_in_bucket(source):
        copy_from_bucket(origin, fresh, stated)
        return
    try:
        is_file = stat.S_ISREG(os.lstat(origin).st_mode)
    except OSError:
        is_file = False
    if not is_file:
        raise DamagedFile(str(origin), "the backup lacks it, or it is no file", "Take another backup.")
    if not origin.resolve().is_relative_to(source.resolve()):
        raise DamagedFile(str(origin), "a link leads out of the backup", "Take another backup; nothing was restored.")
    shutil.copyfile(origin, fresh)
    if hash_file(fresh) != stated:
        found = "it is not the bytes that were backed up (their hash differs)"
        raise DamagedFile(str(origin), found, "Take another backup; nothing was restored.")


def _give_names(folder: Path, begun: Restoration) -> None:
    """Give the files of a restoration their names in the home, the store last; what has its name already keeps it."""
    from nh_platform.operations.upkeep.bucket_files import send_store
    from nh_platform.store.durable import sync_folder, write_durably
    from nh_platform.store.objects.address import is_in_bucket

    partial, reviews = folder / begun.partial, Path(begun.reviews)
    # Last, because `open_store` reads a store without asking for the settings of its home.
    for child in sorted(partial.iterdir(), key=lambda one: one.name == _STORE) if partial.is_dir() else ():
        if child.name == _REVIEWS and _differs(reviews, folder / _REVIEWS):
            for path in sorted(one for one in child.rglob("*") if one.is_file()):
                place = reviews / path.relative_to(child)
                if not is_in_bucket(place):
                    place.parent.mkdir(parents=True, exist_ok=True)
                write_durably(place, path.read_bytes())
        elif child.name == _STORE and begun.store:
            send_store(child, Path(begun.store))
        elif os.path.lexists(folder / child.name):
            found = f"{child.name} appeared in it while a backup was restored into it"
            raise ConfigError(str(folder), found, "Move it elsewhere, and run `nh restore` again, which goes on.")
        else:
            os.rename(child, folder / child.name)
    sync_folder(folder)
    shutil.rmtree(partial, ignore_errors=True)
    end_restoration(folder)


def _elsewhere(folder: Path, begun: Restoration) -> Iterator[str]:
    """Say what does not lie where a person may look for it."""
    from nh_platform.home.stores import stated_store
    from nh_platform.store.objects.address import shown

    if _differs(Path(begun.reviews), folder / _REVIEWS):
        yield f"reviews are in {shown(Path(begun.reviews))}, where they are read"
    store = stated_store()
    if begun.store:
        yield f"the store is in {shown(Path(begun.store))}, which NH_STORE named"
    if store is not None and (folder / _STORE).is_dir() and _differs(store, folder / _STORE):
        yield f"the store is in {folder / _STORE}, and NH_STORE names {shown(store)}: unset it, or copy the store there"
    given = os.environ.get("DAGSTER_HOME")
    if given and (folder / "dagster").is_dir() and _differs(Path(given), folder / "dagster"):
        yield f"Dagster's history is in {folder / 'dagster'}, and DAGSTER_HOME names {given}: unset it to see this one"
    if history_is_shared() and (folder / "dagster").is_dir():
        found = f"Dagster's history is in {folder / 'dagster'}, and {POSTGRES_VARIABLE} names a database"
        yield f"{found}: unset it to see this one"


def _first_parts(names: Iterable[str]) -> set[str]:
    return {name.split("/")[0] for name in names}
