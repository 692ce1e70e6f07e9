"""What a source offers whose files are downloaded, beside what every `Source` offers.

Contains the protocol that `nh fetch` uses. Add here what every downloading source can do. How one does it is in the
source's own folder; nothing is downloaded here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from nh_platform.sources.catalog import SessionFiles
from nh_platform.store.raw_files import RawFiles
from nh_platform.store.raw_requests import RawRequest
from nh_platform.store.transfers import OnBytes


@dataclass(frozen=True)
class FileLink:
    """One file of a session and where it can be had in exactly this version.

    Parameters
    ----------
    path
        Path relative to the session.
    md5, size
        As upstream states them.
    url
        Address with the upstream id of this file in this revision; upstream may still replace the bytes, so compare
        the md5.
    """

    path: str
    md5: str | None
    size: int | None
    url: str


@runtime_checkable
class FetchingSource(Protocol):
    """A source whose raw files are downloaded into `RawFiles`."""

    def raw_files(self) -> RawFiles:
        """Return where the files go.

        Raises
        ------
        ConfigError
            If this source, as it is set up, reads files in place.
        """

    def raw_requests(self, session: SessionFiles, groups: Iterable[str]) -> list[RawRequest]:
        """Return the files that the asset groups read; asks nobody."""

    def fetch(
        self,
        session: SessionFiles,
        groups: Iterable[str],
        on_bytes: OnBytes | None = None,
        parallel: int | None = None,
    ) -> int:
        """Download what is not there of the files that the asset groups read, and return how many files there are.

        Raises
        ------
        BadUpstreamData, StoreError
            Naming the first file that failed; the others were fetched all the same.
        """

    def links(self, session: SessionFiles, groups: Iterable[str]) -> list[FileLink]:
        """Return the version-pinned address of every file that the asset groups read."""
