"""A folder that files are downloaded to: each whole and right or not at all, resumed where it broke.

Contains where one file goes, and the one way of a download: room on the disk, transfer beside, check, sync, rename. Add
here what holds for every downloaded file. What names a file is said by its user: `raw_files` by the content, Allen's
sources by the places of AllenSDK's caches, which would not find them elsewhere.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from filelock import FileLock, Timeout

from nh_platform.downloads.pace import QuietHours
from nh_platform.downloads.remote_bytes import Opener
from nh_platform.downloads.transfers import (
    SPARE_BYTES,
    Cancelled,
    OnBytes,
    PartialFile,
    RetryPolicy,
    TransferFailed,
    Transferred,
    WrongContent,
    transfer,
)
from nh_platform.session import StoreError, UpstreamTrouble
from nh_platform.store.durable import sync_folder
from nh_platform.store.objects.address import shown

_FULL = (errno.ENOSPC, errno.EDQUOT)

TIMES_STATED = 10
"""Times the stated size that a file with a hash may have: Alyx states 22 MB for files of 138 MB."""
LEAST_LIMIT_BYTES = 1 << 20
"""Bytes up to which a file with a hash may come whatever size is stated."""


@dataclass(frozen=True)
class Place:
    """Place that one file goes to, and what tells it from a wrong one.

    Parameters
    ----------
    label
        What a person calls the file.
    path
        Where it goes; a function of its md5 where that is what names it.
    part
        Where it grows until it is whole; taken over from a process that was killed.
    problem
        What is wrong with a whole answer, which is in ``part``; None where nothing is.
    size
        Bytes as upstream states them, for the check of space.
    resumes
        Whether what came before is of use for the next try; removed otherwise.
    is_size_exact
        Whether a file of another size is wrong; where a hash tells, the size need not be right.
    most
        Bytes above which an answer is cut off where upstream states no size; none where None.
    rests
        Whether it keeps to the quiet hours; not a question of some bytes, which a look at what is new asks.
    """

    label: str
    path: Path | Callable[[str], Path]
    part: Path
    problem: Callable[[Transferred], str | None]
    size: int | None = None
    resumes: bool = True
    is_size_exact: bool = False
    most: int | None = None
    rests: bool = True

    @property
    def most_bytes(self) -> int | None:
        """Bytes above which an answer is cut off; None where it may have any size."""
        if self.size is None:
            return self.most
        if self.is_size_exact:
            return self.size
        return max(TIMES_STATED * self.size, LEAST_LIMIT_BYTES)


class DownloadFolder:
    """A folder for downloads; several processes and threads may use it at once.

    Parameters
    ----------
    root
        The folder; made when first written to.
    setting
        Name of the setting that names it, for error texts.
    retries
        Attempts and waits of downloads.
    """

    passes_through = False
    """Whether files go on from this disk, so that it needs room for those of one session alone."""

    def __init__(self, root: Path | str, setting: str, retries: RetryPolicy | None = None) -> None:
        self.root, self.setting, self.retries = Path(root), setting, retries or RetryPolicy()
        self._unreachable: set[str] = set()

    def require_space(self, n_bytes: float, what: str) -> None:
        """Check that the disk has room for so many bytes more.

        Raises
        ------
        StoreError
            If it has not; the text says how much is missing.
        """
        there = self.root.absolute()
        while not there.exists():
            there = there.parent
        free = shutil.disk_usage(there).free
        if n_bytes + SPARE_BYTES > free:
            raise StoreError(
                what,
                f"{_size(n_bytes)} are to be downloaded to {self.root}, and only {_size(free)} are free there"
                f" ({_size(SPARE_BYTES)} are left to the rest)",
                f"Free space, fetch fewer sessions, or name a folder on a larger disk (`{self.setting}`).",
            )

    @contextmanager
    def alone(self, label: str, lock: Path, stop: Event | None = None) -> Iterator[None]:
        """Write files while no other process or thread does; a lock is released when its process is killed.

        Parameters
        ----------
        label
            What a person calls the files.
        lock
            File that is locked; other locks are not waited for.
        stop
            Set by another thread to end the wait.

        Raises
        ------
        Cancelled
            If ``stop`` was set while another process held the lock.
        StoreError
            If the disk is full or cannot be written.
        """
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(lock).acquire(cancel_check=None if stop is None else stop.is_set):
                yield
        except Timeout:
            raise Cancelled from None
        except OSError as error:
            if error.errno in _FULL:
                found = f"the disk of {self.root} is full; nothing was published, and what was stored is unchanged"
            else:
                found = f"{self.root} cannot be written: {error.strerror or error}"
            action = f"Free space or name another folder (`{self.setting}`), and run it again."
            raise StoreError(label, found, action) from error

    def download(
        self, place: Place, servers: Sequence[Opener], on_bytes: OnBytes | None = None, stop: Event | None = None
    ) -> Transferred:
        """Download a file, inside of `alone`; it gets its name after its bytes are on the disk.

        Parameters
        ----------
        place
            Where it goes.
        servers
            Where it can be had, in the order of preference.
        on_bytes
            Told how many bytes came; negative where they were of no use.
        stop
            Set by another thread to end the download.

        Raises
        ------
        BadUpstreamData
            If no server has the file or answers, or every answer was wrong; the text says what was wrong last.
        ConfigError
            If the pace of downloads cannot be read from the environment.
        StoreError
            If the disk has not the room; nothing is downloaded then.
        Cancelled
            If ``stop`` was set; what came is kept.
        OSError
            If the disk is full or cannot be written, which `alone` explains.
        """
        place.part.parent.mkdir(parents=True, exist_ok=True)
        if not place.resumes:
            place.part.unlink(missing_ok=True)
        there = place.part.stat().st_size if place.part.exists() else 0
        self.require_space(max((place.size or 0) - there, 0), place.label)
        try:
            with PartialFile(place.part) as part:
                got = transfer(
                    servers,
                    part,
                    place.problem,
                    self.retries,
                    on_bytes,
                    stop,
                    self._unreachable,
                    place.most_bytes,
                    place.rests,
                )
                part.sync()
            path = place.path if isinstance(place.path, Path) else place.path(got.md5)
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(place.part, path)
            sync_folder(path.parent)
        except WrongContent as wrong:
            kept = self.set_aside(place.part, wrong)
            raise UpstreamTrouble(
                place.label,
                f"it did not come whole from {', '.join(wrong.addresses)}, in {self.retries.attempts} tries: "
                f"{wrong.problem}",
                (f"The last is kept as {shown(kept)}. " if kept else "Nothing of it is kept. ")
                + "If upstream replaced the file, sync the source; otherwise try later.",
            ) from wrong
        except QuietHours as resting:
            rest = "; what came is kept and resumed" if place.resumes else ""
            raise UpstreamTrouble(place.label, str(resting), f"Run it again after these hours{rest}.") from resting
        except TransferFailed as failed:
            raise self._failed(place, failed) from failed
        except OSError as error:
            if error.errno in _FULL:
                place.part.unlink(missing_ok=True)  # what fills the disk holds up everything else that writes there
            raise
        return got

    def set_aside(self, part: Path, wrong: WrongContent) -> Path | None:
        """Remove a wrong file, and return where it is kept if it is."""
        part.unlink()
        return None

    def _failed(self, place: Place, failed: TransferFailed) -> UpstreamTrouble:
        if not place.resumes:
            place.part.unlink(missing_ok=True)
        if failed.missing:
            action = "Sync the source to see what upstream holds now."
        elif failed.unreachable:
            action = "Check the network and the address (`nh doctor`), and run it again."
        else:
            rest = "what came is kept and resumed" if place.resumes else "nothing of it is kept"
            action = f"Wait for the server and run it again; {rest}."
        return UpstreamTrouble(place.label, f"it did not come whole: {failed.text}", action)


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.2f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.1f} MB"
