"""Fetching releases and files of Visual Behavior Neuropixels into a folder, through AllenSDK's own cache.

Contains when something is fetched and what is checked afterwards. Add here what concerns the transfer. What AllenSDK is
called with is `nh_platform.sources.allen.sdk`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from nh_platform.sources.allen import sdk
from nh_platform.sources.allen.file_content import content_hash
from nh_platform.sources.allen.releases import LATEST, Release, manifest_name, version_of, version_order

LOCK_NAME = "nh_platform.json.lock"
"""AllenSDK rewrites its lists of downloads in place, so that only one process may use it on a folder at a time. It
takes every file without ``json`` in its name for data, hence the name."""


@dataclass(frozen=True)
class BucketFolder:
    """A folder that AllenSDK fills from a bucket.

    Parameters
    ----------
    root
        The folder, AllenSDK's ``cache_dir``.
    bucket, endpoint
        Name of the bucket, and address of the S3 server where it is not Amazon's.
    """

    root: Path
    bucket: str
    endpoint: str | None

    def manifests(self) -> list[str]:
        """Return the file names of the manifests in the bucket; downloads nothing."""
        with self._lock():
            return sdk.list_bucket_manifests(self.root, self.bucket, self.endpoint)

    def releases(self) -> list[str]:
        """Return the versions in the bucket, oldest first."""
        versions = [version for version in map(version_of, self.manifests()) if version]
        return sorted(versions, key=version_order)

    def fetch_release(self, version: str) -> str:
        """Fetch the manifest and the tables of a release (``latest``: the newest), and return its version."""
        name = None if version == LATEST else manifest_name(version)
        with self._lock():
            cache = sdk.behavior_cache(self.root, self.bucket, self.endpoint, name)
        return version_of(cache.current_manifest()) or version

    def fetch_file(self, release: Release, path: Path, file_id: str, file_hash: str, cache_dir: Path | None) -> None:
        """Fetch a data file unless it is there with the hash of the release; a damaged one is fetched once more.

        AllenSDK takes any file that is there for a complete one, also what a killed process left of it.
        """
        if _is_whole(path, file_hash, cache_dir):
            return
        with self._lock():
            if _is_whole(path, file_hash, cache_dir):  # another process fetched it meanwhile
                return
            path.unlink(missing_ok=True)
            cache = sdk.behavior_cache(self.root, self.bucket, self.endpoint, manifest_name(release.version))
            sdk.download_behavior_file(cache, self.bucket, file_id)

    def _lock(self) -> FileLock:
        self.root.mkdir(parents=True, exist_ok=True)
        return FileLock(self.root / LOCK_NAME)


def _is_whole(path: Path, file_hash: str, cache_dir: Path | None) -> bool:
    return path.is_file() and content_hash(path, "blake2b", cache_dir) == file_hash
