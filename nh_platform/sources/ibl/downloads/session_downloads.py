"""The files of a session from the bucket or the HTTP server, into the raw files.

Bypasses ONE's downloader on purpose (docs/decisions/0006): it checks neither hash nor size, tries once, and leaves
half files under names that it takes for whole ones later. Add here what is particular to fetching IBL files. Where
they lie is `addresses`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from nh_platform.downloads.batches import Batch, fetch_all
from nh_platform.downloads.in_buckets.raw_places import raw_files_at
from nh_platform.downloads.private_folder import PrivateFolder
from nh_platform.downloads.raw_files import RawFiles, RawRequest
from nh_platform.downloads.remote_bytes import HttpOpener, Opener, Timeouts
from nh_platform.downloads.s3_objects import S3Opener
from nh_platform.downloads.transfers import OnBytes, RetryPolicy, TransferFailed, WrongContent
from nh_platform.session import ConfigError, NhError, Session
from nh_platform.sources.fetching import FileLink
from nh_platform.sources.ibl.catalogue.datasets import relative_path
from nh_platform.sources.ibl.downloads.addresses import FileAddress, file_url
from nh_platform.sources.ibl.downloads.bucket_access import bucket_client
from nh_platform.sources.ibl.downloads.given_files import GivenFiles
from nh_platform.sources.ibl.settings import IblSettings


class Directory(Protocol):
    """Who knows where files lie: an Alyx server, or the naming of the public bucket."""

    def addresses(self, session: Session, rows: pd.DataFrame) -> dict[str, FileAddress]:
        """Return the addresses of manifest rows, by path relative to the session."""

    def bucket(self) -> tuple[dict[str, Any], str] | None:
        """Return the keys and the name of the bucket, if there is one."""


class Downloads:
    """Files of sessions, downloaded and verified.

    Parameters
    ----------
    settings
        Where raw files go, timeouts, attempts, how many at a time.
    directory
        Who knows where they lie.
    """

    def __init__(self, settings: IblSettings, directory: Directory) -> None:
        self.settings, self._directory = settings, directory
        self._folder: PrivateFolder | None = None
        self._kept: RawFiles | None = None
        if settings.raw_dir is not None and settings.keep_raw:
            self._kept = self._raw_files_in(settings.raw_dir)

    @property
    def kept(self) -> RawFiles:
        """The raw files that stay.

        Raises
        ------
        ConfigError
            If none stay, as the settings have it.
        """
        if self._kept is None:
            raise ConfigError(
                "IBL source",
                "its settings keep no raw files (`keep_raw: false`, or no `raw_dir`)",
                "Remove `keep_raw` from the source's settings to fetch files ahead of use.",
            )
        return self._kept

    @contextmanager
    def verified_files(self, session: Session, rows: pd.DataFrame) -> Iterator[GivenFiles]:
        """Give the files of manifest rows, each equal to the md5 that the manifest states.

        Parameters
        ----------
        session
            The session.
        rows
            Rows of the files table (schema `FILES`).

        Yields
        ------
        GivenFiles
            Path by path relative to the session, and what upstream has no more or serves otherwise. Without
            ``keep_raw`` they are removed on leaving.

        Raises
        ------
        UnknownSession
            If the session was withdrawn upstream.
        BadUpstreamData
            If the transfer of a file failed otherwise than by its absence or its content.
        StoreError
            If the disk is full.
        """
        if self._kept is not None:
            given = self.fetch(self._kept, session, rows)
            with self._kept.staying(given) as paths:
                yield GivenFiles(paths, given.gone, given.told)
            return
        if self._folder is None or self._folder.owner != os.getpid():
            self._folder = PrivateFolder(self.settings.cache_dir)
        own = PrivateFolder(self._folder.path)  # threads that read the same session remove their own files alone
        try:
            yield self.fetch(self._raw_files_in(own.path, "cache_dir", keep_wrong=False), session, rows)
        finally:
            own.remove()

    def place(self, request: RawRequest) -> Path | None:
        """Return where a file lies among the raw files that stay, without hashing it; None where it is not there."""
        return None if self._kept is None else self._kept.place(request)

    def requests(self, session: Session, rows: pd.DataFrame) -> dict[str, RawRequest]:
        """Return what is wanted of the raw files, by path relative to the session."""
        wanted = {}
        for collection, revision, name, md5, size, dataset_id in rows[_COLUMNS].itertuples(index=False):
            path = relative_path(collection, revision, name)
            n_bytes = None if pd.isna(size) else int(size)
            wanted[path] = RawRequest(
                label=f"session {session.session_id}, file {path}",
                md5=md5 if isinstance(md5, str) else None,
                size=n_bytes,
                weak_key=f"ibl/{dataset_id}/{n_bytes}",
            )
        return wanted

    def fetch(
        self,
        raw: RawFiles,
        session: Session,
        rows: pd.DataFrame,
        on_bytes: OnBytes | None = None,
        parallel: int | None = None,
    ) -> GivenFiles:
        """Return the files of manifest rows, by path relative to the session; downloads what is not there."""
        requests = self.requests(session, rows)
        found = raw.find_all(requests)
        missing = [path for path, file in found.items() if file is None]
        gone: dict[str, str] = {}
        told: dict[str, str] = {}
        if missing:
            addresses = self._directory.addresses(session, rows)
            gone = {path: said for path in missing if (said := addresses[path].gone)}
            openers = self._openers({path: addresses[path] for path in missing if path not in gone})
            batch = fetch_all(
                raw,
                {path: (requests[path], own) for path, own in openers.items()},
                parallel or self.settings.parallel_downloads,
                on_bytes,
            )
            gone |= {path: why for path, error in batch.errors.items() if (why := _why_not_had(error))}
            told = {path: error.found for path, error in batch.errors.items() if path in gone}
            Batch(batch.files, {path: e for path, e in batch.errors.items() if path not in gone}).raise_first()
            found |= batch.files
        return GivenFiles({path: file.path for path, file in found.items() if file is not None}, gone, told)

    def links(self, session: Session, rows: pd.DataFrame) -> list[FileLink]:
        """Return the version-pinned address of every manifest row."""
        addresses = self._directory.addresses(session, rows)
        bucket = self._directory.bucket()
        links = []
        for path, request in self.requests(session, rows).items():
            url = file_url(addresses[path], bucket[1] if bucket else None)
            links.append(FileLink(path, request.md5, request.size, url or ""))
        return links

    def _openers(self, addresses: Mapping[str, FileAddress]) -> dict[str, Sequence[Opener]]:
        """Return the places of files, the bucket before the HTTP server."""
        timeouts = Timeouts(self.settings.connect_timeout_s, self.settings.read_timeout_s)
        bucket = self._directory.bucket()
        client = None if bucket is None else bucket_client(timeouts, *bucket)
        openers: dict[str, Sequence[Opener]] = {}
        for path, place in addresses.items():
            own: list[Opener] = []
            if bucket is not None and place.key:
                own.append(S3Opener(client, bucket[1], place.key))
            if place.url:
                own.append(HttpOpener(place.url, timeouts))
            openers[path] = own
        return openers

    def _raw_files_in(self, folder: Path, setting: str = "raw_dir", keep_wrong: bool = True) -> RawFiles:
        retries = RetryPolicy(self.settings.attempts, self.settings.retry_wait_s)
        return raw_files_at(folder, retries, keep_wrong, setting)


def _why_not_had(error: NhError) -> str:
    """Return why a file cannot be had from any server, in words of `GivenFiles.gone`; empty for another failure."""
    cause = error.__cause__
    if isinstance(cause, WrongContent):
        return cause.problem
    return "no server has it (HTTP 404)" if isinstance(cause, TransferFailed) and cause.missing else ""


_COLUMNS = ["collection", "revision", "name", "md5", "size", "dataset_id"]
