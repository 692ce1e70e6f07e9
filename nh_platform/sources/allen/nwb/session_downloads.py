"""The NWB files of the sessions of an Allen source, one each: what was fetched, what can be, and whose file one is.

Contains what both Allen sources offer as a `FetchingSource`. Add here what holds for both. Where a file is listed and
how it comes belongs to each source.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from nh_platform.downloads.download_folder import DownloadFolder
from nh_platform.downloads.transfers import OnBytes
from nh_platform.history.identity import read_by
from nh_platform.history.manifest import SessionFiles
from nh_platform.session import ConfigError
from nh_platform.sources.fetching import FileLink, WantedFile
from nh_platform.sources.nwb.nwb_file import NwbFile


class AllenSettings(Protocol):
    """What the settings of both sources say."""

    @property
    def root(self) -> Path:
        """Folder of the session files."""

    @property
    def mode(self) -> str:
        """``local``, or the mode in which files are fetched."""

    @property
    def keep_raw(self) -> bool:
        """Whether fetched session files stay."""


@dataclass(frozen=True)
class SessionDownloads(ABC):
    """The session files of one source; see `nh_platform.sources.fetching.FetchingSource`."""

    settings: AllenSettings

    name: ClassVar[str]
    remote_mode: ClassVar[str]

    @property
    @abstractmethod
    def downloads(self) -> DownloadFolder:
        """The folder, as it is filled from the server."""

    @abstractmethod
    def wanted(self, session: SessionFiles) -> WantedFile:
        """Return the session's NWB file, and whether it is there."""

    @abstractmethod
    def fetch_file(self, session: SessionFiles, on_bytes: OnBytes | None) -> None:
        """Download the session's NWB file where it is not there, whole and verified."""

    @abstractmethod
    def link(self, session: SessionFiles) -> FileLink:
        """Return the address of exactly this version of the session's NWB file."""

    def raw_files(self) -> DownloadFolder:
        """Return where fetched files stay; as of `FetchingSource.raw_files`."""
        if self.settings.mode == "local":
            raise ConfigError(
                f"source {self.name}",
                f"it reads the files of {self.settings.root} in place; there is nothing to download",
                f"Set `mode` of the source to {self.remote_mode} to download files.",
            )
        if not self.settings.keep_raw:
            raise ConfigError(
                f"source {self.name}",
                "its settings keep no raw files (`keep_raw: false`)",
                "Remove `keep_raw` from the source's settings to fetch files ahead of use.",
            )
        return self.downloads

    def raw_requests(self, session: SessionFiles, groups: Iterable[str]) -> list[WantedFile]:
        """Return the NWB file if a group reads it; as of `FetchingSource.raw_requests`."""
        return [self.wanted(session)] if _is_read(session, groups) else []

    def fetch(
        self,
        session: SessionFiles,
        groups: Iterable[str],
        on_bytes: OnBytes | None = None,
        parallel: int | None = None,
    ) -> tuple[str, ...]:
        """Download the NWB file if a group reads it; as of `FetchingSource.fetch`.

        A session is one file, so ``parallel`` has nothing to divide.
        """
        if _is_read(session, groups):
            self.fetch_file(session, on_bytes)
        return ()

    def links(self, session: SessionFiles, groups: Iterable[str]) -> list[FileLink]:
        """Return the address of the NWB file if a group reads it; as of `FetchingSource.links`."""
        return [self.link(session)] if _is_read(session, groups) else []


def refuse_another_session(nwb: NwbFile, session: SessionFiles) -> None:
    """Check that an open file is of this session.

    Raises
    ------
    BadUpstreamData
        If it states the id of another one.
    """
    session_id, identifier = session.session_id, nwb.text("identifier")
    if identifier != session_id:
        raise nwb.bad(
            f"it is the file of session {identifier} and lies in the folder of session {session_id}",
            "Move it to its own folder.",
        )


def _is_read(session: SessionFiles, groups: Iterable[str]) -> bool:
    """Return whether one of the groups reads the NWB file."""
    return bool((read_by(session.files, groups) & session.files["name"].str.endswith(".nwb")).any())
