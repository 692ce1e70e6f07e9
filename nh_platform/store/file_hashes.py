"""Sizes and hashes of stored files, taken when a version is published and compared when a file is opened.

Contains the comparison that every reader of the store goes through (`verified`): once per process and state of the
file. What is found damaged is noted beside the version, so that `nh status` counts it and it is made again. Add here
what every opened file needs; the formats are the codecs' matter.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nh_platform.session.errors import DamagedFile, StoreError
from nh_platform.store.damage_notes import damage_error, note_damage
from nh_platform.store.durable import LOST, read_regular, unreadable
from nh_platform.store.hashing import FileState, StoredFile, file_state, hash_file, hash_object, stored_names
from nh_platform.store.names import POINTER, PROVENANCE, STAGING, VERSION_DIGITS, place_of
from nh_platform.store.objects.address import is_in_bucket
from nh_platform.store.objects.cache_size import used
from nh_platform.store.objects.mirror import mirror_of
from nh_platform.store.records import is_there
from nh_platform.store.sealed import BrokenSeal, unseal_json, unseal_lines

STRAY = "it is not among the files that were published"

_VERSION_NAME = re.compile(r"[0-9a-f]{16}(-\d+)?")

_FETCHES = 2
_MOST_PARENTS = 6
"""Folders between a stored file and its version: one for stimulus modes today."""


_intact: dict[str, FileState] = {}
"""Files whose hash was compared by this process, each in the state in which it was."""


def verified(path: Path) -> Path:
    """Return the path of a stored file, once its bytes are known to be those that were published.

    The hash is compared on first opening per process, and again where the file was written since. A file that belongs
    to no published version is taken as it is.

    Raises
    ------
    DamagedFile
        If the bytes are others, or the record of its version cannot be read; it is noted beside the version.
    StoreError
        If it cannot be read for a reason that says nothing of its bytes.
    FileNotFoundError
        If its version was replaced meanwhile.
    """
    state = file_state(path)
    if is_in_bucket(path) and (version := _version_of(path)) is not None:
        used(version)
    if state is not None and _intact.get(str(path)) == state:
        return path
    version = _version_of(path)
    if version is None:
        return path
    record = stored_hashes(version)
    name = path.relative_to(version).as_posix()
    if name in record and is_in_bucket(path):
        _fetch_intact(version, name, record[name])
    elif name in record:
        compare(version, name, record[name])
    elif is_there(path) and not path.name.startswith("."):
        raise damaged(version, name, STRAY)
    return path


def is_stored(path: Path) -> bool:
    """Return whether a file is in the store, also where it was published and then lost: opening it names it.

    A file that a version may have or not is looked for with this: lost, it must not read as one that never was.

    Raises
    ------
    DamagedFile
        If it is not there and the record of its version cannot be read.
    """
    if is_there(path):
        return True
    version = _version_of(path)
    try:
        return version is not None and path.relative_to(version).as_posix() in stored_hashes(version)
    except FileNotFoundError:  # replaced meanwhile
        return False


def problems(version: Path) -> Iterator[DamagedFile]:
    """Compare every file of a version anew, and give what is damaged of it.

    Parameters
    ----------
    version
        Folder of a published version.
    """
    try:
        record = stored_hashes(version)
    except DamagedFile as error:
        yield error
        return
    for name, stated in record.items():
        try:
            compare(version, name, stated)
        except DamagedFile as error:
            yield error
    yield from (damaged(version, name, STRAY) for name in stray_files(version))


def stray_files(version: Path) -> list[str]:
    """Return the files of a version that are not among those that were published; hidden ones are of no account."""
    stated = stored_hashes(version)
    return [name for name in stored_names(version) if name not in stated and not Path(name).name.startswith(".")]


def require_intact(version: Path) -> None:
    """Compare every file of a version, those left out that this process compared already in the state they are in.

    Raises
    ------
    DamagedFile
        As of `verified`, for the first that differs.
    """
    for name, stated in stored_hashes(version).items():
        state = file_state(version / name)
        if state is None or _intact.get(str(version / name)) != state:
            (_fetch_intact if is_in_bucket(version) else compare)(version, name, stated)


def stored_hashes(version: Path) -> Mapping[str, StoredFile]:
    """Return the size and hash of every file of a version, by path from its folder, as its record states them.

    Raises
    ------
    DamagedFile
        If the record cannot be read.
    FileNotFoundError
        If the version was replaced meanwhile.
    """
    files = read_record(version)["files"]
    return {name: StoredFile(**stated) for name, stated in files.items()}


def read_record(version: Path) -> dict[str, Any]:
    """Return the content of the record of a version.

    Raises
    ------
    DamagedFile
        If it is not the bytes that were written, or is missing while the version counts.
    FileNotFoundError
        If the version was replaced meanwhile.
    """
    path = version / PROVENANCE
    try:
        if not is_in_bucket(path):
            _require_file(version, PROVENANCE)
        content = unseal_json(read_regular(path))
    except BrokenSeal as error:
        raise damaged(version, PROVENANCE, str(error)) from error
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not _is_current(version):
            raise
        raise _lost(version, PROVENANCE, error) from error
    stated = (content.get("source"), content.get("session_id"), content.get("asset"))
    if stated != (version.parents[2].name, version.parents[1].name, version.parent.name) and _is_current(version):
        # Folders that were swapped: intact, and of another session.
        raise damaged(version, PROVENANCE, f"it is the record of {stated[2]} of {stated[0]} session {stated[1]}")
    digits = str(content.get("data_version"))[:VERSION_DIGITS]
    if version.name != digits and not version.name.startswith(f"{digits}-"):
        raise damaged(version, PROVENANCE, f"it is the record of version {digits}")
    return content


def damaged(version: Path, name: str, found: str) -> DamagedFile:
    """Return the error that names a damaged file of a version, and note it beside the version if that still counts."""
    if _is_current(version):
        with contextlib.suppress(OSError):  # a store that may only be read is no less damaged
            note_damage(version, name, found)
    return damage_error(version / name, place_of(version), found)


def compare(version: Path, name: str, stated: StoredFile) -> None:
    """Compare a file of a version with the hash that its record states.

    Raises
    ------
    DamagedFile
        If it differs or cannot be read; it is noted beside the version.
    FileNotFoundError
        If the version was replaced meanwhile.
    """
    path = version / name
    state = file_state(path)
    try:
        if is_in_bucket(path):
            found = hash_object(path)
        else:
            _require_file(version, name)
            found = hash_file(path)
    except OSError as error:
        if error.errno == errno.ENOENT and not is_there(version):
            raise  # replaced meanwhile
        raise _lost(version, name, error) from error
    if found == stated:
        if state is not None and state == file_state(path) and not is_in_bucket(path):
            _intact[str(path)] = state
        return
    _intact.pop(str(path), None)
    raise _differs(version, name, found, stated)


def _fetch_intact(version: Path, name: str, stated: StoredFile) -> None:
    """Hold a file of a version in a bucket on this machine, its bytes those that were published.

    What this machine holds and is not intact is fetched again, and what came so a second time: only then is the object
    damaged.

    Raises
    ------
    DamagedFile, StoreError, FileNotFoundError
        As of `compare`.
    """
    path, mirror = version / name, mirror_of(version)
    found = None
    for afresh in (False, *(True,) * (_FETCHES - 1)):
        try:
            mirror.fetch(path, afresh=afresh)
            state, found = file_state(path), hash_file(path)
        except FileNotFoundError as error:
            if not mirror.is_there(version):
                raise  # replaced meanwhile
            if mirror.is_there(path):
                continue  # this machine needed the room
            raise _lost(version, name, error) from error
        if found == stated:
            if state is not None and state == file_state(path):
                _intact[str(path)] = state
            return
    path.unlink(missing_ok=True)
    _intact.pop(str(path), None)
    raise _differs(version, name, found, stated)


def _differs(version: Path, name: str, found: StoredFile | None, stated: StoredFile) -> DamagedFile:
    if found is None or found.size != stated.size:
        return damaged(version, name, f"it has {found.size if found else 0} bytes of {stated.size}")
    return damaged(version, name, "its bytes are not those that were published (their hash differs)")


def _require_file(version: Path, name: str) -> None:
    """Refuse what is no regular file: opening a FIFO would wait for ever."""
    if not stat.S_ISREG(os.stat(version / name).st_mode):
        raise damaged(version, name, "it is no regular file")


def _lost(version: Path, name: str, error: OSError) -> StoreError:
    """Return the error of a file that cannot be read: damage where the disk says so, else trouble that may pass.

    Too many open files, memory or a permission say nothing of the bytes: noted as damage they would have a session
    computed anew.
    """
    if error.errno in LOST:
        missing = error.errno == errno.ENOENT
        return damaged(version, name, "it is missing" if missing else f"it cannot be read: {error.strerror}")
    return unreadable(version / name, error)


def _version_of(path: Path) -> Path | None:
    """Return the folder of the published version that a file belongs to, None where it belongs to none."""
    for folder in list(path.parents)[:_MOST_PARENTS]:
        if folder.name.startswith(STAGING):
            return None
        if is_in_bucket(folder):  # nothing is asked of the bucket for what lies elsewhere
            if _VERSION_NAME.fullmatch(folder.name):
                return folder
            continue
        is_named_so = _VERSION_NAME.fullmatch(folder.name) and (folder.parent / POINTER).exists()
        if (folder / PROVENANCE).exists() or is_named_so:
            return folder
    return None


def _is_current(version: Path) -> bool:
    """Return whether the pointer beside a version names it, or is itself damaged."""
    try:
        return unseal_lines(read_regular(version.parent / POINTER)) == [version.name]
    except BrokenSeal:
        return True
    except OSError:
        return False
