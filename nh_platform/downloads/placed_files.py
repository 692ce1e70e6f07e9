"""A download into the place where AllenSDK's cache keeps a file: whole or not at all, resumed where it broke.

Contains the one transfer of both Allen sources, and what `nh fetch` asks of their folders. Add here what holds for a
file of either. Which files there are, and what makes one whole, is `behavior_downloads` and `warehouse_downloads`.

Content-addressed files (`nh_platform.downloads.raw_files`) would not be found by AllenSDK, so these keep its names.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nh_platform.downloads.remote_bytes import Opener
from nh_platform.downloads.requests import RawRequest
from nh_platform.downloads.transfers import (
    NotTransferred,
    OnBytes,
    PartialFile,
    RetryPolicy,
    Transferred,
    WrongContent,
    transfer,
)
from nh_platform.session import BadUpstreamData, StoreError
from nh_platform.store.durable import sync_folder

SPARE_BYTES = 64 << 20
"""Space that a download leaves free: Dagster's history and the assets may be on the same disk."""


@dataclass(frozen=True)
class Attempts:
    """How often and with what waits a download is tried.

    Parameters
    ----------
    tries
        Tries without progress, and wrong contents, before giving up.
    wait_s
        Seconds before the second try, doubled each time.
    stall_s
        Longest wait for the next bytes.
    """

    tries: int = 3
    wait_s: float = 1.0
    stall_s: float = 60.0


@dataclass(frozen=True)
class Download:
    """One file that is to come.

    Parameters
    ----------
    label
        What a person calls it.
    place
        Where it goes.
    part
        Where it grows; taken over from a process that was killed.
    where
        Where it comes from, in words.
    openers
        Places to get it from.
    problem_of
        What is wrong with a whole answer, looked at in ``part``; None where nothing is.
    size
        Bytes as upstream states them, for the check of space.
    resumes
        Whether what came before a failure is of use for the next try; removed otherwise.
    """

    label: str
    place: Path
    part: Path
    where: str
    openers: Sequence[Opener]
    problem_of: Callable[[Transferred], str | None]
    size: int | None = None
    resumes: bool = True

    def run(self, attempts: Attempts, on_bytes: OnBytes | None = None) -> Transferred:
        """Download the file; it gets its name after its bytes are on the disk.

        Raises
        ------
        BadUpstreamData
            If it did not come whole in all tries; the text says what was wrong last.
        StoreError
            If the disk is full, or cannot be written.
        """
        self.place.parent.mkdir(parents=True, exist_ok=True)
        self.part.parent.mkdir(parents=True, exist_ok=True)
        if not self.resumes:
            self.part.unlink(missing_ok=True)
        there = self.part.stat().st_size if self.part.exists() else 0
        require_space(self.part.parent, max((self.size or 0) - there, 0), self.label)
        try:
            with PartialFile(self.part) as part:
                got = transfer(
                    self.openers, part, self.problem_of, RetryPolicy(attempts.tries, attempts.wait_s), on_bytes
                )
                part.sync()
            os.replace(self.part, self.place)
            sync_folder(self.place.parent)
        except WrongContent as wrong:
            self.part.unlink()
            raise BadUpstreamData(
                self.label,
                f"it did not come whole from {self.where}, in {attempts.tries} tries: {wrong.problem}",
                "Nothing of it is kept. If upstream replaced the file, sync the source; otherwise try later.",
            ) from wrong
        except NotTransferred as failure:
            raise self._not_transferred(failure) from failure
        except OSError as error:
            raise self._disk_trouble(error) from error
        return got

    def _not_transferred(self, failure: NotTransferred) -> BadUpstreamData:
        if not self.resumes:
            self.part.unlink(missing_ok=True)
        if failure.missing:
            action = "Sync the source to see what upstream holds now."
        elif self.resumes:
            action = "Try again later; what came is kept and resumed, and what was there before is unchanged."
        else:
            action = "Try again later; what was there before is unchanged."
        return BadUpstreamData(self.label, f"it did not come whole from {self.where}: {failure.text}", action)

    def _disk_trouble(self, error: OSError) -> StoreError:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            found = f"{self.part.parent} cannot be written: {error.strerror or error}"
        else:
            self.part.unlink(missing_ok=True)  # what fills the disk would hold up everything else that writes there
            found = f"the disk of {self.part.parent} is full; nothing of it was kept"
        return StoreError(self.label, found, "Free space, or name another folder (`root`), and run it again.")


def require_space(folder: Path, n_bytes: float, what: str) -> None:
    """Check that the disk of a folder has room for so many bytes more.

    Raises
    ------
    StoreError
        If it has not.
    """
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    if n_bytes + SPARE_BYTES > free:
        raise StoreError(
            what,
            f"{n_bytes / 1e9:.2f} GB are to be downloaded to {folder}, and only {free / 1e9:.2f} GB are free there",
            "Free space, or name another folder (`root`).",
        )


@dataclass(frozen=True)
class PlacedRequest(RawRequest):
    """A file that is wanted in a place of its own.

    Parameters
    ----------
    is_there
        Whether it lies there, as far as can be told without reading it.
    """

    is_there: Callable[[], bool] = field(default=lambda: False, compare=False)


@dataclass(frozen=True)
class CacheFolder:
    """AllenSDK's cache folder as a place for fetched files; see `nh_platform.sources.fetching.FetchedFiles`."""

    root: Path

    def holds(self, request: RawRequest) -> bool:
        """Return whether the file of a request is there, without hashing it."""
        return isinstance(request, PlacedRequest) and request.is_there()

    def require_space(self, n_bytes: float, what: str) -> None:
        """Check that the disk has room for so many bytes more; as of `require_space`."""
        require_space(self.root, n_bytes, what)
