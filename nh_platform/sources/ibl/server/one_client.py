"""Requests to ONE: its tables and the addresses of remote files; and the files of a local tree.

Add a request to ONE here. How ONE is opened and asked is `connection`; downloading is `session_downloads` and
`tables_zip` (ONE's own checks neither hash nor size, tries once, and has no pace); what the tables and files mean is
for the modules that call this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from nh_platform.downloads.remote_bytes import HttpOpener, Timeouts
from nh_platform.history.manifest import Manifest
from nh_platform.session import BadUpstreamData, ConfigError, Session, UnknownSession
from nh_platform.sources.ibl.catalogue.alyx_records import (
    fetch_dataset_records,
    fetch_extended_qc,
    fetch_insertions,
    fetch_insertions_in,
    fetch_notices,
    fetch_session_qc,
    fetch_touched,
)
from nh_platform.sources.ibl.catalogue.one_tables import merge_tables, read_tables
from nh_platform.sources.ibl.catalogue.subjects import fetch_subjects
from nh_platform.sources.ibl.catalogue.tables_zip import ZIP_FILE, downloaded, tables_of_zip
from nh_platform.sources.ibl.downloads.addresses import FileAddress, addresses_of_records, file_url
from nh_platform.sources.ibl.downloads.given_files import GivenFiles, files_of_folder
from nh_platform.sources.ibl.server.connection import Deadline, OneConnection
from nh_platform.sources.ibl.server.one_errors import explain, foreign_errors, status_of
from nh_platform.sources.ibl.server.paginated_lists import id_queries, read_list
from nh_platform.sources.ibl.settings import IblSettings


class OneClient:
    """Tables and files of one ONE source.

    Parameters
    ----------
    settings
        Where to read from.
    """

    def __init__(self, settings: IblSettings) -> None:
        self.settings = settings
        self._connection = OneConnection(settings)
        self._bucket: tuple[dict[str, Any], str] | None = None
        self._bucket_asked = False
        self._tables_made: datetime | None = None

    @property
    def is_remote(self) -> bool:
        """Whether files come from a server."""
        return self._connection.is_remote

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the ONE tables ``sessions``, ``datasets`` and, where there is one, ``insertions``, as they are now.

        From a server also ``qc`` of the sessions, ``json`` of the insertions, and ``notices``.

        Indexes are text: ``id`` of sessions, (``eid``, ``id``) of the others. ``tags`` of datasets are the release
        tags that the tables were made for.

        Raises
        ------
        ConfigError
            If the tables are not there, or the server or tag cannot be reached.
        """
        if not self.is_remote:
            return read_tables(self._connection.local_tables_dir)
        parts = [self._remote_tables(tag) for tag in self.settings.tags or (None,)]
        self._tables_made = min(part["datasets"].attrs["created"] for part in parts)
        tables = merge_tables(parts)
        tables["insertions"] = fetch_insertions(self._connection)
        stated = fetch_session_qc(self._connection)
        tables["sessions"]["qc"] = [stated.get(session_id) for session_id in tables["sessions"].index]
        tables["notices"] = fetch_notices(self._connection)
        return tables

    def dataset_facts(self, manifest: Manifest) -> pd.DataFrame:
        """Return the release tags and the address of every dataset of the listed sessions; as of `ManifestAdditions`.

        One request for 1,000 datasets: 83 for the 459 sessions of the Brain-wide Map.

        Raises
        ------
        ConfigError, BadUpstreamData
            If the server or the login cannot be used, or the list changes all the time.
        """
        session_ids = sorted(manifest.sessions["session_id"])
        stated = fetch_dataset_records(self._connection, session_ids)
        only_there = any(place.key and not place.url for _, _, place in stated)
        bucket = self.bucket() if only_there else None
        facts = pd.DataFrame(
            {
                "tags": [",".join(tags) or None for _, tags, _ in stated],
                "url": [file_url(place, bucket[1] if bucket else None) for _, _, place in stated],
            },
            index=[dataset_id for dataset_id, _, _ in stated],
            dtype=object,
        )
        return facts[~facts.index.duplicated()]

    def extended_qc(self, session_ids: list[str]) -> dict[str, dict[str, Any]]:
        """Return the extended QC of sessions, one request each, none where so set; as of `ManifestAdditions`."""
        return fetch_extended_qc(self._connection, session_ids) if self.settings.extended_qc else {}

    def insertions_in(self, acronym: str) -> list[str]:
        """Return the ids of the insertions with a channel in a structure, or in one below it."""
        return fetch_insertions_in(self._connection, acronym)

    def changed_since(self, moment: datetime) -> set[str]:
        """Return the sessions whose record was touched after a moment; as of `ManifestAdditions`."""
        return fetch_touched(self._connection, moment) if self.settings.extended_qc else set()

    def subjects(self) -> list[dict[str, Any]]:
        """Return what Alyx states of every animal (`nh_platform.sources.ibl.catalogue.subjects`)."""
        return fetch_subjects(self._connection)

    def tables_made(self) -> datetime | None:
        """Return when the tables that were read last were made; as of `ManifestAdditions`."""
        return self._tables_made

    def session_folder(self, session: Session) -> Path:
        """Return the folder of a session in the local tree."""
        root = self.settings.root
        assert root is not None  # IblSettings refuses local mode without it
        day = Path(session.subject, session.date, f"{session.number:03d}")
        return root / session.lab / "Subjects" / day if session.lab else root / day

    @contextmanager
    def verified_files(self, session: Session, rows: pd.DataFrame) -> Iterator[GivenFiles]:
        """Give the files of manifest rows in the local tree, each equal to the md5 that the manifest states.

        Parameters
        ----------
        session
            The session.
        rows
            Rows of the files table (schema `FILES`).

        Yields
        ------
        GivenFiles
            Path by path relative to the session, and what is not in the tree any more or has other content.

        Raises
        ------
        BadUpstreamData
            If the session's folder is not there.
        """
        what = f"session {session.session_id}"
        folder = self.session_folder(session)
        if len(rows) and not folder.is_dir():
            raise BadUpstreamData(
                what, f"its folder {folder} is not there", "Run `nh sync ibl` to see what upstream holds."
            )
        try:
            given = files_of_folder(folder, rows)
        except OSError as error:
            raise explain(error, what, None) from error
        yield given

    def addresses(self, session: Session, rows: pd.DataFrame) -> dict[str, FileAddress]:
        """Return where the server says that the files of manifest rows lie now, by path relative to the session.

        Raises
        ------
        UnknownSession
            If the session was withdrawn.
        ConfigError
            If the server or the login cannot be used.
        """
        ids = [str(dataset_id) for dataset_id in rows["dataset_id"]]
        what = f"session {session.session_id}"
        records: list[dict[str, Any]] = []
        for path in id_queries("/datasets?exists=True", "id", ids, str(self.settings.url)):
            records += read_list(self._connection, path, what, dict)
        if ids and not records:  # the session was withdrawn, or these files alone were
            try:
                self._connection.ask(lambda one: one.alyx.get(f"/sessions/{session.session_id}"), what)
            except UnknownSession as error:
                found = f"upstream lists none of its {len(ids)} files any more, nor the session"
                raise UnknownSession(what, found, error.action) from error
        return addresses_of_records(session, rows, records, self.settings.data_server)

    def announcements(self) -> dict[str, Any]:
        """Return the few things that move with a release: date of the tables, tags, revisions, notices.

        Four small requests, all of them and the login within `signal_timeout_s`. They are triggers: the date of the
        tables moves every few hours although nothing changed.

        Raises
        ------
        ConfigError, BadUpstreamData
            If the server or the login cannot be used, or there is no answer in time.
        """
        paths = {"cache": "/cache/info", "tags": "/tags", "revisions": "/revisions", "notices": "/data-notices"}
        return self._connection.ask(
            lambda one: {name: _listed(one.alyx.get(path)) for name, path in paths.items()},
            f"announcements of {self.settings.url}",
            deadline=Deadline(self.settings.signal_timeout_s, "signal_timeout_s"),
        )

    def bucket(self) -> tuple[dict[str, Any], str] | None:
        """Return the keys (none for a public one) and name of the S3 bucket that the server states, if it does."""
        import requests
        from one.remote import aws

        if not self._bucket_asked:
            try:
                self._bucket = self._connection.ask(
                    lambda one: aws.get_aws_access_keys(one.alyx), "S3 bucket", raw=True
                )
            except requests.HTTPError as error:
                if status_of(error) != 404:
                    raise explain(error, "S3 bucket", self.settings.url) from error
            self._bucket_asked = True
        return self._bucket

    def _remote_tables(self, tag: str | None) -> dict[str, pd.DataFrame]:
        what = f"ONE tables of {self.settings.url}" + (f" for release tag {tag!r}" if tag else "")
        address, headers = self._tables_address(tag, what)
        timeouts = Timeouts(self.settings.connect_timeout_s, self.settings.read_timeout_s)
        server = HttpOpener(address, timeouts, resumes=False, headers=headers)
        try:
            with downloaded(what, ZIP_FILE, server, self.settings) as path:
                return self._of_tag(tables_of_zip(path), tag)
        except BadUpstreamData as error:
            action = f"{error.action} It answers /cache/info; tell its administrator if it stays so."
            raise ConfigError(what, f"{ZIP_FILE}: {error.found}", action) from error

    def _tables_address(self, tag: str | None, what: str) -> tuple[str, dict[str, str]]:
        """Return where the server says that its tables lie, and what a download from itself needs of a login."""
        from one import __version__

        path = "/".join(part for part in ("/cache/info", quote(tag or "")) if part)
        try:
            info, url, login = self._connection.ask(partial(_tables_info, path=path), what, raw=True)
        except foreign_errors() as error:
            if tag and status_of(error) == 404:
                raise ConfigError(
                    what,
                    f"{self.settings.url} has no tables of it (HTTP 404)",
                    "Check `tag` of the IBL settings: a release tag has tables of its own only when they were made.",
                ) from error
            raise explain(error, what, self.settings.url) from error
        if tag and tag not in info.get("database_tags", []):
            raise ConfigError(what, "the server answers with other tables", "Check `tag` of the IBL settings.")
        needed = str(info.get("min_api_version") or "0")
        if _numbers(__version__) < _numbers(needed):
            found = f"they need ONE-api {needed}, and {__version__} is installed"
            raise ConfigError(what, found, "Install a newer version of nh-platform.")
        address = str(info.get("location") or f"{url}/{ZIP_FILE}")
        return address, login if address.startswith(f"{url}/") else {}

    def _of_tag(self, tables: dict[str, pd.DataFrame], tag: str | None) -> dict[str, pd.DataFrame]:
        """Return tables that were made for a tag, and refuse others."""
        tags = tables["datasets"].attrs["tags"]
        if tag and tag not in tags:
            # Alyx without a `location` in cache/info serves its full tables in the place of a tag's (seen on 3.6.1).
            raise ConfigError(
                f"ONE tables of {self.settings.url}",
                f"asked for release tag {tag!r}, received tables of {', '.join(tags) or 'no tag'}",
                "Ask the server's administrator for the tag's tables, or leave `tag` out to read everything.",
            )
        return tables


def _listed(answer: Any) -> Any:
    return answer if isinstance(answer, dict) else list(answer)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))


def _tables_info(one: Any, path: str) -> tuple[dict[str, Any], str, dict[str, str]]:
    """Return what a server says of its tables, its address, and the login; ONE offers the last nowhere else."""
    return dict(one.alyx.get(path)), str(one.alyx.base_url), {"Authorization": one.alyx._headers["Authorization"]}
