"""Protocols of a source whose files are downloaded, beside what every `Source` offers.

Contains the protocols that `nh fetch` and `nh releases` use, and the question whether a source has anything to
download. Add here what every downloading source can do. How one does it is in the source's own folder; nothing is
downloaded here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from nh_platform.downloads.download_folder import DownloadFolder
from nh_platform.downloads.transfers import OnBytes
from nh_platform.history.manifest import SessionFiles
from nh_platform.sources.source import Source


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
        the hash.
    blake2b
        Where upstream states this hash and no md5.
    """

    path: str
    md5: str | None
    size: int | None
    url: str
    blake2b: str | None = None


@dataclass(frozen=True)
class WantedFile:
    """One file that an asset group reads, before it is fetched.

    Parameters
    ----------
    identity
        What tells it from others, so that a file of several sessions is counted once.
    size
        Bytes as upstream states them.
    is_there
        Whether it was fetched before, as far as can be told without reading it.
    """

    identity: str
    size: int | None
    is_there: bool


def folder_in_place(source: Source) -> Path | None:
    """Return the folder whose files a source reads where they are, or None where it downloads.

    Sources with a choice have ``settings`` with ``mode`` and ``root``, and ``local`` is the mode without downloads.
    """
    settings = getattr(source, "settings", None)
    root = getattr(settings, "root", None)
    return Path(root) if root is not None and getattr(settings, "mode", None) == "local" else None


def reads_by_ranges(source: Source | FetchingSource) -> bool:
    """Return whether a source reads files that are not at hand by ranges, where they lie (``ranges: true``)."""
    return bool(getattr(getattr(source, "settings", None), "ranges", False))


@runtime_checkable
class FetchingSource(Protocol):
    """A source whose raw files are downloaded."""

    def raw_files(self) -> DownloadFolder:
        """Return where the files go.

        Raises
        ------
        ConfigError
            If this source, as it is set up, reads files in place.
        """

    def raw_requests(self, session: SessionFiles, groups: Iterable[str]) -> list[WantedFile]:
        """Return the files that the asset groups read; asks nobody."""

    def fetch(
        self,
        session: SessionFiles,
        groups: Iterable[str],
        on_bytes: OnBytes | None = None,
        parallel: int | None = None,
    ) -> tuple[str, ...]:
        """Download what is not there of the files that the asset groups read.

        Returns
        -------
        tuple of str
            What could not be had and a reader can do without: each file, and what was found.

        Raises
        ------
        BadUpstreamData, StoreError
            Naming the first file that failed; the others were fetched all the same.
        """

    def links(self, session: SessionFiles, groups: Iterable[str]) -> list[FileLink]:
        """Return the version-pinned address of every file that the asset groups read."""
