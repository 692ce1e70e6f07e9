"""IBL's public bucket, for which nobody needs an account: the catalogue and the addresses of the files.

The bucket holds the ONE tables that Alyx' ``cache/info`` points to (``caches/openalyx/[<tag>/]cache.zip``) and every
public file (``data/<lab>/Subjects/…/<name>.<dataset id>.<ext>``). QC of sessions and insertions, unresolved
alignments, tags and notices are not in it: those need an account. Add here what else the bucket holds. Bucket name,
region and unsigned access are those of ``one.remote.aws``; its download is not used, since it has no timeouts of ours.
"""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from threading import Lock
from typing import Any

import pandas as pd

from nh_platform.session import ConfigError, Session, StoreError
from nh_platform.sources.ibl.addresses import FileAddress, conventional_addresses
from nh_platform.sources.ibl.archives import problem_of_archive
from nh_platform.sources.ibl.buckets import public_bucket, s3_client
from nh_platform.sources.ibl.home import PrivateFolder
from nh_platform.sources.ibl.settings import IblSettings
from nh_platform.sources.ibl.tables import read_tables
from nh_platform.store.remote_bytes import S3Opener
from nh_platform.store.transfers import NotTransferred, PartialFile, RetryPolicy, WrongContent, transfer

CATALOGUE_FOLDER = "caches/openalyx"
ZIP_FILE, INFO_FILE = "cache.zip", "cache_info.json"


class PublicBucket:
    """Tables and addresses from the public bucket.

    Parameters
    ----------
    settings
        Release tag, timeouts, attempts.
    """

    def __init__(self, settings: IblSettings) -> None:
        self.settings = settings
        self._folder: PrivateFolder | None = None
        self._lock = Lock()

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the ONE tables as they are in the bucket now; as of `OneClient.tables`.

        Insertions are listed only where the zip has a table of them; otherwise the manifest names them
        ``<eid>_<probe>``.

        Raises
        ------
        ConfigError
            If the bucket or the release tag cannot be reached, or the zip is broken.
        """
        folder = self._private / "catalogue"
        path = folder / ZIP_FILE
        with self._lock:
            self._download(ZIP_FILE, path)
            for stale in folder.glob("*.pqt"):
                stale.unlink()
            try:
                with zipfile.ZipFile(path) as archive:
                    tables = [name for name in archive.namelist() if name.endswith(".pqt") and "/" not in name]
                    archive.extractall(folder, members=tables)
            except OSError as error:
                raise _disk_trouble(path, error) from error
            path.unlink()
            return read_tables(folder)

    def cache_info(self) -> dict[str, Any]:
        """Return ``cache_info.json``: when the tables were made (a trigger, never a version) and for which tag.

        Raises
        ------
        ConfigError
            If the bucket cannot be reached, or the file is not JSON.
        """
        path = self._private / "catalogue" / INFO_FILE
        with self._lock:
            self._download(INFO_FILE, path)
            try:
                content = json.loads(path.read_bytes())
            except ValueError as error:
                raise ConfigError(
                    self._key(INFO_FILE), f"it is not JSON: {error}", "Run it again; nothing stored changed."
                ) from error
            finally:
                path.unlink()
        return dict(content)

    def addresses(self, session: Session, rows: pd.DataFrame) -> dict[str, FileAddress]:
        """Return where the files of manifest rows lie, by path relative to the session; asks nobody."""
        return conventional_addresses(session, rows, self.settings.data_server or _default_data_server())

    def bucket(self) -> tuple[dict[str, Any], str]:
        """Return the keys, of which there are none, and the name of the bucket."""
        return {}, public_bucket()

    def _key(self, name: str) -> str:
        tag = f"{self.settings.tag}/" if self.settings.tag else ""
        return f"{CATALOGUE_FOLDER}/{tag}{name}"

    def _download(self, name: str, path: Path) -> None:
        key, bucket = self._key(name), public_bucket()
        what = f"s3://{bucket}/{key}"
        path.unlink(missing_ok=True)
        is_zip = name == ZIP_FILE
        try:
            with PartialFile(path) as part:
                transfer(
                    [S3Opener(s3_client(self.settings, {}, bucket), bucket, key)],
                    part,
                    lambda _: problem_of_archive(path) if is_zip else None,
                    RetryPolicy(self.settings.attempts, self.settings.retry_wait_s),
                )
        except WrongContent as wrong:
            raise ConfigError(
                what, f"{wrong.problem}, in {self.settings.attempts} tries", "Nothing stored changed; try later."
            ) from wrong
        except NotTransferred as failure:
            action = "Check the network (`nh doctor`) and run it again."
            if failure.missing:
                tag = self.settings.tag
                action = f"Check `tag` ({tag!r}) of the IBL settings." if tag else "Update the platform."
            raise ConfigError(what, failure.text, action) from failure
        except OSError as error:
            raise _disk_trouble(path, error) from error

    @property
    def _private(self) -> PrivateFolder:
        if self._folder is None or self._folder.owner != os.getpid():
            self._folder = PrivateFolder(self.settings.cache_dir)
        return self._folder


def _disk_trouble(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"catalogue {path.name}",
        f"{path.parent} cannot be written: {error.strerror or error}",
        "Free space or set `cache_dir` of the IBL settings to a larger disk, and run it again.",
    )


def _default_data_server() -> str:
    import one.params

    return str(one.params.default().HTTP_DATA_SERVER)
