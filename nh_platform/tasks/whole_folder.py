"""Folders of results that are written whole or not at all.

Contains the folder alone. Add here what holds for every folder that a task writes; what is in it is its writer's.
"""

from __future__ import annotations

import glob
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nh_platform.session import ConfigError
from nh_platform.store.durable import disk_in_words, sync_tree
from nh_platform.store.processes import process_name
from nh_platform.store.version_folders import is_abandoned

_PART = ".part."
"""Begins the name of a folder that is being written; one that a killed process left counts as nothing."""


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to write into, which takes the name of ``folder`` at the end, unless nothing was written.

    After an error it is removed. Where ``folder`` is there already (it may be a volume, which no name can be given to),
    what was written is moved into it at the end.

    Parameters
    ----------
    folder
        A folder that does not exist, or is empty; links to one are followed.

    Raises
    ------
    ConfigError
        If the folder holds anything, or is a file.
    StoreError
        If it cannot be written.
    """
    folder = Path(os.path.realpath(folder))
    with disk_in_words(folder):
        require_empty(folder)
        is_there = folder.is_dir()
        staging = folder / _fresh() if is_there else folder.with_name(f".{folder.name}{_fresh()}")
        beside = f".{folder.name}{_PART}"
        for left, prefix in [
            *((one, _PART) for one in folder.glob(f"{_PART}*")),
            *((one, beside) for one in folder.parent.glob(f"{glob.escape(beside)}*")),
        ]:
            if is_abandoned(left, prefix):  # else another process writes it now, and wins or is told at its end
                shutil.rmtree(left, ignore_errors=True)
        staging.mkdir(parents=True)
    try:
        yield staging
        written = sorted(staging.iterdir())
        if not written:
            return
        with disk_in_words(folder):
            sync_tree(staging)
            require_empty(folder)
            if not is_there:
                os.replace(staging, folder)
            for one in written if is_there else ():
                os.replace(one, folder / one.name)
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
    staging = folder / _fresh()
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
    if folder.is_dir() and not (
        there := sorted(path.name for path in folder.iterdir() if not path.name.startswith(_PART))
    ):
        return
    if folder.is_dir():
        raise ConfigError(str(folder), f"it holds {there[0]} already", "Give a folder that is empty or does not exist.")
    if folder.exists() or folder.is_symlink():
        raise ConfigError(str(folder), "it is no folder", "Give a folder that is empty or does not exist.")


def _fresh() -> str:
    return f"{_PART}{process_name()}-{uuid.uuid4().hex[:8]}"
