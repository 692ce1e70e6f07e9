"""Upstream files as they were released, named by their content: ``<root>/<aa>/<md5>``, shared by sessions and sources.

A file gets its name only when its bytes have the md5 that upstream states, after they are on the disk: written beside
under a lock, synced, renamed. What is wrong three times goes to ``quarantine/``. Files that upstream states no md5 of
are named by the md5 that came (*weak*), found again by a key of the source's choice.

Add here what is kept of raw files. The transfer itself is `transfers`; many files at once is `raw_batches`; where a
file lies upstream is each source's matter.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from filelock import FileLock, Timeout

from nh_platform.downloads.hashes import file_hash, is_md5
from nh_platform.downloads.remote_bytes import Opener
from nh_platform.downloads.requests import RawFile, RawRequest, not_transferred, problem_of
from nh_platform.downloads.transfers import (
    Cancelled,
    NotTransferred,
    OnBytes,
    PartialFile,
    RetryPolicy,
    Transferred,
    WrongContent,
    transfer,
)
from nh_platform.session import BadUpstreamData, NhError, StoreError
from nh_platform.store.durable import sync_folder, write_durably

SPARE_BYTES = 64 << 20
"""Space that downloads leave free: Dagster's history and the assets are written to the same disk."""

QUARANTINE = "quarantine"
_WEAK = "weak"
_LOCKS = ".locks"
_LOCK_DIGITS = 3  # 4,096 lock files at most; two files that share one merely wait for each other
_LOCK_POLL_S = 1.0


class RawFiles:
    """The raw files under one folder; several processes and threads may use it at once.

    Parameters
    ----------
    root
        Folder; made when first written to.
    policy
        Attempts and waits of downloads.
    keep_wrong
        Keep files with a wrong content in ``quarantine/``, for a person to look at; otherwise they are removed.

    Examples
    --------
    >>> raw = RawFiles("data/raw")
    >>> raw.path("d41d8cd98f00b204e9800998ecf8427e").as_posix()
    'data/raw/d4/d41d8cd98f00b204e9800998ecf8427e'
    """

    def __init__(self, root: Path | str, policy: RetryPolicy | None = None, keep_wrong: bool = True) -> None:
        self.root, self.keep_wrong = Path(root), keep_wrong
        self.policy = policy or RetryPolicy()
        self._checked: dict[str, tuple[int, int, int]] = {}
        self._unreachable: set[str] = set()

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
            stat = path.stat()
        except FileNotFoundError:
            return None
        seen = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if self._checked.get(md5) != seen:
            actual = file_hash(path)
            if actual != md5:
                self._quarantine(path, md5, actual, "its content changed on this disk", ())
                return None
            self._checked[md5] = seen
        return path

    def find(self, request: RawRequest) -> RawFile | None:
        """Return the file of a request, verified as by `get`; None where there is none."""
        md5 = request.md5 or self._weak_md5(request)
        path = None if md5 is None else self.get(md5)
        if md5 is None or path is None:
            return None
        return RawFile(path, md5, path.stat().st_size, is_weak=request.md5 is None)

    def holds(self, request: RawRequest) -> bool:
        """Return whether the file of a request is there, without hashing it; for counts and plans."""
        md5 = request.md5 or self._weak_md5(request)
        return md5 is not None and self.path(md5).exists()

    def fetch(
        self,
        request: RawRequest,
        openers: Sequence[Opener],
        on_bytes: OnBytes | None = None,
        stop: Event | None = None,
    ) -> RawFile:
        """Return the file of a request, downloading it if it is not there.

        Of several processes that want the same file one downloads it and the others wait. What came before a failure
        or a kill is kept beside as ``<md5>.part`` and resumed where the server can.

        Parameters
        ----------
        request
            The file.
        openers
            Places to get it from, in the order of preference.
        on_bytes
            Told how many bytes came; negative where they were of no use.
        stop
            Set by another thread to end the download.

        Raises
        ------
        BadUpstreamData
            If no place has the file or answers, or every answer was wrong; the text names the file, and both hashes.
        StoreError
            If the disk is full or cannot be written; nothing was published.
        Cancelled
            If ``stop`` was set.
        """
        found = self.find(request)
        if found is not None:
            return found
        try:
            with self._alone(request, stop):
                return self.find(request) or self._download(request, openers, on_bytes, stop)
        except OSError as error:
            raise self._disk_trouble(request, error) from error

    def require_space(self, n_bytes: float, what: str) -> None:
        """Check that the disk has room for so many bytes more.

        Raises
        ------
        StoreError
            If it has not; the text says how much is missing.
        """
        free = shutil.disk_usage(_existing(self.root)).free
        if n_bytes + SPARE_BYTES > free:
            raise StoreError(
                what,
                f"{_size(n_bytes)} are to be downloaded to {self.root}, and only {_size(free)} are free there"
                f" ({_size(SPARE_BYTES)} are left to the rest)",
                "Free space, fetch fewer sessions, or name a folder on a larger disk (`raw_dir`).",
            )

    def _download(
        self, request: RawRequest, openers: Sequence[Opener], on_bytes: OnBytes | None, stop: Event | None
    ) -> RawFile:
        path = self._part_path(request)
        path.parent.mkdir(parents=True, exist_ok=True)
        there = path.stat().st_size if path.exists() else 0
        self.require_space(max((request.size or 0) - there, 0), request.label)
        try:
            with PartialFile(path) as part:
                got = transfer(
                    openers,
                    part,
                    lambda came: problem_of(request, came),
                    self.policy,
                    on_bytes,
                    stop,
                    self._unreachable,
                )
                part.sync()
        except WrongContent as wrong:
            kept = self._quarantine(path, request.identity, wrong.got.md5, wrong.problem, wrong.addresses)
            raise BadUpstreamData(
                request.label,
                f"{wrong.problem}, in {self.policy.attempts} tries",
                (f"The last is kept as {kept}. " if kept else "")
                + "If upstream replaced the file, sync the source; otherwise try later.",
            ) from wrong
        except NotTransferred as failure:
            raise not_transferred(request, failure) from failure
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                path.unlink(missing_ok=True)  # what fills the disk would hold up everything else that writes there
            raise
        return self._publish(request, path, got)

    def _publish(self, request: RawRequest, part: Path, got: Transferred) -> RawFile:
        final = self.path(got.md5)
        final.parent.mkdir(parents=True, exist_ok=True)
        part.chmod(0o444)
        os.replace(part, final)
        sync_folder(final.parent)
        stat = final.stat()
        self._checked[got.md5] = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if request.md5 is None:
            record = {"key": request.weak_key, "label": request.label, "md5": got.md5, "size": got.size}
            index = self._weak_path(request)
            index.parent.mkdir(parents=True, exist_ok=True)
            write_durably(index, (json.dumps(record, indent=1, sort_keys=True) + "\n").encode())
        return RawFile(final, got.md5, got.size, is_weak=request.md5 is None)

    def _quarantine(
        self, path: Path, expected: str, actual: str, problem: str, addresses: Sequence[str]
    ) -> Path | None:
        """Move a wrong file aside with a note beside it, and return its new place if it is kept."""
        if not self.keep_wrong:
            path.unlink()
            return None
        folder = self.root / QUARANTINE
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / f"{expected}.{actual}"
        os.replace(path, kept)
        note = {"expected": expected, "md5": actual, "problem": problem, "addresses": list(addresses)}
        write_durably(kept.with_name(f"{kept.name}.json"), (json.dumps(note, indent=1) + "\n").encode())
        return kept

    @contextmanager
    def _alone(self, request: RawRequest, stop: Event | None) -> Iterator[None]:
        """Hold the lock of a file; the system releases it when a process is killed."""
        folder = self.root / _LOCKS
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / request.identity[:_LOCK_DIGITS])
        while True:
            if stop is not None and stop.is_set():
                raise Cancelled
            try:
                lock.acquire(timeout=_LOCK_POLL_S)
                break
            except Timeout:
                continue
        try:
            yield
        finally:
            lock.release()

    def _part_path(self, request: RawRequest) -> Path:
        whole = self._weak_path(request) if request.md5 is None else self.path(request.md5)
        return whole.with_name(f"{request.identity}.part")

    def _weak_path(self, request: RawRequest) -> Path:
        return self.root / _WEAK / request.identity[:2] / f"{request.identity}.json"

    def _weak_md5(self, request: RawRequest) -> str | None:
        try:
            record = json.loads(self._weak_path(request).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return str(record["md5"])

    def _disk_trouble(self, request: RawRequest, error: OSError) -> NhError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            found = f"the disk of {self.root} is full; nothing was published, and what was stored is unchanged"
        else:
            found = f"{self.root} cannot be written: {error.strerror or error}"
        return StoreError(request.label, found, "Free space or name another folder (`raw_dir`), and run it again.")


def _existing(folder: Path) -> Path:
    return folder if folder.exists() else _existing(folder.absolute().parent)


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.2f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.1f} MB"
