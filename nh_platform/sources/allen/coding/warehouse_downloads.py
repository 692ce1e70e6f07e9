"""One NWB file from the warehouse, whole or not at all, in the place where AllenSDK's cache keeps it.

Contains what makes a file complete, when a broken download may be resumed, and the record of what came
(``session_<id>.nwb.json``). Add here what is peculiar to files of the warehouse. What there is to fetch is `warehouse`.

AllenSDK writes into the final place, looks at neither status nor length of the answer and takes whatever lies there
for complete from then on, so a broken download stays. Here the bytes go beside, and get their name only when they are
as many as the server said and open as the session's file.

The warehouse states no hash, so nothing would tell a file that was put together from two versions of the same size. A
download is therefore resumed only where the server names the version (ETag, else Last-Modified) and only of that one
(If-Range); otherwise it begins again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from nh_platform.downloads.download_folder import DownloadFolder, Place
from nh_platform.downloads.hashes import file_hash
from nh_platform.downloads.remote_bytes import HttpOpener, Timeouts
from nh_platform.downloads.transfers import OnBytes, RetryPolicy
from nh_platform.session import BadUpstreamData
from nh_platform.sources.allen.coding.cache_folder import lfp_path, nwb_path
from nh_platform.sources.allen.coding.warehouse import WarehouseFile, served_version
from nh_platform.sources.nwb.nwb_file import open_nwb
from nh_platform.store.durable import write_durably

_VERSION_DIGITS = 12


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


class WarehouseDownloads(DownloadFolder):
    """AllenSDK's cache folder, filled from a warehouse.

    Parameters
    ----------
    root, retries
        The folder, and attempts and waits of downloads; see `DownloadFolder`.
    address
        The warehouse, scheme and host.
    timeouts
        Longest waits for a connection and for the next bytes.
    """

    def __init__(
        self, root: Path, address: str, retries: RetryPolicy | None = None, timeouts: Timeouts | None = None
    ) -> None:
        super().__init__(root, "root", retries)
        self.address, self.timeouts = address, timeouts or Timeouts()

    def path(self, file: WarehouseFile) -> Path:
        """Return where a file lies or would lie."""
        if file.probe_id:
            return lfp_path(self.root, file.session_id, file.probe_id)
        return nwb_path(self.root, file.session_id)

    def held(self, file: WarehouseFile) -> Fetched | None:
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

    def fetch(self, file: WarehouseFile, on_bytes: OnBytes | None = None) -> Fetched:
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

    def _taken_over(self, file: WarehouseFile) -> Fetched | None:
        """Record a file that AllenSDK, or a person, put there; remove it if it is not complete."""
        path = self.path(file)
        if not path.is_file() or _record_path(path).is_file():
            return None  # with a record it is another version, or changed since
        size = served_version(self.address, file.link).size or file.size
        if incompleteness(path, file, size) is not None:
            path.unlink()
            return None
        return _recorded(path, file.file_id, file_hash(path))

    def _downloaded(self, file: WarehouseFile, on_bytes: OnBytes | None) -> Fetched:
        path = self.path(file)
        served = served_version(self.address, file.link)
        size = served.size or file.size
        part = path.with_name(f"{path.name}.{_version_name(file.file_id, served.version)}.part")
        for left in path.parent.glob(f"{path.name}*.part"):
            if left != part:
                left.unlink()  # of a version that is not served any more
        server = HttpOpener(
            f"{self.address}/{file.link.lstrip('/')}",
            self.timeouts,
            version=served.version,
            resumes=served.version is not None,
        )
        place = Place(
            label=f"NWB file {path.name}",
            path=path,
            part=part,
            problem=lambda _: incompleteness(part, file, size),
            size=size,
            resumes=server.resumes,
            is_size_exact=True,
        )
        got = self.download(place, [server], on_bytes)
        return _recorded(path, file.file_id, got.md5)


def incompleteness(path: Path, of: WarehouseFile, size: int | None) -> str | None:
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
