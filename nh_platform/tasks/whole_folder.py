"""Folders of results that are written whole or not at all.

Contains the folder alone. Add here what holds for every folder that a task writes; what is in it is its writer's.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nh_platform.session import ConfigError
from nh_platform.store.durable import disk_in_words, sync_tree


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a folder beside to write into, which takes the name of ``folder`` at the end, unless nothing was written.

    After an error it is removed.

    Parameters
    ----------
    folder
        A folder that does not exist, or is empty.

    Raises
    ------
    ConfigError
        If the folder holds anything, or is a file.
    StoreError
        If it cannot be written.
    """
    require_empty(folder)
    with disk_in_words(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = folder.with_name(f".{folder.name}.{os.getpid()}")
        staging.mkdir()
    try:
        yield staging
        if not any(staging.iterdir()):
            return
        with disk_in_words(folder.parent):
            sync_tree(staging)
            require_empty(folder)
            os.replace(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def whole_part(folder: Path) -> Iterator[Path]:
    """Give a folder to write into, whose files take their places below ``folder`` at the end; after an error none does.

    Parameters
    ----------
    folder
        A folder that may hold other files; made if need be.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    staging = folder / f".part.{os.getpid()}"
    with disk_in_words(folder):
        staging.mkdir(parents=True)
    try:
        yield staging
        with disk_in_words(folder):
            for path in sorted(one for one in staging.rglob("*") if one.is_file()):
                place = folder / path.relative_to(staging)
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, place)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def require_empty(folder: Path) -> None:
    """Refuse a folder that holds anything.

    Raises
    ------
    ConfigError
        If it does, or is a file.
    """
    if folder.is_dir() and not (there := sorted(path.name for path in folder.iterdir())):
        return
    if folder.is_dir():
        raise ConfigError(str(folder), f"it holds {there[0]} already", "Give a folder that is empty or does not exist.")
    if folder.exists() or folder.is_symlink():
        raise ConfigError(str(folder), "it is no folder", "Give a folder that is empty or does not exist.")
