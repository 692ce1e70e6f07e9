"""Restoration of a backup into an empty home folder, every file held against its hash."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nh_platform.operations.opened_home import OnProgress, Progress, unwatched
from nh_platform.operations.upkeep.backup_files import backup_named, full_disk_in_words, partial_folder, read_manifest
from nh_platform.session.errors import ConfigError, DamagedFile


@dataclass(frozen=True)
class Restored:
    """Outcome of a restoration: the home, and the files and bytes that it was given."""

    home: Path
    n_files: int
    n_bytes: int


def restore(backup_folder: Path | str, home: Path | str, *, on_progress: OnProgress = unwatched) -> Restored:
    """Bring a backup into an empty home folder; every file is held against the hash that the backup states.

    Parameters
    ----------
    backup_folder
        The folder of one backup, or that of several: the last one counts.
    home
        The home folder; it may hold nothing that the backup brings, and no raw files.
    on_progress
        Called for each file.

    Raises
    ------
    ConfigError
        If there is no backup, or the home is not empty.
    DamagedFile
        If a file of the backup is not the bytes that were backed up; nothing is restored then.
    StoreError
        If the disk is full.
    """
    from nh_platform.store.durable import sync_folder, sync_tree
    from nh_platform.store.file_hashes import hash_file

    source, folder = backup_named(Path(backup_folder).absolute()), Path(home).absolute()
    files = read_manifest(source)
    brought = dict.fromkeys(["store", "dagster", "reviews", "raw", "sources.yaml", *sorted(_first_parts(files))])
    taken = [name for name in brought if (folder / name).exists()]
    if taken:
        action = "Name an empty folder with --home; where a restoration was stopped halfway, remove these first."
        raise ConfigError(str(folder), f"it holds {', '.join(taken)} already", action)
    folder.mkdir(parents=True, exist_ok=True)
    partial = partial_folder(folder)
    try:
        with full_disk_in_words(folder):
            for done, (name, stated) in enumerate(files.items()):
                on_progress(Progress("files", done, len(files), name))
                fresh = partial / name
                fresh.parent.mkdir(parents=True, exist_ok=True)
                if not (source / name).is_file():
                    raise DamagedFile(str(source / name), "the backup lacks it", "Take another backup.")
                shutil.copyfile(source / name, fresh)
                if hash_file(fresh) != stated:
                    found = "it is not the bytes that were backed up (their hash differs)"
                    raise DamagedFile(str(source / name), found, "Take another backup; nothing was restored.")
            sync_tree(partial)
            for child in sorted(partial.iterdir()):
                os.rename(child, folder / child.name)
            sync_folder(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    on_progress(Progress("files", len(files), len(files), "done"))
    return Restored(folder, len(files), sum(one.size for one in files.values()))


def _first_parts(names: Iterable[str]) -> set[str]:
    return {name.split("/")[0] for name in names}
