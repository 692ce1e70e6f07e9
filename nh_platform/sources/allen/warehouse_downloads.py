"""One session's NWB file from the warehouse, whole or not at all, in the place where AllenSDK's cache keeps it.

Contains the attempts, what makes a file complete, and the record of what came (``session_<id>.nwb.json``). Add here
what a transfer must survive. What there is to fetch is `warehouse_cache`; the bytes come through AllenSDK's own engine
(`nh_platform.sources.allen.sdk`).

AllenSDK writes into the final place, looks at neither status nor length of the answer and takes whatever lies there
for complete from then on, so a broken download stays. Here the bytes go beside, and get their name only when they are
as many as the server said and open as the session's file.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from nh_platform.session import BadUpstreamData, StoreError
from nh_platform.sources.allen import sdk
from nh_platform.sources.allen.file_content import content_md5
from nh_platform.sources.allen.nwb import open_nwb
from nh_platform.sources.allen.stall_guard import Stalled, while_coming
from nh_platform.sources.allen.warehouse import nwb_path
from nh_platform.sources.allen.warehouse_cache import MANIFEST, WarehouseFile, served_size
from nh_platform.store.durable import sync_folder, write_durably

SPARE_BYTES = 64 << 20
"""Space that a download leaves free: Dagster's history and the assets may be on the same disk."""

TRANSFER_TIMEOUT_S = 24 * 3600
"""AllenSDK would end any download after 20 minutes; 3 GB need 2.5 MB/s for that. Stalls are what is watched here."""


@dataclass(frozen=True)
class Fetched:
    """A session's file that is there.

    Parameters
    ----------
    path
        Where it lies.
    file_id
        Id of the well-known file that it is.
    size, md5
        Of the bytes that came.
    """

    path: Path
    file_id: str
    size: int
    md5: str


@dataclass(frozen=True)
class Attempts:
    """How often and with what waits a download is tried.

    Parameters
    ----------
    tries
        Tries of a file before giving up.
    wait_s
        Seconds before the second try, doubled each time.
    stall_s
        Longest wait for the next bytes.
    """

    tries: int = 3
    wait_s: float = 1.0
    stall_s: float = 60.0


@dataclass(frozen=True)
class WarehouseDownloads:
    """Downloads from a warehouse into a folder.

    Parameters
    ----------
    root
        The folder, AllenSDK's cache.
    address
        The warehouse, scheme and host.
    attempts
        How often a file is tried.
    """

    root: Path
    address: str = sdk.WAREHOUSE
    attempts: Attempts = Attempts()

    def path(self, session_id: str) -> Path:
        """Return where a session's file lies or would lie."""
        return nwb_path(self.root, session_id)

    def held(self, file: WarehouseFile) -> Fetched | None:
        """Return what was fetched of exactly this file before; None where it is to be fetched. Asks nobody.

        The size is looked at, the content is not: `Fetched.md5` is there to compare with.
        """
        path = self.path(file.session_id)
        try:
            record = json.loads(_record_path(path).read_text(encoding="utf-8"))
            fetched = Fetched(path, str(record["file_id"]), int(record["size"]), str(record["md5"]))
            size = path.stat().st_size
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return fetched if fetched.file_id == file.file_id and fetched.size == size else None

    def fetch(self, file: WarehouseFile) -> Fetched:
        """Return a session's file, downloaded if it is not there.

        A file that lies there without a record, as AllenSDK leaves it, is taken over if it is complete, and removed
        otherwise. Of several processes that want the same file one downloads it and the others wait.

        Raises
        ------
        BadUpstreamData
            If it did not come whole in all tries; the text names the file and what was wrong last.
        StoreError
            If the disk is full.
        """
        found = self.held(file)
        if found is not None:
            return found
        path = self.path(file.session_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f"{path.name}.lock")):
            return self.held(file) or self._taken_over(file) or self._downloaded(file)

    def _taken_over(self, file: WarehouseFile) -> Fetched | None:
        """Record a file that AllenSDK, or a person, put there; remove it if it is not complete."""
        path = self.path(file.session_id)
        if not path.is_file() or _record_path(path).is_file():
            return None  # with a record it is another version, or changed since
        size = served_size(self.address, file.link) or file.size
        if incompleteness(path, file.session_id, size) is not None:
            path.unlink()
            return None
        return _recorded(path, file.file_id, content_md5(path))

    def _downloaded(self, file: WarehouseFile) -> Fetched:
        path = self.path(file.session_id)
        part = path.with_name(f"{path.name}.part")
        problem = ""
        for attempt in range(self.attempts.tries):
            if attempt:
                time.sleep(self.attempts.wait_s * 2 ** (attempt - 1))
            size = served_size(self.address, file.link) or file.size
            _require_space(part, path.name, size)
            try:
                md5 = self._write(part, file)
                found = incompleteness(part, file.session_id, size)
                if found is None:
                    os.replace(part, path)
                    sync_folder(path.parent)
                    return _recorded(path, file.file_id, md5)
                problem = found
            except BadUpstreamData as error:
                problem = error.found
            finally:
                part.unlink(missing_ok=True)
        raise BadUpstreamData(
            f"NWB file {path.name}",
            f"it did not come whole from {self.address} (well-known file {file.file_id}), in {self.attempts.tries} "
            f"tries: {problem}",
            "Try again later; what was there before is unchanged.",
        )

    def _write(self, part: Path, file: WarehouseFile) -> str:
        """Write what the warehouse sends and return its md5."""
        digest = hashlib.md5(usedforsecurity=False)
        try:
            with part.open("wb") as handle:
                for chunk in self._chunks(file):
                    handle.write(chunk)
                    digest.update(chunk)
                handle.flush()
                os.fsync(handle.fileno())
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise _disk_full(part, self.path(file.session_id).name, "the disk is full") from error
        return digest.hexdigest()

    def _chunks(self, file: WarehouseFile) -> Iterator[bytes]:
        cache = sdk.warehouse_cache(self.root / MANIFEST, self.address, TRANSFER_TIMEOUT_S)
        try:
            yield from while_coming(
                sdk.stream_warehouse_file(cache, self.address, file.link), wait_s=self.attempts.stall_s
            )
        except Stalled as error:
            raise BadUpstreamData(f"warehouse {self.address}", str(error), "Try again later.") from error


def incompleteness(path: Path, session_id: str, size: int | None) -> str | None:
    """Return why a file is not the whole NWB file of a session, in words; None where it is.

    Parameters
    ----------
    path
        The file.
    session_id
        The session that it should be of.
    size
        Bytes that the server says it has; None where it does not say. HDF5 tells a truncated file by itself, since it
        states its own end.
    """
    there = path.stat().st_size
    if size is not None and there != size:
        return f"{there} bytes are there and the server says {size}"
    try:
        with open_nwb(path) as nwb:
            if not nwb.has("units"):
                return "it has no units table"
            identifier = nwb.text("identifier")
            return None if identifier == session_id else f"it is the file of session {identifier}"
    except BadUpstreamData as error:
        return error.found


def _record_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _recorded(path: Path, file_id: str, md5: str) -> Fetched:
    """Write down what came, after it is in its place: a record never vouches for bytes that are not there."""
    fetched = Fetched(path, file_id, path.stat().st_size, md5)
    record = {"file_id": file_id, "md5": md5, "size": fetched.size}
    write_durably(_record_path(path), (json.dumps(record, indent=1, sort_keys=True) + "\n").encode())
    return fetched


def _require_space(part: Path, name: str, size: int | None) -> None:
    free = shutil.disk_usage(part.parent).free
    if size is not None and size + SPARE_BYTES > free:
        raise _disk_full(part, name, f"{size / 1e9:.2f} GB are to be downloaded and {free / 1e9:.2f} GB are free")


def _disk_full(part: Path, name: str, found: str) -> StoreError:
    return StoreError(f"NWB file {name}", f"{found} in {part.parent}", "Free space, or name another folder (`root`).")
