"""Files and folders as an export meets them on the disk: links, names of any bytes, sizes, hashes, replacement.

Add here what is done with an entry of a folder, whatever the export. Records and locks are `export_folder`'s.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path

FRESH = ".new"
"""Ends the name of what is being written, as in `nh_platform.store.durable`."""


def in_words(name: str) -> str:
    """Return the name of a file as text that can be printed and encoded, whatever its bytes are."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def is_linked(folder: Path, path: Path | str) -> bool:
    """Return whether a path from a folder is a link, or leads through one."""
    parts = Path(path).parts
    return any(folder.joinpath(*parts[: n + 1]).is_symlink() for n in range(len(parts)))


def replace(fresh: Path, final: Path) -> None:
    """Give what was written its name; what has it now, a folder or a link, is removed afterwards."""
    if not os.path.lexists(final):
        fresh.replace(final)
        return
    aside = final.with_name(f".{final.name}.{uuid.uuid4().hex[:8]}{FRESH}")
    final.replace(aside)
    try:
        fresh.replace(final)
    except OSError:
        aside.replace(final)
        raise
    with suppress(OSError):  # the next export removes it
        remove(aside)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it; nothing where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def regular_size(folder: Path, path: str) -> int | None:
    """Return the bytes of a file; None where it is none, or a link, or lies behind one."""
    there = folder / path
    return there.stat().st_size if there.is_file() and not is_linked(folder, path) else None


def files_of(written: Path) -> list[Path]:
    """Return the files of what was written, from there: ``.`` where it is a file itself."""
    if not written.is_dir():
        return [Path()]
    return sorted(one.relative_to(written) for one in written.rglob("*") if one.is_file())


def hashed(path: Path) -> tuple[int, str]:
    """Return the bytes of a file and its sha256, 64 hexadecimal digits."""
    with path.open("rb") as handle:
        return path.stat().st_size, hashlib.file_digest(handle, "sha256").hexdigest()
