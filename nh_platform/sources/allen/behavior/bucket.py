"""The public bucket of Visual Behavior Neuropixels: its releases, and an opener for each of their files.

Add here a further question to the bucket. What any bucket is asked is `nh_platform.sources.allen.public_bucket`; where
files go is `downloads` beside this; what a manifest states is `cloud_cache`.
"""

from __future__ import annotations

from nh_platform.downloads.s3_objects import S3Opener
from nh_platform.sources.allen.behavior.cloud_cache import PROJECT, ReleaseFile, version_of
from nh_platform.sources.allen.public_bucket import LIST_WAIT_S, PublicBucket

MANIFESTS = f"{PROJECT}/manifests/"


class Bucket(PublicBucket):
    """A bucket that serves releases."""

    def manifests(self, wait_s: float = LIST_WAIT_S) -> list[str]:
        """Return the file names of the release manifests, sorted; downloads nothing.

        Raises
        ------
        BadUpstreamData
            If the bucket cannot be listed, or not within ``wait_s``.
        """
        rows = self.listed("list_objects_v2", "Contents", MANIFESTS, wait_s)
        names = (row["Key"].removeprefix(MANIFESTS) for row in rows)
        return sorted(name for name in names if version_of(name))

    def sizes(self, folder: str) -> dict[tuple[str, str], int]:
        """Return the bytes of every object below a folder of the project, by path below the project and version.

        Raises
        ------
        BadUpstreamData
            As of `manifests`.
        """
        rows = self.listed("list_object_versions", "Versions", f"{PROJECT}/{folder}/")
        return {(row["Key"].removeprefix(f"{PROJECT}/"), row["VersionId"]): int(row["Size"]) for row in rows}

    def file_opener(self, path: str, version: str | None = None) -> S3Opener:
        """Return an opener for a path below the project, of exactly one version of it where one is named."""
        return self.opener(f"{PROJECT}/{path}", version)

    def file_link(self, file: ReleaseFile) -> str:
        """Return the address of exactly this version of a file, for any HTTP client."""
        address = file.url if self.endpoint is None else self.link(f"{PROJECT}/{file.path}")
        return f"{address}?versionId={file.version_id}"
