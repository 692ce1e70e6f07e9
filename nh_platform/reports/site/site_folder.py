"""The folder of a written site: whole or not at all, and nobody's else.

Contains the folder and the record by which it is known again. What is written into it is `writing.py`'s.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nh_platform.exports.folder_entries import FRESH, files_of, in_words, remove, replace
from nh_platform.session import ConfigError
from nh_platform.store.durable import alone, disk_in_words, is_half_written, sync_tree

RECORD = "nh_qc_site.json"
"""Names the files of a site that was written, so that no other folder is ever replaced."""

_TAKE_ANOTHER = "Take a folder that is empty or not there yet."
_SHOWN = 3


def require_site_folder(folder: Path) -> None:
    """Refuse a folder that holds something else than a site that was written; nothing is changed.

    Raises
    ------
    ConfigError
        If it is a file or a link, or holds a file that no report wrote; the text names it.
    StoreError
        If it cannot be read.
    """
    with disk_in_words(folder):
        if folder.is_symlink():
            raise ConfigError(str(folder), "it is a link, and nothing is written through one", "Name what it leads to.")
        if not folder.exists():
            return
        if not folder.is_dir():
            raise ConfigError(str(folder), "it is a file", _TAKE_ANOTHER)
        others = _others(folder)
    if others:
        shown = ", ".join(map(in_words, others[:_SHOWN])) + (" …" if len(others) > _SHOWN else "")
        action = "Take a folder that is empty or not there yet, or move these files away."
        raise ConfigError(str(folder), f"it holds something that no report wrote: {shown}", action)


@contextmanager
def writing_site(folder: Path) -> Iterator[Path]:
    """Give a folder beside to write into; it takes the name, and the place of a site before, when all is written.

    Parameters
    ----------
    folder
        The folder; it and those above are made.

    Raises
    ------
    ConfigError
        As of `require_site_folder`, or if another process writes it.
    StoreError
        If the disk is full or cannot be written to; what was there stays.
    """
    folder = folder.absolute()
    require_site_folder(folder)
    with disk_in_words(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    lock = folder.parent / f".{folder.name}.lock"
    busy = ConfigError(str(folder), "another report is written there", "Wait for it, or take another folder.")
    fresh = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}{FRESH}")
    with alone(lock, busy):
        try:
            with disk_in_words(folder):
                for left in folder.parent.glob(f".{folder.name}.*{FRESH}"):
                    if is_half_written(left.name, f".{folder.name}"):  # of a process that was killed
                        remove(left)
                fresh.mkdir()
                yield fresh
                names = sorted(one.as_posix() for one in files_of(fresh))
                (fresh / RECORD).write_text(json.dumps({"files": [*names, RECORD]}, indent=1) + "\n", encoding="utf-8")
                sync_tree(fresh)
                replace(fresh, folder)
        finally:
            with disk_in_words(folder):
                remove(fresh)
            with suppress(OSError):
                lock.unlink(missing_ok=True)


def _others(folder: Path) -> list[str]:
    """Return what no report wrote into a folder: files, or where it holds no record all that is in it, sorted."""
    recorded = _recorded(folder)
    found = {one.as_posix() for one in files_of(folder)} if recorded else {one.name for one in folder.iterdir()}
    return sorted(found - recorded)


def _recorded(folder: Path) -> set[str]:
    """Return the files that a report wrote there; none where it holds no record that can be read."""
    try:
        return {str(name) for name in json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()
