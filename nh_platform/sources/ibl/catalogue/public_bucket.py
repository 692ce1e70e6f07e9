"""IBL's public bucket, for which nobody needs an account: the catalogue and the addresses of the files.

The bucket holds the ONE tables that Alyx' ``cache/info`` points to (``caches/openalyx/[<tag>/]cache.zip``) and every
public file (``data/<lab>/Subjects/…/<name>.<dataset id>.<ext>``). QC of sessions and insertions, unresolved
alignments, tags and notices are not in it: those need an account. Add here what else the bucket holds. How it is
reached is `bucket_access`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from nh_platform.downloads.deadlines import within
from nh_platform.downloads.remote_bytes import Timeouts
from nh_platform.downloads.s3_objects import S3Opener
from nh_platform.downloads.transfers import TransferFailed
from nh_platform.history.manifest import Manifest
from nh_platform.session import BadUpstreamData, ConfigError, Session
from nh_platform.sources.ibl.catalogue.one_tables import merge_tables
from nh_platform.sources.ibl.catalogue.tables_zip import ZIP_FILE, downloaded, tables_of_zip
from nh_platform.sources.ibl.downloads.addresses import FileAddress, conventional_addresses, conventional_urls
from nh_platform.sources.ibl.downloads.bucket_access import bucket_client, public_bucket
from nh_platform.sources.ibl.server.connection import Deadline
from nh_platform.sources.ibl.settings import IblSettings

CATALOGUE_FOLDER = "caches/openalyx"
INFO_FILE = "cache_info.json"


class PublicBucket:
    """Tables and addresses from the public bucket.

    Parameters
    ----------
    settings
        Release tag, timeouts, attempts.
    """

    def __init__(self, settings: IblSettings) -> None:
        self.settings = settings

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the ONE tables as they are in the bucket now; as of `OneClient.tables`.

        Insertions are listed only where the zip has a table of them; otherwise the manifest names them
        ``<eid>_<probe>``.

        Raises
        ------
        ConfigError
            If the bucket or the release tag cannot be reached, or the zip is broken.
        """
        return merge_tables([self._tables_of(tag) for tag in self.settings.tags or (None,)])

    def _tables_of(self, tag: str | None) -> dict[str, pd.DataFrame]:
        timeouts = Timeouts(self.settings.connect_timeout_s, self.settings.read_timeout_s)
        with self._downloaded(ZIP_FILE, tag, timeouts) as path:
            return tables_of_zip(path)

    def announcements(self) -> dict[str, Any]:
        """Return, by release tag, when the tables were made (a trigger, never a version); "" where none is asked for.

        One small file for each, all of them within `signal_timeout_s`.

        Raises
        ------
        ConfigError, BadUpstreamData
            If the bucket cannot be reached or does not answer in time, or the file is not JSON.
        """
        settings = self.settings
        # A share for each attempt, so that the thread that a deadline leaves behind ends by itself.
        share_s = settings.signal_timeout_s / settings.attempts
        hurried = Timeouts(min(settings.connect_timeout_s, share_s), min(settings.read_timeout_s, share_s))
        bucket_client(hurried, {}, public_bucket())  # made before the clock starts: importing boto3 takes a second

        def ask() -> dict[str, Any]:
            return {tag or "": self._info(tag, hurried) for tag in settings.tags or (None,)}

        deadline = Deadline(settings.signal_timeout_s, "signal_timeout_s")
        return within(deadline.left_s, ask, f"s3://{public_bucket()}/{CATALOGUE_FOLDER}", deadline.action)

    def _info(self, tag: str | None, timeouts: Timeouts) -> dict[str, Any]:
        with self._downloaded(INFO_FILE, tag, timeouts) as path:
            try:
                return dict(json.loads(path.read_bytes()))
            except ValueError as error:
                what = _key(INFO_FILE, tag)
                raise ConfigError(what, f"it is not JSON: {error}", "Run it again; nothing stored changed.") from error

    def addresses(self, session: Session, rows: pd.DataFrame) -> dict[str, FileAddress]:
        """Return where the files of manifest rows lie, by path relative to the session; asks nobody."""
        return conventional_addresses(session, rows, self._data_server)

    def dataset_facts(self, manifest: Manifest) -> pd.DataFrame:
        """Return addresses of datasets by their naming, no tags beside the tables'; as of `ManifestAdditions`."""
        files = manifest.files
        urls = conventional_urls(manifest.sessions, files, self._data_server)
        facts = pd.DataFrame({"tags": None, "url": urls}, index=files["dataset_id"], dtype=object)
        return facts[~facts.index.duplicated()]

    def extended_qc(self, session_ids: list[str]) -> dict[str, dict[str, Any]]:
        """Return nothing: the bucket does not state it; as of `ManifestAdditions`."""
        return {}

    def changed_since(self, moment: datetime) -> set[str]:
        """Return nothing, as nothing is asked for session by session; as of `ManifestAdditions`."""
        return set()

    def tables_made(self) -> None:
        """Return nothing, as nothing is asked for session by session; as of `ManifestAdditions`."""

    def bucket(self) -> tuple[dict[str, Any], str]:
        """Return the keys, of which there are none, and the name of the bucket."""
        return {}, public_bucket()

    @contextmanager
    def _downloaded(self, name: str, tag: str | None, timeouts: Timeouts) -> Iterator[Path]:
        """Give a file of the catalogue, whole, in a folder of its own that is removed on leaving."""
        settings, bucket, key = self.settings, public_bucket(), _key(name, tag)
        what = f"s3://{bucket}/{key}"
        try:
            server = S3Opener(bucket_client(timeouts, {}, bucket), bucket, key)
            with downloaded(what, name, server, settings) as path:
                yield path
        except BadUpstreamData as error:
            action = error.action
            if isinstance(error.__cause__, TransferFailed) and error.__cause__.missing:
                tags = ", ".join(settings.tags)
                action = f"Check `tag` ({tags}) of the IBL settings." if tags else "Update the platform."
            raise ConfigError(what, error.found, action) from error

    @property
    def _data_server(self) -> str:
        import one.params

        return self.settings.data_server or str(one.params.default().HTTP_DATA_SERVER)


def _key(name: str, tag: str | None) -> str:
    return "/".join(part for part in (CATALOGUE_FOLDER, tag, name) if part)
