"""Upstream files as they were released, named by their content: ``<root>/<aa>/<md5>``, shared by sessions and sources.

A file whose content is wrong three times goes to ``quarantine/``. Files that upstream states no md5 of are named by the
md5 that came (*weak*), found again by a key of the source's choice.

Add here what is kept of raw files. The download itself is `download_folder`; many files at once is `batches`; raw files
in a bucket are `in_buckets`; where a file lies upstream is each source's matter.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from nh_platform.downloads.download_folder import DownloadFolder, Place
from nh_platform.downloads.hashes import file_hash, is_md5
from nh_platform.downloads.remote_bytes import Opener
from nh_platform.downloads.transfers import OnBytes, RetryPolicy, Transferred, WrongContent
from nh_platform.session import BadUpstreamData
from nh_platform.store.durable import write_durably

QUARANTINE = "quarantine"
WEAK, LOCKS = "weak", ".locks"
_LOCK_DIGITS = 3  # 4,096 lock files at most; two files that share one merely wait for each other


@dataclass(frozen=True)
class RawRequest:
    """One upstream file that is wanted.

    Parameters
    ----------
    label
        What a person calls it, for example ``session …, file alf/licks.times.npy``.
    md5
        md5 that upstream states, in lower-case hexadecimal digits; None where it states none.
    size
        Size in bytes that upstream states. Never identity: of files with an md5 it only serves the check of disk
        space and the progress bar (Alyx states 22 MB for files of 138 MB). Of files without it must be right.
    weak_key
        Without md5: what tells this file from every other and from other versions of itself, as far as upstream says.
    """

    label: str
    md5: str | None
    size: int | None = None
    weak_key: str | None = None

    def __post_init__(self) -> None:
        if self.md5 is None and not self.weak_key:
            raise ValueError(f"{self.label}: a file without md5 needs a weak_key")

    @property
    def identity(self) -> str:
        """The md5, or the sha256 of the weak key."""
        return self.md5 if self.md5 is not None else hashlib.sha256(str(self.weak_key).encode()).hexdigest()

    def problem(self, came: Transferred) -> str | None:
        """Return what is wrong with a whole answer; None where nothing is."""
        if self.md5 is not None:
            return None if came.md5 == self.md5 else f"md5 of the content is {came.md5}, upstream states {self.md5}"
        if self.size is not None and came.size != self.size:
            return f"{came.size} bytes came (md5 {came.md5}), upstream states {self.size} and no md5"
        return None


@dataclass(frozen=True)
class RawFile:
    """One raw file that is there.

    Parameters
    ----------
    path
        Where it lies, read-only.
    md5, size
        Of its content.
    """

    path: Path
    md5: str
    size: int


class RawFiles(DownloadFolder):
    """The raw files under one folder.

    Parameters
    ----------
    root, retries
        The folder, and attempts and waits of downloads; see `DownloadFolder`.
    setting
        Name of the setting that names it.
    keep_wrong
        Keep files with a wrong content in ``quarantine/``, for a person to look at; otherwise they are removed.

    Examples
    --------
    >>> raw = RawFiles("data/raw")
    >>> raw.path("d41d8cd98f00b204e9800998ecf8427e").as_posix()
    'data/raw/d4/d41d8cd98f00b204e9800998ecf8427e'
    """

    def __init__(
        self,
        root: Path | str,
        retries: RetryPolicy | None = None,
        keep_wrong: bool = True,
        setting: str = "raw_dir",
    ) -> None:
        super().__init__(root, setting, retries)
        self.keep_wrong = keep_wrong
        self._checked: dict[str, tuple[int, int, int]] = {}

    def path(self, md5: str) -> Path:
        """Return where the file with this md5 lies, whether or not it is there.

        Raises
        ------
        BadUpstreamData
            If the text is not an md5; it must not become part of a path.
        """
        if not is_md5(md5):
            raise BadUpstreamData(f"md5 {md5!r}", "it is not 32 lower-case hexadecimal digits", "Run `nh sync` again.")
        return self.root / md5[:2] / md5

    def get(self, md5: str) -> Path | None:
        """Return the file with this md5, hashed once per process and change; None where there is none.

        A file whose content changed on the disk goes to quarantine, and is not there any more.
        """
        path = self.path(md5)
        try:
            seen = file_state(path)
        except FileNotFoundError:
            return None
        if self._checked.get(md5) != seen:
            actual = file_hash(path)
            if actual != md5:
                self.set_aside(path, WrongContent(Transferred(actual, seen[1]), "its content changed on this disk", ()))
                return None
            self._checked[md5] = seen
        return path

    def find(self, request: RawRequest) -> RawFile | None:
        """Return the file of a request, verified as by `get`; None where there is none."""
        md5 = request.md5 or self._weak_md5(request)
        path = None if md5 is None else self.get(md5)
        return None if md5 is None or path is None else RawFile(path, md5, path.stat().st_size)

    def find_all(self, requests: Mapping[str, RawRequest]) -> dict[str, RawFile | None]:
        """Return the files of many requests, by their keys, each as by `find`."""
        return {key: self.find(request) for key, request in requests.items()}

    @contextmanager
    def staying(self, files: Mapping[str, Path]) -> Iterator[Mapping[str, Path]]:
        """Give files under names under which they stay until the end."""
        yield files

    def holds(self, request: RawRequest) -> bool:
        """Return whether the file of a request is there, without hashing it; for counts and plans."""
        return self.place(request) is not None

    def place(self, request: RawRequest) -> Path | None:
        """Return where the file of a request lies, without hashing it; for plans, and files of many GB."""
        md5 = request.md5 or self._weak_md5(request)
        path = None if md5 is None else self.path(md5)
        return path if path is not None and path.exists() else None

    def fetch(
        self,
        request: RawRequest,
        servers: Sequence[Opener],
        on_bytes: OnBytes | None = None,
        stop: Event | None = None,
    ) -> RawFile:
        """Return the file of a request, downloaded if it is not there; as of `DownloadFolder.download`.

        Of several processes that want the same file one downloads it and the others wait. What came before a failure
        or a kill is kept beside as ``<md5>.part`` and resumed where the server can.
        """
        found = self.find(request)
        if found is not None:
            return found
        with self.alone(request.label, self.root / LOCKS / request.identity[:_LOCK_DIGITS], stop):
            return self.find(request) or self._fetch(request, servers, on_bytes, stop)

    def set_aside(self, part: Path, wrong: WrongContent) -> Path | None:
        """Move a wrong file to quarantine with a note beside it, and return its new place if it is kept."""
        if not self.keep_wrong:
            return super().set_aside(part, wrong)
        folder = self.root / QUARANTINE
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / f"{part.stem}.{wrong.got.md5}"
        os.replace(part, kept)
        note = {"expected": part.stem, "md5": wrong.got.md5, "problem": wrong.problem, "addresses": wrong.addresses}
        write_durably(kept.with_name(f"{kept.name}.json"), (json.dumps(note, indent=1) + "\n").encode())
        return kept

    def _fetch(
        self, request: RawRequest, servers: Sequence[Opener], on_bytes: OnBytes | None, stop: Event | None
    ) -> RawFile:
        beside = self._weak_path(request) if request.md5 is None else self.path(request.md5)
        part = beside.with_name(f"{request.identity}.part")
        place = Place(request.label, self.path, part, request.problem, request.size, is_size_exact=request.md5 is None)
        got = self.download(place, servers, on_bytes, stop)
        path = self.path(got.md5)
        path.chmod(0o444)
        self._checked[got.md5] = file_state(path)
        if request.md5 is None:
            record = {"key": request.weak_key, "label": request.label, "md5": got.md5, "size": got.size}
            write_durably(beside, (json.dumps(record, indent=1, sort_keys=True) + "\n").encode())
        return RawFile(path, got.md5, got.size)

    def _weak_path(self, request: RawRequest) -> Path:
        return self.root / WEAK / request.identity[:2] / f"{request.identity}.json"

    def _weak_md5(self, request: RawRequest) -> str | None:
        try:
            record = json.loads(self._weak_path(request).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return str(record["md5"])


def file_state(path: Path) -> tuple[int, int, int]:
    """Return what tells whether a file was touched since it was hashed."""
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def stored_raw_files(root: Path) -> list[Path]:
    """Return the raw files below a folder that are named by an md5 which upstream states, sorted.

    Those that upstream states none of are left out: nothing but their key tells that they are still wanted.
    """
    weak = {note.read_text(encoding="utf-8") for note in weak_notes(root)}
    found = (path for path in root.glob("[0-9a-f][0-9a-f]/*") if is_md5(path.name))
    return sorted(path for path in found if not any(path.name in text for text in weak))


def weak_notes(root: Path) -> list[Path]:
    """Return the records that name the raw files of which upstream states no md5, sorted."""
    return sorted((root / WEAK).glob("*/*.json"))
