"""Zip files of others: what is in one is looked at before anything of it is unpacked.

Contains the look, and the unpacking of chosen members under their own plain names. Tar files are read nowhere. Add here
another way in which an archive may do harm. What a member means is the reader's matter.
"""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path

from nh_platform.session import BadUpstreamData
from nh_platform.session.display import counted

MOST_MEMBERS = 1_000
"""Most members of an archive; the ONE tables are 4, an npz some dozens."""

MOST_BYTES = 8 << 30
"""Most bytes that an archive may unpack to; the tables of the Brain-wide Map have 0.1 GB."""

MOST_RATIO = 200
"""Most bytes that one byte of an archive may unpack to. Parquet tables are compressed already; a bomb has 1,000, the
most that deflate can."""

FREE_BYTES = 16 << 20
"""An archive that unpacks to less than this does no harm, whatever its ratio."""

ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)
"""What Python's zipfile raises on a truncated or altered zip file, depending on where it was hit."""

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")


def archive_problem(path: Path, *, most_bytes: int = MOST_BYTES, most_ratio: int | None = MOST_RATIO) -> str | None:
    """Return why a zip file is not taken apart, in words; None where it may be.

    Refused are members with absolute paths, with ``..``, of other kinds than files and folders (links, devices), of one
    name twice, too many of them, encrypted ones, and what unpacks to too much.

    Parameters
    ----------
    path
        The archive.
    most_bytes
        Most bytes that all members may unpack to.
    most_ratio
        The same in bytes of the archive, from `FREE_BYTES` on; None where repeated rows may rightly be so many.
    """
    try:
        with zipfile.ZipFile(path) as zipped:
            members = zipped.infolist()
    except ZIP_ERRORS as error:
        return f"not a whole zip file: {error}"
    if len(members) > MOST_MEMBERS:
        return f"{len(members)} members, and {MOST_MEMBERS} are the most that is unpacked"
    names: set[str] = set()
    for one in members:
        if trouble := _member_trouble(one, names):
            return f"member {one.filename[:100]!r} {trouble}"
        names.add(one.filename)
    unpacked, size = sum(one.file_size for one in members), path.stat().st_size
    if unpacked > most_bytes:
        return f"it unpacks to {unpacked} bytes, and {most_bytes} are the most that is unpacked"
    if most_ratio is not None and unpacked > max(FREE_BYTES, most_ratio * size):
        return f"{size} bytes that unpack to {unpacked}, more than {most_ratio} times as many"
    return None


def unpack(path: Path, names: Collection[str], folder: Path, what: str) -> list[Path]:
    """Write members of a zip file into a folder, under their names, and return where they lie.

    Parameters
    ----------
    path
        The archive.
    names
        The members; plain file names, without folders.
    folder
        Where they go; a file that is there is not replaced.
    what
        What a person calls the archive.

    Raises
    ------
    BadUpstreamData
        If the archive is not taken apart (`archive_problem`), a name is not plain, or a member is damaged.
    """
    if problem := archive_problem(path):
        raise BadUpstreamData(what, problem, "Report it to whoever serves it; nothing of it was unpacked.")
    if odd := sorted(name for name in names if not _PLAIN.fullmatch(name)):
        found = f"{counted(len(odd), 'member')} without a plain file name: {odd[0][:100]!r}"
        raise BadUpstreamData(what, found, "Report it to whoever serves it; nothing of it was unpacked.")
    written = []
    try:
        with zipfile.ZipFile(path) as zipped:
            for name in sorted(names):
                with zipped.open(name) as member, (folder / name).open("xb") as file:
                    shutil.copyfileobj(member, file)
                written.append(folder / name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadUpstreamData(what, f"it is damaged: {error}", "Download it again.") from error
    return written


def _member_trouble(one: zipfile.ZipInfo, names: set[str]) -> str | None:
    parts = one.filename.replace("\\", "/").split("/")
    if one.filename.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", one.filename):
        return "has an absolute path"
    if ".." in parts:
        return "leads out of the archive's folder"
    kind = stat.S_IFMT(one.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link" if kind == stat.S_IFLNK else "is no file"
    if one.flag_bits & 1:
        return "is encrypted"
    if one.filename in names:
        return "is there twice"
    return None
