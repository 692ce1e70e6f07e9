"""Fetching releases and files of Visual Behavior Neuropixels into a folder that AllenSDK's cache takes for its own.

Contains when something is fetched, what is checked afterwards, and the list of downloads that AllenSDK keeps. Add here
what concerns the folder. What the bucket is asked is `bucket`.

A file is whole when its blake2b is the one that the release states. Each content has a lock of its own, so that
sessions come beside each other and the catalogue never waits for one; of several processes that want the same content
one downloads it.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path

from nh_platform.downloads.download_folder import DownloadFolder, Place
from nh_platform.downloads.hashes import file_hash
from nh_platform.downloads.transfers import OnBytes, RetryPolicy, Transferred
from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.sources.allen.behavior.bucket import Bucket
from nh_platform.sources.allen.behavior.cloud_cache import (
    LATEST,
    Release,
    ReleaseFile,
    find_file,
    load_release,
    manifest_name,
    read_release,
    version_of,
    version_order,
)
from nh_platform.store.durable import write_durably

LOCKS = ".nh_platform.locks"
LOCK_NAME = "{}.json.lock"
PART_NAME = "{}.json.part"
"""AllenSDK takes every file without ``json`` in its name for data, hence the names."""

DOWNLOADED = "_downloaded_data.json"
"""AllenSDK's list of downloads, ``{absolute path: blake2b}``: by it a file that a release left alone is linked."""

_LOCK_DIGITS = 32


class BucketFolder(DownloadFolder):
    """AllenSDK's cache folder, filled from a bucket.

    Parameters
    ----------
    root, retries
        The folder, and attempts and waits of downloads; see `DownloadFolder`.
    bucket
        The bucket.
    cache_dir
        Where hashes are remembered between runs.
    """

    def __init__(self, root: Path, bucket: Bucket, retries: RetryPolicy, cache_dir: Path | None) -> None:
        super().__init__(root, "root", retries)
        self.bucket, self.cache_dir = bucket, cache_dir

    def releases(self) -> list[str]:
        """Return the versions in the bucket, oldest first; no lock is taken.

        Raises
        ------
        BadUpstreamData
            If the bucket cannot be listed.
        """
        versions = [version for version in map(version_of, self.bucket.manifests()) if version]
        return sorted(versions, key=version_order)

    def fetch_release(self, version: str) -> str:
        """Fetch the manifest and the tables of a release (``latest``: the newest), and return its version.

        A manifest that lies there and cannot be read, as a killed client leaves it, is fetched again.

        Raises
        ------
        ConfigError
            If the bucket has no such release.
        BadUpstreamData
            If the manifest or a table cannot be had whole; the folder keeps what it had.
        """
        served = self.releases()
        wanted = served[-1] if version == LATEST and served else version
        if wanted not in served:
            raise ConfigError(
                "setting manifest of allen_vbn",
                f"bucket {self.bucket.name} has no {manifest_name(wanted)} "
                f"(it has: {', '.join(map(manifest_name, served)) or 'none'})",
                "Use one of those versions, or `latest`.",
            )
        with self._lock(f"manifest {manifest_name(wanted)}", manifest_name(wanted)):
            self._fetch_manifest(wanted)
        release = load_release(self.root, wanted)
        for file in release.files.values():
            if not file.file_id:
                self.fetch_file(release, file)
        return wanted

    def fetch_file(
        self, release: Release, file: ReleaseFile, size: int | None = None, on_bytes: OnBytes | None = None
    ) -> Path:
        """Return where a file lies with the content that a release states, downloaded if it is not there.

        A table always lies in the folder of its release, linked where another release has the same content; a session
        file may lie in that of another. A damaged one is removed and fetched again.

        Parameters
        ----------
        release, file
            Which file.
        size
            Bytes as the bucket lists them, if known.
        on_bytes
            Told of progress.

        Raises
        ------
        BadUpstreamData
            If it does not come with that content.
        StoreError
            If the disk is full.
        """
        path = release.folder / file.path
        if self.is_whole(path, file):
            return path
        label = f"{'NWB file' if file.file_id else 'table'} {path.name}"
        with self._lock(label, file.file_hash[:_LOCK_DIGITS]):
            if self.is_whole(path, file):  # another process fetched it meanwhile
                return path
            other = find_file(self.root, file.path, file.file_hash)
            if other is not None and other[1] != path and self.is_whole(other[1], file):
                if file.file_id:
                    return other[1]
                _link(path, other[1])
                return path
            path.unlink(missing_ok=True)
            self._download(label, path, file, size, on_bytes)
        self._list_download(path, file.file_hash)
        return path

    def is_whole(self, path: Path, file: ReleaseFile) -> bool:
        """Return whether a file is there with the content that is stated."""
        return path.is_file() and file_hash(path, "blake2b", self.cache_dir) == file.file_hash

    def _download(self, label: str, path: Path, file: ReleaseFile, size: int | None, on_bytes: OnBytes | None) -> None:
        part = path.with_name(PART_NAME.format(path.name))

        def problem(came: Transferred) -> str | None:
            if size is not None and came.size != size:
                return f"{came.size} bytes came and the bucket lists {size}"
            found = file_hash(part, "blake2b")
            return None if found == file.file_hash else _difference(found, file)

        place = Place(label, path, part, problem, size, is_size_exact=True)
        self.download(place, [self.bucket.file_opener(file.path, file.version_id)], on_bytes)

    def _fetch_manifest(self, version: str) -> None:
        name = manifest_name(version)
        path = self.root / name
        part = path.with_name(PART_NAME.format(name))
        if _manifest_problem(path, version) is None:
            return
        # A manifest has no hash that would tell two of them put together.
        place = Place(f"manifest {name}", path, part, lambda _: _manifest_problem(part, version), resumes=False)
        self.download(place, [self.bucket.file_opener(f"manifests/{name}")])

    def _list_download(self, path: Path, file_hash: str) -> None:
        """Note a download in AllenSDK's list, which it reads whenever it looks for a file."""
        with self._lock(f"list {DOWNLOADED}", DOWNLOADED):
            place = self.root / DOWNLOADED
            try:
                listed = json.loads(place.read_text(encoding="utf-8"))
            except (FileNotFoundError, ValueError):  # AllenSDK rewrites it in place and may be killed there
                listed = {}
            listed[str(path.resolve())] = file_hash
            write_durably(place, json.dumps(listed, indent=2, sort_keys=True).encode())

    def _lock(self, label: str, name: str) -> AbstractContextManager[None]:
        return self.alone(label, self.root / LOCKS / LOCK_NAME.format(name))


def _difference(found: str, file: ReleaseFile) -> str:
    return f"its blake2b is {found[:12]}… and the release states {file.file_hash[:12]}…"


def _manifest_problem(path: Path, version: str) -> str | None:
    """Return why a file is not the manifest of a version; None where it is."""
    try:
        read_release(path, version, path.parent)
    except BadUpstreamData as error:
        return error.found
    return None


def _link(path: Path, target: Path) -> None:
    """Put a link in the place of a file, as AllenSDK does for what a release left alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target.resolve())
