"""Versions of one asset on the disk: the pointer to the one that counts, the history, and the folders.

Contains what `Store.publish` does with the folder of an asset once the files are written. Add here what concerns the
versions of a single asset. Where an asset lies is `layout`.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nh_platform.session.errors import DamagedFile, StoreError
from nh_platform.store.damage_notes import damage_error, forget_damage
from nh_platform.store.durable import (
    LOST,
    alone,
    disk_in_words,
    read_either,
    read_regular,
    repair_either,
    unreadable,
    write_durably,
    write_twice,
)
from nh_platform.store.file_hashes import problems
from nh_platform.store.names import HISTORY, POINTER, PROVENANCE, STAGING, place_of
from nh_platform.store.objects.address import is_in_bucket, shown
from nh_platform.store.processes import is_running, process_name
from nh_platform.store.sealed import BrokenSeal, seal_lines, unseal_lines

_HELD_S = 60
"""How long another process is waited for [s]: it moves folders, which takes a moment."""
_OTHERS_KEPT_S = 7 * 86400
"""How long the staging of another machine is left alone [s]; ``dagster.yaml`` ends a run after four hours."""


@contextmanager
def exclusive(asset: Path) -> Iterator[None]:
    """Hold one asset: two processes that publish it in turn must not remove each other's version.

    Raises
    ------
    StoreError
        If another process holds it for longer than a minute, or its folder cannot be written.
    """
    found = f"another process has been writing it for {_HELD_S} s"
    if is_in_bucket(asset):  # processes of this machine take turns; those of others are met by conditional writes
        with disk_in_words(asset):
            asset.mkdir(parents=True, exist_ok=True)
    with alone(asset / ".lock", StoreError(shown(asset), found, "Wait for that one, and run it again."), _HELD_S):
        yield


def staging_name() -> str:
    """Return a name for a folder that this process writes."""
    return f"{STAGING}{process_name()}-{uuid.uuid4().hex[:8]}"


def pointer(asset: Path) -> str | None:
    """Return the name of the version that counts, None where nothing was ever published.

    Raises
    ------
    DamagedFile
        If the pointer is not the bytes that were written.
    StoreError
        If it cannot be read for a reason that says nothing of its bytes.
    """
    try:
        lines = unseal_lines(read_regular(asset / POINTER))
    except FileNotFoundError:
        return None
    except (BrokenSeal, OSError) as error:
        raise _refused_beside(asset, POINTER, error) from error
    return lines[0]


def replace_pointer(asset: Path, version: str) -> None:
    """Make a version the one that counts."""
    write_durably(asset / POINTER, seal_lines([version]))


def history_names(asset: Path) -> list[str]:
    """Return the versions that counted, oldest first, as they were logged; none for an asset that keeps none.

    Raises
    ------
    DamagedFile
        If the log is not the bytes that were written, nor is its copy.
    """
    try:
        return read_either(asset / HISTORY, unseal_lines)
    except FileNotFoundError:
        return []
    except (BrokenSeal, OSError) as error:
        raise _refused_beside(asset, HISTORY, error) from error


def write_history(asset: Path, names: Iterable[str]) -> None:
    """Log the versions that counted, twice: nothing else tells their order."""
    write_twice(asset / HISTORY, seal_lines(list(names)))


def restore_history(asset: Path) -> None:
    """Write a damaged log again from its copy, or the copy from it.

    Raises
    ------
    DamagedFile
        If both are damaged: nothing else tells the order of the versions.
    """
    with exclusive(asset):
        try:
            repair_either(asset / HISTORY, unseal_lines)
        except (BrokenSeal, OSError) as error:
            action = "Take it from a backup, or remove it and its copy: the history then begins at what counts now."
            found = f"the history is damaged, and so is its copy: {error}"
            raise DamagedFile(str(asset / HISTORY), found, action) from error


def with_latest(names: list[str], latest: str | None) -> list[str]:
    """Return a history that ends in ``latest``; the same version again takes the place of the last one."""
    if latest is None:
        return names
    same = bool(names) and names[-1].split("-")[0] == latest.split("-")[0]
    return [*(names[:-1] if same else names), latest]


def put_version(asset: Path, staging: Path, name: str, *, keep_history: bool, kept: frozenset[str] | None) -> None:
    """Make what was written in a folder the version that counts; the lock of the asset is held.

    Parameters
    ----------
    asset
        Folder of the asset.
    staging
        Folder of the new version, with its record.
    name
        First digits of its data version.
    keep_history
        Keep the versions before, in a log.
    kept
        Versions that something names and that stay, whether or not there is a history; None where that is unknown, and
        nothing is removed.
    """
    keep_history = keep_history or (asset / HISTORY).exists()
    logged = history_names(asset) if keep_history else []
    before = _pointed_to(asset)
    if keep_history and not logged and before is not None:
        kept = None  # the log was lost: nothing tells which of the older versions counted, so all of them stay
    if before is not None and _same_files(before, staging):
        forget_damage(asset)
        return
    version = _free_folder(asset, name, staging, before)
    if not version.exists():
        os.rename(staging, version)
    replace_pointer(asset, version.name)
    forget_damage(asset)
    # The log is written after the pointer; a process killed in between is made good by `with_latest`.
    names = [version.name]
    if keep_history:
        names = with_latest(with_latest(logged, None if before is None else before.name), version.name)
        write_history(asset, names)
    if kept is not None:
        _remove_superseded(asset, kept.union(names))


def remove_folder(folder: Path) -> None:
    """Remove a folder at once, under another name, and then file by file.

    Whoever lists it sees all of it or nothing, and a table that is gone already is not taken for one that upstream
    lacks.
    """
    leaving = folder.parent / staging_name()
    os.rename(folder, leaving)
    shutil.rmtree(leaving, ignore_errors=True)


def _refused_beside(asset: Path, name: str, error: Exception) -> StoreError:
    """Return the error of a record beside the versions: damage, or trouble of the disk that may pass."""
    if isinstance(error, OSError) and error.errno not in LOST:
        return unreadable(asset / name, error)
    found = str(error) if isinstance(error, BrokenSeal) else f"it cannot be read: {error}"
    return damage_error(asset / name, place_of(asset / name), found)


def _pointed_to(asset: Path) -> Path | None:
    """Return the version that counts if it is there; one that was lost must not keep a new one from being published."""
    try:
        name = pointer(asset)
    except DamagedFile:
        return None
    version = None if name is None else asset / name
    return version if version is not None and version.is_dir() else None


def _free_folder(asset: Path, name: str, staging: Path, before: Path | None) -> Path:
    """Return the folder for a version: the one that holds the same bytes or a damaged one of it, else the next free.

    A version that is published again with other bytes gets the next number, never one that was free meanwhile: a
    reader that still has the path would find other bytes under it in the middle of its reading. Damaged bytes are
    nobody's: a version that is mended keeps its name.
    """
    taken = {1: asset / name} if (asset / name).exists() else {}
    for child in asset.glob(f"{name}-*"):
        if child.name.removeprefix(f"{name}-").isdecimal():
            taken[int(child.name.removeprefix(f"{name}-"))] = child
    of_version = [folder for _, folder in sorted(taken.items())]
    for stored in of_version:
        if _same_files(stored, staging):
            return stored
    for stored in sorted(of_version, key=lambda folder: folder != before):
        if any(problems(stored)):
            remove_folder(stored)
            return stored
    number = max(taken, default=0) + 1
    return asset / (name if number == 1 else f"{name}-{number}")


def _same_files(stored: Path, fresh: Path) -> bool:
    """Return whether a stored version is intact and holds the same bytes as a fresh one, by the records of both."""
    try:
        same = read_regular(stored / PROVENANCE) == read_regular(fresh / PROVENANCE)
    except OSError:
        return False
    return same and not any(problems(stored))


def _remove_superseded(asset: Path, keep: frozenset[str]) -> None:
    """Remove older versions, and what processes that are gone left half written."""
    for child in asset.iterdir():
        if not child.is_dir() or child.name in keep:
            continue
        if not child.name.startswith(STAGING):
            remove_folder(child)
        elif is_abandoned(child):
            shutil.rmtree(child, ignore_errors=True)


def is_abandoned(staging: Path, prefix: str = STAGING) -> bool:
    """Return whether nobody writes a staging folder any more, by its process, or by its age where that is unknown.

    Unknown are another machine's, and those that name a process by its id alone, as versions up to 0.1 did, or none.

    Parameters
    ----------
    staging
        The folder.
    prefix
        What stands in its name before the process.
    """
    running = is_running(staging.name.removeprefix(prefix).rpartition("-")[0])
    if running is not None:
        return not running
    try:
        return time.time() - staging.stat().st_mtime > _OTHERS_KEPT_S
    except FileNotFoundError:  # its process is done with it
        return False
