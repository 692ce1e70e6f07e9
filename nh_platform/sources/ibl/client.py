"""The one place that opens ONE: local tables or an Alyx server, tables and verified files.

Wraps the unmodified ``OneAlyx`` of ONE-api 3.6.1 with a private home, a deadline, a renewed login, retries and our
own md5 check (ONE's takes 0.2-0.5 s and 256 MiB per file, and returns bad files with a log line). Add a request to
ONE here. What the tables and files mean is for the modules that call this.
"""

from __future__ import annotations

import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from nh_platform.session import BadUpstreamData, ConfigError, NhError, Session
from nh_platform.sources.ibl.datasets import relative_path
from nh_platform.sources.ibl.failures import LOGIN_STATUS, explain, foreign_errors, is_passing, status_of
from nh_platform.sources.ibl.hashes import md5_of
from nh_platform.sources.ibl.home import PrivateFolder, private_home, within
from nh_platform.sources.ibl.settings import IblSettings
from nh_platform.sources.ibl.tables import read_tables

T = TypeVar("T")

LOCAL_URL = "http://localhost"
"""Address given to ONE in local mode; nothing is ever asked there."""

INSERTIONS_PAGE = 1000
"""Largest page that Alyx serves (``LimitedLimitOffsetPagination.max_limit``)."""


class OneClient:
    """Tables and files of one ONE source.

    Parameters
    ----------
    settings
        Where to read from.
    """

    def __init__(self, settings: IblSettings) -> None:
        self.settings = settings
        self._folder: PrivateFolder | None = None
        self._one: Any = None
        self._tables_state: object = None

    @property
    def is_remote(self) -> bool:
        """Whether files come from a server."""
        return self.settings.mode == "remote"

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the ONE tables ``sessions``, ``datasets`` and, where there is one, ``insertions``, as they are now.

        Indexes are text: ``id`` of sessions, (``eid``, ``id``) of the others. ``attrs['tags']`` of datasets names
        the release tags that the tables were made for.

        Raises
        ------
        ConfigError
            If the tables are not there, or the server or tag cannot be reached.
        """
        if not self.is_remote:
            return read_tables(self._local_tables_dir)
        folder = self._private / "tables"
        # A fresh client and folder: with tables at hand ONE compares creation dates of one-minute resolution and may
        # keep the old ones. And a client that holds a release's tables merges every session into them at each load.
        self._one = None
        try:
            self._download_tables(folder)
            tables = read_tables(folder)
            tables["insertions"] = self._remote_insertions()
        finally:
            self._one = None
            shutil.rmtree(folder, ignore_errors=True)
        tags = tables["datasets"].attrs["tags"]
        if self.settings.tag and self.settings.tag not in tags:
            # Alyx without a `location` in cache/info serves its full tables in the place of a tag's (seen on 3.6.1).
            raise ConfigError(
                f"ONE tables of {self.settings.url}",
                f"asked for release tag {self.settings.tag!r}, received tables of {', '.join(tags) or 'no tag'}",
                "Ask the server's administrator for the tag's tables, or leave `tag` out to read everything.",
            )
        return tables

    def session_folder(self, session: Session) -> Path:
        """Return the folder of a session in the local tree or the download folder."""
        root = self._private / "files" if self.is_remote else self.settings.root
        assert root is not None  # IblSettings refuses local mode without it
        day = Path(session.subject, session.date, f"{session.number:03d}")
        return root / session.lab / "Subjects" / day if session.lab else root / day

    @contextmanager
    def verified_files(self, session: Session, rows: pd.DataFrame) -> Iterator[dict[str, Path]]:
        """Give the local files of manifest rows, each equal to the md5 that the manifest states.

        Parameters
        ----------
        session
            The session.
        rows
            Rows of the files table (schema `FILES`), every one of which is needed.

        Yields
        ------
        dict
            Path by path relative to the session. Downloaded files are removed on leaving: every file is read once,
            and a release is larger than a disk.

        Raises
        ------
        BadUpstreamData
            If a file is missing, or its content is not that of the manifest.
        StoreError
            If the disk is full.
        """
        wanted = {
            relative_path(row.collection, row.revision, row.name_): row.md5
            for row in rows.rename(columns={"name": "name_"}).itertuples()
        }
        try:
            yield self._fetch(session, wanted)
        finally:
            if self.is_remote:
                self._discard(session, list(wanted))

    def _fetch(self, session: Session, wanted: dict[str, str | None]) -> dict[str, Path]:
        what = f"session {session.session_id}"
        found: dict[str, Path] = {}
        attempts = self.settings.attempts if self.is_remote else 1
        problem: Exception | None = None
        for attempt in range(attempts):
            pending = [name for name in wanted if name not in found]
            if not pending:
                break
            if attempt:
                time.sleep(self.settings.retry_wait_s * 2 ** (attempt - 1))
                self._discard(session, pending)
            try:
                paths = self._call(partial(_load, eid=session.session_id, names=pending), what)
                actual = {name: md5_of(path) if wanted[name] else None for name, path in paths.items()}
            except foreign_errors() as error:
                problem = explain(error, what, self.settings.url)
                problem.__cause__ = error
                if not is_passing(error):
                    break
                continue
            different = [name for name in paths if actual[name] != wanted[name]]
            found |= {name: path for name, path in paths.items() if name not in different}
            problem = _different_content(what, different, wanted, actual) if different else None
        if problem is not None:
            raise problem
        return found

    def _discard(self, session: Session, names: list[str]) -> None:
        """Remove downloads, also half ones under their uuid name: ONE would take such a file for the whole one."""
        for name in names:
            path = self.session_folder(session) / name
            for leftover in (path, *path.parent.glob(f"{path.stem}.{'?' * 8}-*{path.suffix}")):
                leftover.unlink(missing_ok=True)

    @property
    def _private(self) -> PrivateFolder:
        if self._folder is None or self._folder.owner != os.getpid():
            self._folder = PrivateFolder(self.settings.cache_dir)
        return self._folder

    @property
    def _local_tables_dir(self) -> Path:
        folder = self.settings.tables or self.settings.root
        assert folder is not None  # IblSettings refuses local mode without it
        return folder

    def _call(self, request: Callable[[Any], T], what: str) -> T:
        """Return ``request(one)``; log in once more if the server has forgotten us, as it does after a release."""
        for again in (True, False):
            try:
                with private_home(self._private / "home"), warnings.catch_warnings():
                    # ONE warns about revisions and old tables; the manifest's exact rows have settled both.
                    warnings.simplefilter("ignore")
                    return within(self.settings.timeout_s, lambda: request(self._open()), what)
            except foreign_errors() as error:
                if not (again and self.is_remote and self._one is not None and status_of(error) in LOGIN_STATUS):
                    raise
                self._one = None
            except NhError:
                self._one = None  # after a deadline its thread may still be at work with it
                raise
        raise AssertionError("unreachable")

    def _open(self) -> Any:
        if os.environ.get("ONE_REVISION_LAST_BEFORE"):
            raise ConfigError(
                "environment",
                f"ONE_REVISION_LAST_BEFORE={os.environ['ONE_REVISION_LAST_BEFORE']} changes every load of ONE",
                "Unset it; pin a revision with `revision` of the IBL settings.",
            )
        import one.params
        from one.api import OneAlyx

        settings, files = self.settings, self._private / "files"
        if self.is_remote:
            if self._one is None:
                one.params.setup(client=settings.url, silent=True, cache_dir=files, make_default=True)
                if settings.data_server:
                    parameters = one.params.get(client=settings.url, silent=True)
                    one.params.save(parameters.set("HTTP_DATA_SERVER", settings.data_server), settings.url)
                client = OneAlyx(base_url=settings.url, cache_dir=files, silent=True, cache_rest=None)
                # Not through the constructor: that writes the token in clear into the parameter file.
                client.alyx.authenticate(
                    username=settings.username,
                    password=settings.password.get_secret_value() if settings.password else None,
                    token=settings.token.get_secret_value() if settings.token else None,
                    cache_token=False,
                )
                self._one = client
            return self._one
        state = tuple((path.name, path.stat().st_mtime_ns) for path in sorted(self._local_tables_dir.glob("*.pqt")))
        if self._one is None or state != self._tables_state:
            one.params.setup(client=LOCAL_URL, silent=True, cache_dir=files, make_default=True)
            self._one = OneAlyx(
                base_url=LOCAL_URL,
                cache_dir=settings.root,
                tables_dir=self._local_tables_dir,
                mode="local",
                silent=True,
            )
            self._tables_state = state
        return self._one

    def _download_tables(self, folder: Path) -> None:
        tag = self.settings.tag
        what = f"ONE tables of {self.settings.url}" + (f" for release tag {tag!r}" if tag else "")
        try:
            self._call(lambda one: one.load_cache(tables_dir=folder, clobber=True, tag=tag), what)
        except AssertionError as error:
            # ONE asserts that cache/info names the tag and that the zip holds files.
            raise ConfigError(
                what, "the server answers with other tables", "Check `tag` of the IBL settings."
            ) from error
        except foreign_errors() as error:
            raise explain(error, what, self.settings.url) from error
        if not any(folder.glob("*.pqt")):
            # ONE turns an HTTP error of cache/info or cache.zip into a log line and goes on without tables.
            raise ConfigError(
                what,
                "the server gave none",
                "Check `tag` of the IBL settings, and that the server answers /cache/info; then run it again.",
            )

    def _remote_insertions(self) -> pd.DataFrame:
        what = f"insertions of {self.settings.url}"
        try:
            records = self._call(lambda one: list(one.alyx.get(f"/insertions?limit={INSERTIONS_PAGE}")), what)
        except foreign_errors() as error:
            raise explain(error, what, self.settings.url) from error
        index = pd.MultiIndex.from_tuples([(r["session"][-36:], r["id"]) for r in records], names=["eid", "id"])
        return pd.DataFrame({"name": pd.Series([r["name"] for r in records], index=index, dtype=object)})


def _load(one: Any, eid: str, names: list[str]) -> dict[str, Path]:
    """Return the local paths of exact relative paths, downloading what is not there."""
    # No `revision=`: with exact paths ONE matches collection and revision literally. No check_hash: we check.
    paths, _ = one.load_datasets(eid, names, download_only=True, check_hash=False)
    return {name: Path(path) for name, path in zip(names, paths or [], strict=True)}


def _different_content(
    what: str, names: list[str], wanted: dict[str, str | None], actual: dict[str, str | None]
) -> BadUpstreamData:
    first = min(names)
    return BadUpstreamData(
        f"{what}, file {first}",
        f"md5 of the content is {actual[first]}, the manifest states {wanted[first]}"
        + (f" ({len(names) - 1} more files differ)" if len(names) > 1 else ""),
        "If upstream replaced the file, run `nh sync ibl`; otherwise restore the file and run it again.",
    )
