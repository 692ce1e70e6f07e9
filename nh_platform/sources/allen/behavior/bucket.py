"""The public bucket of Visual Behavior Neuropixels: what it lists, and an opener for each of its objects.

Add here a further question to the bucket. Where files go is `downloads` beside this; what a manifest states is
`cloud_cache`.

boto3 itself, and not AllenSDK's cache: that has boto3's timeouts and five tries (5 minutes for a silent server), keeps
what a broken connection left of a file under the file's name, and takes it for whole from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from nh_platform.downloads.deadlines import within
from nh_platform.downloads.remote_bytes import S3Opener, Timeouts
from nh_platform.downloads.s3_client import s3_client
from nh_platform.session import BadUpstreamData
from nh_platform.sources.allen.behavior.cloud_cache import PROJECT, ReleaseFile, version_of

T = TypeVar("T")

REGION = "us-west-2"
"""Where the Allen Institute's bucket is, as the addresses in its manifests say."""

LIST_WAIT_S = 120.0
"""Longest wait for a listing when somebody waits for the catalogue; 1,100 objects are two answers."""

LIST_TRIES = 3
MANIFESTS = f"{PROJECT}/manifests/"


@dataclass(frozen=True)
class Bucket:
    """A bucket that serves releases.

    Parameters
    ----------
    name
        Its name.
    endpoint
        Address of the S3 server where it is not Amazon's.
    timeouts
        Longest waits for a connection and for the next bytes.
    """

    name: str
    endpoint: str | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)

    def manifests(self, wait_s: float = LIST_WAIT_S) -> list[str]:
        """Return the file names of the release manifests, sorted; downloads nothing.

        Raises
        ------
        BadUpstreamData
            If the bucket cannot be listed, or not within ``wait_s``.
        """

        def ask() -> list[str]:
            keys = [row["Key"] for row in self._pages("list_objects_v2", "Contents", MANIFESTS)]
            return sorted(key.removeprefix(MANIFESTS) for key in keys if version_of(key.removeprefix(MANIFESTS)))

        return self._asked(ask, wait_s)

    def sizes(self, folder: str) -> dict[tuple[str, str], int]:
        """Return the bytes of every object below a folder of the project, by path below the project and version.

        Raises
        ------
        BadUpstreamData
            As of `manifests`.
        """

        def ask() -> dict[tuple[str, str], int]:
            rows = self._pages("list_object_versions", "Versions", f"{PROJECT}/{folder}/")
            return {(row["Key"].removeprefix(f"{PROJECT}/"), row["VersionId"]): int(row["Size"]) for row in rows}

        return self._asked(ask, LIST_WAIT_S)

    def opener(self, path: str, version: str | None = None) -> S3Opener:
        """Return an opener for a path below the project, of exactly one version of it where one is named."""
        return S3Opener(self._client(), self.name, f"{PROJECT}/{path}", version)

    def link(self, file: ReleaseFile) -> str:
        """Return the address of exactly this version of a file, for any HTTP client."""
        address = file.url if self.endpoint is None else f"{self.endpoint}/{self.name}/{PROJECT}/{file.path}"
        return f"{address}?versionId={file.version_id}"

    def _pages(self, operation: str, part: str, prefix: str) -> Iterator[dict[str, Any]]:
        for page in self._client(tries=LIST_TRIES).get_paginator(operation).paginate(Bucket=self.name, Prefix=prefix):
            yield from page.get(part, ())

    def _asked(self, ask: Callable[[], T], wait_s: float) -> T:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return within(wait_s, ask, f"bucket {self.name}")
        except (BotoCoreError, ClientError) as error:
            raise BadUpstreamData(
                f"bucket {self.name}",
                f"it cannot be read: {error}",
                "Check the network and the settings bucket and endpoint.",
            ) from error

    def _client(self, tries: int = 1) -> Any:
        return s3_client(self.timeouts, unsigned=True, tries=tries, endpoint=self.endpoint, region_name=REGION)
