"""One NWB file of Visual Coding, whole or not at all, in the place where AllenSDK's cache keeps it.

Contains what makes a file complete and the record of what came (``session_<id>.nwb.json``), whoever serves it. Add here
what holds for every server. What there is to fetch, and how it is asked for, is `warehouse_downloads` and `bucket`.

AllenSDK writes into the final place, looks at neither status nor length of the answer and takes whatever lies there
for complete from then on, so a broken download stays. Here the bytes go beside, and get their name only when they are
as many as the server said and open as the session's file.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from nh_platform.downloads.download_folder import DownloadFolder, Place
from nh_platform.downloads.hashes import file_hash
from nh_platform.downloads.remote_bytes import Opener
from nh_platform.downloads.transfers import OnBytes
from nh_platform.session import BadUpstreamData
from nh_platform.sources.allen.coding.cache_folder import lfp_path, nwb_path
from nh_platform.sources.nwb.nwb_file import open_nwb
from nh_platform.store.durable import write_durably

_VERSION_DIGITS = 12


@dataclass(frozen=True)
class ServedFile(ABC):
    """One NWB file as a server has it: a session's, or that with the LFP of a probe.

    Parameters
    ----------
    session_id
        The session.
    file_id
        What the server tells it from others by.
    link
        Path on the server.
    size
        Bytes that the server says it would send; None where it does not say.
    probe_id
        The probe whose LFP it has; empty of the session's own file.
    """

    session_id: str
    file_id: str
    link: str
    size: int | None
    probe_id: str = ""

    server: ClassVar[str]
    """Word for what serves it."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """What takes the place of the md5 in a manifest, since no server of these files states a hash."""


@dataclass(frozen=True)
class Fetched:
    """A session's file that is there.

    Parameters
    ----------
    path
        Where it lies.
    file_id
        What the server told it by.
    size, md5
        Of the bytes that came.
    """

    path: Path
    file_id: str
    size: int
    md5: str


@dataclass(frozen=True)
class Served:
    """How a server sends a file.

    Parameters
    ----------
    opener
        The file.
    size
        Bytes that it has; None where the server does not say.
    version
        What tells that what came before is of the same content; None where nothing does, and it begins again.
    """

    opener: Opener
    size: int | None
    version: str | None


class CodingDownloads(DownloadFolder):
    """AllenSDK's cache folder, filled from a server; see `DownloadFolder`."""

    @abstractmethod
    def served(self, file: ServedFile) -> Served:
        """Return how the server sends a file now."""

    @abstractmethod
    def beside(self, folder: Path) -> CodingDownloads:
        """Return the same server, filling another folder."""

    def path(self, file: ServedFile) -> Path:
        """Return where a file lies or would lie."""
        if file.probe_id:
            return lfp_path(self.root, file.session_id, file.probe_id)
        return nwb_path(self.root, file.session_id)

    def held(self, file: ServedFile) -> Fetched | None:
        """Return what was fetched of exactly this file before; None where it is to be fetched. Asks nobody.

        The size is looked at, the content is not: `Fetched.md5` is there to compare with.
        """
        path = self.path(file)
        try:
            record = json.loads(_record_path(path).read_text(encoding="utf-8"))
            fetched = Fetched(path, str(record["file_id"]), int(record["size"]), str(record["md5"]))
            size = path.stat().st_size
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return fetched if fetched.file_id == file.file_id and fetched.size == size else None

    def fetch(self, file: ServedFile, on_bytes: OnBytes | None = None) -> Fetched:
        """Return a file, downloaded if it is not there.

        A file that lies there without a record, as AllenSDK leaves it, is taken over if it is complete, and removed
        otherwise. Of several processes that want the same file one downloads it and the others wait.

        Parameters
        ----------
        file
            Which one.
        on_bytes
            Told of progress.

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
        path = self.path(file)
        with self.alone(f"NWB file {path.name}", path.with_name(f"{path.name}.lock")):
            return self.held(file) or self._taken_over(file) or self._downloaded(file, on_bytes)

    def _taken_over(self, file: ServedFile) -> Fetched | None:
        """Record a file that AllenSDK, or a person, put there; remove it if it is not complete."""
        path = self.path(file)
        if not path.is_file() or _record_path(path).is_file():
            return None  # with a record it is another version, or changed since
        if incompleteness(path, file, self.served(file).size) is not None:
            path.unlink()
            return None
        return _recorded(path, file.file_id, file_hash(path))

    def _downloaded(self, file: ServedFile, on_bytes: OnBytes | None) -> Fetched:
        path, served = self.path(file), self.served(file)
        part = path.with_name(f"{path.name}.{_version_name(file.file_id, served.version)}.part")
        for left in path.parent.glob(f"{path.name}*.part"):
            if left != part:
                left.unlink()  # of a version that is not served any more
        place = Place(
            label=f"NWB file {path.name}",
            path=path,
            part=part,
            problem=lambda _: incompleteness(part, file, served.size),
            size=served.size,
            resumes=served.version is not None,
            is_size_exact=True,
        )
        got = self.download(place, [served.opener], on_bytes)
        return _recorded(path, file.file_id, got.md5)


def incompleteness(path: Path, of: ServedFile, size: int | None) -> str | None:
    """Return why a file is not the whole NWB file of a session or probe, in words; None where it is.

    Parameters
    ----------
    path
        The file.
    of
        The file that it should be.
    size
        Bytes that the server says it has; None where it does not say. HDF5 tells a truncated file by itself, since it
        states its own end.
    """
    there = path.stat().st_size
    if size is not None and there != size:
        return f"{there} bytes are there and the server says {size}"
    try:
        with open_nwb(path) as nwb:
            holds, of_what, id_ = ("acquisition", "probe", of.probe_id) if of.probe_id else ("units", "session", "")
            if not nwb.has(holds):
                return f"it has no {holds}" + ("" if of.probe_id else " table")
            identifier = nwb.text("identifier")
            return None if identifier == (id_ or of.session_id) else f"it is the file of {of_what} {identifier}"
    except BadUpstreamData as error:
        return error.found


def _version_name(file_id: str, version: str | None) -> str:
    return hashlib.sha256(f"{file_id} {version}".encode()).hexdigest()[:_VERSION_DIGITS]


def _record_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _recorded(path: Path, file_id: str, md5: str) -> Fetched:
    """Write down what came, after it is in its place: a record never vouches for bytes that are not there."""
    fetched = Fetched(path, file_id, path.stat().st_size, md5)
    record = {"file_id": file_id, "md5": md5, "size": fetched.size}
    write_durably(_record_path(path), (json.dumps(record, indent=1, sort_keys=True) + "\n").encode())
    return fetched
